//! Who may see a program: keys, tokens, and everybody where it is public.

use super::*;

pub fn trials() -> Vec<Trial> {
    trials![
        a_private_preview_opens_to_who_may_see_it,
        a_public_preview_opens_to_everybody
    ]
}

async fn a_private_preview_opens_to_who_may_see_it() {
    let (engine, sandbox, _) = served().await;
    let preview = address(&engine, &sandbox, 3000).await;
    let port = engine.url.rsplit(':').next().unwrap();
    assert_eq!(
        preview.url,
        format!("http://3000-{}.localhost:{port}", sandbox.id)
    );
    assert_eq!(preview.sandbox_id, sandbox.id);
    let token = preview.token.as_str();

    let refused = at(&engine, &preview.url).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let told: Value = refused.json().await.unwrap();
    assert_eq!(told["source"], "DAYTONA_PROXY");
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("X-Daytona-Preview-Token")
    );

    let url = format!("{}/hello?a=1", preview.url);
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("authorization", format!("Bearer {token}")),
        ("x-daytona-preview-token", token.to_owned()),
        ("x-daytona-preview-token", KEY.to_owned()),
        (
            "cookie",
            format!("a=b; daytona-sandbox-auth-{}={token}", sandbox.id),
        ),
    ] {
        let answer = at(&engine, &url).header(name, &value).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}: {value}");
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["path"], "/hello?a=1");
    }
    let with_query = format!("{}/hello?DAYTONA_SANDBOX_AUTH_KEY={token}", preview.url);
    assert_eq!(status(at(&engine, &with_query)).await, 200);
    for (name, value) in [
        ("authorization", "Bearer wrong".to_owned()),
        ("x-daytona-preview-token", String::new()),
        ("cookie", format!("daytona-sandbox-auth-{}=", sandbox.id)),
        ("cookie", format!("daytona-sandbox-auth-other={token}")),
        ("cookie", format!("{}={token}", sandbox.id)),
    ] {
        assert_eq!(
            status(at(&engine, &url).header(name, &value)).await,
            401,
            "{name}: {value}"
        );
    }
    // The token opens this sandbox's toolbox, as Daytona's does, and no other's.
    let (other, _) = engine.sandbox().await;
    for (id, expected) in [(&sandbox.id, 200), (&other.id, 401)] {
        let url = format!("{}/toolbox/{id}/work-dir", engine.url);
        let request = stranger().get(&url).header("x-daytona-preview-token", token);
        assert_eq!(status(request).await, expected);
        let request = stranger().get(format!("{url}?DAYTONA_SANDBOX_AUTH_KEY={token}"));
        assert_eq!(status(request).await, expected);
    }
    let other = address(&engine, &other, 3000).await;
    assert_eq!(
        status(at(&engine, &other.url).header("x-daytona-preview-token", token)).await,
        401
    );
    // It is no key of the control plane.
    let url = format!("{}/api/sandbox", engine.url);
    assert_eq!(status(stranger().get(url).bearer_auth(token)).await, 401);

    let about = format!("/preview/{}", sandbox.id);
    assert!(!control::<bool>(&engine, &format!("{about}/public")).await);
    assert!(control::<bool>(&engine, &format!("{about}/access")).await);
    assert!(control::<bool>(&engine, &format!("{about}/validate/{token}")).await);
    assert!(!control::<bool>(&engine, &format!("{about}/validate/{token}0")).await);
    let none = engine
        .http()
        .get(format!("{}/api/preview/none/access", engine.url));
    assert_eq!(status(none).await, 404);
}

async fn a_public_preview_opens_to_everybody() {
    let engine = Engine::start();
    let client = engine.client();
    let request = CreateSandbox {
        public: Some(true),
        ..ephemeral()
    };
    let sandbox = client.create(&request).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    // The program's own authorization is the program's, ours is not.
    for (authorization, passes) in [
        ("Bearer theirs", true),
        ("Basic dTpw", true),
        ("Bearer test-key", false),
        ("Bearer dtn_something", false),
    ] {
        let answer = at(&engine, &preview.url)
            .header("authorization", authorization)
            .send()
            .await
            .unwrap();
        let told: Value = answer.json().await.unwrap();
        let passed = seen(&told).iter().any(|(name, _)| name == "authorization");
        assert_eq!(passed, passes, "{authorization}");
    }
    assert!(control::<bool>(&engine, &format!("/preview/{}/public", sandbox.id)).await);
    // Its toolbox is not public.
    let url = format!("{}/toolbox/{}/work-dir", engine.url, sandbox.id);
    assert_eq!(status(stranger().get(url)).await, 401);
    let url = format!("{}/toolbox/{}/proxy/3000/", engine.url, sandbox.id);
    assert_eq!(status(stranger().get(url)).await, 401);
}
