//! `POST /api/agents/{agent_id}/execute`: runs an agent in a fresh sandbox that
//! is gone afterwards, and answers when the run has ended.
//!
//! Who goes away without its answer wants no run: it is stopped, and cleaned up
//! like every other. Only with an `Idempotency-Key`, with which the caller can
//! come again for the answer, does the run go on.

use super::{
    super::{
        Site,
        permission::{Can, Run as MayRun},
        pressure::stream_of,
        refusal::Refusal,
    },
    answer::{self, Answer},
    idempotency,
    options::Options,
};
use axum::{
    Json,
    extract::{Path, Query, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::{Invalid, Run, RunId};
use runs::{Runs, RunsError};
use serde::Deserialize;
use std::time::Duration;

/// How often a run that is about to be made is looked for to be stopped.
const LOOKS: u32 = 50;
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// How the output is told.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    split: bool,
}

/// Runs an agent, and waits for its end
///
/// In a fresh sandbox that is deleted afterwards. With `Prefer: respond-async` the answer is 202 at once, and
/// `Location` is where the run is found. With an `Idempotency-Key` the same request again is the same run.
#[utoipa::path(post, path = "/api/agents/{agent}/execute", tag = "Runs", operation_id = "execute",
    params(("agent" = String, Path, description = "Its id or slug"),
        ("split" = Option<bool>, Query, description = "Whether to give `stdout` and `stderr` apart, in the place of `output`"),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: do not wait"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key again is the same run", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = Option<Options>,
    responses((status = 200, body = Answer), (status = 202, body = Answer, description = "It is started", headers(("Location" = String))),
        (status = 409, description = "Two of the files cannot be beside each other")))]
pub async fn execute(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(named): Path<String>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Invalid("The options were not sent to their end. Send them again.".to_owned()))?;
    let agent = can.agent_named(&site, &named).await?;
    let _inside = stream_of(&site, &can.user)?;
    let runs = &site.services.runs;
    let key = idempotency::key(&parts.headers)?;
    let id = match key {
        Some(key) => idempotency::run_of(&can.user.id, &agent.id, key)?,
        None => RunId::generate(),
    };
    let trigger = can.trigger();
    let person = can.user.id;
    let (start, once) = Options::read(&body)?.start(id.clone(), agent.id, person.clone(), trigger, true)?;
    if key.is_some() {
        idempotency::check(&site, &id, &body).await?;
    }
    if prefers_no_wait(&parts.headers) {
        return Ok(accepted(runs.execute(start, once).await?));
    }
    let wish = Wish::of(runs, &id, key.is_none());
    if let Err(error) = runs.execute(start, once).await {
        wish.fulfilled();
        return Err(error.into());
    }
    let run = runs.ended(&id).await?;
    wish.fulfilled();
    answer::with_output(&site, &person, run, wanted.split).await
}

/// `Prefer: respond-async`.
fn prefers_no_wait(headers: &HeaderMap) -> bool {
    let wishes = headers.get_all("prefer").into_iter();
    wishes
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|wish| wish.trim().eq_ignore_ascii_case("respond-async"))
}

/// Tells where the run will be found.
fn accepted(run: Run) -> Response {
    let location = HeaderValue::from_str(&format!("/api/runs/{}", run.id));
    let mut response = (StatusCode::ACCEPTED, Json(Answer::of(run))).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = location {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(
        HeaderName::from_static("preference-applied"),
        HeaderValue::from_static("respond-async"),
    );
    response
}

/// The wish for a run's answer. Dropped before it is fulfilled, the run is stopped.
pub struct Wish {
    runs: Runs,
    /// None when the run goes on without anybody.
    run: Option<RunId>,
}

impl Wish {
    /// For the answer of this run. `is_only` says that nobody else can come for it.
    pub fn of(runs: &Runs, run: &RunId, is_only: bool) -> Self {
        Self {
            runs: runs.clone(),
            run: is_only.then(|| run.clone()),
        }
    }

    /// The run has ended, or never was.
    pub fn fulfilled(mut self) {
        self.run = None;
    }
}

impl Drop for Wish {
    fn drop(&mut self) {
        let Some(run) = self.run.take() else { return };
        let runs = self.runs.clone();
        tokio::spawn(async move {
            // It may be on its way into the database. One whose start was refused never comes.
            for _ in 0..LOOKS {
                match runs.stop(&run).await {
                    Err(RunsError::NotFound(_)) => tokio::time::sleep(LOOK_PAUSE).await,
                    Err(error) => {
                        tracing::warn!(%run, %error, "a run that nobody waits for could not be stopped");
                        return;
                    }
                    Ok(()) => return,
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_not_to_wait() {
        let prefers = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value.parse().expect("a value"));
            prefers_no_wait(&headers)
        };
        assert!(prefers("respond-async") && prefers("wait=5, Respond-Async"));
        assert!(!prefers("wait=5") && !prefers("respond-async-not"));
    }
}
