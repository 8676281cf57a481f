//! Programs that listen in a sandbox, and the way to them.

use libtest_mimic::Trial;
use std::time::Duration;

use daytona::{PortInUse, PortList, Sandbox, Toolbox};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::sockets::{open, refusal};
use crate::support::{Engine, KEY, background, eventually};

pub fn trials() -> Vec<Trial> {
    trials![
        ports_in_use_are_listed,
        files_are_served_through_the_proxy,
        requests_and_answers_are_passed_on_as_they_are,
        bodies_flow_in_both_directions,
        events_come_at_once,
        websockets_are_passed_through,
        what_cannot_be_reached_is_said,
        clients_and_programs_that_leave_are_told,
    ]
}

/// A server that tells what it was asked, and does what its path says.
const SERVER: &str = include_str!("server.py");

/// Starts a command in the background and waits until the port is in use.
pub async fn start(engine: &Engine, sandbox: &Sandbox, toolbox: &Toolbox, command: &str, port: u16) {
    let session = format!("s{port}");
    toolbox.create_session(&session).await.unwrap();
    toolbox.session_exec(&session, background(command)).await.unwrap();
    let url = format!("{}/toolbox/{}/port/{port}/in-use", engine.url, sandbox.id);
    eventually("something listens", async || {
        let answer = engine.http().get(&url).send().await.unwrap();
        answer.json::<PortInUse>().await.unwrap().is_in_use
    })
    .await;
}

/// Starts [`SERVER`].
pub async fn serve(engine: &Engine, sandbox: &Sandbox, toolbox: &Toolbox, port: u16, address: &str) {
    let text = SERVER.to_owned().into();
    toolbox
        .upload(vec![("server.py".to_owned(), text)])
        .await
        .unwrap();
    let command = format!("exec /usr/bin/python3 server.py {port} {address}");
    start(engine, sandbox, toolbox, &command, port).await;
}

/// An engine with a sandbox in which [`SERVER`] listens at port 3000.
pub async fn served() -> (Engine, Sandbox, Toolbox) {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    (engine, sandbox, toolbox)
}

fn proxied(engine: &Engine, sandbox: &Sandbox, rest: &str) -> String {
    format!("{}/toolbox/{}/proxy/{rest}", engine.url, sandbox.id)
}

/// The headers the program saw, as (name in small letters, value).
pub fn seen(told: &Value) -> Vec<(String, String)> {
    let headers = told["headers"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    headers
        .iter()
        .map(|pair| (text(&pair[0]).to_lowercase(), text(&pair[1])))
        .collect()
}

async fn ports_in_use_are_listed() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let url = format!("{}/toolbox/{}/port", engine.url, sandbox.id);
    let list = async || {
        let answer = engine.http().get(&url).send().await.unwrap();
        answer.json::<PortList>().await.unwrap().ports
    };
    assert_eq!(list().await, [0_u16; 0]);
    serve(&engine, &sandbox, &toolbox, 8123, "127.0.0.1").await;
    serve(&engine, &sandbox, &toolbox, 3456, "::1").await;
    assert_eq!(list().await, [3456, 8123]);
    for (port, expected) in [("8124", "false"), ("3456", "true")] {
        let answer = engine
            .http()
            .get(format!("{url}/{port}/in-use"))
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.text().await.unwrap(),
            format!("{{\"isInUse\":{expected}}}")
        );
    }
    for port in ["0", "65536", "x", "-1", "+80"] {
        let answer = engine
            .http()
            .get(format!("{url}/{port}/in-use"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{port}");
    }
    // Both addresses are reached.
    for port in [8123, 3456] {
        let told = engine
            .http()
            .get(proxied(&engine, &sandbox, &format!("{port}/x")))
            .send()
            .await
            .unwrap();
        assert_eq!(told.status(), 200, "{port}");
    }
}

async fn files_are_served_through_the_proxy() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let files = [
        ("site/a b.txt", "spaces\n"),
        ("site/index.html", "<h1>hello</h1>"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.into()));
    toolbox.upload(files.to_vec()).await.unwrap();
    let command = "cd site; exec /usr/bin/python3 -m http.server 3000";
    start(&engine, &sandbox, &toolbox, command, 3000).await;
    for (path, expected) in [
        ("3000/a%20b.txt", "spaces\n"),
        ("3000/", "<h1>hello</h1>"),
        ("3000", "<h1>hello</h1>"),
    ] {
        let answer = engine
            .http()
            .get(proxied(&engine, &sandbox, path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.text().await.unwrap(), expected, "{path}");
    }
    let none = engine
        .http()
        .get(proxied(&engine, &sandbox, "3000/none"))
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 404);
    assert!(
        none.text().await.unwrap().contains("File not found"),
        "the program's own words"
    );
}

