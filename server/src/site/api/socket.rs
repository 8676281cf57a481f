//! `GET /api/agents/{agent_id}/ws`: the same as `execute`, as a conversation.
//! The first message may carry the options; then the run's states and its
//! output are told as they come, and the client may write to the program and
//! stop it. A client that goes away stops its run.

use super::{
    super::{
        Site,
        credential::Admission,
        permission::{Can, Run as MayRun},
        pressure::{Client, Inside, stream_of},
        problem::Problem,
        refusal::Refusal,
    },
    answer::Answer,
    execute::Wish,
    options::Options,
    words::Words,
};
use axum::{
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use model::{
    AgentId, Cursor, LogFrame, Phase, Run, RunId, RunState, StreamMessage, Trigger, UserId, log::LogBody,
};
use runs::Follower;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use store::Carrier;

/// How long the options are waited for: a client that has none need not say so.
const OPTIONS: Duration = Duration::from_secs(2);
/// How often it is asked whether the client is still there, and may still.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long the client may take nothing before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest message, in bytes: options with files.
const LARGEST: usize = 16 << 20;

/// What a client says after the options.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    /// Write to the program's standard input.
    Stdin { content: String },
    /// End the program.
    Stop,
}

/// Runs an agent, as a conversation
///
/// A WebSocket: the first message may carry the options of `execute`; then the run's states and output are told,
/// and the client may write to the program and stop it.
#[utoipa::path(get, path = "/api/agents/{agent}/ws", tag = "Runs", operation_id = "converse",
    params(("agent" = String, Path, description = "Its id or slug")),
    responses((status = 101, description = "The conversation begins"), (status = 426, description = "The request is no upgrade to a WebSocket")))]
pub async fn open(
    can: Can<MayRun>,
    State(site): State<Site>,
    Path(named): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let inside = stream_of(&site, &can.user)?;
    let upgrade = upgrade
        .map_err(Refusal::no_upgrade)?
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST);
    let trigger = can.trigger();
    // Its run is recorded as the doing of this request.
    let doing = Carrier::here();
    Ok(upgrade.on_upgrade(move |socket| {
        let conversation = Conversation {
            socket,
            site,
            admission: can.admission(),
            told: None,
            words: Words::default(),
            _inside: inside,
        };
        doing.carry(conversation.hold(agent.id, can.user.id, trigger))
    }))
}

struct Conversation {
    socket: WebSocket,
    site: Site,
    admission: Admission,
    /// The state and phase that were told last.
    told: Option<(RunState, Option<Phase>)>,
    words: Words,
    _inside: Inside<Client>,
}

