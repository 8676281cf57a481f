//! Programs with a token: what it opens, what it does not, and its end.

use super::*;
use model::{NewToken, Permission, TokenId};

impl TestSite {
    /// A token of the owner's with these scopes.
    pub(super) async fn token(&self, scopes: &[Permission]) -> (TokenId, String) {
        let new = NewToken {
            name: "test".to_owned(),
            scopes: scopes.to_vec(),
            days: None,
        };
        let store = &self.site.services.store;
        let (token, text) = runs::tokens::create(store, &model::TeamId::first(), &self.owner.id, new)
            .await
            .expect("a token");
        (token.id, text)
    }
}

pub(super) fn bearing(token: &str, mut request: Request<Body>) -> Request<Body> {
    let header = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert(header::AUTHORIZATION, header);
    request
}

#[tokio::test]
async fn a_token_opens_the_api_as_far_as_its_scopes_go() {
    let site = site().await;
    let agent = site.agent().await;
    let (id, token) = site.token(&[Permission::Read]).await;
    let who = site.ask(bearing(&token, get("/api/session"))).await;
    assert_eq!(
        (who.status, who.body.as_str()),
        (StatusCode::OK, r#"{"name":"owner"}"#)
    );
    let put = || {
        request("PUT", &format!("/api/agents/{}/files/new.py", agent.id))
            // A program may say what it likes about where it is.
            .header("origin", "http://evil.example")
            .body(Body::from("x"))
            .expect("a request")
    };
    let refused = site.ask(bearing(&token, put())).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert!(refused.body.contains("lacks the scope edit"), "{}", refused.body);
    let (_, editor) = site.token(&[Permission::Edit]).await;
    assert_eq!(site.ask(bearing(&editor, put())).await.status, StatusCode::OK);
    assert_eq!(
        site.ask(bearing(&editor, get("/api/session"))).await.status,
        StatusCode::FORBIDDEN,
        "who may edit with it may not read with it"
    );
    let store = &site.site.services.store;
    store
        .revoke_token(&model::TeamId::first(), Some(&site.owner.id), &id)
        .await
        .expect("revoked");
    let gone = site.ask(bearing(&token, get("/api/session"))).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    assert_eq!(gone.header(header::WWW_AUTHENTICATE), "Bearer");
    assert!(gone.body.contains("revoked"), "{}", gone.body);
}

#[tokio::test]
async fn a_token_is_good_for_the_api_alone_and_never_for_a_session_beside_it() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let (_, token) = site.token(&Permission::ALL).await;
    assert_eq!(
        site.ask(bearing(&token, get("/"))).await.status,
        StatusCode::SEE_OTHER
    );
    let list = request("POST", "/fn/list_tokens")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        site.ask(bearing(&token, list)).await.status,
        StatusCode::UNAUTHORIZED
    );
    // With a wrong token a good cookie is not looked at: no way around the question where a request is from.
    for wrong in [
        "",
        "x",
        "plt_",
        &token[..53],
        &token.to_lowercase(),
        &format!("{token}0"),
    ] {
        let mut both = bearing(wrong, get("/api/session"));
        both.headers_mut()
            .insert(header::COOKIE, cookie.parse().expect("a cookie"));
        let answer = site.ask(both).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
    let mut other_site = bearing(
        "plt_",
        request("POST", "/fn/sign_out")
            .body(Body::empty())
            .expect("a request"),
    );
    let headers = other_site.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().expect("a cookie"));
    headers.insert(header::ORIGIN, "http://evil.example".parse().expect("an origin"));
    assert_eq!(site.ask(other_site).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let site = site().await;
    let (id, token) = site.token(&[Permission::Read]).await;
    let answer = site.send(bearing(&token, get("/api/events"))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let store = &site.site.services.store;
    store
        .revoke_token(&model::TeamId::first(), Some(&site.owner.id), &id)
        .await
        .expect("revoked");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("its end");
    assert!(String::from_utf8_lossy(&body).contains(r#""reason":"signed_out""#));
}

#[tokio::test]
async fn people_make_list_and_revoke_their_tokens() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let post = |path: &str, kind: &str, body: String| {
        request("POST", path)
            .header(header::CONTENT_TYPE, kind)
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(body))
            .expect("a request")
    };
    let form = "application/x-www-form-urlencoded";
    let new = r#"{"name":"nightly","scopes":["read","run"],"days":30}"#.to_owned();
    let made = site
        .ask_as(&cookie, post("/fn/create_token", "application/json", new))
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let text: String = serde_json::from_str(&made.body).expect("a text");
    assert!(text.starts_with("plt_"));
    assert_eq!(
        site.ask(bearing(&text, get("/api/session"))).await.status,
        StatusCode::OK
    );
    let page = site.ask_as(&cookie, get("/settings/tokens")).await;
    assert!(page.body.contains("nightly") && page.body.contains("read, run"));
    assert!(!page.body.contains(&text), "it is shown once");
    let tokens = site
        .site
        .services
        .store
        .list_tokens(&model::TeamId::first(), &site.owner.id)
        .await
        .expect("tokens");
    let revoke = format!("token={}", tokens[0].id);
    site.ask_as(&cookie, post("/fn/revoke_token", form, revoke)).await;
    assert_eq!(
        site.ask(bearing(&text, get("/api/session"))).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn every_refusal_of_the_api_is_a_problem_document() {
    let site = site().await;
    let (_, token) = site.token(&Permission::ALL).await;
    let agent = site.agent().await;
    let missing = "0199f3b2-6c1e-7d4a-8f00-0123456789ab";
    let file = format!("/api/agents/{}/files/agent.py", agent.id);
    for (method, path, status) in [
        ("GET", "/api/nowhere", 404),
        ("DELETE", "/api/session", 405),
        ("GET", "/api/runs/x/log", 422),
        ("GET", &format!("/api/runs/{missing}/log"), 404),
        ("GET", "/api/runs/x/log?from=-1", 400),
        ("PUT", &file, 412),
    ] {
        let asked = request(method, path).body(Body::from("x")).expect("a request");
        let answer = site.ask(bearing(&token, asked)).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.body);
        if status == 412 {
            assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
            continue;
        }
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title", "detail", "code"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
    }
    let other = Request::get("/api/session").header(header::HOST, "evil.example");
    let answer = site.ask(other.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
}
