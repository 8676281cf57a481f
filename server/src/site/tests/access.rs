//! Every address without a session, and requests other sites could cause.

use super::*;
use crate::site::{guard::OPEN_FUNCTIONS, pages, router::api_routes};

/// An address of the shape of a route.
fn address(route: &str) -> String {
    route
        .split('/')
        .map(|part| {
            if part.starts_with('{') {
                "0199f3b2-6c1e-7d4a-8f00-0123456789ab"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn every_page_without_a_session_leads_to_the_sign_in_page() {
    let site = site().await;
    let pages = &*pages::ROUTES;
    assert!(pages.len() >= 5, "the pages are listed");
    for page in pages {
        let path = address(page.path());
        let answer = site.ask(get(&path)).await;
        if path == "/sign-in" || path.starts_with("/reset/") || path.starts_with("/invite/") {
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            continue;
        }
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.header(header::LOCATION).starts_with("/sign-in"), "{path}");
        assert!(answer.body.is_empty(), "{path} shows nothing");
    }
}

#[tokio::test]
async fn every_route_of_the_api_without_a_session_is_refused() {
    let site = site().await;
    for (route, _) in api_routes() {
        for method in ["GET", "PUT", "POST", "DELETE"] {
            let answer = site
                .ask(
                    request(method, &address(&route))
                        .body(Body::empty())
                        .expect("a request"),
                )
                .await;
            if route == "/api/docs" {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{method} {route}");
                assert!(answer.header(header::LOCATION).starts_with("/sign-in"));
                continue;
            }
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {route}");
            assert!(answer.body.contains("signed_out"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn every_server_function_without_a_session_is_refused_but_those_that_lead_to_one() {
    let site = site().await;
    assert_eq!(
        OPEN_FUNCTIONS,
        [
            "/fn/accept_invitation",
            "/fn/load_invitation",
            "/fn/load_me",
            "/fn/load_reset",
            "/fn/reset_password",
            "/fn/sign_in"
        ],
        "whoever opens another says here why it may be: each finds out who asks, or proves it"
    );
    let functions: Vec<_> = server_fn::axum::server_fn_paths().collect();
    assert!(functions.len() >= 15, "the functions are listed");
    for (path, method) in functions {
        assert!(path.starts_with("/fn/"), "{path} is outside the guard's sight");
        let answer = site
            .ask(
                request(method.as_str(), path)
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Body::from("{}"))
                    .expect("a request"),
            )
            .await;
        let is_open = OPEN_FUNCTIONS.contains(&path);
        assert_eq!(
            answer.status == StatusCode::UNAUTHORIZED,
            !is_open,
            "{path}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn what_is_open_is_open_and_nothing_else() {
    let site = site().await;
    assert_eq!(site.ask(get("/healthz")).await.status, StatusCode::OK);
    assert_eq!(site.readiness().await.status, StatusCode::OK);
    assert_eq!(
        site.ask(get("/assets/0000000000000000/app.js")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(site.ask(get("/nowhere")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        site.ask(get("/api/nowhere")).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        site.ask(get("/assets/0123456789abcdef/../../etc/passwd"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_cookie_somebody_made_up_is_no_session() {
    let site = site().await;
    for cookie in ["pitlane=AAAAAAAAAAAAAAAAAAAAAA", "pitlane=", "pitlane=../../x"] {
        let answer = site.ask_as(cookie, get("/api/session")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
}

#[tokio::test]
async fn other_names_are_not_answered() {
    let site = site().await;
    for host in ["evil.example", "pitlane.evil.example:3000", ""] {
        let request = Request::get("/healthz")
            .header(header::HOST, host)
            .body(Body::empty())
            .expect("a request");
        assert_eq!(site.ask(request).await.status, StatusCode::FORBIDDEN, "{host}");
    }
}

#[tokio::test]
async fn changes_asked_for_by_other_sites_are_refused() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let path = format!("/api/agents/{}/files/new.py", agent.id);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:3001"),
    ] {
        let request = request("PUT", &path)
            .header(name, value)
            .body(Body::from("x"))
            .expect("a request");
        assert_eq!(
            site.ask_as(&cookie, request).await.status,
            StatusCode::FORBIDDEN,
            "{name}: {value}"
        );
    }
    let ours = request("PUT", &path)
        .header("sec-fetch-site", "same-origin")
        .body(Body::from("x"))
        .expect("a request");
    assert_eq!(site.ask_as(&cookie, ours).await.status, StatusCode::OK);
}