/// Why a conversation ends, as a close code and a reason.
type End = (u16, &'static str);

const GONE: End = (close_code::AWAY, "the client is gone");
const DONE: End = (close_code::NORMAL, "the run has ended");
const REFUSED: End = (close_code::POLICY, "refused");
const SHUTDOWN: End = (close_code::RESTART, "the server stops");

impl Conversation {
    async fn hold(mut self, agent: AgentId, person: UserId, trigger: Trigger) {
        let (code, reason) = match self.talk(agent, person, trigger).await {
            Ok(end) | Err(end) => end,
        };
        let close = CloseFrame {
            code,
            reason: reason.into(),
        };
        // Who is gone hears nothing.
        let _ = tokio::time::timeout(PATIENCE, self.socket.send(Message::Close(Some(close)))).await;
    }

    async fn talk(&mut self, agent: AgentId, person: UserId, trigger: Trigger) -> Result<End, End> {
        let (options, first) = match self.options().await? {
            Ok(options) => options,
            Err(refusal) => return self.refuse(refusal).await,
        };
        let id = RunId::generate();
        let (start, once) = match options.start(id.clone(), agent, person, trigger, false) {
            Ok(start) => start,
            Err(invalid) => return self.refuse(invalid.into()).await,
        };
        let runs = self.site.services.runs.clone();
        let wish = Wish::of(&runs, &id, true);
        let followed = async {
            runs.execute(start, once).await?;
            runs.follow(&id, Cursor::default()).await
        };
        let follower = match followed.await {
            Ok(follower) => follower,
            Err(error) => {
                wish.fulfilled();
                return self.refuse(error.into()).await;
            }
        };
        if let Some(text) = first {
            self.hear(&id, &text).await?;
        }
        let end = self.follow(&id, follower).await?;
        wish.fulfilled();
        Ok(end)
    }

    /// The options, and what was said in their place.
    async fn options(&mut self) -> Result<Result<(Options, Option<String>), Refusal>, End> {
        let first = match tokio::time::timeout(OPTIONS, self.socket.recv()).await {
            Err(_) => None,
            Ok(Some(Ok(Message::Text(text)))) => Some(text.as_str().to_owned()),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => None,
            Ok(_) => return Err(GONE),
        };
        Ok(match first {
            None => Ok((Options::default(), None)),
            Some(text) if serde_json::from_str::<Said>(&text).is_ok() => Ok((Options::default(), Some(text))),
            Some(text) => Options::read(text.as_bytes()).map(|options| (options, None)),
        })
    }

    /// Tells the run to its end, and hears the client.
    async fn follow(&mut self, run: &RunId, mut follower: Follower) -> Result<End, End> {
        let mut checks = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                () = self.site.shutdown.cancelled() => return Err(SHUTDOWN),
                _ = checks.tick() => {
                    if let Some(reason) = self.admission.end(&self.site).await {
                        return Err((close_code::POLICY, reason));
                    }
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
                said = self.socket.recv() => match said {
                    Some(Ok(Message::Text(text))) => self.hear(run, text.as_str()).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => return Err((close_code::UNSUPPORTED, "text is needed")),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(GONE),
                },
                messages = follower.next() => {
                    let Some(messages) = messages else { return Err(SHUTDOWN) };
                    for message in messages {
                        if self.tell(message).await? {
                            return Ok(DONE);
                        }
                    }
                }
            }
        }
    }

    async fn hear(&mut self, run: &RunId, text: &str) -> Result<(), End> {
        let runs = self.site.services.runs.clone();
        let done = match serde_json::from_str(text) {
            Ok(Said::Stop) => runs.stop(run).await,
            Ok(Said::Stdin { content }) => runs.input(run, content.into_bytes(), false).await,
            Err(error) => Err(model::Invalid(format!(
                "This message cannot be read: {error}. Send {{\"type\":\"stdin\",\"content\":\u{2026}}} or {{\"type\":\"stop\"}}."
            ))
            .into()),
        };
        match done {
            Ok(()) => Ok(()),
            // The run goes on: a program that has ended took no more input, or does not run yet.
            Err(error) => self.complain(error.into()).await,
        }
    }

    /// Tells what happened; whether it was the end.
    async fn tell(&mut self, message: StreamMessage) -> Result<bool, End> {
        match message {
            StreamMessage::Run { run } => self.status(&run).await?,
            StreamMessage::Log { frames, .. } => {
                for frame in frames {
                    self.log(&frame).await?;
                }
            }
            StreamMessage::End { run, .. } => {
                for said in self.words.rest() {
                    self.send_json(&said).await?;
                }
                let run = self.site.services.runs.ended(&run).await;
                let Ok(run) = run else { return Err(SHUTDOWN) };
                self.status(&run).await?;
                let exit_code = run.exit_code;
                let complete =
                    json!({"type": "execution_complete", "exit_code": exit_code, "result": Answer::of(run)});
                self.send_json(&complete).await?;
                return Ok(true);
            }
            StreamMessage::Events { .. } | StreamMessage::Bye { .. } => {}
        }
        Ok(false)
    }

    async fn status(&mut self, run: &Run) -> Result<(), End> {
        let now = (run.state, run.phases.last().map(|record| record.phase));
        if self.told == Some(now) {
            return Ok(());
        }
        self.told = Some(now);
        self.send_json(&json!({"type": "status", "state": now.0, "phase": now.1}))
            .await
    }

    async fn log(&mut self, frame: &LogFrame) -> Result<(), End> {
        if let LogBody::Gap(bytes) = frame.body {
            let gap = json!({"type": "gap", "bytes": bytes, "offset": frame.offset});
            return self.send_json(&gap).await;
        }
        match self.words.take(frame) {
            Some(said) => self.send_json(&said).await,
            None => Ok(()),
        }
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<End, End> {
        self.complain(refusal).await?;
        Ok(REFUSED)
    }

    async fn complain(&mut self, refusal: Refusal) -> Result<(), End> {
        let problem = Problem::of(refusal);
        self.send_json(&json!({"type": "error", "problem": problem}))
            .await
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
