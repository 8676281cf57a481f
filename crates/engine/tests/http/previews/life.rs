//! When previews end, what their use means, and addresses that are none.

use super::*;

pub fn trials() -> Vec<Trial> {
    trials![
        a_preview_token_ends_with_a_restart,
        an_open_preview_is_a_use_of_the_sandbox,
        another_domain_is_served,
        odd_addresses_are_refused,
    ]
}

async fn a_preview_token_ends_with_a_restart() {
    let engine = Engine::start();
    let client = engine.client();
    let sandbox = client.create(&CreateSandbox::default()).await.unwrap();
    let before = address(&engine, &sandbox, 3000).await;
    client.stop(&sandbox.id).await.unwrap();
    let stopped = at(&engine, &before.url).header("x-daytona-preview-token", &before.token);
    let stopped = stopped.send().await.unwrap();
    assert_eq!(stopped.status(), 400);
    assert!(stopped.text().await.unwrap().contains("is not started"));
    client.start(&sandbox.id).await.unwrap();
    let after = address(&engine, &sandbox, 3000).await;
    assert_eq!(before.url, after.url);
    assert_ne!(before.token, after.token);
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    for (token, expected) in [(&before.token, 401), (&after.token, 200)] {
        let request = at(&engine, &after.url).header("x-daytona-preview-token", token);
        assert_eq!(status(request).await, expected);
    }
    client.delete(&sandbox.id).await.unwrap();
}

async fn an_open_preview_is_a_use_of_the_sandbox() {
    // A minute of a fifth of a second: without use it would be stopped soon.
    let engine = Engine::start_with(&[("ENGINE_MINUTE_MS", "200")]);
    let client = engine.client();
    let request = CreateSandbox {
        auto_stop_interval: Some(0),
        ..CreateSandbox::default()
    };
    let sandbox = client.create(&request).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = signed(&engine, &sandbox, 3000, 600).await;
    let url = format!("{}/s", preview.url);
    let is = async |state: daytona::SandboxState| client.get(&sandbox.id).await.unwrap().state == Some(state);
    let mut open = socket(&engine, &url, &[]).await.unwrap();
    // Only now, so that nothing before has to be quick.
    client.set_auto_stop(&sandbox.id, 10).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert!(
        is(daytona::SandboxState::Started).await,
        "a silent socket is a use"
    );
    open.send(Message::text("still here")).await.unwrap();
    assert_eq!(open.next().await.unwrap().unwrap(), Message::text("still here"));
    // One that says so is none.
    let skipping = [("x-daytona-skip-last-activity-update", "true")];
    let _quiet = socket(&engine, &url, &skipping).await.unwrap();
    drop(open);
    eventually("it is stopped", async || is(daytona::SandboxState::Stopped).await).await;
    client.delete(&sandbox.id).await.unwrap();
}

async fn another_domain_is_served() {
    let engine = Engine::start_with(&[("ENGINE_PREVIEW_DOMAIN", "p.example.com:8443")]);
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    assert_eq!(
        preview.url,
        format!("http://3000-{}.p.example.com:8443", sandbox.id)
    );
    let request = at(&engine, &preview.url).header("x-daytona-preview-token", &preview.token);
    assert_eq!(status(request).await, 200);
    let config: Value = control(&engine, "/config").await;
    assert_eq!(
        config["proxyTemplateUrl"],
        "http://{{PORT}}-{{sandboxId}}.p.example.com:8443"
    );
    // The default domain is nothing special then.
    let local = format!("http://3000-{}.localhost/api/health", sandbox.id);
    assert_eq!(status(at(&engine, &local)).await, 200);
}

async fn odd_addresses_are_refused() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    // Nothing of the engine's own is reached under a preview's name.
    for path in ["api/sandbox", "api/health", "toolbox/x/work-dir", "api/config"] {
        let url = format!("http://3000-{}.localhost/{path}", sandbox.id);
        assert_eq!(status(at(&engine, &url)).await, 401, "{path}");
        let refused = at(&engine, &url).bearer_auth(KEY).send().await.unwrap();
        assert_eq!(refused.status(), 502, "{path}: nothing listens");
    }
    for name in ["3000-none", "3000-00000000-0000-4000-8000-000000000000"] {
        let url = format!("http://{name}.localhost/");
        let answer = at(&engine, &url).bearer_auth(KEY).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["source"], "DAYTONA_PROXY");
    }
    // By its name in place of its id there is none: a name is not a host's.
    let renamed = format!("http://3000-{}.localhost/", sandbox.id.to_uppercase());
    assert_eq!(status(at(&engine, &renamed).bearer_auth(KEY)).await, 502);
}
