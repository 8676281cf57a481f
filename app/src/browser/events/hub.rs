//! What keeps the one connection: who follows what, when to connect, when to
//! try again, and handing messages out once per frame.
//!
//! There is one hub per tab and a tab has one thread, so it lives in a thread
//! local; on the server nothing ever follows. Callbacks never run while the
//! hub is borrowed: they may follow and unfollow.

use super::{
    Connection, message,
    progress::{Admitted, Progress},
    source::{Said, Source},
};
use crate::browser::{
    listener::Listener,
    timer::{Frame, Timeout},
};
use leptos::{prelude::*, task::spawn_local};
use model::{Cursor, RunId, StreamMessage};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// A hidden tab's connection is closed after this long: another may need it.
const HIDDEN_MILLISECONDS: u32 = 30_000;
/// Hidden tabs get no frames: messages are handed out this often instead.
const HIDDEN_FLUSH_MILLISECONDS: u32 = 500;
/// The server says every 15 s that it is there: after this long without a word the connection is
/// dead, whatever the browser thinks of it.
const SILENCE_MILLISECONDS: f64 = 40_000.0;
/// How long the server has to say whether we are signed in.
const ASK_MILLISECONDS: i32 = 3_000;
/// How often the silence is measured.
const WATCH_MILLISECONDS: u32 = 10_000;
/// Between two tries, the last one for ever.
const RETRY_SECONDS: [u32; 6] = [1, 2, 4, 8, 15, 30];

type Take = Rc<RefCell<dyn FnMut(Vec<StreamMessage>)>>;

struct Follower {
    id: u64,
    run: RunId,
    progress: Progress,
    take: Take,
    waiting: Vec<StreamMessage>,
}

enum Flush {
    Frame { _frame: Frame },
    Timeout { _timeout: Timeout },
}

#[derive(Default)]
struct Hub {
    followers: Vec<Follower>,
    last_id: u64,
    /// Counts connections, so that what a closed one still says is not heard.
    connection_number: u64,
    connection: Option<RwSignal<Connection>>,
    source: Option<Source>,
    flush: Option<Flush>,
    timer: Option<Timeout>,
    /// When the connection last said anything, by this machine's clock.
    heard_at: f64,
    watch: Option<Timeout>,
    /// Whether the server said that it stops.
    stopped: bool,
    hidden: Option<Timeout>,
    tries: usize,
    listeners: Vec<Listener>,
}

thread_local! {
    static HUB: RefCell<Hub> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut Hub) -> T) -> T {
    HUB.with_borrow_mut(act)
}

pub(super) fn follow(
    connection: RwSignal<Connection>,
    run: RunId,
    from: Cursor,
    take: Box<dyn FnMut(Vec<StreamMessage>)>,
) -> u64 {
    let id = with(|hub| {
        hub.connection = Some(connection);
        hub.last_id += 1;
        let take = Rc::new(RefCell::new(take));
        let (id, progress) = (hub.last_id, Progress::from(from));
        hub.followers.push(Follower {
            id,
            run,
            progress,
            take,
            waiting: Vec::new(),
        });
        if hub.listeners.is_empty() {
            hub.listeners = page_listeners();
        }
        id
    });
    reconnect_soon();
    id
}

pub(super) fn unfollow(id: u64) {
    // A page that goes away with the thread's last values has no hub any more.
    let _ = HUB.try_with(|hub| {
        let dropped = hub.try_borrow_mut().ok().and_then(|mut hub| {
            let place = hub.followers.iter().position(|follower| follower.id == id)?;
            Some(hub.followers.remove(place))
        });
        if dropped.is_some() {
            reconnect_soon();
        }
    });
}

fn page_listeners() -> Vec<Listener> {
    vec![
        Listener::on(&document(), "visibilitychange", |_| visibility_changed()),
        // What stood before the network went may look alive and be dead.
        Listener::on(&window(), "online", |_| {
            if with(|hub| hub.source.is_some() || hub.timer.is_some()) {
                connect();
            }
        }),
        // A server on this machine is reached all the same, so it is asked.
        Listener::on(&window(), "offline", |_| {
            let number = with(|hub| hub.connection_number);
            spawn_local(async move {
                let gone = session_status().await.is_none();
                if gone && with(|hub| hub.connection_number == number && hub.source.is_some()) {
                    broken();
                }
            });
        }),
        Listener::on(&window(), "pageshow", |event| {
            let kept = event
                .dyn_ref::<web_sys::PageTransitionEvent>()
                .is_some_and(web_sys::PageTransitionEvent::persisted);
            if kept {
                connect();
            }
        }),
    ]
}

fn visibility_changed() {
    if document().hidden() {
        let close = Timeout::after(HIDDEN_MILLISECONDS, || {
            with(|hub| {
                hub.source = None;
                hub.timer = None;
            });
        });
        with(|hub| hub.hidden = Some(close));
    } else if with(|hub| {
        hub.hidden = None;
        hub.source.is_none()
    }) {
        connect();
    }
}

fn say(connection: Connection) {
    if let Some(signal) = with(|hub| hub.connection) {
        let _ = signal.try_maybe_update(|now| (std::mem::replace(now, connection) != connection, ()));
    }
}

/// Tries again at once, when a try is waited for.
pub(super) fn try_now() {
    if with(|hub| hub.source.is_none() && hub.timer.is_some()) {
        count_down(0);
    }
}

/// Connects after whatever else the page is about to follow or leave.
fn reconnect_soon() {
    let timer = Timeout::after(0, connect);
    with(|hub| {
        hub.tries = 0;
        hub.timer = Some(timer);
    });
}

