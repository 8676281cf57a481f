//! Secrets through the site: their values go in, and nothing gives them back.

use super::*;
use model::{Variable, VariableValue};

const VALUE: &str = "sk-live-0123456789";

fn form(path: &str, fields: &str) -> Request<Body> {
    request("POST", path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(fields.to_owned()))
        .expect("a request")
}

fn json(path: &str, body: &serde_json::Value) -> Request<Body> {
    request("POST", path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

#[tokio::test]
async fn a_value_goes_in_and_never_out() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let add = form("/fn/add_secret", &format!("name=API_KEY&value={VALUE}"));
    let answer = site.ask_as(&cookie, add).await;
    assert!(
        answer.status.is_success() || answer.status.is_redirection(),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains(VALUE));
    let list = site.ask_as(&cookie, form("/fn/list_secrets", "")).await;
    assert!(
        list.body.contains("API_KEY") && !list.body.contains("sk-live"),
        "{}",
        list.body
    );
    let page = site.ask_as(&cookie, get("/settings/secrets")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("API_KEY") && !page.body.contains("sk-live"));
    let stored = site
        .site
        .services
        .store
        .sealed_secrets(&model::TeamId::first())
        .await
        .expect("sealed");
    assert!(!stored[0].sealed.contains("sk-live"));

    let id = stored[0].id.to_string();
    let agent = site.agent().await;
    let variables = serde_json::json!({"agent": agent.id, "variables": [
        Variable { name: "TOKEN".into(), value: VariableValue::Secret(stored[0].id.clone()) },
        Variable { name: "MODE".into(), value: VariableValue::Plain("fast".into()) },
    ]});
    let saved = site.ask_as(&cookie, json("/fn/save_variables", &variables)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);
    let loaded = serde_json::json!({"agent": agent.id});
    let loaded = site.ask_as(&cookie, json("/fn/load_variables", &loaded)).await;
    assert!(
        loaded.body.contains("fast") && loaded.body.contains(&id),
        "{}",
        loaded.body
    );
    assert!(!loaded.body.contains("sk-live"));

    let page = site.ask_as(&cookie, get("/settings/secrets")).await;
    assert!(page.body.contains("/agents/scout"), "who uses it is shown");
    let delete = form("/fn/delete_secret", &format!("secret={id}"));
    let answer = site.ask_as(&cookie, delete).await;
    assert!(answer.body.contains("given to Scout"), "{}", answer.body);
    let replace = form("/fn/replace_secret", &format!("secret={id}&value=another+value"));
    site.ask_as(&cookie, replace).await;
    let again = site
        .site
        .services
        .store
        .sealed_secrets(&model::TeamId::first())
        .await
        .expect("sealed");
    assert_ne!(again[0].sealed, stored[0].sealed);
}

#[tokio::test]
async fn what_could_not_be_masked_is_refused_with_the_reason() {
    let site = site().await;
    let cookie = site.sign_in().await;
    for (fields, words) in [
        ("name=PIN&value=1234567", "at least 8 characters"),
        ("name=A+B&value=123456789", "letters, digits and underscores"),
        ("name=A&value=12345678%00", "NUL"),
    ] {
        let answer = site.ask_as(&cookie, form("/fn/add_secret", fields)).await;
        assert!(answer.body.contains(words), "{fields}: {}", answer.body);
    }
    assert!(
        site.site
            .services
            .store
            .list_secrets(&model::TeamId::first())
            .await
            .expect("secrets")
            .is_empty()
    );
}
