//! Addresses that open by themselves, one port for a while.

use super::*;

pub fn trials() -> Vec<Trial> {
    trials![a_signed_address_opens_one_port_for_a_while]
}

async fn a_signed_address_opens_one_port_for_a_while() {
    let (engine, sandbox, _) = served().await;
    let preview = signed(&engine, &sandbox, 3000, 600).await;
    assert_eq!(
        (preview.port, preview.sandbox_id.as_str()),
        (3000, sandbox.id.as_str())
    );
    let port = engine.url.rsplit(':').next().unwrap();
    assert_eq!(
        preview.url,
        format!("http://3000-{}.localhost:{port}", preview.token)
    );
    assert_eq!(status(at(&engine, &preview.url)).await, 200);
    // Of this port alone.
    let other = preview.url.replace("http://3000-", "http://3001-");
    assert_eq!(status(at(&engine, &other)).await, 404);
    let path = format!("/preview/{}/3000/sandbox-id", preview.token);
    assert_eq!(control::<String>(&engine, &path).await, sandbox.id);

    let short = signed(&engine, &sandbox, 3000, 1).await;
    eventually("it expires", async || {
        status(at(&engine, &short.url)).await == 404
    })
    .await;

    let expire = |token: &str, port: u16| {
        let url = format!(
            "{}/api/sandbox/{}/ports/{port}/signed-preview-url/{token}/expire",
            engine.url, sandbox.id
        );
        status(engine.http().post(url))
    };
    assert_eq!(expire(&preview.token, 3001).await, 404);
    assert_eq!(expire(&preview.token, 3000).await, 200);
    assert_eq!(status(at(&engine, &preview.url)).await, 404);
    assert_eq!(expire(&preview.token, 3000).await, 404);

    for query in [
        "expiresInSeconds=0",
        "expiresInSeconds=86401",
        "expiresInSeconds=x",
    ] {
        let url = format!(
            "{}/api/sandbox/{}/ports/3000/signed-preview-url?{query}",
            engine.url, sandbox.id
        );
        assert_eq!(status(engine.http().get(url)).await, 400, "{query}");
    }
    for port in ["0", "65536", "x"] {
        let url = format!(
            "{}/api/sandbox/{}/ports/{port}/preview-url",
            engine.url, sandbox.id
        );
        assert_eq!(status(engine.http().get(url)).await, 400, "{port}");
    }
    // A sandbox that is gone has no previews.
    let last = signed(&engine, &sandbox, 3000, 600).await;
    engine.client().delete(&sandbox.id).await.unwrap();
    assert_eq!(status(at(&engine, &last.url)).await, 404);
}
