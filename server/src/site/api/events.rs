//! `GET /api/runs/{id}/events`: one run as server-sent events. The `id:` of
//! each is its cursor: sent back as `Last-Event-ID`, or in `?after=`, the
//! stream goes on behind it. It ends after the run's `end`.

use super::super::{
    Site,
    events::{Reader, respond},
    permission::{Can, Read},
    pressure::stream_of,
    refusal::Refusal,
};
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use http::HeaderMap;
use model::{Cursor, Invalid, RunId};
use serde::Deserialize;

/// One server-sent event.
#[derive(utoipa::ToSchema)]
#[schema(as = RunEventMessage)]
pub struct Event {
    /// The cursor behind it.
    #[expect(dead_code, reason = "it is the document's form of what is streamed")]
    id: Option<String>,
    /// `run`, `events`, `log` or `end`.
    #[expect(dead_code, reason = "it is the document's form of what is streamed")]
    event: String,
    /// JSON, of the form that goes with the event.
    #[expect(dead_code, reason = "it is the document's form of what is streamed")]
    data: String,
}

/// From where on.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    after: Option<String>,
}

/// Follows a run
///
/// As server-sent events, until it has ended: `run`, `events`, `log` and `end`. The `id:` of each is a cursor,
/// to be sent back as `Last-Event-ID` or in `after`.
#[utoipa::path(get, path = "/api/runs/{id}/events", tag = "Runs", operation_id = "follow_run",
    params(("id" = RunId, Path, description = "Its id"),
        ("after" = Option<String>, Query, description = "The cursor to go on behind", pattern = "^([0-9a-f-]{36}@)?[0-9]{1,15}([.][0-9]{1,15})?$")),
    responses((status = 200, body = Event, content_type = "text/event-stream")))]
pub async fn follow(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let inside = stream_of(&site, &can.user)?;
    let run = RunId::parse(&id)?;
    let last = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    let cursor = cursor(&run, last.or(wanted.after.as_deref()))?;
    let reader = Reader::new(site, can.admission(), vec![(run, cursor)], inside).await?;
    Ok(respond(reader.that_ends()))
}

/// A cursor of this run, with or without the run's id.
fn cursor(run: &RunId, text: Option<&str>) -> Result<Cursor, Invalid> {
    let Some(text) = text else {
        return Ok(Cursor::default());
    };
    let whole = if text.contains('@') {
        text.to_owned()
    } else {
        format!("{run}@{text}")
    };
    match Cursor::read(&whole)?.as_slice() {
        [(of, cursor)] if of == run => Ok(*cursor),
        _ => Err(Invalid(
            "This is the cursor of another run. Send the id of an event of this one.".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors() {
        let run = RunId::generate();
        let read = |text: &str| cursor(&run, Some(text));
        assert_eq!(read("5.2"), Ok(Cursor { offset: 5, seq: 2 }));
        assert_eq!(read(&format!("{run}@5.2")), Ok(Cursor { offset: 5, seq: 2 }));
        assert_eq!(cursor(&run, None), Ok(Cursor::default()));
        assert!(read("x").is_err() && read("").is_err());
        assert!(read(&format!("{}@5.2", RunId::generate())).is_err());
    }
}
