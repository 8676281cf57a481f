//! The sandbox as a whole.

use super::Contract;
use daytona::{ExecuteRequest, SessionExecuteRequest, Toolbox, UpdateEnv};
use std::collections::BTreeMap;
use std::time::Duration;

/// A port that the test's own server listens on.
const PORT: u16 = 8765;

pub async fn contract(contract: &Contract, toolbox: &Toolbox) {
    let work_dir = toolbox.work_dir().await.expect("a work directory");
    let pwd = toolbox
        .execute(ExecuteRequest::new("pwd"))
        .await
        .expect("it runs");
    assert_eq!(pwd.result.trim(), work_dir);
    assert!(toolbox.home_dir().await.expect("a home").starts_with('/'));
    assert!(!toolbox.version().await.expect("a version").is_empty());
    let metrics = toolbox.metrics().await.expect("metrics");
    assert!(metrics.cpu_count >= 1 && metrics.mem_total > 0 && metrics.timestamp_unix > 1_700_000_000);

    let change = UpdateEnv {
        set: BTreeMap::from([("ADDED".to_owned(), "later".to_owned())]),
        ..UpdateEnv::default()
    };
    if contract.may("env", toolbox.update_env(&change).await).is_some() {
        let seen = async || {
            let echo = ExecuteRequest::new("echo \"$ADDED, $CONTRACT\"");
            toolbox.execute(echo).await.expect("it runs").result
        };
        assert_eq!(seen().await, "later, an env\n");
        let back = UpdateEnv {
            unset: vec!["ADDED".into()],
            ..UpdateEnv::default()
        };
        toolbox.update_env(&back).await.expect("it is unset");
        assert_eq!(seen().await, ", an env\n");
    }
    ports(contract, toolbox).await;
}

async fn ports(contract: &Contract, toolbox: &Toolbox) {
    if contract.may("ports", toolbox.ports().await).is_none() {
        return;
    }
    toolbox.create_session("ports").await.expect("a session");
    let serve = SessionExecuteRequest {
        command: format!("python3 -m http.server {PORT} --bind 127.0.0.1"),
        run_async: Some(true),
        suppress_input_echo: None,
    };
    toolbox.session_exec("ports", serve).await.expect("it serves");
    for attempt in 0.. {
        if toolbox.is_port_in_use(PORT).await.expect("ports are told") {
            break;
        }
        assert!(attempt < 100, "the port is never in use");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(toolbox.ports().await.expect("ports are told").contains(&PORT));
    assert!(!toolbox.is_port_in_use(PORT + 1).await.expect("ports are told"));
    let url = toolbox.proxy_url(PORT).expect("an address");
    assert!(url.ends_with(&format!("/proxy/{PORT}/")), "{url}");
    toolbox
        .delete_session("ports", Some(Duration::ZERO))
        .await
        .expect("it ends");
}
