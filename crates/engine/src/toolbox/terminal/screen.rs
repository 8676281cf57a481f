//! What a terminal printed last, and who reads it.
//!
//! Every follower has a place of its own in what is kept. One that falls behind
//! holds the terminal up for a while, as a slow line always did; one that stays
//! behind is given up, so that it holds up nobody for ever. Memory is bounded
//! whatever the program and the followers do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

/// The most bytes kept, and with it the farthest a follower may be behind.
const KEPT: usize = 1 << 20;
/// What somebody who comes later is shown of what was before: some screens.
const SHOWN: usize = 64 << 10;
/// The most bytes given at once: some clients refuse messages of megabytes.
const PIECE: usize = 64 << 10;
/// The output of one terminal.
#[derive(Debug)]
pub(super) struct Screen {
    state: Mutex<State>,
    /// Changes when there is more, or no more.
    grown: watch::Sender<()>,
    /// A follower moved or left.
    moved: Notify,
    /// How long a follower may stay behind.
    patience: Duration,
}

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<u8>,
    /// How many bytes there were altogether.
    end: u64,
    followers: BTreeMap<u64, Place>,
    next: u64,
    closed: Option<Closed>,
}

/// Nothing more comes: the exit code, and since when.
#[derive(Clone, Copy, Debug)]
struct Closed {
    code: i32,
    at: Instant,
}

#[derive(Debug)]
struct Place {
    at: u64,
    /// Since when the terminal has waited for it.
    behind: Option<Instant>,
}

/// What a follower is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The next bytes.
    Output(Bytes),
    /// All was given, and the terminal's program ended with this code.
    End(i32),
    /// It was too slow; what comes next is lost for it.
    TooSlow,
}

impl State {
    fn start(&self) -> u64 {
        self.end - self.kept.len() as u64
    }

    /// Copies up to a piece from `at` on.
    fn copy(&self, at: u64) -> Bytes {
        let skipped = usize::try_from(at - self.start()).unwrap_or(self.kept.len());
        let length = (self.kept.len() - skipped).min(PIECE);
        let mut bytes = Vec::with_capacity(length);
        let (front, back) = self.kept.as_slices();
        bytes.extend(front.iter().skip(skipped).take(length));
        let skipped = skipped.saturating_sub(front.len());
        let length = length - bytes.len();
        bytes.extend(back.iter().skip(skipped).take(length));
        bytes.into()
    }

    /// Where somebody begins who comes now: at the first whole line of what is
    /// shown.
    fn entrance(&self) -> u64 {
        let Some(cut) = self.kept.len().checked_sub(SHOWN) else {
            return if self.start() == 0 { 0 } else { self.after_line(0) };
        };
        self.after_line(cut)
    }

    fn after_line(&self, from: usize) -> u64 {
        let line = self.kept.iter().skip(from).position(|byte| *byte == b'\n');
        self.start() + (from + line.map_or(0, |line| line + 1)) as u64
    }
}

impl Screen {
    /// One whose followers may stay behind for so long.
    pub(super) fn new(patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            grown: watch::Sender::new(()),
            moved: Notify::new(),
            patience,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what was printed, at most a piece, once there is room for it.
    pub(super) async fn append(&self, bytes: &[u8]) {
        while let Some(deadline) = self.make_room(bytes.len()) {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            // Between the look before and this line somebody may have moved.
            if self.make_room(bytes.len()).is_some() {
                let _ = timeout_at(deadline, moved).await;
            }
        }
        let mut state = self.state();
        let over = (state.kept.len() + bytes.len()).saturating_sub(KEPT);
        state.kept.drain(..over);
        state.kept.extend(bytes);
        state.end += bytes.len() as u64;
        drop(state);
        self.grown.send_replace(());
    }

    /// `None` when `length` more bytes can be kept, else until when to wait for
    /// those who are behind. Gives up the ones who stayed behind too long.
    fn make_room(&self, length: usize) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        let first_kept = (state.end + length as u64).saturating_sub(KEPT as u64);
        let mut deadline: Option<Instant> = None;
        let before = state.followers.len();
        state.followers.retain(|_, place| {
            if place.at >= first_kept {
                return true;
            }
            let until = *place.behind.get_or_insert(now) + self.patience;
            if until > now {
                deadline = Some(deadline.map_or(until, |earlier| earlier.min(until)));
            }
            until > now
        });
        if state.followers.len() < before {
            drop(state);
            self.grown.send_replace(());
        }
        deadline
    }

    /// Nothing more comes.
    pub(super) fn close(&self, code: i32) {
        let mut state = self.state();
        state.closed = Some(Closed {
            code,
            at: Instant::now(),
        });
        let over = state.kept.len().saturating_sub(SHOWN);
        // Those who still read need all of it.
        if state.followers.is_empty() {
            state.kept.drain(..over);
            state.kept.shrink_to_fit();
        }
        drop(state);
        self.grown.send_replace(());
    }

