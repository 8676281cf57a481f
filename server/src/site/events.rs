//! `GET /api/events`: one stream of server-sent events per browser tab, for
//! all the runs it shows. `id:` is the cursor of every run of the stream after
//! that event, so that a reader that comes again misses and repeats nothing.

use super::{
    Site,
    credential::Admission,
    permission::{Can, Read},
    pressure::{Client, Inside, stream_of},
    refusal::Refusal,
};
use axum::{
    extract::{Query, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{
    Stream, StreamExt, stream,
    stream::{BoxStream, SelectAll},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use model::{Cursor, RunId, StreamMessage};
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};

/// How often a comment is sent when nothing happens, and who reads it looked at.
const HEARTBEAT: Duration = if cfg!(test) {
    Duration::from_millis(100)
} else {
    Duration::from_secs(15)
};
/// How long browsers wait before they connect again.
const RETRY: Duration = Duration::from_secs(1);

/// What to follow.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    runs: String,
}

/// The handler.
pub async fn follow(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let inside = stream_of(&site, &can.user)?;
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    let cursors = Cursor::read(last.unwrap_or(&wanted.runs))?;
    let reader = Reader::new(site, can.admission(), cursors, inside).await?;
    Ok(respond(reader))
}

/// The answer that a reader's events are.
pub fn respond(reader: Reader) -> Response {
    let mut response = Sse::new(reader.events())
        // An event, not a comment: a page hears it, and so notices a connection that is dead.
        .keep_alive(
            KeepAlive::new()
                .interval(HEARTBEAT)
                .event(Event::default().event("alive").data("{}")),
        )
        .into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

fn pull(follower: runs::Follower) -> BoxStream<'static, Vec<StreamMessage>> {
    stream::unfold(follower, |mut follower| async move {
        let messages = follower.next().await?;
        Some((messages, follower))
    })
    .boxed()
}

fn every_heartbeat() -> tokio::time::Interval {
    tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT)
}

/// One tab's stream, or one program's.
pub struct Reader {
    site: Site,
    admission: Admission,
    cursors: Vec<(RunId, Cursor)>,
    messages: SelectAll<BoxStream<'static, Vec<StreamMessage>>>,
    checks: tokio::time::Interval,
    is_over: bool,
    /// Whether it ends when every run has.
    ends: bool,
    /// It counts as one of its person's as long as it is there.
    _inside: Inside<Client>,
}

impl Reader {
    /// A reader of these runs of the team, from these cursors on.
    pub async fn new(
        site: Site,
        admission: Admission,
        cursors: Vec<(RunId, Cursor)>,
        inside: Inside<Client>,
    ) -> Result<Self, Refusal> {
        let mut messages = SelectAll::new();
        for (run, cursor) in &cursors {
            site.services.store.run_in(&admission.team, run).await?;
            let follower = site.services.runs.follow(run, *cursor).await?;
            messages.push(pull(follower));
        }
        Ok(Self {
            site,
            admission,
            cursors,
            messages,
            checks: every_heartbeat(),
            is_over: false,
            ends: false,
            _inside: inside,
        })
    }

    /// The same, but over when every run has ended.
    pub fn that_ends(mut self) -> Self {
        self.ends = true;
        self
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        let hello = Event::default().retry(RETRY).comment("connected");
        let batches = stream::unfold(self, |mut reader| async move {
            let events = reader.next().await?;
            Some((stream::iter(events), reader))
        });
        stream::iter([hello]).chain(batches.flatten()).map(Ok)
    }

    /// Waits for what comes next. Nothing is read from the runs before the
    /// connection took what came before: a slow reader is slow alone.
    async fn next(&mut self) -> Option<Vec<Event>> {
        if self.is_over {
            return None;
        }
        loop {
            tokio::select! {
                biased;
                () = self.site.shutdown.cancelled() => return Some(self.bye("shutdown")),
                _ = self.checks.tick() => if let Some(reason) = self.admission.end(&self.site).await {
                    return Some(self.bye(reason));
                },
                // When every run has ended, the stream stays open and silent:
                // closed, the browser would connect again and again.
                messages = self.messages.next(), if !self.messages.is_empty() || self.ends => {
                    let Some(messages) = messages else {
                        if self.ends {
                            return None;
                        }
                        continue;
                    };
                    return Some(messages.iter().map(|message| self.event(message)).collect());
                }
            }
        }
    }

    fn bye(&mut self, reason: &str) -> Vec<Event> {
        self.is_over = true;
        vec![self.event(&StreamMessage::Bye {
            reason: reason.to_owned(),
        })]
    }

    fn event(&mut self, message: &StreamMessage) -> Event {
        let name = match message {
            StreamMessage::Run { .. } => "run",
            StreamMessage::Events { run, events } => {
                if let (Some(cursor), Some(last)) = (self.cursor(run), events.last()) {
                    cursor.seq = cursor.seq.max(last.seq);
                }
                "events"
            }
            StreamMessage::Log { run, frames } => {
                if let (Some(cursor), Some(last)) = (self.cursor(run), frames.last()) {
                    cursor.offset = cursor.offset.max(last.end());
                }
                "log"
            }
            StreamMessage::End { .. } => "end",
            StreamMessage::Bye { .. } => "bye",
        };
        let id = Cursor::write(self.cursors.iter().map(|(run, cursor)| (run, *cursor)));
        let event = Event::default()
            .event(name)
            .data(serde_json::to_string(message).unwrap_or_default());
        if id.is_empty() { event } else { event.id(id) }
    }

    fn cursor(&mut self, run: &RunId) -> Option<&mut Cursor> {
        self.cursors
            .iter_mut()
            .find(|(id, _)| id == run)
            .map(|(_, cursor)| cursor)
    }
}
