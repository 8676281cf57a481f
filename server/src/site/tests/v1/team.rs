//! The team through the API: who is in it, what it used, and its budget.

use super::*;
use serde_json::json;

#[tokio::test]
async fn members_come_change_and_go() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let store = &site.site.services.store;
    let grace = store
        .create_user("grace", InstanceRole::Person, None)
        .await
        .expect("an account");
    let wanted = json!({"name": "grace", "role": "viewer"});
    let (added, member) = site
        .json(&cookie, "POST", "/api/v1/members", Some(wanted.clone()))
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(
        (member["user"].as_str(), member["role"].as_str()),
        (Some(grace.id.as_str()), Some("viewer"))
    );
    let address = format!("/api/v1/members/{}", grace.id);
    assert_eq!(added.header(header::LOCATION), address);
    let (twice, _) = site.json(&cookie, "POST", "/api/v1/members", Some(wanted)).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.body);
    let nobody = json!({"name": "nobody", "role": "viewer"});
    let (refused, _) = site.json(&cookie, "POST", "/api/v1/members", Some(nobody)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (changed, member) = site
        .json(&cookie, "PATCH", &address, Some(json!({"role": "admin"})))
        .await;
    assert_eq!(
        (changed.status, member["role"].as_str()),
        (StatusCode::OK, Some("admin"))
    );
    let (_, all) = site.json(&cookie, "GET", "/api/v1/members", None).await;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    let (_, told) = site.json(&cookie, "GET", &address, None).await;
    assert_eq!(told, member);
    // The last owner stays.
    let owner = format!("/api/v1/members/{}", site.owner.id);
    for (method, body) in [("PATCH", Some(json!({"role": "admin"}))), ("DELETE", None)] {
        let (refused, _) = site.json(&cookie, method, &owner, body).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{method} {}", refused.body);
    }
    let (gone, _) = site.json(&cookie, "DELETE", &address, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let (missing, _) = site.json(&cookie, "GET", &address, None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_budget_is_set_whole_and_told_with_what_is_used() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let path = "/api/v1/budget";
    let (_, before) = site.json(&cookie, "GET", path, None).await;
    assert_eq!(
        (&before["monthly"], &before["percent"]),
        (&Value::Null, &Value::Null)
    );
    let wanted = json!({"monthly": 25_000_000, "free_credit": 1_000_000});
    let (set, budget) = site.json(&cookie, "PUT", path, Some(wanted)).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    assert_eq!(
        (&budget["monthly"], &budget["percent"]),
        (&json!(25_000_000), &json!(0))
    );
    assert_eq!(budget["credit_left"], json!(1_000_000));
    // What is left out would be taken for "no limit".
    for wrong in [
        json!({}),
        json!({"monthly": -1, "free_credit": 0}),
        json!({"monthly": 1.5, "free_credit": 0}),
        json!({"monthly": 9_000_000_000_000_000_000_i64, "free_credit": 0}),
        json!({"monthly": 1}),
    ] {
        let (refused, _) = site.json(&cookie, "PUT", path, Some(wrong)).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.body
        );
    }
    let (_, usage) = site
        .json(&cookie, "GET", "/api/v1/usage?month=2026-02", None)
        .await;
    assert_eq!(usage["month"], "2026-02");
    assert_eq!(usage["budget"]["monthly"], json!(25_000_000));
    assert_eq!(usage["days"], json!([]));
    let (unlimited, budget) = site
        .json(
            &cookie,
            "PUT",
            path,
            Some(json!({"monthly": null, "free_credit": 0})),
        )
        .await;
    assert_eq!(
        (unlimited.status, &budget["monthly"]),
        (StatusCode::OK, &Value::Null)
    );
}
