//! `GET /api/runs/{id}/log`: a run's output as the program wrote it, or with
//! `?frames=1` as frames with their times and streams. Sent piece by piece as
//! it is read; never whole in memory. A part of it is named by offsets (`from`,
//! `to`) or by lines counted from 0 (`from_line`, `to_line`; the end is not in
//! it), and `?follow=true` goes on until the run has ended.

use super::{
    Site,
    credential::Admission,
    permission::{Can, Read},
    pressure::{Client, Inside, stream_of},
    refusal::Refusal,
};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderName, HeaderValue, header};
use model::{Cursor, Invalid, LogFrame, Run, RunId, StreamMessage};
use runs::{Follower, Runs, RunsError};
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};

/// How often a reader that waits is asked whether it still may.
const CHECK: Duration = Duration::from_secs(15);

/// The last offset or line there can be: what a signed 64-bit integer, as the document has them, counts to.
const FARTHEST: u64 = i64::MAX as u64;

/// What of the log, and how.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// The first byte; not together with `from_line`.
    from: Option<u64>,
    /// The byte after the last; not together with `to_line`.
    to: Option<u64>,
    /// The first line, counted from 0.
    from_line: Option<u64>,
    /// The line after the last.
    to_line: Option<u64>,
    /// 1: as frames with their offsets, times and streams, in JSON.
    #[param(minimum = 0, maximum = 255)]
    frames: Option<u8>,
    /// 1: as a file to be saved.
    #[param(minimum = 0, maximum = 255)]
    download: Option<u8>,
    /// Go on until the run has ended; without `to`, `to_line` and `frames`.
    #[serde(default)]
    #[param(required = false)]
    follow: bool,
}

/// Gets a run's log
///
/// The program's own bytes, or a part of them by offsets or lines; what `to` names is not in it.
#[utoipa::path(get, path = "/api/runs/{id}/log", tag = "Runs", operation_id = "get_log",
    params(("id" = RunId, Path, description = "The run"), Wanted),
    responses((status = 200, description = "The output; with `frames=1` as frames in JSON",
        content(([u8] = "text/plain; charset=utf-8"), (Vec<Object> = "application/json")))))]
pub async fn download(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let run = can.run(&site, &RunId::parse(&id)?).await?;
    let runs = site.services.runs.clone();
    let (from, to) = place(&runs, &run.id, &wanted).await?;
    let as_frames = wanted.frames == Some(1);
    if wanted.follow {
        let is_open = wanted.to.is_none() && wanted.to_line.is_none() && !as_frames;
        if !is_open {
            return Err(Invalid(
                "A log is followed to its end, as text: leave out to, to_line and frames.".to_owned(),
            )
            .into());
        }
        let inside = stream_of(&site, &can.user)?;
        let cursor = Cursor { offset: from, seq: 0 };
        let follower = runs.follow(&run.id, cursor).await?;
        return Ok(followed(site, can.admission(), follower, inside));
    }
    let (kind, ending, body) = if as_frames {
        (
            "application/json",
            "json",
            Body::from_stream(frames(runs, run.id.clone(), from, to)),
        )
    } else {
        (
            "text/plain; charset=utf-8",
            "log",
            Body::from_stream(bytes(runs, run.id.clone(), from, to)),
        )
    };
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if wanted.download == Some(1) {
        let name = attachment(&run, ending);
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The offsets of what is wanted.
async fn place(runs: &Runs, run: &RunId, wanted: &Wanted) -> Result<(u64, u64), Refusal> {
    let ends = [wanted.from, wanted.to, wanted.from_line, wanted.to_line];
    if let Some(end) = ends.into_iter().flatten().find(|end| *end > FARTHEST) {
        return Err(Invalid(format!(
            "A log has no byte or line {end}: they are counted up to {FARTHEST}."
        ))
        .into());
    }
    let twice = (wanted.from.is_some() && wanted.from_line.is_some())
        || (wanted.to.is_some() && wanted.to_line.is_some());
    if twice {
        return Err(
            Invalid("Name an end of the part by its offset or by its line, not by both.".to_owned()).into(),
        );
    }
    let from = match wanted.from_line {
        Some(line) => runs.line_offset(run, line).await?,
        None => wanted.from.unwrap_or(0),
    };
    let to = match wanted.to_line {
        Some(line) => runs.line_offset(run, line).await?,
        None => wanted.to.unwrap_or(u64::MAX),
    };
    Ok((from, to))
}

/// The log as it comes, until the run has ended, the server stops, or the reader may no longer.
fn followed(site: Site, admission: Admission, follower: Follower, inside: Inside<Client>) -> Response {
    let checks = tokio::time::interval_at(tokio::time::Instant::now() + CHECK, CHECK);
    let state = (site, admission, follower, inside, checks);
    let pieces = stream::unfold(state, |mut state| async move {
        let (site, admission, follower, _, checks) = &mut state;
        loop {
            let messages = tokio::select! {
                () = site.shutdown.cancelled() => return None,
                _ = checks.tick() => {
                    if admission.end(site).await.is_some() {
                        return None;
                    }
                    continue;
                }
                messages = follower.next() => messages?,
            };
            let frames = messages.iter().filter_map(|message| match message {
                StreamMessage::Log { frames, .. } => Some(frames),
                _ => None,
            });
            let piece: Vec<u8> = frames.flatten().flat_map(LogFrame::bytes).collect();
            if !piece.is_empty() {
                return Some((Ok::<_, Infallible>(Bytes::from(piece)), state));
            }
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

fn attachment(run: &Run, ending: &str) -> HeaderValue {
    HeaderValue::from_str(&format!(
        "attachment; filename=\"run-{}-{}.{ending}\"",
        run.number,
        run.id.short()
    ))
    .unwrap_or(HeaderValue::from_static("attachment"))
}

fn bytes(runs: Runs, run: RunId, from: u64, to: u64) -> impl stream::Stream<Item = Result<Bytes, RunsError>> {
    stream::try_unfold(Some(from), move |from| {
        let (runs, run) = (runs.clone(), run.clone());
        async move {
            let Some(from) = from else { return Ok(None) };
            let (piece, next) = runs.log_bytes(&run, from, to).await?;
            // A piece of a gap has no bytes, and is not the end.
            Ok(Some((Bytes::from(piece), next)))
        }
    })
}

/// One JSON array, opened by the first piece and closed by the last.
fn frames(
    runs: Runs,
    run: RunId,
    from: u64,
    to: u64,
) -> impl stream::Stream<Item = Result<Bytes, RunsError>> {
    stream::try_unfold(Some((from, true)), move |place| {
        let (runs, run) = (runs.clone(), run.clone());
        async move {
            let Some((from, is_first)) = place else {
                return Ok(None);
            };
            let frames = if from < to {
                runs.log_range(&run, from, to).await?
            } else {
                Vec::new()
            };
            let mut text = String::from(if is_first { "[" } else { "" });
            for (index, frame) in frames.iter().enumerate() {
                if !(is_first && index == 0) {
                    text.push_str(",\n");
                }
                text.push_str(&serde_json::to_string(frame).unwrap_or_default());
            }
            let next = frames.last().map(LogFrame::end).filter(|next| *next > from);
            if next.is_none() {
                text.push_str("]\n");
            }
            Ok(Some((Bytes::from(text), next.map(|next| (next, false)))))
        }
    })
}
