//! What is passed on to the program, and what it never sees.

use super::*;

pub fn trials() -> Vec<Trial> {
    trials![the_program_never_sees_what_opened_it, websockets_reach_previews]
}

async fn the_program_never_sees_what_opened_it() {
    let (engine, sandbox, _) = served().await;
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

async fn websockets_reach_previews() {
    let (engine, sandbox, _) = served().await;
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
