//! The document tells of every route, looks as it did when it was last looked
//! at, and is shown to people.

use super::*;
use crate::site::{api::v1::endpoints, router::api_routes};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[tokio::test]
async fn the_document_is_the_one_that_is_kept() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let (answer, document) = site.json(&cookie, "GET", "/api/openapi.json", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(document["openapi"], "3.1.0");
    let text = answer.body + "\n";
    if std::env::var_os("PITLANE_WRITE_DOCUMENT").is_some() {
        std::fs::write(KEPT, &text).expect("written");
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    let differs = text
        .lines()
        .zip(kept.lines())
        .position(|(one, other)| one != other);
    assert!(
        text == kept,
        "The document differs from docs/openapi.json in line {:?}. If that is meant: PITLANE_WRITE_DOCUMENT=1 cargo test the_document",
        differs.map(|line| line + 1)
    );
}

#[test]
fn every_route_is_in_the_document_but_those_of_the_site_itself() {
    let own = [
        "/api/events",
        "/api/agents/{id}/files/{*path}",
        "/api/openapi.json",
        "/api/docs",
    ];
    let told: Vec<_> = endpoints().into_iter().map(|endpoint| endpoint.route).collect();
    for (route, _) in api_routes() {
        assert_ne!(
            told.contains(&route),
            own.contains(&route.as_str()),
            "{route} is either told of or the site's own"
        );
    }
    let ids: Vec<_> = endpoints()
        .into_iter()
        .map(|endpoint| endpoint.operation.operation_id)
        .collect();
    for id in &ids {
        assert_eq!(
            ids.iter().filter(|other| *other == id).count(),
            1,
            "{id:?} is one operation"
        );
    }
}

#[tokio::test]
async fn the_page_is_for_people_who_are_signed_in_and_runs_no_script() {
    let site = site().await;
    let stranger = site.ask(get("/api/docs")).await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    assert_eq!(stranger.header(header::LOCATION), "/sign-in?next=/api/docs");
    let cookie = site.sign_in().await;
    let page = site.ask_as(&cookie, get("/api/docs")).await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("script-src"),
        "{policy}"
    );
    assert!(page.body.contains("id=\"create_agent\"") && !page.body.contains("<script"));
}
