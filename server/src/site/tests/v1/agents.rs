//! Agents: made whole in one call, once for each key, listed in pages.

use super::*;
use serde_json::json;

fn scout() -> Value {
    json!({"name": "Scout", "language": "python", "timeout_seconds": 60,
        "files": [{"path": "agent.py", "content": "print(1)\n"}, {"path": "data/\u{e9}.txt", "content": ""}]})
}

#[tokio::test]
async fn a_whole_agent_is_made_in_one_call_and_changed_and_deleted() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let (made, agent) = site.json(&cookie, "POST", "/api/v1/agents", Some(scout())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let id = agent["id"].as_str().expect("an id");
    assert_eq!(made.header(header::LOCATION), format!("/api/v1/agents/{id}"));
    assert_eq!(
        (&agent["slug"], &agent["timeout_seconds"]),
        (&json!("scout"), &json!(60))
    );
    for named in [id, "scout"] {
        let (shown, same) = site
            .json(&cookie, "GET", &format!("/api/v1/agents/{named}"), None)
            .await;
        assert_eq!((shown.status, &same), (StatusCode::OK, &agent));
    }
    let (_, files) = site
        .json(&cookie, "GET", "/api/v1/agents/scout/files", None)
        .await;
    assert_eq!(files["items"].as_array().map(Vec::len), Some(2));

    let change = json!({"name": "Ranger", "entrypoint": "agent.py", "resources": {"cpu": 2, "memory_gib": 2, "disk_gib": 4}});
    let (changed, agent) = site
        .json(&cookie, "PATCH", "/api/v1/agents/scout", Some(change))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(
        (
            &agent["name"],
            &agent["slug"],
            &agent["timeout_seconds"],
            &agent["entrypoint"]
        ),
        (&json!("Ranger"), &json!("scout"), &json!(60), &json!("agent.py"))
    );
    let (_, agent) = site
        .json(
            &cookie,
            "PATCH",
            "/api/v1/agents/scout",
            Some(json!({"entrypoint": null})),
        )
        .await;
    assert_eq!(
        (&agent["entrypoint"], &agent["name"]),
        (&Value::Null, &json!("Ranger"))
    );

    let (gone, _) = site.json(&cookie, "DELETE", "/api/v1/agents/scout", None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let (missing, problem) = site.json(&cookie, "GET", "/api/v1/agents/scout", None).await;
    assert_eq!(
        (missing.status, &problem["title"]),
        (StatusCode::NOT_FOUND, &json!("Agent not found"))
    );
}

#[tokio::test]
async fn what_cannot_be_an_agent_is_refused_in_a_sentence_and_nothing_is_made() {
    let site = site().await;
    let cookie = site.sign_in().await;
    for (body, words) in [
        (json!({"language": "python"}), "missing field `name`"),
        (json!({"name": " ", "language": "python"}), "needs a name"),
        (json!({"name": "A", "language": "cobol"}), "cobol"),
        (
            json!({"name": "A", "language": "python", "colour": "red"}),
            "unknown field `colour`",
        ),
        (
            json!({"name": "A", "language": "python", "timeout_seconds": 0}),
            "1 to 86400",
        ),
        (
            json!({"name": "A", "language": "python", "files": [{"path": "../x", "content": ""}]}),
            "../x",
        ),
        (
            json!({"name": "A", "language": "python", "files": [{"path": "a", "content": ""}, {"path": "a", "content": ""}]}),
            "a",
        ),
        (json!([]), "no object"),
    ] {
        let (answer, problem) = site.json(&cookie, "POST", "/api/v1/agents", Some(body)).await;
        assert!(answer.status.is_client_error(), "{}", answer.body);
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(words)),
            "{problem}"
        );
    }
    let (_, list) = site.json(&cookie, "GET", "/api/v1/agents", None).await;
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn the_same_request_with_the_same_key_makes_one_agent() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let ask = |key: &'static str, body: Value| {
        let (site, cookie) = (&site, &cookie);
        async move {
            let key = [("idempotency-key", key)];
            site.json_with(cookie, "POST", "/api/v1/agents", &key, Some(body))
                .await
        }
    };
    let (first, second) = tokio::join!(ask("k", scout()), ask("k", scout()));
    let made = [&first, &second]
        .into_iter()
        .filter(|(answer, _)| answer.status == StatusCode::CREATED);
    assert!(made.count() >= 1, "{} {}", first.0.body, second.0.body);
    let (again, agent) = ask("k", scout()).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert!(
        again
            .header(header::LOCATION)
            .ends_with(agent["id"].as_str().expect("an id"))
    );
    let (other, _) = ask("k", json!({"name": "Other", "language": "python"})).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", other.body);
    // What was refused has made nothing, so its key is free.
    let (refused, _) = ask("l", json!({"name": "", "language": "python"})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (made, _) = ask("l", scout()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let (_, list) = site.json(&cookie, "GET", "/api/v1/agents", None).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2), "{list}");
}

#[tokio::test]
async fn agents_are_listed_newest_first_in_pages() {
    let site = site().await;
    let cookie = site.sign_in().await;
    for name in ["One", "Two", "Three", "Four", "Five"] {
        site.json(
            &cookie,
            "POST",
            "/api/v1/agents",
            Some(json!({"name": name, "language": "python"})),
        )
        .await;
    }
    let (mut path, mut names) = ("/api/v1/agents?limit=2".to_owned(), Vec::new());
    loop {
        let (_, page) = site.json(&cookie, "GET", &path, None).await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        names.extend(
            items
                .iter()
                .map(|item| item["name"].as_str().expect("a name").to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/agents?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["Five", "Four", "Three", "Two", "One"]);
    for wrong in ["limit=0", "limit=201", "limit=x", "limit=-1"] {
        let (answer, problem) = site
            .json(&cookie, "GET", &format!("/api/v1/agents?{wrong}"), None)
            .await;
        assert!(
            answer.status.is_client_error() && problem["detail"].is_string(),
            "{}",
            answer.body
        );
    }
}
