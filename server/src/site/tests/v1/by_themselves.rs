//! Schedules and webhooks through the API.

use super::*;
use serde_json::json;

#[tokio::test]
async fn a_schedule_is_made_changed_and_deleted() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let all = format!("/api/v1/agents/{}/schedules", agent.slug);
    let wanted = json!({"name": "morning", "cron": "0 9 * * *", "zone": "Europe/Berlin", "overlap": "queue"});
    let (made, schedule) = site.json(&cookie, "POST", &all, Some(wanted)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(
        (&schedule["overlap"], &schedule["missed"]),
        (&json!("queue"), &json!("skip"))
    );
    let one = made.header(header::LOCATION).to_owned();
    let (_, list) = site.json(&cookie, "GET", &all, None).await;
    assert_eq!(list["items"][0]["id"], schedule["id"]);
    let (_, shown) = site.json(&cookie, "GET", &one, None).await;
    assert_eq!(shown["next"].as_array().map(Vec::len), Some(5), "{shown}");
    assert_eq!(shown["next"][0], schedule["next_at"]);
    let (changed, off) = site
        .json(&cookie, "PATCH", &one, Some(json!({"is_on": false})))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!((&off["is_on"], &off["next_at"]), (&json!(false), &Value::Null));
    assert_eq!(off["name"], "morning", "what is left out stays");
    for odd in [
        json!({"cron": "x"}),
        json!({"zone": "Mars/Base"}),
        json!({"cron": "0 0 30 2 *", "is_on": true}),
        json!({"odd": 1}),
    ] {
        let (refused, _) = site.json(&cookie, "PATCH", &one, Some(odd)).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.body
        );
    }
    let (gone, _) = site.json(&cookie, "DELETE", &one, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let (missing, _) = site.json(&cookie, "GET", &one, None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_webhook_of_an_agent_tells_its_secret_once() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let hook = format!("/api/v1/agents/{}/webhook", agent.id);
    let (none, _) = site.json(&cookie, "GET", &hook, None).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let key = [("idempotency-key", "k")];
    let (made, told) = site.json_with(&cookie, "POST", &hook, &key, None).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let secret = told["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(
        told["path"],
        format!("/api/hooks/{}", told["id"].as_str().expect("an id"))
    );
    let (again, _) = site.json_with(&cookie, "POST", &hook, &key, None).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let (shown, _) = site.json(&cookie, "GET", &hook, None).await;
    assert!(!again.body.contains(&secret) && !shown.body.contains(&secret));
    let (_, rotated) = site.json(&cookie, "POST", &format!("{hook}/secret"), None).await;
    assert_ne!(rotated["secret"], secret);
    let (_, changed) = site
        .json(&cookie, "PATCH", &hook, Some(json!({"body": "file"})))
        .await;
    assert_eq!(
        (&changed["body"], &changed["is_on"]),
        (&json!("file"), &json!(true))
    );
    let (gone, _) = site.json(&cookie, "DELETE", &hook, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn addresses_are_told_of_events() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let wanted = json!({"url": "https://example.com/hook", "events": ["run.failed", "budget.warning"]});
    let (made, target) = site.json(&cookie, "POST", "/api/v1/webhooks", Some(wanted)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert!(
        target["secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("whsec_"))
    );
    let one = made.header(header::LOCATION).to_owned();
    for odd in [
        json!({"url": "http://127.0.0.1/", "events": ["run.failed"]}),
        json!({"url": "https://example.com/", "events": []}),
        json!({"url": "https://example.com/", "events": ["run.odd"]}),
    ] {
        let (refused, _) = site.json(&cookie, "POST", "/api/v1/webhooks", Some(odd)).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.body
        );
    }
    let store = &site.site.services.store;
    let (team, event) = (model::TeamId::first(), model::WebhookEvent::BudgetWarning);
    store
        .announce(&team, event, "x", &json!({}))
        .await
        .expect("announced");
    let (_, sent) = site
        .json(&cookie, "GET", &format!("{one}/deliveries"), None)
        .await;
    assert_eq!(sent[0]["event"], "budget.warning", "{sent}");
    let delivery = sent[0]["id"].as_str().expect("an id").to_owned();
    let replay = format!("/api/v1/deliveries/{delivery}/replay");
    let (again, _) = site.json(&cookie, "POST", &replay, None).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    let (_, off) = site
        .json(&cookie, "PATCH", &one, Some(json!({"is_on": false})))
        .await;
    assert_eq!(
        (&off["is_on"], &off["url"]),
        (&json!(false), &json!("https://example.com/hook"))
    );
    let (refused, _) = site.json(&cookie, "POST", &replay, None).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let (_, rotated) = site.json(&cookie, "POST", &format!("{one}/secret"), None).await;
    assert_ne!(rotated["secret"], target["secret"]);
    let (gone, _) = site.json(&cookie, "DELETE", &one, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let (_, list) = site.json(&cookie, "GET", "/api/v1/webhooks", None).await;
    assert_eq!(list["items"], json!([]));
}
