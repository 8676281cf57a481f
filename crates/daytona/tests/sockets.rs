//! Terminals and the interpreter against a server that says what the real ones
//! say, and what they should not; transfers that end too early.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use daytona::{
    Client, Config, Error, InterpreterMessageKind, InterpreterRun, PtyCreate, PtyExit, PtyOutput, Sandbox,
    Toolbox,
};
use futures::StreamExt;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The toolbox and the address of a server with these routes.
async fn serve(routes: Router) -> (Client, Toolbox, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let config = Config {
        api_url: format!("{base}/api"),
        ..Config::new("dtn_test")
    };
    let client = Client::new(config).expect("a client");
    let sandbox = Sandbox {
        id: "s1".into(),
        toolbox_proxy_url: format!("{base}/toolbox"),
        ..Sandbox::default()
    };
    let toolbox = client.toolbox(&sandbox).await.expect("a toolbox");
    (client, toolbox, base)
}

fn control(rest: serde_json::Value) -> Message {
    let mut whole = json!({"type": "control"});
    whole
        .as_object_mut()
        .expect("an object")
        .extend(rest.as_object().expect("an object").clone());
    Message::text(whole.to_string())
}

fn close(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame {
        code,
        reason: reason.to_owned().into(),
    }))
}

async fn say(mut socket: WebSocket, messages: Vec<Message>) {
    for message in messages {
        if socket.send(message).await.is_err() {
            return;
        }
    }
    // The other side hears it all before the connection goes.
    while let Some(Ok(_)) = socket.recv().await {}
}

