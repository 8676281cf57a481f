//! How a run is told to programs.

use super::super::{
    Site,
    pressure::{Client, no_room_for_it},
    refusal::Refusal,
};
use crate::connections::hold_until_sent;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use model::{PhaseRecord, Run, RunId, RunState, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// The most of a run's output that is put into an answer, in bytes. The log has all of it.
const MOST_OUTPUT: u64 = 8 << 20;

/// A run, and what its program wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Execution)]
pub struct Answer {
    /// Whether the program ended with code 0; not told before the run's end.
    success: Option<bool>,
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<String>,
    /// There when there is more output than is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    run_id: RunId,
    state: RunState,
    /// Why it ended as it did, when there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    phases: Vec<PhaseRecord>,
}

impl Answer {
    /// Without the output.
    pub fn of(run: Run) -> Self {
        Self {
            success: run.state.is_end().then_some(run.state == RunState::Succeeded),
            exit_code: run.exit_code,
            output: None,
            stdout: None,
            stderr: None,
            truncated: None,
            run_id: run.id,
            state: run.state,
            reason: run.reason,
            phases: run.phases,
        }
    }
}

/// An ended run with its output, the two streams apart or in order of arrival.
pub async fn with_output(site: &Site, person: &UserId, run: Run, split: bool) -> Result<Response, Refusal> {
    let bytes = run.log_bytes.min(MOST_OUTPUT);
    // It is in memory as the program wrote it, as text, and as JSON, until the client has taken it.
    let room = &site.pressure.room;
    let reserved = match room.reserve(&Client::Person(person.clone()), bytes * 3) {
        Ok(reserved) => reserved,
        Err(no_room) => return Ok(no_room_for_it(no_room)),
    };
    let output = site.services.runs.output(&run.id, bytes).await?;
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    };
    let mut answer = Answer::of(run);
    answer.truncated = output.is_cut.then_some(true);
    if split {
        answer.stdout = Some(text(output.stdout));
        answer.stderr = Some(text(output.stderr));
    } else {
        answer.output = Some(text(output.both));
    }
    Ok(hold_until_sent(Json(answer).into_response(), reserved))
}
