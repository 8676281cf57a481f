//! Programs of sandboxes under host names of their own: who may see them, and
//! what they are never shown.

use libtest_mimic::Trial;

use daytona::{CreateSandbox, PortPreview, Sandbox, SignedPortPreview};
use futures::{SinkExt, StreamExt};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::ports::{seen, serve};
use crate::support::{Engine, KEY, ephemeral, eventually};

mod life;

pub fn trials() -> Vec<Trial> {
    let mut all = trials![
        a_private_preview_opens_to_who_may_see_it,
        a_signed_address_opens_one_port_for_a_while,
        a_public_preview_opens_to_everybody,
        the_program_never_sees_what_opened_it,
        a_key_in_the_query_becomes_a_cookie,
        a_cookie_does_not_open_to_pages_of_others,
        websockets_reach_previews,
        pages_of_other_origins_may_read,
    ];
    all.extend(life::trials());
    all
}

/// A client without a key that follows nothing.
fn stranger() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A request to the engine under another host name.
fn at(engine: &Engine, url: &str) -> reqwest::RequestBuilder {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    stranger()
        .get(format!("{}/{path}", engine.url))
        .header("host", host)
}

async fn control<T: serde::de::DeserializeOwned>(engine: &Engine, path: &str) -> T {
    let answer = engine
        .http()
        .get(format!("{}/api{path}", engine.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn address(engine: &Engine, sandbox: &Sandbox, port: u16) -> PortPreview {
    control(
        engine,
        &format!("/sandbox/{}/ports/{port}/preview-url", sandbox.id),
    )
    .await
}

async fn signed(engine: &Engine, sandbox: &Sandbox, port: u16, seconds: u32) -> SignedPortPreview {
    let path = format!(
        "/sandbox/{}/ports/{port}/signed-preview-url?expiresInSeconds={seconds}",
        sandbox.id
    );
    control(engine, &path).await
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

async fn a_private_preview_opens_to_who_may_see_it() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
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

async fn a_signed_address_opens_one_port_for_a_while() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
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

async fn the_program_never_sees_what_opened_it() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    let token = preview.token.as_str();
    let url = format!(
        "{}/x?q=1&DAYTONA_SANDBOX_AUTH_KEY={token}&DAYTONA%5FSANDBOX%5FAUTH%5FKEY={KEY}",
        preview.url
    );
    let answer = at(&engine, &url)
        .bearer_auth(KEY)
        .header("x-daytona-preview-token", token)
        .header("x-daytona-skip-preview-warning", "true")
        .header("x-daytona-skip-last-activity-update", "true")
        .header("x-daytona-disable-cors", "true")
        .header(
            "cookie",
            format!(
                "mine=1; daytona-sandbox-auth-{}={token}; pitlane=session",
                sandbox.id
            ),
        )
        .header(
            "referer",
            format!("{}/?DAYTONA_SANDBOX_AUTH_KEY={token}", preview.url),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told["path"], "/x?q=1");
    let text = told.to_string();
    for secret in [token, KEY, "pitlane=", "x-daytona", "X-Daytona"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let seen = seen(&told);
    let value = |name: &str| {
        seen.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    };
    // Under its own name, so that addresses it makes of it are right.
    let host = preview.url.strip_prefix("http://");
    assert_eq!(value("host"), host);
    assert_eq!(value("x-forwarded-host"), host);
    assert_eq!(value("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(value("cookie"), Some("mine=1"));
}

async fn a_key_in_the_query_becomes_a_cookie() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    // Somebody who opens the page is led to its address without the key; also
    // with an API key in the query, which the cookie does not hold.
    for key in [preview.token.as_str(), KEY] {
        let url = format!(
            "{}//evil.example/?b=%20&DAYTONA_SANDBOX_AUTH_KEY={key}",
            preview.url
        );
        let answer = at(&engine, &url)
            .header("accept", "text/html,*/*")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 302);
        let headers = answer.headers();
        assert_eq!(
            headers["location"],
            format!("{}//evil.example/?b=%20", preview.url)
        );
        let cookie = headers["set-cookie"].to_str().unwrap();
        assert_eq!(
            cookie,
            format!(
                "daytona-sandbox-auth-{}={}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax",
                sandbox.id, preview.token
            )
        );
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(
            status(at(&engine, &preview.url).header("cookie", pair)).await,
            200
        );
    }
    // A program that asks is answered, and given the cookie too.
    let url = format!("{}/?DAYTONA_SANDBOX_AUTH_KEY={}", preview.url, preview.token);
    let answer = at(&engine, &url)
        .header("x-forwarded-proto", "https")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.to_str().unwrap().ends_with("; SameSite=Lax; Secure"))
    );
    assert_eq!(answer.headers()["cache-control"], "private");
}

async fn a_cookie_does_not_open_to_pages_of_others() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    let cookie = format!("daytona-sandbox-auth-{}={}", sandbox.id, preview.token);
    let asked = |headers: &[(&str, &str)]| {
        let request = at(&engine, &preview.url).header("cookie", &cookie);
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        status(request)
    };
    let elsewhere = preview.url.replace("3000-", "4000-");
    assert_eq!(
        asked(&[("origin", &preview.url), ("sec-fetch-site", "same-origin")]).await,
        200
    );
    assert_eq!(
        asked(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]).await,
        200
    );
    assert_eq!(asked(&[("sec-fetch-site", "none")]).await, 200);
    assert_eq!(asked(&[("origin", &elsewhere)]).await, 401);
    assert_eq!(asked(&[("origin", "null")]).await, 401);
    assert_eq!(
        asked(&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")]).await,
        401
    );
    assert_eq!(
        asked(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")]).await,
        401
    );
}

async fn socket(
    engine: &Engine,
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<crate::sockets::Socket, tungstenite::Error> {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let address = format!("{}/{path}", engine.url.replace("http", "ws"));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("host", host.parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    tokio_tungstenite::connect_async(request)
        .await
        .map(|(socket, _)| socket)
}

async fn websockets_reach_previews() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    let signed = signed(&engine, &sandbox, 3000, 600).await;
    let by_query = format!("{}/s?DAYTONA_SANDBOX_AUTH_KEY={}", preview.url, preview.token);
    let cookie = format!("daytona-sandbox-auth-{}={}", sandbox.id, preview.token);
    let (plain, by_name) = (format!("{}/s", preview.url), format!("{}/s", signed.url));
    for (url, headers) in [
        (&plain, vec![("x-daytona-preview-token", preview.token.as_str())]),
        (
            &plain,
            vec![("cookie", cookie.as_str()), ("origin", preview.url.as_str())],
        ),
        (&by_query, vec![]),
        (&by_name, vec![]),
    ] {
        let mut socket = socket(&engine, url, &headers).await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    }
    for headers in [
        vec![],
        vec![("cookie", cookie.as_str()), ("origin", "http://evil.localhost")],
    ] {
        let refused = socket(&engine, &plain, &headers).await.unwrap_err();
        assert!(matches!(refused, tungstenite::Error::Http(answer) if answer.status() == 401));
    }
}

async fn pages_of_other_origins_may_read() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    serve(&engine, &sandbox, &toolbox, 3000, "127.0.0.1").await;
    let preview = address(&engine, &sandbox, 3000).await;
    let host = preview.url.strip_prefix("http://").unwrap();
    let origin = "https://app.example";
    let preflight = async |wanted: &str| {
        let request = stranger().request(reqwest::Method::OPTIONS, &engine.url);
        let answer = request
            .header("host", host)
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", wanted)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    };
    let (code, headers) = preflight("x-daytona-preview-token").await;
    assert_eq!(code, 204);
    assert_eq!(headers["access-control-allow-origin"], origin);
    assert_eq!(headers["access-control-allow-methods"], "PUT");
    assert_eq!(headers["access-control-allow-headers"], "x-daytona-preview-token");
    // What a browser adds by itself opens nothing to others.
    assert!(!headers.contains_key("access-control-allow-credentials"));
    assert_eq!(
        preflight("a, X-Daytona-Disable-CORS").await.0,
        401,
        "left to the program"
    );

    let read = async |disabled: bool| -> HeaderMap {
        let mut request = at(&engine, &preview.url)
            .header("origin", origin)
            .header("x-daytona-preview-token", &preview.token);
        if disabled {
            request = request.header("x-daytona-disable-cors", "true");
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers().clone()
    };
    let shared = read(false).await;
    assert_eq!(shared["access-control-allow-origin"], origin);
    assert!(!shared.contains_key("access-control-allow-credentials"));
    assert!(!read(true).await.contains_key("access-control-allow-origin"));
}
