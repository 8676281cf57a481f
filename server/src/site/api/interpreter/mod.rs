//! Pythons that keep their variables from one piece of code to the next:
//! `POST /api/agents/{agent_id}/interpreter` runs code in one and answers when
//! it has ended, making one where none is named; `socket` has the same as a
//! conversation. One that nobody uses ends by itself.
//!
//! Who goes away before the answer has the code interrupted, and an interpreter
//! whose id nobody was told is deleted.

mod options;
mod outcome;
pub mod socket;

use super::{
    super::{
        Site,
        permission::{Can, Read, Run as MayRun},
        pressure::{Client, stream_of},
        refusal::Refusal,
    },
    v1::{Endpoint, endpoint},
};
use axum::{
    Json,
    extract::{Path, Query, Request, State},
    response::Response,
};
use http::StatusCode;
use model::{AgentId, Interpreter, InterpreterId, Invalid, time::duration_words};
use options::Options;
use outcome::Outcome;
use runs::{NewInterpreter, Runs};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_run, _, _>(run),
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_end, _, _>(end),
        endpoint::<__path_interrupt, _, _>(interrupt),
        endpoint::<socket::__path_open, _, _>(socket::open),
    ]
}

/// How the output is told.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    split: bool,
}

/// The interpreters of an agent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Interpreters {
    interpreters: Vec<Interpreter>,
}

/// Runs code in a Python that keeps its variables
///
/// In the one that is named, else in a new one, with the agent's files, packages and variables, in a sandbox of
/// its own; its id is in the answer. Without code a new one is made and no more. One that nobody uses for a
/// while ends by itself.
#[utoipa::path(post, path = "/api/agents/{agent}/interpreter", tag = "Interpreters", operation_id = "interpret",
    params(("agent" = String, Path, description = "Its id or slug"),
        ("split" = Option<bool>, Query, description = "Whether to give `stdout` and `stderr` apart, in the place of `output`")),
    request_body = Option<Options>,
    responses((status = 200, body = Outcome), (status = 409, description = "It is still being made")))]
pub async fn run(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(named): Path<String>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response, Refusal> {
    let body = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .map_err(|_| Invalid("The options were not sent to their end. Send them again.".to_owned()))?;
    let agent = can.agent_named(&site, &named).await?.id;
    let _inside = stream_of(&site, &can.user)?;
    let runs = &site.services.runs;
    let (wish, cell) = Options::read(&body)?.wish(&agent, &can.user.id)?;
    let (id, unclaimed) = match wish {
        Ok(id) => (id, None),
        Err(new) => {
            let id = open(&site, new).await?.id;
            let unclaimed = Unclaimed::new(runs, &agent, &id);
            (id, Some(unclaimed))
        }
    };
    let mut outcome = Outcome::new(&id);
    if let Some(cell) = cell {
        let mut run = runs.run_cell(&agent, &id, cell).await?;
        while let Some(event) = run.next().await {
            outcome.take(event);
        }
    }
    let response = outcome.respond(&site, &can.user.id, wanted.split)?;
    if let Some(unclaimed) = unclaimed {
        unclaimed.claimed();
    }
    Ok(response)
}

/// Lists the interpreters of an agent
#[utoipa::path(get, path = "/api/agents/{agent}/interpreter", tag = "Interpreters", operation_id = "list_interpreters",
    params(("agent" = String, Path, description = "Its id or slug")),
    responses((status = 200, body = Interpreters)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Path(named): Path<String>,
) -> Result<Json<Interpreters>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let interpreters = site.services.runs.interpreters(&agent.id).await?;
    Ok(Json(Interpreters { interpreters }))
}

/// Shows an interpreter
#[utoipa::path(get, path = "/api/agents/{agent}/interpreter/{interpreter}", tag = "Interpreters", operation_id = "get_interpreter",
    params(("agent" = String, Path, description = "Its id or slug"), ("interpreter" = InterpreterId, Path, description = "Its id")),
    responses((status = 200, body = Interpreter)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path((named, id)): Path<(String, String)>,
) -> Result<Json<Interpreter>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let id = InterpreterId::parse(&id)?;
    Ok(Json(site.services.runs.interpreter(&agent.id, &id).await?))
}

/// Ends an interpreter
///
/// With all its variables, what runs in it, and its sandbox.
#[utoipa::path(delete, path = "/api/agents/{agent}/interpreter/{interpreter}", tag = "Interpreters", operation_id = "end_interpreter",
    params(("agent" = String, Path, description = "Its id or slug"), ("interpreter" = InterpreterId, Path, description = "Its id")),
    responses((status = 204, description = "It has ended")))]
pub async fn end(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path((named, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let id = InterpreterId::parse(&id)?;
    site.services.runs.end_interpreter(&agent.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Interrupts what runs in an interpreter
///
/// As Ctrl+C does; its variables stay.
#[utoipa::path(post, path = "/api/agents/{agent}/interpreter/{interpreter}/interrupt", tag = "Interpreters", operation_id = "interrupt_interpreter",
    params(("agent" = String, Path, description = "Its id or slug"), ("interpreter" = InterpreterId, Path, description = "Its id")),
    responses((status = 204, description = "It was told"), (status = 409, description = "Nothing runs in it")))]
pub async fn interrupt(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path((named, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let id = InterpreterId::parse(&id)?;
    site.services.runs.interrupt_interpreter(&agent.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an interpreter, which counts as a start.
async fn open(site: &Site, new: NewInterpreter) -> Result<Interpreter, Refusal> {
    let client = Client::Person(new.person.clone());
    if let Err(standing) = site.pressure.starts.begin(&client, Instant::now()) {
        let seconds = standing.wait_seconds();
        let words = duration_words(seconds * 1000);
        return Err(Refusal::too_many(
            format!(
                "You started as many runs and interpreters as one may in a minute. Try again in {words}."
            ),
            seconds,
        ));
    }
    Ok(site.services.runs.open_interpreter(new).await?)
}

/// An interpreter of which nobody was told yet. Dropped before it is claimed, it ends.
struct Unclaimed {
    runs: Runs,
    interpreter: Option<(AgentId, InterpreterId)>,
}

impl Unclaimed {
    fn new(runs: &Runs, agent: &AgentId, id: &InterpreterId) -> Self {
        Self {
            runs: runs.clone(),
            interpreter: Some((agent.clone(), id.clone())),
        }
    }

    fn claimed(mut self) {
        self.interpreter = None;
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        let Some((agent, id)) = self.interpreter.take() else {
            return;
        };
        let runs = self.runs.clone();
        tokio::spawn(async move {
            if let Err(error) = runs.end_interpreter(&agent, &id).await {
                tracing::debug!(interpreter = %id, %error, "an interpreter of nobody ends when its time is over");
            }
        });
    }
}
