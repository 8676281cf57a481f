//! Events by Socket.IO, from a server of our own that tells what the test
//! wants: waits end at once, broken connections come back, hostile frames pass.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use daytona::{Client, Config, Event, SandboxState};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

const OPEN: &str = r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

/// A provider with one sandbox.
struct Provider {
    state: Mutex<&'static str>,
    /// Frames for all who listen; `close` closes.
    frames: broadcast::Sender<String>,
    looks: AtomicU64,
    connections: AtomicU32,
    heard: Mutex<Vec<String>>,
    serves_events: bool,
}

impl Provider {
    async fn start(serves_events: bool) -> (Arc<Self>, Client) {
        let provider = Arc::new(Self {
            state: Mutex::new("creating"),
            frames: broadcast::Sender::new(64),
            looks: AtomicU64::new(0),
            connections: AtomicU32::new(0),
            heard: Mutex::default(),
            serves_events,
        });
        let routes = Router::new()
            .route("/api/sandbox/s1", get(look))
            .route("/api/socket.io/", get(connect))
            .with_state(Arc::clone(&provider));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let config = Config {
            api_url: format!("http://{address}/api"),
            organization_id: Some("org".into()),
            ..Config::new("dtn_test")
        };
        (provider, Client::new(config).expect("a client"))
    }

    fn change(&self, state: &'static str) {
        *self.state.lock().expect("no panic holds it") = state;
        let data =
            json!({"sandbox": {"id": "s1", "state": state}, "oldState": "creating", "newState": state});
        self.tell(format!("42{}", json!(["sandbox.state.updated", data])));
    }

    fn tell(&self, frame: impl Into<String>) {
        let _nobody = self.frames.send(frame.into());
    }
}

async fn look(State(provider): State<Arc<Provider>>) -> Response {
    provider.looks.fetch_add(1, Ordering::Relaxed);
    let state = *provider.state.lock().expect("no panic holds it");
    axum::Json(json!({"id": "s1", "state": state})).into_response()
}

async fn connect(
    State(provider): State<Arc<Provider>>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    provider.connections.fetch_add(1, Ordering::Relaxed);
    if !provider.serves_events {
        return StatusCode::NOT_FOUND.into_response();
    }
    assert_eq!(
        (query["EIO"].as_str(), query["transport"].as_str()),
        ("4", "websocket")
    );
    assert_eq!(query["organizationId"], "org");
    upgrade.on_upgrade(move |socket| talk(provider, socket))
}

async fn talk(provider: Arc<Provider>, mut socket: WebSocket) {
    let mut frames = provider.frames.subscribe();
    if socket.send(Message::text(OPEN)).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let frame = frame.expect("the provider is there");
                if frame == "close" || socket.send(Message::text(frame)).await.is_err() {
                    return;
                }
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    if text.starts_with("40") {
                        let answer = r#"40{"sid":"s"}"#;
                        if socket.send(Message::text(answer)).await.is_err() { return }
                    }
                    provider.heard.lock().expect("no panic holds it").push(text.to_string());
                }
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}

async fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_wait_ends_when_the_change_is_told() {
    let (provider, client) = Provider::start(true).await;
    let events = client.events();
    soon("connected", || events.is_connected()).await;
    let waiting = tokio::spawn(async move {
        let wanted = [SandboxState::Started];
        client.wait("s1", &wanted, Duration::from_secs(60)).await
    });
    soon("looked", || provider.looks.load(Ordering::Relaxed) >= 1).await;
    // The second look is a second away; between the two lies only what is told.
    let before = provider.looks.load(Ordering::Relaxed);
    provider.change("starting");
    soon("looked again", || provider.looks.load(Ordering::Relaxed) > before).await;
    provider.change("started");
    let sandbox = waiting.await.expect("no panic").expect("it starts");
    assert_eq!(sandbox.state, Some(SandboxState::Started));
    let heard = provider.heard.lock().expect("no panic holds it").clone();
    assert_eq!(heard, [r#"40{"token":"dtn_test"}"#]);
}

#[tokio::test]
async fn without_events_a_wait_looks_by_itself() {
    let (provider, client) = Provider::start(false).await;
    let waiting = tokio::spawn(async move {
        let wanted = [SandboxState::Started];
        client.wait("s1", &wanted, Duration::from_secs(60)).await
    });
    soon("looked three times", || {
        provider.looks.load(Ordering::Relaxed) >= 3
    })
    .await;
    provider.change("started");
    waiting.await.expect("no panic").expect("it starts");
    // A provider that says that it has none is not asked again and again.
    assert_eq!(provider.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn listeners_get_events_and_are_told_of_breaks() {
    let (provider, client) = Provider::start(true).await;
    let mut events = client.events();
    let mut second = client.clone().events();
    assert_eq!(events.next().await, Event::Connected);
    // Frames that are none, and events nobody knows, break nothing.
    for odd in [
        "",
        "é",
        "42",
        "42{}",
        "42[1]",
        "9",
        "0{}",
        "42[\"sandbox.created\",7]",
    ] {
        provider.tell(odd);
    }
    provider.tell("2probe");
    provider.tell(r#"42["volume.created",{"id":"v"}]"#);
    let odd = Event::Other {
        name: "sandbox.created".into(),
        data: json!(7),
    };
    assert_eq!(events.next().await, odd);
    let told = Event::Other {
        name: "volume.created".into(),
        data: json!({"id": "v"}),
    };
    assert_eq!(events.next().await, told);
    provider.change("started");
    let change = events.next().await;
    let Event::SandboxState(change) = change else {
        panic!("{change:?}")
    };
    assert_eq!(
        (change.sandbox.id.as_str(), change.new_state),
        ("s1", SandboxState::Started)
    );
    soon("the ping is answered", || {
        provider
            .heard
            .lock()
            .expect("no panic holds it")
            .contains(&"3probe".to_owned())
    })
    .await;
    // One connection serves all; when it breaks, that is said, and it comes back.
    assert_eq!(provider.connections.load(Ordering::Relaxed), 1);
    provider.tell("close");
    assert_eq!(events.next().await, Event::Interrupted);
    assert_eq!(events.next().await, Event::Connected);
    assert_eq!(provider.connections.load(Ordering::Relaxed), 2);
    // A listener that did not listen is told how much it missed.
    for _ in 0..400 {
        provider.tell(r#"42["volume.created",{"id":"v"}]"#);
        assert_eq!(events.next().await, told);
    }
    let missed = second.next().await;
    assert!(
        matches!(missed, Event::Missed(count) if count > 100),
        "{missed:?}"
    );
}

#[tokio::test]
async fn a_refused_listener_stays_quiet_and_the_calls_go_on() {
    let (provider, client) = Provider::start(true).await;
    let events = client.events();
    soon("connected", || events.is_connected()).await;
    provider.tell(r#"44{"message":"Unauthorized"}"#);
    soon("refused", || !events.is_connected()).await;
    provider.change("started");
    let wanted = [SandboxState::Started];
    client
        .wait("s1", &wanted, Duration::from_secs(10))
        .await
        .expect("it is started");
}
