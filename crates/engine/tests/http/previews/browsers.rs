//! What browsers do by themselves: cookies, and pages of other origins.

use reqwest::header::HeaderMap;

use super::*;

pub fn trials() -> Vec<Trial> {
    trials![
        a_key_in_the_query_becomes_a_cookie,
        a_cookie_does_not_open_to_pages_of_others,
        pages_of_other_origins_may_read
    ]
}

async fn a_key_in_the_query_becomes_a_cookie() {
    let (engine, sandbox, _) = served().await;
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
    let (engine, sandbox, _) = served().await;
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

async fn pages_of_other_origins_may_read() {
    let (engine, sandbox, _) = served().await;
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
