//! Daytona's network settings at creation, and what the engine says of them.

use std::net::TcpListener;

use daytona::{CreateSandbox, ExecuteRequest, Toolbox};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::{Engine, ephemeral};

pub fn trials() -> Vec<Trial> {
    trials![
        a_sandbox_gets_less_than_the_operator_allows_and_never_more,
        network_settings_that_cannot_be_read_are_refused,
        a_running_sandbox_reaches_what_it_is_allowed_from_now_on,
    ]
}

fn limited(ranges: Option<&str>, domains: Option<&str>, block_all: bool) -> CreateSandbox {
    CreateSandbox {
        network_allow_list: ranges.map(ToOwned::to_owned),
        domain_allow_list: domains.map(ToOwned::to_owned),
        network_block_all: block_all.then_some(true),
        ..ephemeral()
    }
}

/// Whether a program reaches the server, by whichever way there is.
async fn reaches(toolbox: &Toolbox, port: u16) -> bool {
    let command = format!(
        "python3 -c \"import os, socket, sys\nproxy = 'HTTPS_PROXY' in os.environ\n\
         s = socket.create_connection(('127.0.0.1', 3128) if proxy else ('10.0.2.2', {port}), 10)\n\
         if proxy:\n s.sendall(b'CONNECT 10.0.2.2:{port} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n \
         sys.exit(b' 200 ' not in s.recv(100))\""
    );
    let done = toolbox.execute(ExecuteRequest::new(&command)).await.unwrap();
    done.exit_code == 0
}

async fn a_sandbox_gets_less_than_the_operator_allows_and_never_more() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let engine = Engine::start_with(&[("ENGINE_NETWORK", &format!("127.0.0.1:{port}"))]);
    let client = engine.client();
    for (request, reached) in [
        (ephemeral(), true),
        (limited(Some("10.0.2.0/24"), None, false), true),
        (limited(Some("192.0.2.0/24"), None, false), false),
        (limited(None, Some("example.com"), false), false),
        (limited(Some(""), None, false), false),
        (limited(None, None, true), false),
    ] {
        let made = client.create(&request).await.unwrap();
        assert!(["tun", "proxy"].contains(&made.pitlane.as_ref().unwrap().network.as_str()));
        assert_eq!(made.network_allow_list, request.network_allow_list);
        assert_eq!(made.domain_allow_list, request.domain_allow_list);
        assert_eq!(made.network_block_all, request.network_block_all.unwrap_or(false));
        let toolbox = client.toolbox(&made).await.unwrap();
        assert_eq!(reaches(&toolbox, port).await, reached, "{request:?}");
        client.delete(&made.id).await.unwrap();
    }
    let health: Value = reqwest::get(format!("{}/api/health", engine.url))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(health["network"]["reach"], "listed");
    assert!(
        !health.to_string().contains(&port.to_string()),
        "the list is not for everyone"
    );

    let closed = Engine::start();
    let client = closed.client();
    let made = client
        .create(&limited(Some("10.0.2.0/24"), None, false))
        .await
        .unwrap();
    assert!(made.network_block_all);
    assert_eq!(made.pitlane.as_ref().unwrap().network, "off");
    let toolbox = client.toolbox(&made).await.unwrap();
    assert!(!reaches(&toolbox, port).await);
}

async fn network_settings_that_cannot_be_read_are_refused() {
    let engine = Engine::start();
    let client = engine.client();
    let many = ["192.0.2.0/24"; 11].join(",");
    for (request, said) in [
        (limited(Some("192.0.2.1"), None, false), "is no IPv4 range"),
        (limited(Some(&many), None, false), "holds 11 entries"),
        (limited(None, Some("http://example.com"), false), "is no domain"),
    ] {
        let refused = client.create(&request).await.unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}

async fn a_running_sandbox_reaches_what_it_is_allowed_from_now_on() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let engine = Engine::start_with(&[("ENGINE_NETWORK", &format!("127.0.0.1:{port}"))]);
    let client = engine.client();
    let made = client.create(&CreateSandbox::default()).await.unwrap();
    let toolbox = client.toolbox(&made).await.unwrap();
    let path = format!("/sandbox/{}/network-settings", made.id);
    for (settings, reached, ranges) in [
        (json!({"networkBlockAll": true}), false, Value::Null),
        (
            json!({"networkAllowList": "10.0.2.0/24"}),
            true,
            json!("10.0.2.0/24"),
        ),
        (json!({"networkBlockAll": true}), false, json!("10.0.2.0/24")),
        (json!({"networkBlockAll": false}), true, Value::Null),
        (json!({"domainAllowList": "example.com"}), false, Value::Null),
    ] {
        let shown = engine.post(&path, settings.clone()).await.ok();
        assert_eq!(shown["networkAllowList"], ranges, "{settings}");
        assert_eq!(reaches(&toolbox, port).await, reached, "{settings}");
    }
    engine.post(&path, json!({})).await.refused(400);
    engine
        .post(&path, json!({"networkAllowList": "x"}))
        .await
        .refused(400);
    // Kept over a stop.
    client.stop(&made.id).await.unwrap();
    client.start(&made.id).await.unwrap();
    assert!(!reaches(&toolbox, port).await);
    engine.post(&path, json!({"networkBlockAll": false})).await.ok();
    assert!(reaches(&toolbox, port).await);
}
