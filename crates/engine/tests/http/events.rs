//! What clients are told without asking, over a real WebSocket.

use std::time::{Duration, Instant};

use daytona::{CreateSandbox, SandboxState};
use futures::{SinkExt, StreamExt};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Engine, KEY, ephemeral};

pub fn trials() -> Vec<Trial> {
    trials![
        a_waiter_learns_of_each_state_at_once,
        an_event_carries_the_whole_sandbox,
        snapshots_and_volumes_are_told_of,
        organizations_hear_nothing_of_each_other,
        a_stranger_is_turned_away,
        a_client_that_does_not_answer_is_left,
        what_is_no_packet_ends_the_connection,
        other_transports_are_refused,
        a_key_taken_back_hears_no_more,
    ]
}

/// One client, as the official SDKs connect.
struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    /// A connection that has not said who it is.
    async fn open(engine: &Engine) -> Self {
        let url = format!(
            "{}/api/socket.io/?source=sdk-python&sdkVersion=0.226.1&transport=websocket&EIO=4&t=1",
            engine.url.replace("http", "ws")
        );
        let (socket, answer) = connect_async(url).await.unwrap();
        assert_eq!(answer.status(), 101);
        let mut listener = Self(socket);
        let open = listener.text().await;
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        assert!(open["pingInterval"].as_u64().unwrap() > open["pingTimeout"].as_u64().unwrap());
        assert_eq!(open["upgrades"], json!([]));
        listener
    }

    async fn connect(engine: &Engine, key: &str) -> Self {
        let mut listener = Self::open(engine).await;
        listener.say(&format!("40{}", json!({"token": key}))).await;
        let welcome = listener.text().await;
        assert!(welcome.starts_with(r#"40{"sid":"#), "{welcome}");
        listener
    }

    async fn say(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).await.unwrap();
    }

    async fn next(&mut self) -> Option<Result<Message, Error>> {
        let next = tokio::time::timeout(Duration::from_secs(30), self.0.next());
        next.await.expect("nothing came for ten seconds")
    }

    /// The next packet; pings are answered.
    async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.say("3").await,
                Some(Ok(Message::Text(text))) => return text.to_string(),
                other => panic!("no packet, but {other:?}"),
            }
        }
    }

    /// The next event: its name and what it carries.
    async fn event(&mut self) -> (String, Value) {
        let text = self.text().await;
        let event: Value = serde_json::from_str(text.strip_prefix("42").unwrap()).unwrap();
        (event[0].as_str().unwrap().to_owned(), event[1].clone())
    }

    /// The state of each change up to one.
    async fn states_until(&mut self, id: &str, last: &str) -> Vec<String> {
        let mut states = Vec::new();
        while states.last().is_none_or(|state| state != last) {
            let (name, event) = self.event().await;
            if name == "sandbox.state.updated" && event["sandbox"]["id"] == id {
                assert_eq!(event["newState"], event["sandbox"]["state"]);
                states.push(event["newState"].as_str().unwrap().to_owned());
            }
        }
        states
    }

    /// Why the connection ended.
    async fn end(&mut self) -> Option<(u16, String)> {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(frame))) => {
                    return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

async fn a_waiter_learns_of_each_state_at_once() {
    let engine = Engine::start();
    let client = engine.client();
    let mut listener = Listener::connect(&engine, KEY).await;
    let made = client.create(&CreateSandbox::default()).await.unwrap();
    assert_eq!(listener.states_until(&made.id, "started").await, ["started"]);
    client.stop(&made.id).await.unwrap();
    let states = listener.states_until(&made.id, "stopped").await;
    assert_eq!(states, ["stopping", "stopped"]);
    client.start(&made.id).await.unwrap();
    let states = listener.states_until(&made.id, "started").await;
    assert_eq!(states, ["starting", "started"]);

    // The news is there before a second look would be.
    let asked = Instant::now();
    let deleting = tokio::spawn({
        let (client, id) = (engine.client(), made.id.clone());
        async move { client.delete(&id).await }
    });
    let states = listener.states_until(&made.id, "destroyed").await;
    assert_eq!(states, ["destroying", "destroyed"]);
    assert!(asked.elapsed() < Duration::from_secs(10));
    deleting.await.unwrap().unwrap();

    // An ephemeral one goes at its stop.
    let made = client.create(&ephemeral()).await.unwrap();
    listener.states_until(&made.id, "started").await;
    client.stop(&made.id).await.unwrap();
    let states = listener.states_until(&made.id, "destroyed").await;
    assert_eq!(states, ["destroying", "destroyed"]);
}

async fn an_event_carries_the_whole_sandbox() {
    let engine = Engine::start();
    let mut listener = Listener::connect(&engine, KEY).await;
    let request = CreateSandbox {
        name: Some("told".into()),
        labels: [("team".into(), "red".into())].into(),
        ..ephemeral()
    };
    let made = engine.client().create(&request).await.unwrap();
    let (name, created) = listener.event().await;
    assert_eq!(
        (name.as_str(), &created["id"]),
        ("sandbox.created", &json!(made.id))
    );
    let (name, event) = listener.event().await;
    assert_eq!(name, "sandbox.state.updated");
    assert_eq!(
        (&event["oldState"], &event["newState"]),
        (&json!("creating"), &json!("started"))
    );
    // Everything a GET would say, so that nobody has to ask.
    let told: daytona::Sandbox = serde_json::from_value(event["sandbox"].clone()).unwrap();
    assert_eq!(told.state, Some(SandboxState::Started));
    let asked = engine.client().get("told").await.unwrap();
    assert_eq!(told.toolbox_proxy_url, format!("{}/toolbox", engine.url));
    let same = |sandbox: &daytona::Sandbox| (sandbox.id.clone(), sandbox.labels.clone(), sandbox.cpu);
    assert_eq!(same(&told), same(&asked));

    engine.client().delete("told").await.unwrap();
    let (name, desired) = listener.event().await;
    assert_eq!(name, "sandbox.desired-state.updated");
    assert_eq!(
        (&desired["oldDesiredState"], &desired["newDesiredState"]),
        (&json!("started"), &json!("destroyed"))
    );
}

async fn snapshots_and_volumes_are_told_of() {
    let engine = Engine::start();
    let http = engine.http();
    let api = format!("{}/api", engine.url);
    let made = engine.client().create(&CreateSandbox::default()).await.unwrap();
    let mut listener = Listener::connect(&engine, KEY).await;
    let volume: Value = http
        .post(format!("{api}/volumes"))
        .json(&json!({"name": "v"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let (name, event) = listener.event().await;
    assert_eq!((name.as_str(), &event), ("volume.created", &volume));
    let gone = format!("{api}/volumes/{}", volume["id"].as_str().unwrap());
    assert_eq!(http.delete(gone).send().await.unwrap().status(), 200);
    let (name, event) = listener.event().await;
    assert_eq!(
        (name.as_str(), &event["oldState"], &event["newState"]),
        ("volume.state.updated", &json!("ready"), &json!("deleted"))
    );
    assert_eq!(event["volume"]["id"], volume["id"]);

    let asked = http
        .post(format!("{api}/sandbox/{}/snapshot", made.id))
        .json(&json!({"name": "snap"}))
        .send();
    assert_eq!(asked.await.unwrap().status(), 200);
    let mut told = Vec::new();
    while told.last() != Some(&"active".to_owned()) {
        let (name, event) = listener.event().await;
        match name.as_str() {
            "snapshot.created" => told.push(event["name"].as_str().unwrap().to_owned()),
            "snapshot.state.updated" => {
                assert_eq!(event["newState"], event["snapshot"]["state"]);
                told.push(event["newState"].as_str().unwrap().to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(told, ["snap", "active"]);
    let snapshot = http.get(format!("{api}/snapshots/snap")).send().await.unwrap();
    let snapshot: Value = snapshot.json().await.unwrap();
    let gone = format!("{api}/snapshots/{}", snapshot["id"].as_str().unwrap());
    assert_eq!(http.delete(gone).send().await.unwrap().status(), 200);
    loop {
        let (name, event) = listener.event().await;
        if name == "snapshot.removed" {
            assert_eq!(event["id"], snapshot["id"]);
            break;
        }
    }
}

async fn organizations_hear_nothing_of_each_other() {
    let engine = Engine::start();
    let other = engine
        .http()
        .post(format!("{}/api/organizations", engine.url))
        .json(&json!({"name": "other"}))
        .send()
        .await
        .unwrap();
    let other: Value = other.json().await.unwrap();
    let key = other["apiKey"]["value"].as_str().unwrap();
    let mut listener = Listener::connect(&engine, key).await;
    let secret = engine.client().create(&ephemeral()).await.unwrap();
    engine.client().delete(&secret.id).await.unwrap();
    let own = reqwest::Client::new()
        .post(format!("{}/api/sandbox", engine.url))
        .bearer_auth(key)
        .json(&json!({"autoDeleteInterval": 0}))
        .send()
        .await
        .unwrap();
    let own: Value = own.json().await.unwrap();
    // The first that is heard is its own.
    let (name, event) = listener.event().await;
    assert_eq!((name.as_str(), &event["id"]), ("sandbox.created", &own["id"]));
}

async fn a_stranger_is_turned_away() {
    let engine = Engine::start();
    for packet in ["40", "40{}", r#"40{"token":"wrong"}"#, r#"40{"token":""}"#] {
        let mut listener = Listener::open(&engine).await;
        listener.say(packet).await;
        assert_eq!(
            listener.text().await,
            r#"44{"message":"Unauthorized"}"#,
            "{packet}"
        );
        listener.end().await;
    }
    let mut listener = Listener::open(&engine).await;
    listener.say(&format!("40/admin,{}", json!({"token": KEY}))).await;
    assert_eq!(
        listener.text().await,
        r#"44/admin,{"message":"Invalid namespace"}"#
    );
}

async fn a_client_that_does_not_answer_is_left() {
    let engine = Engine::start_with(&[("ENGINE_HEARTBEAT_MS", "2000")]);
    let mut silent = Listener::connect(&engine, KEY).await;
    // One that answers stays, however long it takes the other to go.
    let mut answering = Listener::connect(&engine, KEY).await;
    let end = async {
        loop {
            match silent.next().await {
                Some(Ok(Message::Text(text))) => assert_eq!(text.as_str(), "2"),
                Some(Ok(Message::Close(frame))) => return frame.unwrap().reason.to_string(),
                other => panic!("{other:?}"),
            }
        }
    };
    let mut pings = 0;
    tokio::pin!(end);
    let reason = loop {
        tokio::select! {
            reason = &mut end => break reason,
            packet = answering.next() => {
                assert_eq!(packet.unwrap().unwrap().into_text().unwrap().as_str(), "2");
                answering.say("3").await;
                pings += 1;
            }
        }
    };
    assert_eq!(reason, "no pong");
    // Pings are answered also while it is created.
    let client = engine.client();
    let creating = tokio::spawn(async move { client.create(&ephemeral()).await });
    let mut events = 0;
    while pings < 5 || events == 0 {
        match answering
            .next()
            .await
            .unwrap()
            .unwrap()
            .into_text()
            .unwrap()
            .as_str()
        {
            "2" => pings += 1,
            event => {
                assert!(event.starts_with("42[\"sandbox."), "{event}");
                events += 1;
            }
        }
        answering.say("3").await;
    }
    creating.await.unwrap().unwrap();
}

async fn what_is_no_packet_ends_the_connection() {
    let engine = Engine::start();
    for odd in ["", "x", "9", "4", "40{"] {
        let mut listener = Listener::open(&engine).await;
        listener.say(odd).await;
        let end = listener.end().await;
        assert_eq!(end, Some((1008, "that is no packet".into())), "{odd:?}");
    }
    let mut listener = Listener::connect(&engine, KEY).await;
    listener.0.send(Message::binary(vec![0; 9])).await.unwrap();
    assert_eq!(listener.end().await.unwrap().0, 1008);
    // One that is far too long is not read to its end.
    let mut listener = Listener::connect(&engine, KEY).await;
    let _ = listener.0.send(Message::text("4".repeat(1 << 20))).await;
    listener.end().await;
    // One that talks without end has nothing to say.
    let mut listener = Listener::connect(&engine, KEY).await;
    for _ in 0..2000 {
        if listener.0.send(Message::text(r#"42["x"]"#)).await.is_err() {
            break;
        }
    }
    listener.end().await;
    // A polite end is one.
    let mut listener = Listener::connect(&engine, KEY).await;
    listener.say("41").await;
    assert_eq!(listener.end().await, Some((1000, String::new())));
    assert!(engine.client().create(&ephemeral()).await.is_ok());
}

async fn other_transports_are_refused() {
    let engine = Engine::start();
    for query in [
        "",
        "?EIO=4&transport=polling",
        "?EIO=3&transport=websocket",
        "?EIO=4&transport=websocket",
    ] {
        let url = format!("{}/api/socket.io/{query}", engine.url);
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        assert!(answer.json::<Value>().await.unwrap()["message"].is_string());
    }
}

async fn a_key_taken_back_hears_no_more() {
    let engine = Engine::start_with(&[("ENGINE_HEARTBEAT_MS", "2000")]);
    let http = engine.http();
    let keys = format!("{}/api/api-keys", engine.url);
    let made = http
        .post(&keys)
        .json(&json!({"name": "short", "permissions": []}))
        .send()
        .await
        .unwrap();
    let made: Value = made.json().await.unwrap();
    let mut listener = Listener::connect(&engine, made["value"].as_str().unwrap()).await;
    // Pings are answered also while it is taken back.
    let taking = tokio::spawn(http.delete(format!("{keys}/short")).send());
    let end = loop {
        match listener.next().await {
            Some(Ok(Message::Text(_))) => listener.say("3").await,
            Some(Ok(Message::Close(frame))) => break frame.unwrap().reason.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end, "the key is not valid any more");
    assert_eq!(taking.await.unwrap().unwrap().status(), 204);
}
