//! Bytes that no client means: forms, first messages of WebSockets, queries and
//! bodies, mutated from good ones. The engine answers each with a status that
//! says whose fault it was, and serves the next as if nothing had been.

use libtest_mimic::Trial;

use daytona::ExecuteRequest;
use futures::{SinkExt, StreamExt};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio_tungstenite::tungstenite::Message;

use crate::sockets::open;
use crate::support::{Engine, KEY};

pub fn trials() -> Vec<Trial> {
    trials![forms, first_messages, queries, bodies]
}

/// How many of each kind; the same ones each time.
const CASES: usize = 150;

fn cases<T>(strategy: &impl Strategy<Value = T>) -> Vec<T> {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    (0..CASES)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// A good text with some of it replaced, cut or doubled.
fn mutated(good: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        0..5_u8,
        prop::collection::vec(any::<u8>(), 0..12),
    );
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = good.to_vec();
        for (at, kind, new) in changes {
            let at = at.index(bytes.len() + 1);
            let to = (at + new.len()).min(bytes.len());
            match kind {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..to, new)),
                2 => drop(bytes.splice(at..at, new)),
                3 => drop(bytes.drain(at..to)),
                _ => bytes.extend_from_within(at..to),
            }
        }
        bytes
    })
}

/// The engine and the sandbox are as before.
async fn well(toolbox: &daytona::Toolbox) {
    let done = toolbox.execute(ExecuteRequest::new("echo well")).await.unwrap();
    assert_eq!(done.result, "well\n");
}

const FORM: &[u8] = b"--B\r\nContent-Disposition: form-data; name=\"files[0].path\"\r\n\r\nhostile/a\r\n--B\r\n\
Content-Disposition: form-data; name=\"files[0].file\"; filename=\"a\"\r\nContent-Type: application/octet-stream\r\n\r\n\
content\r\n--B\r\nContent-Disposition: form-data; name=\"files[1].path\"\r\n\r\nhostile/b\r\n--B\r\n\
Content-Disposition: form-data; name=\"files[1].file\"; filename*=utf-8''b\r\n\r\nmore\r\n--B--\r\n";

async fn forms() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let http = engine.http();
    let mut answers = std::collections::BTreeMap::new();
    for body in cases(&mutated(FORM)) {
        for call in ["bulk-upload", "upload-v2?path=hostile/c"] {
            let answer = http
                .post(format!("{}/toolbox/{}/files/{call}", engine.url, sandbox.id))
                .header("content-type", "multipart/form-data; boundary=B")
                .body(body.clone())
                .send()
                .await
                .unwrap();
            *answers.entry(answer.status().as_u16()).or_insert(0) += 1;
        }
    }
    assert!(
        answers
            .keys()
            .all(|status| matches!(status, 200 | 400 | 403 | 409 | 413)),
        "{answers:?}"
    );
    assert!(
        answers.contains_key(&200) && answers.contains_key(&400),
        "{answers:?}"
    );
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"",
        "text/plain",
    ] {
        let answer = http
            .post(format!("{}/toolbox/{}/files/bulk-upload", engine.url, sandbox.id))
            .header("content-type", kind)
            .body(FORM)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{kind}");
    }
    well(&toolbox).await;
    let outside = toolbox
        .execute(ExecuteRequest::new("ls -A / /home | grep -c hostile"))
        .await
        .unwrap();
    assert_eq!(outside.result, "0\n", "everything went where a path could lead");
}

async fn first_messages() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let good = br#"{"code":"print(1)","contextId":"default","envs":{"A":"1"},"timeout":1}"#;
    let path = format!("/toolbox/{}/process/interpreter/execute", sandbox.id);
    for bytes in cases(&mutated(good)).into_iter().take(60) {
        let (mut socket, _) = open(&engine, &path, &[]).await.unwrap();
        let message = match String::from_utf8(bytes) {
            Ok(text) => Message::Text(text.into()),
            Err(bytes) => Message::Binary(bytes.into_bytes().into()),
        };
        socket.send(message).await.unwrap();
        let closed = async {
            while let Some(Ok(heard)) = socket.next().await {
                if let Message::Close(Some(frame)) = heard {
                    return u16::from(frame.code);
                }
            }
            0
        };
        let code = tokio::time::timeout(std::time::Duration::from_secs(20), closed)
            .await
            .unwrap();
        assert!(
            matches!(code, 1000 | 1002 | 1007 | 1008 | 4008),
            "closed with {code}"
        );
    }
    // The event socket has packets of its own, before a client has said who it is.
    let hello = format!("40{{\"token\":\"{KEY}\"}}").into_bytes().leak();
    for bytes in cases(&mutated(hello)).into_iter().take(60) {
        let (mut socket, _) = open(&engine, "/api/socket.io/?EIO=4&transport=websocket", &[])
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        socket.send(Message::Text(text.into())).await.unwrap();
        socket.next().await.unwrap().unwrap();
        let _ = tokio::time::timeout(std::time::Duration::from_millis(50), socket.next()).await;
    }
    well(&toolbox).await;
}

async fn queries() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let http = engine.http();
    let good = b"cursor=WzEsIiIsImEiXQ&limit=10&labels=%7B%22a%22%3A%22b%22%7D&states=started&minCpu=1&isPublic=false\
&createdAtAfter=2026-11-22T21:07:33.053000%2B0000&sort=name&order=asc";
    for bytes in cases(&mutated(good)) {
        let text: String = bytes
            .iter()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'&' | b'=' | b'%' | b'.' | b'-' | b'_' => {
                    char::from(*byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        let answer = http
            .get(format!("{}/api/sandbox?{text}", engine.url))
            .send()
            .await
            .unwrap();
        assert!(
            matches!(answer.status().as_u16(), 200 | 400),
            "{} for {text}",
            answer.status()
        );
    }
    well(&toolbox).await;
}

async fn bodies() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let http = engine.http();
    let calls: [(&str, String, &'static [u8]); 4] = [
        (
            "POST",
            "api/sandbox".into(),
            br#"{"name":"x","cpu":1,"labels":{"a":"b"},"env":{"A":"1"},"autoStopInterval":1,"autoDeleteInterval":0,"volumes":[],"networkAllowList":"10.0.0.0/8"}"#,
        ),
        (
            "POST",
            format!("toolbox/{}/process/execute", sandbox.id),
            br#"{"command":"true","cwd":"/tmp","envs":{"A":"1"},"timeout":1}"#,
        ),
        (
            "POST",
            format!("toolbox/{}/process/session", sandbox.id),
            br#"{"sessionId":"s"}"#,
        ),
        (
            "POST",
            format!("toolbox/{}/files/replace", sandbox.id),
            br#"{"files":["a","b"],"pattern":"x","newValue":"y"}"#,
        ),
    ];
    for (method, path, good) in calls {
        for body in cases(&mutated(good)).into_iter().take(60) {
            let answer = http
                .request(method.parse().unwrap(), format!("{}/{path}", engine.url))
                .header("content-type", "application/json")
                .body(body.clone())
                .send()
                .await
                .unwrap();
            let status = answer.status().as_u16();
            assert!(status < 500, "{status} for {:?}", String::from_utf8_lossy(&body));
        }
    }
    well(&toolbox).await;
}
