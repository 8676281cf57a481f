//! The toolbox: files, sessions and followed logs.

use super::{
    refusal,
    world::{FakeCommand, FakeSandbox, Framing, World},
};
use axum::{
    Json, Router,
    extract::{
        FromRequestParts, Multipart, Path, Query, Request, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use bytes::BytesMut;
use daytona::{
    Command, CommandLogs, CreateSession, InputRequest, Session, SessionExecuteRequest,
    SessionExecuteResponse, UploadedFile,
    wire::{Stream, frames},
};
use std::{collections::HashMap, sync::Arc};

type World_ = State<Arc<World>>;

pub fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/files/bulk-upload", post(upload))
        .route("/files", delete(remove_file))
        .route("/env", post(set_variables))
        .route("/process/session", post(create_session))
        .route("/process/session/{session}", get(session).delete(end_session))
        .route("/process/session/{session}/exec", post(exec))
        .route("/process/session/{session}/command/{command}", get(command))
        .route("/process/session/{session}/command/{command}/logs", get(logs))
        .route("/process/session/{session}/command/{command}/input", post(input))
}

fn sandbox_of<T>(world: &World, id: &str, then: impl FnOnce(&mut FakeSandbox) -> Option<T>) -> Option<T> {
    world.lock().sandboxes.get_mut(id).and_then(then)
}

async fn upload(State(world): World_, Path(sandbox): Path<String>, mut form: Multipart) -> Response {
    let (mut paths, mut contents) = (Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.expect("a form") {
        let is_path = field.name().is_some_and(|name| name.ends_with(".path"));
        let bytes = field.bytes().await.expect("a part");
        if is_path {
            paths.push(String::from_utf8(bytes.to_vec()).expect("a path"));
        } else {
            contents.push(bytes.to_vec());
        }
    }
    let files: Vec<_> = paths
        .iter()
        .zip(&contents)
        .map(|(path, bytes)| UploadedFile {
            path: path.clone(),
            bytes: bytes.len() as u64,
        })
        .collect();
    let put = sandbox_of(&world, &sandbox, |fake| {
        fake.files.extend(paths.iter().cloned().zip(contents));
        Some(())
    });
    world.lock().uploads.push(paths);
    match put {
        Some(()) => Json(serde_json::json!({"files": files})).into_response(),
        None => refusal(404, "no such sandbox"),
    }
}

async fn remove_file(
    State(world): World_,
    Path(sandbox): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let path = query.get("path").cloned().unwrap_or_default();
    match sandbox_of(&world, &sandbox, |fake| fake.files.remove(&path)) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => refusal(404, "no such file"),
    }
}

/// No program of this provider looks at its environment.
async fn set_variables(State(world): World_, Path(sandbox): Path<String>) -> Response {
    match sandbox_of(&world, &sandbox, |_| Some(())) {
        Some(()) => Json(serde_json::json!({"message": "Environment updated"})).into_response(),
        None => refusal(404, "no such sandbox"),
    }
}

async fn create_session(
    State(world): World_,
    Path(sandbox): Path<String>,
    Json(request): Json<CreateSession>,
) -> Response {
    let made = sandbox_of(&world, &sandbox, |fake| {
        let exists = fake.sessions.contains_key(&request.session_id);
        fake.sessions.entry(request.session_id).or_default();
        Some(exists)
    });
    match made {
        Some(false) => StatusCode::CREATED.into_response(),
        Some(true) => refusal(409, "session exists"),
        None => refusal(404, "no such sandbox"),
    }
}

async fn session(State(world): World_, Path((sandbox, session)): Path<(String, String)>) -> Response {
    let found = sandbox_of(&world, &sandbox, |fake| fake.sessions.get(&session).cloned());
    match found {
        Some(commands) => Json(Session {
            session_id: session,
            commands: commands
                .into_iter()
                .map(|command| Command {
                    id: command.id,
                    command: command.text,
                    exit_code: command.exit,
                })
                .collect(),
        })
        .into_response(),
        None => refusal(404, "no such session"),
    }
}

async fn end_session(State(world): World_, Path((sandbox, session)): Path<(String, String)>) -> Response {
    let ended = sandbox_of(&world, &sandbox, |fake| fake.sessions.remove(&session));
    let left = world.lock().left;
    world.changed.send_modify(|_| {});
    match ended {
        Some(commands) => {
            let count = commands.iter().filter(|command| command.exit.is_none()).count();
            (
                StatusCode::NO_CONTENT,
                [
                    ("x-pitlane-ended", count.to_string()),
                    ("x-pitlane-left", left.to_string()),
                ],
            )
                .into_response()
        }
        None => refusal(404, "no such session"),
    }
}

async fn exec(
    State(world): World_,
    Path((sandbox, session)): Path<(String, String)>,
    Json(request): Json<SessionExecuteRequest>,
) -> Response {
    let mut inner = world.lock();
    let (log, exit) = (inner.program)(&request.command);
    let Some(commands) = inner
        .sandboxes
        .get_mut(&sandbox)
        .and_then(|fake| fake.sessions.get_mut(&session))
    else {
        return refusal(404, "no such session");
    };
    let id = format!("command-{}", commands.len() + 1);
    commands.push(FakeCommand {
        id: id.clone(),
        text: request.command,
        log,
        exit,
        input: Vec::new(),
        eof: false,
    });
    let answer = SessionExecuteResponse {
        cmd_id: id,
        ..SessionExecuteResponse::default()
    };
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}

fn find(world: &World, path: &(String, String, String)) -> Option<FakeCommand> {
    sandbox_of(world, &path.0, |fake| {
        fake.sessions
            .get(&path.1)?
            .iter()
            .find(|command| command.id == path.2)
            .cloned()
    })
}

async fn command(State(world): World_, Path(path): Path<(String, String, String)>) -> Response {
    match find(&world, &path) {
        Some(command) => Json(Command {
            id: command.id,
            command: command.text,
            exit_code: command.exit,
        })
        .into_response(),
        None => refusal(404, "no such command"),
    }
}

async fn input(
    State(world): World_,
    Path((sandbox, session, command)): Path<(String, String, String)>,
    Json(request): Json<InputRequest>,
) -> Response {
    let given = sandbox_of(&world, &sandbox, |fake| {
        let commands = fake.sessions.get_mut(&session)?;
        let command = commands.iter_mut().find(|found| found.id == command)?;
        command.input.extend(request.data.as_bytes());
        command.eof |= request.eof;
        Some(())
    });
    match given {
        Some(()) => StatusCode::NO_CONTENT.into_response(),
        None => refusal(410, "the command has ended"),
    }
}

async fn logs(
    State(world): World_,
    Path(path): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let Some(found) = find(&world, &path) else {
        return refusal(404, "no such command");
    };
    if query.get("follow").map(String::as_str) != Some("true") {
        let text = |wanted: Stream| {
            let bytes: Vec<u8> = found
                .log
                .iter()
                .filter(|(stream, _)| *stream == wanted)
                .flat_map(|(_, bytes)| bytes.clone())
                .collect();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        return Json(CommandLogs {
            output: String::new(),
            stdout: text(Stream::Stdout),
            stderr: text(Stream::Stderr),
        })
        .into_response();
    }
    let framing = world.lock().framing;
    let from = match framing {
        Framing::Exact => query
            .get("offset")
            .and_then(|offset| offset.parse().ok())
            .unwrap_or(0),
        Framing::Markers => 0,
    };
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .expect("an upgrade");
    let mut response = upgrade.on_upgrade(move |socket| follow(world, path, framing, from, socket));
    if framing == Framing::Exact {
        response
            .headers_mut()
            .insert("x-pitlane-log", HeaderValue::from_static("frames-v1"));
    }
    response
}

async fn follow(
    world: Arc<World>,
    path: (String, String, String),
    framing: Framing,
    from: u64,
    mut socket: WebSocket,
) {
    let mut changed = world.changed.subscribe();
    let cuts = *changed.borrow_and_update();
    let mut sent = from;
    loop {
        let now = *changed.borrow_and_update();
        if now != cuts {
            // Dropped without a word, as a network does.
            return;
        }
        let command = find(&world, &path);
        let mut message = BytesMut::new();
        let mut offset = 0_u64;
        for (stream, bytes) in command.iter().flat_map(|command| &command.log) {
            let end = offset + bytes.len() as u64;
            if end > sent {
                let begin = usize::try_from(sent.saturating_sub(offset)).expect("small");
                match framing {
                    Framing::Exact => {
                        frames::encode_output(&mut message, *stream, 7, offset.max(sent), &bytes[begin..]);
                    }
                    Framing::Markers => {
                        message.extend_from_slice(&stream.marker());
                        message.extend_from_slice(&bytes[begin..]);
                    }
                }
                sent = end;
            }
            offset = end;
        }
        if !message.is_empty() && socket.send(Message::Binary(message.freeze())).await.is_err() {
            return;
        }
        if command.is_none_or(|command| command.exit.is_some()) {
            let close = CloseFrame {
                code: 1000,
                reason: match framing {
                    Framing::Exact => daytona::extension::log_end_reason(offset).into(),
                    Framing::Markers => "".into(),
                },
            };
            let _ = socket.send(Message::Close(Some(close))).await;
            return;
        }
        tokio::select! {
            _ = changed.changed() => {}
            message = socket.recv() => if message.is_none_or(|message| message.is_err()) { return },
        }
    }
}
