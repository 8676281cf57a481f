//! `GET /api/agents/{agent_id}/interpreter/ws`: an interpreter as a
//! conversation. The client sends code, one piece after the other, and is told
//! what each says as it says it. The interpreter stays when the client leaves,
//! and what runs then is interrupted.

use super::super::super::{
    Site,
    credential::Admission,
    permission::{Can, Run as MayRun},
    pressure::{Client, Inside, stream_of},
    problem::Problem,
    refusal::Refusal,
};
use axum::{
    extract::{
        Path, Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use model::{AgentId, CellEvent, InterpreterId, Invalid, Language, UserId};
use runs::{Cell, CellRun, NewInterpreter};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// How often it is asked whether the client is still there, and may still.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long the client may take nothing before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest message, in bytes: a piece of code, each byte of it escaped.
const LARGEST: usize = 8 << 20;

/// Which interpreter; none for a new one.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    interpreter: Option<InterpreterId>,
}

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    /// Make the interpreter now, with these variables.
    Open {
        #[serde(default)]
        env: BTreeMap<String, String>,
        language: Option<Language>,
    },
    /// Run this; makes the interpreter when there is none yet.
    Run {
        code: String,
        #[serde(default)]
        env: BTreeMap<String, String>,
        timeout: Option<u32>,
    },
    /// Interrupt what runs.
    Interrupt,
}

/// Talks with a Python that keeps its variables
///
/// A WebSocket: the client sends code, one piece after the other, and is told what each says as it says it.
#[utoipa::path(get, path = "/api/agents/{agent}/interpreter/ws", tag = "Interpreters", operation_id = "converse_with_interpreter",
    params(("agent" = String, Path, description = "Its id or slug"),
        ("interpreter" = Option<InterpreterId>, Query, description = "The interpreter to use; a new one when not given")),
    responses((status = 101, description = "The conversation begins"), (status = 426, description = "The request is no upgrade to a WebSocket")))]
pub async fn open(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(named): Path<String>,
    Query(wanted): Query<Wanted>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    if let Some(id) = &wanted.interpreter {
        site.services.runs.interpreter(&agent.id, id).await?;
    }
    let inside = stream_of(&site, &can.user)?;
    let upgrade = upgrade
        .map_err(Refusal::no_upgrade)?
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST);
    Ok(upgrade.on_upgrade(move |socket| {
        let conversation = Conversation {
            socket,
            site,
            admission: can.admission(),
            agent: agent.id,
            person: can.user.id,
            interpreter: wanted.interpreter,
            introduced: false,
            _inside: inside,
        };
        conversation.hold()
    }))
}

struct Conversation {
    socket: WebSocket,
    site: Site,
    admission: Admission,
    agent: AgentId,
    person: UserId,
    interpreter: Option<InterpreterId>,
    /// Whether the client was told which it is.
    introduced: bool,
    _inside: Inside<Client>,
}