async fn requests_and_answers_are_passed_on_as_they_are() {
    let (engine, sandbox, _) = served().await;
    let http = engine.http();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = proxied(
            &engine,
            &sandbox,
            "3000/a%2Fb/..;x?q=%20&q=2&DAYTONA_SANDBOX_AUTH_KEY=zz",
        );
        let answer = http
            .request(method.clone(), url)
            .header("cookie", "mine=1; pitlane=session; daytona-sandbox-auth-x=y")
            .header("x-daytona-preview-token", "zz")
            .header("x-own", "kept")
            .body("a body")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let headers = answer.headers().clone();
        assert!(headers.get("x-between").is_none(), "named by Connection");
        assert_eq!(
            headers["content-security-policy"],
            "sandbox allow-forms allow-popups allow-scripts"
        );
        let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1"]);
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["method"], method.as_str());
        assert_eq!(told["path"], "/a%2Fb/..;x?q=%20&q=2");
        assert_eq!(told["length"], 6);
        let seen = seen(&told);
        let value = |name: &str| {
            let found = seen.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("host"), Some("localhost:3000"));
        assert_eq!(value("x-forwarded-host"), engine.url.strip_prefix("http://"));
        assert_eq!(value("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(value("x-forwarded-proto"), Some("http"));
        assert_eq!(
            value("x-forwarded-prefix"),
            Some(format!("/toolbox/{}/proxy/3000", sandbox.id).as_str())
        );
        assert_eq!(value("cookie"), Some("mine=1"));
        assert_eq!(value("x-own"), Some("kept"));
        for name in ["authorization", "x-daytona-preview-token", "connection"] {
            assert_eq!(value(name), None, "{name}");
        }
        assert!(!told.to_string().contains(KEY));
    }
    let head = http
        .head(proxied(&engine, &sandbox, "3000/x"))
        .send()
        .await
        .unwrap();
    assert!(head.content_length().is_some() || head.headers().contains_key("content-length"));
    // Whatever status the program gives, its answer is not replaced by ours.
    for status in [405, 418, 500, 503] {
        let answer = http
            .get(proxied(&engine, &sandbox, &format!("3000/status/{status}")))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.text().await.unwrap(), "odd");
    }
}

async fn bodies_flow_in_both_directions() {
    let (engine, sandbox, _) = served().await;
    let answer = engine
        .http()
        .get(proxied(&engine, &sandbox, "3000/large"))
        .send()
        .await
        .unwrap();
    let mut stream = answer.bytes_stream();
    let mut total = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap();
        assert!(piece.iter().all(|byte| *byte == b'z'));
        total += piece.len();
    }
    assert_eq!(total, 64 << 20);
    // With a length and without.
    let piece = vec![b'q'; 1 << 20];
    let pieces = futures::stream::iter((0..32).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    for body in [reqwest::Body::wrap_stream(pieces), vec![b'q'; 32 << 20].into()] {
        let answer = engine
            .http()
            .post(proxied(&engine, &sandbox, "3000/up"))
            .body(body)
            .send()
            .await
            .unwrap();
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["length"], 32 << 20);
    }
}

