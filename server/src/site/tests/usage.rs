//! Budgets over HTTP: who sets them, and what a start is answered with when one
//! is used up.

use super::{tokens::bearing, *};
use model::{Budget, Micros, Permission, RunId};

impl TestSite {
    async fn with_budget(&self, monthly: i64) {
        let budget = Budget {
            monthly: Some(Micros(monthly)),
            free_credit: Micros(0),
        };
        let store = &self.site.services.store;
        store
            .set_budget(&model::TeamId::first(), &budget)
            .await
            .expect("set");
    }
}

#[tokio::test]
async fn a_budget_that_is_used_up_refuses_every_kind_of_start_in_words() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let start = || {
        request("POST", "/fn/start_run")
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(format!(
                r#"{{"id":"{}","agent":"{}","fresh":true}}"#,
                RunId::generate(),
                agent.id
            )))
            .expect("a request")
    };
    site.with_budget(0).await;
    let refused = site.ask_as(&cookie, start()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert!(
        refused.body.contains("is used up: $0.00 of $0.00"),
        "{}",
        refused.body
    );
    let (_, token) = site.token(&[Permission::Read, Permission::Run]).await;
    let execute = request("POST", &format!("/api/agents/{}/execute", agent.slug))
        .body(Body::empty())
        .expect("a request");
    let refused = site.ask(bearing(&token, execute)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert_eq!(refused.header(header::CONTENT_TYPE), "application/problem+json");
    assert!(
        refused.body.contains("the next month begins on"),
        "{}",
        refused.body
    );
    let page = site.ask_as(&cookie, get("/settings/usage")).await;
    assert!(
        page.body.contains("budget bad") && page.body.contains("used up"),
        "the page says so"
    );

    site.with_budget(1_000_000).await;
    let started = site.ask_as(&cookie, start()).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.body);
}

#[tokio::test]
async fn the_months_of_a_team_are_a_page_and_a_file() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let page = site.ask_as(&cookie, get("/settings/usage?month=2026-02")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("Nothing was used in February 2026"),
        "the month is shown"
    );
    let file = site
        .ask_as(&cookie, get("/api/v1/usage/export?month=2026-02"))
        .await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(
        file.header(header::CONTENT_DISPOSITION)
            .contains("usage-2026-02.csv")
    );
    assert_eq!(file.body.lines().count(), 1, "{}", file.body);
}
