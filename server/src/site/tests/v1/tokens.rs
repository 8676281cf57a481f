//! Tokens made by tokens: never more than their maker, told once, never by themselves revoked.

use super::*;
use model::{NewToken, Permission};
use serde_json::json;

async fn token(site: &TestSite, scopes: &[Permission], days: Option<u32>) -> (String, String) {
    let new = NewToken {
        name: "maker".to_owned(),
        scopes: scopes.to_vec(),
        days,
    };
    let store = &site.site.services.store;
    let made = runs::tokens::create(store, &model::TeamId::first(), &site.owner.id, new).await;
    let (token, text) = made.expect("a token");
    (token.id.to_string(), format!("Bearer {text}"))
}

async fn ask(
    site: &TestSite,
    bearer: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (Answer, Value) {
    let bearer = [("authorization", bearer)];
    site.json_with("", method, path, &bearer, body).await
}

#[tokio::test]
async fn a_token_is_made_with_a_text_that_is_told_once() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let wanted = json!({"name": "ci", "scopes": ["read"], "days": 30});
    let key = [("idempotency-key", "k")];
    let make = || site.json_with(&cookie, "POST", "/api/v1/tokens", &key, Some(wanted.clone()));
    let (made, token) = make().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let text = token["text"].as_str().expect("a text").to_owned();
    let (again, _) = make().await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    assert!(!again.body.contains(&text));
    let (works, _) = ask(&site, &format!("Bearer {text}"), "GET", "/api/v1/tokens", None).await;
    assert_eq!(works.status, StatusCode::OK);
    assert!(!works.body.contains(&text), "a list tells no text");
}

#[tokio::test]
async fn a_token_makes_nothing_that_goes_further_than_itself() {
    let site = site().await;
    let (_, reader) = token(&site, &[Permission::Read], None).await;
    let (id, maker) = token(&site, &[Permission::Read, Permission::Administer], Some(10)).await;
    let post = async |by: &str, body: Value| {
        ask(&site, by, "POST", "/api/v1/tokens", Some(body))
            .await
            .0
            .status
    };
    let within = json!({"name": "x", "scopes": ["read"], "days": 9});
    assert_eq!(post(&reader, within.clone()).await, StatusCode::FORBIDDEN);
    assert_eq!(post(&maker, within).await, StatusCode::CREATED);
    for beyond in [
        json!({"name": "x", "scopes": ["read", "edit"], "days": 9}),
        json!({"name": "x", "scopes": ["read"], "days": 11}),
        json!({"name": "x", "scopes": ["read"]}),
    ] {
        assert_eq!(post(&maker, beyond).await, StatusCode::FORBIDDEN);
    }
    let (own, _) = ask(&site, &maker, "DELETE", &format!("/api/v1/tokens/{id}"), None).await;
    assert_eq!(own.status, StatusCode::CONFLICT);
    let (other, _) = token(&site, &[Permission::Read], None).await;
    let (gone, _) = ask(&site, &maker, "DELETE", &format!("/api/v1/tokens/{other}"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let (refused, _) = ask(&site, &reader, "DELETE", &format!("/api/v1/tokens/{id}"), None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