/// Why a conversation ends, as a close code and a reason.
type End = (u16, &'static str);

const GONE: End = (close_code::AWAY, "the client is gone");
const SHUTDOWN: End = (close_code::RESTART, "the server stops");

impl Conversation {
    async fn hold(mut self) {
        let (code, reason) = match self.serve().await {
            Ok(end) | Err(end) => end,
        };
        let close = CloseFrame {
            code,
            reason: reason.into(),
        };
        // Who is gone hears nothing.
        let _ = tokio::time::timeout(PATIENCE, self.socket.send(Message::Close(Some(close)))).await;
    }

    /// Hears the client, and tells what runs, until one of the two is over.
    async fn serve(&mut self) -> Result<End, End> {
        self.introduce().await?;
        let mut checks = tokio::time::interval(HEARTBEAT);
        let mut running: Option<CellRun> = None;
        loop {
            tokio::select! {
                () = self.site.shutdown.cancelled() => return Ok(SHUTDOWN),
                _ = checks.tick() => {
                    if let Some(reason) = self.admission.end(&self.site).await {
                        return Ok((close_code::POLICY, reason));
                    }
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
                said = self.socket.recv() => match said {
                    Some(Ok(Message::Text(text))) => self.hear(text.as_str(), &mut running).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => return Ok((close_code::UNSUPPORTED, "text is needed")),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(GONE),
                },
                event = next_of(&mut running) => match event {
                    Some(event) => self.tell(&event).await?,
                    None => running = None,
                },
            }
        }
    }

    async fn hear(&mut self, text: &str, running: &mut Option<CellRun>) -> Result<(), End> {
        let done = match serde_json::from_str(text) {
            Ok(said) => self.follow(said, running).await,
            Err(error) => Err(Invalid(format!(
                "This message cannot be read: {error}. Send {{\"type\":\"run\",\"code\":\u{2026}}} or {{\"type\":\"interrupt\"}}."
            ))
            .into()),
        };
        self.introduce().await?;
        match done {
            Ok(()) => Ok(()),
            Err(refusal) => self.complain(refusal).await,
        }
    }

    /// Does what the client says.
    async fn follow(&mut self, said: Said, running: &mut Option<CellRun>) -> Result<(), Refusal> {
        let runs = self.site.services.runs.clone();
        match (said, self.interpreter.clone()) {
            (Said::Open { .. }, Some(_)) => Err(Invalid(
                "This conversation has its interpreter already. Open another connection for another."
                    .to_owned(),
            )
            .into()),
            (Said::Open { env, language }, None) => {
                self.make(env, language).await?;
                Ok(())
            }
            (Said::Interrupt, Some(id)) => Ok(runs.interrupt_interpreter(&self.agent, &id).await?),
            (Said::Interrupt, None) => {
                Err(Invalid("There is no interpreter yet. Send code first.".to_owned()).into())
            }
            (Said::Run { .. }, _) if running.is_some() => Err(Refusal::new(
                app::ErrorCode::Conflict,
                "What you sent before still runs. Wait for its end, or interrupt it.",
            )),
            (Said::Run { code, env, timeout }, known) => {
                let id = match known {
                    Some(id) => id,
                    None => self.make(BTreeMap::new(), None).await?,
                };
                let cell = Cell {
                    code,
                    env,
                    timeout_seconds: timeout,
                };
                *running = Some(runs.run_cell(&self.agent, &id, cell).await?);
                Ok(())
            }
        }
    }

    async fn make(
        &mut self,
        env: BTreeMap<String, String>,
        language: Option<Language>,
    ) -> Result<InterpreterId, Refusal> {
        let new = NewInterpreter {
            agent: self.agent.clone(),
            person: self.person.clone(),
            env,
            language,
        };
        let interpreter = super::open(&self.site, new).await?;
        self.interpreter = Some(interpreter.id.clone());
        Ok(interpreter.id)
    }

    /// Tells which interpreter it is, once there is one.
    async fn introduce(&mut self) -> Result<(), End> {
        let Some(id) = self.interpreter.clone().filter(|_| !self.introduced) else {
            return Ok(());
        };
        self.introduced = true;
        match self.site.services.runs.interpreter(&self.agent, &id).await {
            Ok(interpreter) => {
                self.send_json(&json!({"type": "interpreter", "interpreter": interpreter}))
                    .await
            }
            Err(error) => self.complain(error.into()).await,
        }
    }

    async fn complain(&mut self, refusal: Refusal) -> Result<(), End> {
        let problem = Problem::of(refusal);
        self.send_json(&json!({"type": "error", "problem": problem}))
            .await
    }

    async fn tell(&mut self, event: &CellEvent) -> Result<(), End> {
        match serde_json::to_value(event) {
            Ok(message) => self.send_json(&message).await,
            Err(error) => {
                tracing::error!(%error, "what an interpreter said cannot be written");
                Ok(())
            }
        }
    }

    async fn send_json(&mut self, message: &serde_json::Value) -> Result<(), End> {
        self.send(Message::Text(message.to_string().into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(GONE),
        }
    }
}

/// What happens next in what runs; never, when nothing does.
async fn next_of(running: &mut Option<CellRun>) -> Option<CellEvent> {
    match running {
        Some(run) => run.next().await,
        None => std::future::pending().await,
    }
}