async fn events_come_at_once() {
    let (engine, sandbox, _) = served().await;
    // The program goes on only when it is told to after the first event was read.
    let answer = engine
        .http()
        .get(proxied(&engine, &sandbox, "3000/events"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut stream = answer.bytes_stream();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(&first[..], b"data: 0\n\n");
    engine
        .http()
        .get(proxied(&engine, &sandbox, "3000/go"))
        .send()
        .await
        .unwrap();
    let mut rest = Vec::new();
    while let Some(piece) = stream.next().await {
        rest.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(rest, b"data: 1\n\n");
}

async fn websockets_are_passed_through() {
    let (engine, sandbox, _) = served().await;
    let path = format!("/toolbox/{}/proxy/3000/socket", sandbox.id);
    let offer = [("sec-websocket-protocol", "chat, other")];
    let (mut socket, response) = open(&engine, &path, &offer).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    let large = "x".repeat(1 << 20);
    for message in [
        Message::text("hello"),
        Message::binary(vec![0, 255, 1]),
        Message::text(large.as_str()),
    ] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    // Ended in order on the other side too.
    eventually("the program sees the end", async || {
        let gone = engine
            .http()
            .get(proxied(&engine, &sandbox, "3000/gone"))
            .send()
            .await
            .unwrap();
        gone.json::<Vec<String>>().await.unwrap() == ["echo"]
    })
    .await;
    let plain = format!("/toolbox/{}/proxy/3001/socket", sandbox.id);
    assert_eq!(refusal(open(&engine, &plain, &[]).await), 502);
}

async fn what_cannot_be_reached_is_said() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let answer = engine
        .http()
        .get(proxied(&engine, &sandbox, "3000/"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(
        told["message"],
        "Nothing listens on port 3000 in the sandbox. Start a program there that listens on 0.0.0.0 or 127.0.0.1."
    );
    assert_eq!(
        (told["source"].as_str(), told["statusCode"].as_u64()),
        (Some("DAYTONA_PROXY"), Some(502))
    );

    let program = "import socket
for port in (3001, 3002):
    listener = socket.create_server(('127.0.0.1', port))
    globals()[f'l{port}'] = listener
while True:
    connection, _ = l3001.accept()
    connection.recv(10)
    connection.send(b'SSH-2.0-nothing\\r\\n')
    connection.close()
";
    toolbox
        .upload(vec![("odd.py".to_owned(), program.into())])
        .await
        .unwrap();
    start(&engine, &sandbox, &toolbox, "exec /usr/bin/python3 odd.py", 3002).await;
    let answer = engine
        .http()
        .get(proxied(&engine, &sandbox, "3001/"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    let told: Value = answer.json().await.unwrap();
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("did not answer in HTTP"),
        "{told}"
    );
    for odd in ["0/", "65536/", "x/", "3128/"] {
        let answer = engine
            .http()
            .get(proxied(&engine, &sandbox, odd))
            .send()
            .await
            .unwrap();
        let expected = if odd == "3128/" { 502 } else { 400 };
        assert_eq!(answer.status(), expected, "{odd}");
    }
    // The host's own ports are not the sandbox's.
    let host = engine.url.rsplit(':').next().unwrap();
    let answer = engine
        .http()
        .get(proxied(&engine, &sandbox, &format!("{host}/api/health")))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
}

async fn clients_and_programs_that_leave_are_told() {
    let (engine, sandbox, _) = served().await;
    let told = async |what: &str| {
        let url = proxied(&engine, &sandbox, &format!("3000/{what}"));
        let answer = engine.http().get(url).send().await.unwrap();
        answer.json::<Vec<String>>().await.unwrap()
    };
    // A client that leaves before it is answered, but not before the program has its request.
    let waiting = engine.http().get(proxied(&engine, &sandbox, "3000/wait")).send();
    let mut waiting = tokio::spawn(waiting);
    eventually("the program has the request", async || {
        told("here").await == ["wait"]
    })
    .await;
    let left = tokio::time::timeout(Duration::from_millis(500), &mut waiting).await;
    assert!(left.is_err(), "nothing was answered");
    assert!(told("gone").await.is_empty(), "it is still there");
    waiting.abort();
    eventually("the program learns it", async || told("gone").await == ["wait"]).await;
    // A sandbox that ends while a socket and a body are open.
    let path = format!("/toolbox/{}/proxy/3000/socket", sandbox.id);
    let (mut socket, _) = open(&engine, &path, &[]).await.unwrap();
    let answer = engine
        .http()
        .get(proxied(&engine, &sandbox, "3000/events"))
        .send()
        .await
        .unwrap();
    let mut stream = answer.bytes_stream();
    stream.next().await.unwrap().unwrap();
    engine.client().delete(&sandbox.id).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        while let Some(Ok(_)) = socket.next().await {}
        while let Some(Ok(_)) = stream.next().await {}
    });
    ended.await.unwrap();
}