/// Connects anew, for every run that is followed and has not ended.
fn connect() {
    let address = with(|hub| {
        hub.timer = None;
        hub.source = None;
        hub.connection_number += 1;
        let mut cursors: BTreeMap<&RunId, Cursor> = BTreeMap::new();
        for follower in hub.followers.iter().filter(|follower| !follower.progress.ended()) {
            let own = follower.progress.cursor();
            cursors
                .entry(&follower.run)
                .and_modify(|cursor| {
                    cursor.offset = cursor.offset.min(own.offset);
                    cursor.seq = cursor.seq.min(own.seq);
                })
                .or_insert(own);
        }
        (!cursors.is_empty()).then(|| format!("/api/events?runs={}", Cursor::write(cursors)))
    });
    let Some(address) = address else {
        say(Connection::Idle);
        return;
    };
    if with(|hub| hub.tries == 0) {
        say(Connection::Connecting);
    }
    let number = with(|hub| hub.connection_number);
    let source = Source::open(&address, move |said| {
        if with(|hub| hub.connection_number) == number {
            heard(said);
        }
    });
    with(|hub| {
        hub.source = source;
        hub.heard_at = js_sys::Date::now();
    });
    watch();
}

/// Notices a connection that says nothing any more.
fn watch() {
    let timer = Timeout::after(WATCH_MILLISECONDS, || {
        let (stands, silent) = with(|hub| {
            let silent = js_sys::Date::now() - hub.heard_at > SILENCE_MILLISECONDS;
            (hub.source.is_some(), silent)
        });
        match (stands, silent) {
            (true, true) => broken(),
            (true, false) => watch(),
            (false, _) => {}
        }
    });
    with(|hub| hub.watch = Some(timer));
}

fn heard(said: Said) {
    with(|hub| hub.heard_at = js_sys::Date::now());
    match said {
        Said::Open => {
            with(|hub| {
                hub.tries = 0;
                hub.stopped = false;
            });
            say(Connection::Live);
        }
        Said::Alive => {}
        Said::Message(kind, data) => match message::read(kind, &data) {
            Ok(StreamMessage::Bye { reason }) => {
                if reason == "not_a_member" {
                    // What is on the screen is another team's now: the server says what is left.
                    let _ = window().location().reload();
                    return;
                }
                with(|hub| hub.stopped = reason == "shutdown");
                broken();
            }
            Ok(message) => take(message),
            // A server newer than this page: what it says is shown after a reload.
            Err(error) => leptos::logging::warn!("A message of the event stream could not be read: {error}"),
        },
        Said::Broken => broken(),
    }
}

/// Gives a message to its followers.
fn take(message: StreamMessage) {
    let run = match &message {
        StreamMessage::Run { run } => run.id.clone(),
        StreamMessage::Events { run, .. }
        | StreamMessage::Log { run, .. }
        | StreamMessage::End { run, .. } => run.clone(),
        StreamMessage::Bye { .. } => return,
    };
    let (hole, ended) = with(|hub| {
        let mut hole = false;
        for follower in hub.followers.iter_mut().filter(|follower| follower.run == run) {
            match follower.progress.admit(message.clone()) {
                Admitted::New(message) => follower.waiting.push(message),
                Admitted::Old => {}
                Admitted::Hole => hole = true,
            }
        }
        if hub.flush.is_none() {
            hub.flush = Some(if document().hidden() {
                Flush::Timeout {
                    _timeout: Timeout::after(HIDDEN_FLUSH_MILLISECONDS, hand_out),
                }
            } else {
                Flush::Frame {
                    _frame: Frame::next(hand_out),
                }
            });
        }
        (
            hole,
            hub.followers.iter().all(|follower| follower.progress.ended()),
        )
    });
    if hole {
        reconnect_soon();
    } else if ended {
        // Nothing more will come; the server closes, which is no error.
        with(|hub| hub.source = None);
        say(Connection::Idle);
    }
}

fn hand_out() {
    let batches: Vec<(Take, Vec<StreamMessage>)> = with(|hub| {
        hub.flush = None;
        hub.followers
            .iter_mut()
            .filter(|follower| !follower.waiting.is_empty())
            .map(|follower| (follower.take.clone(), std::mem::take(&mut follower.waiting)))
            .collect()
    });
    for (take, messages) in batches {
        if let Ok(mut take) = take.try_borrow_mut() {
            take(messages);
        }
    }
}

/// The connection is gone: asks whether we are signed in still, and tries again.
fn broken() {
    let number = with(|hub| {
        hub.source = None;
        hub.connection_number += 1;
        hub.connection_number
    });
    spawn_local(async move {
        let signed_out = session_status().await == Some(401);
        if with(|hub| hub.connection_number) != number {
            return;
        }
        if signed_out {
            say(Connection::SignedOut);
        } else {
            let tries = with(|hub| {
                hub.tries += 1;
                hub.tries - 1
            });
            count_down(RETRY_SECONDS[tries.min(RETRY_SECONDS.len() - 1)]);
        }
    });
}

fn count_down(seconds: u32) {
    let stopped = with(|hub| hub.stopped);
    say(Connection::Retrying { seconds, stopped });
    if seconds == 0 {
        connect();
        return;
    }
    let timer = Timeout::after(1000, move || count_down(seconds - 1));
    with(|hub| hub.timer = Some(timer));
}

/// The status of `GET /api/session`; none when the server does not answer, or not soon.
async fn session_status() -> Option<u16> {
    let late = js_sys::Promise::new(&mut |resolve, _| {
        // A window always has timers.
        let set = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ASK_MILLISECONDS);
        drop(set);
    });
    let asked = js_sys::Array::of2(&window().fetch_with_str("/api/session"), &late);
    let response = JsFuture::from(js_sys::Promise::race(&asked)).await.ok()?;
    Some(response.dyn_into::<web_sys::Response>().ok()?.status())
}
