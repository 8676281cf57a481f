//! Files: put and got as they are, under the conditions a client makes.

use super::*;
use serde_json::json;

impl TestSite {
    async fn put(&self, cookie: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut put = request("PUT", path);
        for (name, value) in headers {
            put = put.header(*name, *value);
        }
        self.ask_as(cookie, put.body(Body::from(body.to_vec())).expect("a request"))
            .await
    }
}

#[tokio::test]
async fn only_what_was_seen_is_replaced_or_deleted() {
    let site = site().await;
    let cookie = site.sign_in().await;
    site.agent().await;
    let path = "/api/v1/agents/scout/files/data/%C3%A9%20t%C3%A9.bin";
    let new = site
        .put(&cookie, path, &[("if-none-match", "*")], b"\xff\0one")
        .await;
    assert_eq!(new.status, StatusCode::CREATED, "{}", new.body);
    let first = new.header(header::ETAG).to_owned();
    let twice = site.put(&cookie, path, &[("if-none-match", "*")], b"x").await;
    assert_eq!(twice.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(twice.header(header::CONTENT_TYPE), "application/problem+json");
    let second = site.put(&cookie, path, &[("if-match", &first)], b"two").await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    let stale = site.put(&cookie, path, &[("if-match", &first)], b"three").await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    let tag = second.header(header::ETAG).to_owned();
    let got = site.ask_as(&cookie, get(path)).await;
    assert_eq!(
        (got.body.as_str(), got.header(header::ETAG)),
        ("two", tag.as_str())
    );
    let known = request("GET", path)
        .header("if-none-match", &tag)
        .body(Body::empty())
        .expect("a request");
    assert_eq!(site.ask_as(&cookie, known).await.status, StatusCode::NOT_MODIFIED);
    // Without a condition, whatever is there is replaced.
    assert_eq!(site.put(&cookie, path, &[], b"four").await.status, StatusCode::OK);
    let (kept, _) = site
        .json_with(&cookie, "DELETE", path, &[("if-match", &tag)], None)
        .await;
    assert_eq!(kept.status, StatusCode::PRECONDITION_FAILED);
    let (gone, _) = site.json(&cookie, "DELETE", path, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let back = site.put(&cookie, path, &[], b"five").await;
    assert_ne!(
        back.header(header::ETAG),
        first,
        "version 1 again, and another file"
    );
    assert_eq!(
        site.ask_as(&cookie, get("/api/v1/agents/scout/files/none"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_file_is_renamed_and_never_over_another() {
    let site = site().await;
    let cookie = site.sign_in().await;
    site.agent().await;
    let files = "/api/v1/agents/scout/files";
    site.put(&cookie, &format!("{files}/a.txt"), &[], b"a").await;
    let taken = json!({"to": "agent.py"});
    let (answer, _) = site
        .json(&cookie, "PATCH", &format!("{files}/a.txt"), Some(taken))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let (answer, entry) = site
        .json(
            &cookie,
            "PATCH",
            &format!("{files}/a.txt"),
            Some(json!({"to": "b/c.txt"})),
        )
        .await;
    assert_eq!(
        (answer.status, &entry["path"]),
        (StatusCode::OK, &json!("b/c.txt"))
    );
    for wrong in ["../x", "/x", "x/", "a//b"] {
        let (answer, _) = site
            .json(
                &cookie,
                "PATCH",
                &format!("{files}/b/c.txt"),
                Some(json!({"to": wrong})),
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let (_, page) = site.json(&cookie, "GET", &format!("{files}?limit=1"), None).await;
    assert_eq!(
        (&page["items"][0]["path"], &page["next_cursor"]),
        (&json!("agent.py"), &json!("agent.py"))
    );
    let (_, page) = site
        .json(&cookie, "GET", &format!("{files}?limit=1&cursor=agent.py"), None)
        .await;
    assert_eq!(
        (&page["items"][0]["path"], &page["next_cursor"]),
        (&json!("b/c.txt"), &Value::Null)
    );
}
