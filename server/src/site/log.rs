//! `GET /api/runs/{id}/log`: a run's output as the program wrote it, or with
//! `?frames=1` as frames with their times and streams. Sent piece by piece as
//! it is read; never whole in memory.

use super::{
    Site,
    permission::{Can, Read},
    refusal::Refusal,
};
use axum::{
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, header};
use model::{LogFrame, Run, RunId, log::LogBody};
use runs::{Runs, RunsError};
use serde::Deserialize;

/// What of the log, and how.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    from: Option<u64>,
    to: Option<u64>,
    frames: Option<u8>,
    download: Option<u8>,
}

/// The handler.
pub async fn download(
    _: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let run = site.services.store.run(&RunId::parse(&id)?).await?;
    let (from, to) = (wanted.from.unwrap_or(0), wanted.to.unwrap_or(u64::MAX));
    let runs = site.services.runs.clone();
    let as_frames = wanted.frames == Some(1);
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
            let next = frames.last().map(end_of).filter(|next| *next > from);
            if next.is_none() {
                text.push_str("]\n");
            }
            Ok(Some((Bytes::from(text), next.map(|next| (next, false)))))
        }
    })
}

/// The offset after a frame's last byte.
pub fn end_of(frame: &LogFrame) -> u64 {
    let length = match &frame.body {
        LogBody::Text(text) => text.len() as u64,
        LogBody::Base64(text) => {
            let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count() as u64;
            (text.len() as u64 / 4 * 3).saturating_sub(padding)
        }
        LogBody::Gap(bytes) => *bytes,
    };
    frame.offset + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Millis;

    #[test]
    fn frames_end_after_their_bytes() {
        let end = |body| {
            end_of(&LogFrame {
                offset: 10,
                at: Millis(0),
                stream: None,
                body,
            })
        };
        assert_eq!(end(LogBody::Text("\u{e9}\n".into())), 13);
        assert_eq!(end(LogBody::Base64("/w==".into())), 11);
        assert_eq!(end(LogBody::Base64("//8=".into())), 12);
        assert_eq!(end(LogBody::Base64("////".into())), 13);
        assert_eq!(end(LogBody::Gap(7)), 17);
    }
}
