//! How much a request may carry, and how long it may take to send it. What is
//! too much is read to its end and thrown away, because a browser shows an
//! answer only after it could send all.

use super::{
    super::{Site, refusal::Refusal},
    client,
    room::NoRoom,
};
use app::session::SignedIn;
use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use http::header;
use model::{file::MAX_FILE_BYTES, time::byte_words};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Requests that carry a file: as JSON a file of control characters takes six
/// times its size, and a file that is over the limit should be told its own
/// size, which the store does.
const WITH_A_FILE: u64 = 64_000_000;
/// All other requests.
const USUAL: u64 = 2_000_000;
/// Requests of somebody who is not signed in.
const OF_A_STRANGER: u64 = 64_000;
/// Past this nothing is read any more: the connection is closed.
const READ_AT_MOST: u64 = 256_000_000;
/// How long the usual request may take to come.
const USUAL_TIME: Duration = Duration::from_secs(30);
/// How long a request with a file may take to come: a slow line's 64 MB.
const FILE_TIME: Duration = Duration::from_secs(600);
/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(30);
/// When a client for which there is no room may come again, in seconds.
const NO_ROOM_WAIT: u64 = 5;

/// The most that a request may carry, in bytes, and the time it has.
fn bounds(request: &Request) -> (u64, Duration) {
    let path = request.uri().path();
    let is_file = matches!(path, "/fn/save_file" | "/fn/upload_file")
        || path.starts_with("/api/agents/")
        || path.starts_with("/api/v1/agents")
        || path.starts_with("/api/v1/sandboxes/");
    match request.extensions().get::<SignedIn>() {
        Some(_) if is_file => (WITH_A_FILE, FILE_TIME),
        Some(_) => (USUAL, USUAL_TIME),
        _ => (OF_A_STRANGER, USUAL_TIME),
    }
}

/// Refuses what is too large, too slow, or for what there is no room, before it is in memory.
pub async fn check(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (limit, time) = bounds(&request);
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_without = request.body().is_end_stream();
    match declared {
        Some(bytes) if bytes > limit => {
            discard(request.into_body(), bytes).await;
            too_large(limit, Some(bytes))
        }
        _ if is_without => next.run(request).await,
        declared => {
            // A body that does not say its length may have all that is allowed.
            let _reserved = match site
                .pressure
                .room
                .reserve(&client(&site, &request), declared.unwrap_or(limit))
            {
                Ok(reserved) => reserved,
                Err(no_room) => return no_room_for_it(no_room),
            };
            let broken = Arc::new(AtomicU8::new(FINE));
            let watched = Arc::clone(&broken);
            let request = request.map(|body| Body::from_stream(bounded(body, limit, time, SILENCE, watched)));
            let response = next.run(request).await;
            match broken.load(Ordering::Acquire) {
                TOO_LARGE => too_large(limit, None),
                TOO_SLOW => Refusal::too_slow(
                    "What was sent took too long to come, so it was given up. Try again, on a faster connection if there is one.",
                )
                .into_response(),
                _ => response,
            }
        }
    }
}

const FINE: u8 = 0;
const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;

/// The pieces of a body until it has more than `limit` bytes, takes longer than `time`, or is silent
/// for `silence`. Then it breaks, and `broken` says why.
fn bounded(
    body: Body,
    limit: u64,
    time: Duration,
    silence: Duration,
    broken: Arc<AtomicU8>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let until = Instant::now() + time;
    let state = (body.into_data_stream(), limit, broken);
    stream::unfold(Some(state), move |state| async move {
        let (mut pieces, left, broken): (BodyDataStream, u64, Arc<AtomicU8>) = state?;
        let silent = Instant::now() + silence;
        let breaks = |why| {
            broken.store(why, Ordering::Release);
            Some((Err(axum::Error::new("the body broke its bounds")), None))
        };
        match tokio::time::timeout_at(until.min(silent), pieces.next()).await {
            Err(_) => breaks(TOO_SLOW),
            Ok(Some(Ok(piece))) => match left.checked_sub(piece.len() as u64) {
                Some(left) => Some((Ok(piece), Some((pieces, left, broken)))),
                None => breaks(TOO_LARGE),
            },
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
        }
    })
}

fn too_large(limit: u64, sent: Option<u64>) -> Response {
    let what = if limit == WITH_A_FILE {
        format!("a file may have {} at most", byte_words(MAX_FILE_BYTES))
    } else {
        format!("{} is the limit", byte_words(limit))
    };
    let sent = sent.map_or_else(|| "too much".to_owned(), byte_words);
    Refusal::too_large(format!("What was sent is {sent}, and {what}.")).into_response()
}

/// Why a request cannot be held in memory now.
pub fn no_room_for_it(no_room: NoRoom) -> Response {
    match no_room {
        NoRoom::Yours => Refusal::too_many(
            "You send and fetch as much at once as one client may. Wait until some of it is done.".to_owned(),
            NO_ROOM_WAIT,
        ),
        NoRoom::Anybodys => Refusal::busy(
            "More is being sent than fits into memory. Try again in a few seconds.".to_owned(),
            NO_ROOM_WAIT,
        ),
    }
    .into_response()
}

async fn discard(body: Body, bytes: u64) {
    if bytes > READ_AT_MOST {
        return;
    }
    let mut pieces = body.into_data_stream();
    let _ = tokio::time::timeout(Duration::from_secs(20), async {
        while let Some(Ok(_)) = pieces.next().await {}
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(200);

    /// Why reading a body broke.
    async fn read(body: Body, limit: u64, time: Duration, silence: Duration) -> u8 {
        let broken = Arc::new(AtomicU8::new(FINE));
        let pieces: Vec<_> = bounded(body, limit, time, silence, Arc::clone(&broken))
            .collect()
            .await;
        let why = broken.load(Ordering::Acquire);
        assert_eq!(why != FINE, pieces.last().is_some_and(Result::is_err));
        why
    }

    fn dripping(every: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(every).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        }))
    }

    #[tokio::test]
    async fn a_body_that_dawdles_or_has_no_end_is_given_up() {
        let drops = Duration::from_millis(10);
        assert_eq!(read(dripping(drops), 1 << 30, SHORT, LONG).await, TOO_SLOW);
        assert_eq!(read(dripping(LONG), 1 << 30, LONG, SHORT).await, TOO_SLOW);
        assert_eq!(read(dripping(drops), 5, LONG, LONG).await, TOO_LARGE);
        assert_eq!(read(Body::from("12345"), 5, LONG, LONG).await, FINE);
    }
}