/// Terminals whose id says how they behave.
async fn terminal(Path(id): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    let connected = control(json!({"status": "connected"}));
    let bytes = |text: &'static str| Message::binary(text);
    let messages = match id.as_str() {
        "daytona" => vec![
            connected,
            bytes("out"),
            Message::text("{\"type\":\"text of a program\"}"),
            control(json!({"status": "exited", "exitCode": 3, "exitReason": "non-zero exit"})),
            close(1011, r#"{"exitCode":3,"exitReason":"non-zero exit"}"#),
        ],
        "silent" => vec![connected, close(1000, r#"{"exitCode":0}"#)],
        "slow" => vec![connected, bytes("x"), close(1008, "slow consumer")],
        "missing" => vec![
            control(json!({"status": "error", "error": "no such terminal"})),
            close(1000, ""),
        ],
        "odd" => vec![bytes("not a word of welcome")],
        _ => vec![connected],
    };
    upgrade
        .protocols(["X-Daytona-Pty-Exit-Control"])
        .on_upgrade(|socket| say(socket, messages))
}

/// All that a terminal gives.
async fn all(toolbox: &Toolbox, id: &str) -> (Vec<PtyOutput>, Option<Error>) {
    let mut pty = toolbox.connect_pty(id).await.expect("it is connected");
    let mut outputs = Vec::new();
    while let Some(output) = pty.next().await {
        match output {
            Ok(output) => outputs.push(output),
            Err(error) => {
                assert!(pty.next().await.is_none());
                return (outputs, Some(error));
            }
        }
    }
    (outputs, None)
}

#[tokio::test]
async fn terminals_end_in_every_way_there_is() {
    let routes = Router::new().route("/toolbox/s1/process/pty/{id}/connect", get(terminal));
    let (_, toolbox, _) = serve(routes).await;
    let exit = |code, reason: Option<&str>| {
        PtyOutput::Exited(PtyExit {
            exit_code: code,
            exit_reason: reason.map(str::to_owned),
        })
    };
    let (outputs, error) = all(&toolbox, "daytona").await;
    assert!(error.is_none());
    assert_eq!(outputs[0], PtyOutput::Bytes("out".into()));
    assert!(matches!(&outputs[1], PtyOutput::Bytes(bytes) if bytes.starts_with(b"{\"type\"")));
    assert_eq!(outputs[2], exit(3, Some("non-zero exit")));
    assert_eq!(all(&toolbox, "silent").await.0, [exit(0, None)]);
    let (outputs, error) = all(&toolbox, "slow").await;
    assert_eq!(outputs.len(), 1);
    assert!(
        matches!(error, Some(Error::SocketClosed { code: 1008, reason, .. }) if reason == "slow consumer")
    );
    let missing = toolbox.connect_pty("missing").await.expect_err("there is none");
    assert!(missing.to_string().contains("no such terminal"), "{missing}");
    assert!(matches!(
        toolbox.connect_pty("odd").await,
        Err(Error::Malformed { .. })
    ));
}

#[tokio::test]
async fn a_new_terminals_variables_travel_in_a_protocol() {
    async fn create(headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
        let offered = headers["sec-websocket-protocol"]
            .to_str()
            .expect("text")
            .to_owned();
        assert_eq!(
            offered,
            "X-Daytona-Pty-Exit-Control, X-Daytona-Pty-Envs~eyJFIjoiMSJ9"
        );
        let messages = vec![control(json!({"status": "connected"}))];
        upgrade
            .protocols(["X-Daytona-Pty-Exit-Control"])
            .on_upgrade(|mut socket| async move {
                for message in messages {
                    socket.send(message).await.expect("it is sent");
                }
                // Typed bytes come back as they are.
                while let Some(Ok(message)) = socket.recv().await {
                    if matches!(message, Message::Binary(_)) {
                        socket.send(message).await.expect("it is sent");
                    }
                }
            })
    }
    let routes = Router::new().route("/toolbox/s1/process/pty/create-connect", get(create));
    let (_, toolbox, _) = serve(routes).await;
    let request = PtyCreate {
        envs: Some(BTreeMap::from([("E".to_owned(), "1".to_owned())])),
        ..PtyCreate::default()
    };
    let mut pty = toolbox.create_pty(&request).await.expect("a terminal");
    assert!(pty.id().starts_with("pty-"));
    let (one, two) = (pty.input(), pty.input());
    let typing = tokio::join!(one.send("a\u{3}\0"), two.send(Bytes::from_static(b"\xff")));
    assert!(typing.0.is_ok() && typing.1.is_ok());
    let mut echoed = Vec::new();
    while echoed.len() < 4 {
        match pty.next().await {
            Some(Ok(PtyOutput::Bytes(bytes))) => echoed.extend_from_slice(&bytes),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(echoed, b"a\x03\0\xff");
}

#[tokio::test]
async fn an_interpreters_words_and_ends() {
    async fn execute(upgrade: WebSocketUpgrade) -> Response {
        upgrade.on_upgrade(|mut socket| async move {
            let Some(Ok(Message::Text(asked))) = socket.recv().await else {
                return;
            };
            let asked: serde_json::Value = serde_json::from_str(&asked).expect("JSON");
            let message = |kind: &str, text: &str| {
                let all = json!({"type": kind, "text": text, "name": "", "value": "", "traceback": ""});
                Message::text(all.to_string())
            };
            let messages = match asked["code"].as_str().expect("code") {
                "good" => vec![
                    message("stdout", "a\n"),
                    message("novelty", "?"),
                    message("stderr", "b\n"),
                    Message::text(r#"{"type":"error","name":"E","value":"v","traceback":"t"}"#),
                    message("control", "completed"),
                    close(1000, ""),
                ],
                "late" => vec![message("stdout", "a\n"), close(4008, "timeout")],
                "none" => vec![close(1008, "context not found: x")],
                _ => vec![Message::text("not JSON")],
            };
            say(socket, messages).await;
        })
    }
    let routes = Router::new().route("/toolbox/s1/process/interpreter/execute", get(execute));
    let (_, toolbox, _) = serve(routes).await;
    let run = async |code: &str| {
        toolbox
            .run_code(&InterpreterRun::new(code))
            .await
            .expect("it is sent")
    };
    let outcome = run("good").await.outcome().await.expect("it runs");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("a\n", "b\n"));
    assert_eq!(outcome.error.expect("an error").traceback, "t");
    let mut late = run("late").await;
    let first = late.next().await.expect("a message").expect("no error");
    assert_eq!(first.kind, InterpreterMessageKind::Stdout);
    let error = late.next().await.expect("an end").expect_err("its time was over");
    assert!(error.is_execution_timeout(), "{error}");
    assert!(late.next().await.is_none());
    let error = run("none").await.outcome().await.expect_err("no such context");
    assert!(
        !error.is_execution_timeout() && error.to_string().contains("context not found"),
        "{error}"
    );
    assert!(matches!(
        run("odd").await.outcome().await,
        Err(Error::Malformed { .. })
    ));
}

#[tokio::test]
async fn a_transfer_that_ends_too_early_is_an_error() {
    let short = get(|| async {
        let pieces = futures::stream::iter([Ok("half"), Err(std::io::Error::other("gone"))]);
        // What was sent has left before the connection is cut.
        let pieces = pieces.then(|piece| async {
            if piece.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            piece
        });
        Response::builder()
            .header("content-length", "100")
            .body(Body::from_stream(pieces))
            .expect("an answer")
    });
    let log = get(|| async {
        let pieces = futures::stream::iter(["Step 1\n", "Step 2\n"]).map(Ok::<_, std::io::Error>);
        Body::from_stream(pieces).into_response()
    });
    let address = Arc::new(OnceLock::new());
    let told = Arc::clone(&address);
    let routes = Router::new()
        .route("/toolbox/s1/files/download", short)
        .route("/logs", log)
        .route(
            "/api/sandbox/s1/build-logs-url",
            get(move || async move {
                let base: &String = told.get().expect("the server has its address");
                axum::Json(json!({"url": format!("{base}/logs")}))
            }),
        )
        .route(
            "/api/sandbox/s2/build-logs-url",
            get(|| async { axum::Json(json!({"url": "file:///etc/passwd"})) }),
        );
    let (client, toolbox, base) = serve(routes).await;
    address.set(base).expect("once");
    let mut download = toolbox.download_stream("x", 0).await.expect("it begins");
    assert_eq!(download.left(), Some(100));
    let end = loop {
        match download.next().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert!(end.is_err(), "{end:?}");
    let logs = client.sandbox_build_logs("s1").await.expect("it begins");
    assert_eq!(logs.text().await.expect("it ends"), "Step 1\nStep 2\n");
    assert!(matches!(
        client.sandbox_build_logs("s2").await,
        Err(Error::Malformed { .. })
    ));
}