    /// How long nothing more has come; `None` while there may be more.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        self.state().closed.map(|closed| closed.at.elapsed())
    }

    /// Reads from the last screenful on.
    pub(super) fn follow(self: &Arc<Self>) -> Follower {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        let place = Place {
            at: state.entrance(),
            behind: None,
        };
        state.followers.insert(id, place);
        Follower {
            screen: Arc::clone(self),
            grown: self.grown.subscribe(),
            id,
        }
    }
}

/// One who reads.
#[derive(Debug)]
pub(super) struct Follower {
    screen: Arc<Screen>,
    grown: watch::Receiver<()>,
    id: u64,
}

impl Follower {
    /// The next piece; can be dropped and asked again.
    pub(super) async fn next(&mut self) -> Piece {
        loop {
            self.grown.mark_unchanged();
            if let Some(piece) = self.now() {
                return piece;
            }
            // The sender lives as long as the screen.
            let _ = self.grown.changed().await;
        }
    }

    fn now(&self) -> Option<Piece> {
        let mut state = self.screen.state();
        let Some(at) = state.followers.get(&self.id).map(|place| place.at) else {
            return Some(Piece::TooSlow);
        };
        if at == state.end {
            return state.closed.map(|closed| Piece::End(closed.code));
        }
        let bytes = state.copy(at);
        let end = state.end;
        if let Some(place) = state.followers.get_mut(&self.id) {
            place.at += bytes.len() as u64;
            if end - place.at < KEPT as u64 / 2 {
                place.behind = None;
            }
        }
        drop(state);
        self.screen.moved.notify_waiters();
        Some(Piece::Output(bytes))
    }

    /// Resolves when it was given up.
    pub(super) async fn given_up(&self) {
        let mut grown = self.grown.clone();
        loop {
            grown.mark_unchanged();
            if !self.screen.state().followers.contains_key(&self.id) {
                return;
            }
            let _ = grown.changed().await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.screen.state().followers.remove(&self.id);
        self.screen.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rest(follower: &mut Follower) -> Vec<u8> {
        let mut all = Vec::new();
        while let Piece::Output(bytes) = follower.next().await {
            all.extend_from_slice(&bytes);
        }
        all
    }

    #[tokio::test]
    async fn everyone_reads_all_and_who_comes_later_the_last_lines() {
        let screen = Screen::new(Duration::from_secs(60));
        let mut first = screen.follow();
        screen.append(b"one\n").await;
        let mut second = screen.follow();
        screen.append(b"two\n").await;
        screen.close(3);
        assert_eq!(
            first.next().await,
            Piece::Output(Bytes::from_static(b"one\ntwo\n"))
        );
        assert_eq!(first.next().await, Piece::End(3));
        assert_eq!(rest(&mut second).await, b"one\ntwo\n");
        assert_eq!(rest(&mut screen.follow()).await, b"one\ntwo\n");

        let long = Screen::new(Duration::from_secs(60));
        let line = [b'x'; 999];
        for _ in 0..3000 {
            long.append(&line).await;
            long.append(b"\n").await;
        }
        long.close(0);
        let shown = rest(&mut long.follow()).await;
        assert!(shown.starts_with(b"xxx") && shown.len() <= SHOWN && shown.len() > SHOWN - 1001);
        assert_eq!(shown.len() % 1000, 0, "whole lines");
    }

    #[tokio::test]
    async fn a_slow_follower_holds_up_for_a_while_and_is_given_up_then() {
        let patience = Duration::from_millis(200);
        let screen = Screen::new(patience);
        let mut slow = screen.follow();
        let full = vec![b'x'; KEPT];
        for piece in full.chunks(PIECE) {
            screen.append(piece).await;
        }
        let start = Instant::now();
        screen.append(b"more").await;
        assert!(start.elapsed() >= patience);
        slow.given_up().await;
        assert_eq!(slow.next().await, Piece::TooSlow);
    }

    #[tokio::test]
    async fn one_that_reads_on_is_not_given_up() {
        let screen = Screen::new(Duration::from_secs(60));
        let mut follower = screen.follow();
        let writing = async {
            for _ in 0..100 {
                screen.append(&[b'x'; PIECE]).await;
            }
            screen.close(0);
        };
        let reading = async {
            let mut total = 0;
            while let Piece::Output(bytes) = follower.next().await {
                total += bytes.len();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            total
        };
        let ((), total) = tokio::join!(writing, reading);
        assert_eq!(total, 100 * PIECE);
    }
}
