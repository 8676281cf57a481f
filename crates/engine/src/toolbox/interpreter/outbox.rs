//! What a client is still to be told about its cell.
//!
//! The cell's task fills it and the client's task empties it. A client that is
//! slow holds its cell up for a while, and is then left behind; one that is
//! gone misses the rest. Either way the cell goes on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use daytona::{InterpreterMessage, InterpreterMessageKind};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Messages between the two tasks.
const CAPACITY: usize = 64;
/// How long a client may take none of them.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 10_000 });

/// One step of the conversation with a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A message.
    Say(InterpreterMessage),
    /// The end, with the WebSocket's code and reason.
    Close(u16, String),
}

/// The cell's end.
#[derive(Debug)]
pub(super) struct Outbox {
    steps: mpsc::Sender<Step>,
    waiting: VecDeque<Step>,
    since: Option<Instant>,
    left_behind: Arc<AtomicBool>,
}

/// The client's end.
#[derive(Debug)]
pub(super) struct Inbox {
    steps: mpsc::Receiver<Step>,
    left_behind: Arc<AtomicBool>,
}

pub(super) fn pair() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let left_behind = Arc::new(AtomicBool::new(false));
    let outbox = Outbox {
        steps: sender,
        waiting: VecDeque::new(),
        since: None,
        left_behind: Arc::clone(&left_behind),
    };
    let inbox = Inbox {
        steps: receiver,
        left_behind,
    };
    (outbox, inbox)
}

impl Outbox {
    /// Puts texts of a stream in.
    pub(super) fn say(&mut self, kind: InterpreterMessageKind, texts: Vec<String>) {
        self.waiting.extend(texts.into_iter().map(|text| {
            Step::Say(InterpreterMessage {
                kind,
                text,
                ..InterpreterMessage::default()
            })
        }));
    }

    pub(super) fn push(&mut self, step: Step) {
        self.waiting.push_back(step);
    }

    /// Whether there is nothing to hand on.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands on one step, or gives up on the client. Safe to be called again
    /// when it was not waited for.
    pub(super) async fn hand_on(&mut self) {
        let deadline = *self.since.get_or_insert_with(Instant::now) + PATIENCE;
        if let Ok(reserved) = tokio::time::timeout_at(deadline, self.steps.reserve()).await {
            self.since = None;
            match (reserved, self.waiting.pop_front()) {
                (Ok(place), Some(step)) => place.send(step),
                _ => self.waiting.clear(),
            }
            return;
        }
        self.left_behind.store(true, Ordering::Relaxed);
        self.waiting.clear();
        // Its client reads what was handed on, and then the end.
        self.steps = mpsc::channel(1).0;
    }

    /// Hands on all that is left, and the end.
    pub(super) async fn close(mut self, code: u16, reason: impl Into<String>) {
        self.push(Step::Close(code, reason.into()));
        while !self.is_empty() {
            self.hand_on().await;
        }
    }
}

impl Inbox {
    /// The next step; `None` when the cell's task has nothing more to say.
    pub(super) async fn next(&mut self) -> Option<Step> {
        self.steps.recv().await
    }

    /// Whether the cell went on without this client.
    pub(super) fn is_left_behind(&self) -> bool {
        self.left_behind.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_client_is_left_behind_and_a_gone_one_holds_nothing_up() {
        let (mut outbox, mut inbox) = pair();
        let many = || vec!["x".to_owned(); 2 * CAPACITY];
        outbox.say(InterpreterMessageKind::Stdout, many());
        while !outbox.is_empty() {
            outbox.hand_on().await;
        }
        assert!(inbox.is_left_behind());
        let mut got = 0;
        while inbox.next().await.is_some() {
            got += 1;
        }
        assert_eq!(got, CAPACITY);

        let (mut outbox, inbox) = pair();
        drop(inbox);
        outbox.say(InterpreterMessageKind::Stdout, many());
        outbox.close(1000, "").await;
    }

    #[tokio::test]
    async fn all_is_told_in_order() {
        let (mut outbox, mut inbox) = pair();
        outbox.say(InterpreterMessageKind::Stderr, vec!["a".into(), "b".into()]);
        let telling = tokio::spawn(outbox.close(4008, "late"));
        for text in ["a", "b"] {
            let Some(Step::Say(message)) = inbox.next().await else {
                panic!("no message")
            };
            assert_eq!(
                (message.kind, message.text.as_str()),
                (InterpreterMessageKind::Stderr, text)
            );
        }
        assert_eq!(inbox.next().await, Some(Step::Close(4008, "late".into())));
        assert_eq!(inbox.next().await, None);
        telling.await.unwrap();
    }
}
