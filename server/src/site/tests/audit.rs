//! The audit log over HTTP: every address says what it does, and what is done
//! is written down, with who did it and from where.

use super::{tokens::bearing, *};
use crate::site::audit::known_effect;
use http::Method;
use model::{ActorKind, AuditRecord, Permission};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl TestSite {
    /// All records, the oldest first.
    async fn audit(&self) -> Vec<AuditRecord> {
        let store = &self.site.services.store;
        store.all_audit_records_after(0, 1000).await.expect("records")
    }

    /// Calls one of the site's functions as its pages do.
    async fn call(&self, cookie: &str, name: &str, kind: &str, body: String) -> Answer {
        let request = request("POST", &format!("/fn/{name}"))
            .header(header::CONTENT_TYPE, kind)
            .header("sec-fetch-site", "same-origin")
            .header(header::USER_AGENT, "test/2.0")
            .body(Body::from(body))
            .expect("a request");
        self.ask_as(cookie, request).await
    }
}

#[tokio::test]
async fn every_address_says_whether_it_changes_something_and_what() {
    let site = site().await;
    let all = matrix::everything(&site).await;
    let mut missing = Vec::new();
    for key in &all {
        let (method, route) = key.split_once(' ').expect("a method and a route");
        let method: Method = method.parse().expect("a method");
        if known_effect(&method, route).is_none() {
            missing.push(key.as_str());
        }
    }
    assert!(
        missing.is_empty(),
        "site/audit/actions.rs has to say what these do: {}",
        missing.join(", ")
    );
}

#[tokio::test]
async fn what_is_done_is_written_down_with_who_did_it_and_from_where() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let id = &agent.id;
    let secret_value = "never-in-any-record-4711";
    let steps = [
        (
            "create_blank_agent",
            FORM,
            "name=Mine&language=python".to_owned(),
            "agent.create",
            "agent Mine",
        ),
        (
            "save_file",
            JSON,
            format!(r#"{{"agent":"{id}","path":"a.py","text":"{secret_value}","base":null}}"#),
            "file.save",
            "file a.py",
        ),
        (
            "rename_file",
            JSON,
            format!(r#"{{"agent":"{id}","from":"a.py","to":"b.py"}}"#),
            "file.rename",
            "file a.py",
        ),
        (
            "delete_file",
            JSON,
            format!(r#"{{"agent":"{id}","path":"b.py","version":1}}"#),
            "file.delete",
            "file b.py",
        ),
        (
            "add_secret",
            FORM,
            format!("name=API_KEY&value={secret_value}"),
            "secret.create",
            "secret API_KEY",
        ),
        (
            "save_variables",
            JSON,
            format!(
                r#"{{"agent":"{id}","variables":[{{"name":"MODE","value":{{"plain":"{secret_value}"}}}}]}}"#
            ),
            "agent.variables",
            "agent ",
        ),
        (
            "create_token",
            JSON,
            r#"{"name":"nightly","scopes":["read"],"days":null}"#.to_owned(),
            "token.create",
            "token nightly",
        ),
        (
            "set_budget",
            FORM,
            "monthly=12.50&free_credit=".to_owned(),
            "budget.set",
            "team ",
        ),
        ("look_again", FORM, String::new(), "sandbox.compare", ""),
        (
            "start_run",
            JSON,
            format!(
                r#"{{"id":"{}","agent":"{id}","fresh":false}}"#,
                model::RunId::generate()
            ),
            "run.start",
            "run run 1",
        ),
        ("delete_agent", FORM, String::new(), "", ""),
        ("sign_out", FORM, String::new(), "account.sign_out", ""),
    ];
    let mut before = site.audit().await.len();
    for (name, kind, body, action, target) in steps {
        let answer = site.call(&cookie, name, kind, body).await;
        let records = site.audit().await;
        if action.is_empty() {
            // What cannot be done is not.
            assert!(!answer.status.is_success(), "{name}");
            assert_eq!(records.len(), before, "{name}");
            continue;
        }
        assert!(
            answer.status.is_success() || answer.status.is_redirection(),
            "{name}: {}",
            answer.body
        );
        assert_eq!(records.len(), before + 1, "{name} is written down once");
        before += 1;
        let record = &records[before - 1];
        assert_eq!(record.action, action, "{name}");
        assert!(
            record.target_words().starts_with(target),
            "{name}: {}",
            record.target_words()
        );
        assert_eq!(
            (record.actor_kind, record.actor_name.as_str()),
            (ActorKind::Person, site.owner.name.as_str()),
            "{name}"
        );
        assert!(record.address.is_some(), "{name}");
        assert_eq!(record.user_agent.as_deref(), Some("test/2.0"), "{name}");
        assert!(record.team.is_some(), "{name}");
        let json = serde_json::to_string(record).expect("JSON");
        assert!(
            !json.contains(secret_value) && !json.contains("plt_"),
            "{name} tells too much: {json}"
        );
    }
    let store = &site.site.services.store;
    assert!(matches!(
        store.check_audit().await.expect("checked"),
        store::Checked::Whole { .. }
    ));
}

#[tokio::test]
async fn reading_is_not_written_down() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let before = site.audit().await.len();
    for path in ["/", "/settings/usage", "/settings/audit", "/api/session"] {
        assert_eq!(
            site.ask_as(&cookie, get(path)).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    site.call(&cookie, "list_agents", FORM, String::new()).await;
    assert_eq!(site.audit().await.len(), before);
}

#[tokio::test]
async fn signing_in_is_written_down_and_so_is_that_it_was_refused() {
    let site = site_with(
        None,
        Some(
            &app::password::hash("correct horse".to_owned())
                .await
                .expect("a hash"),
        ),
    )
    .await;
    let link = site.sign_in().await;
    assert!(!link.is_empty());
    let sign_in = |password: &str| format!("name=owner&password={}&next=", password.replace(' ', "+"));
    let refused = site.call("", "sign_in", FORM, sign_in("wrong horse!")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let right = site.call("", "sign_in", FORM, sign_in("correct horse")).await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.body);
    let records = site.audit().await;
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record.action.as_str(),
                record.actor_kind,
                record.actor_name.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("account.sign_in", ActorKind::Person, "owner"),
            ("account.sign_in_refused", ActorKind::Nobody, "somebody"),
            ("account.sign_in", ActorKind::Person, "owner"),
        ]
    );
    assert!(!serde_json::to_string(&records).expect("JSON").contains("horse"));
}

#[tokio::test]
async fn a_program_is_written_down_by_its_token_and_may_take_the_log_away() {
    let site = site().await;
    let agent = site.agent().await;
    let (_, token) = site
        .token(&[Permission::Read, Permission::Edit, Permission::Administer])
        .await;
    let path = format!("/api/agents/{}/files/new.py", agent.id);
    let put = request("PUT", &path).body(Body::from("x")).expect("a request");
    assert_eq!(site.ask(bearing(&token, put)).await.status, StatusCode::OK);
    let again = request("PUT", &path).body(Body::from("y")).expect("a request");
    assert_eq!(
        site.ask(bearing(&token, again)).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    let records = site.audit().await;
    assert_eq!(records.len(), 1, "what was refused is not written down");
    let record = &records[0];
    assert_eq!(
        (record.actor_kind, record.action.as_str()),
        (ActorKind::Token, "file.save")
    );
    assert_eq!(record.actor_name, "test of owner");
    assert_eq!(
        record.details.get("agent").map(String::as_str),
        Some(agent.id.as_str())
    );

    let exported = site
        .ask(bearing(&token, get("/api/v1/audit/export?format=jsonl")))
        .await;
    assert_eq!(exported.header(header::CONTENT_TYPE), "application/x-ndjson");
    let line = store::read_audit_line(exported.body.trim()).expect("a record");
    assert_eq!(&line, record);
    let csv = site
        .ask(bearing(
            &token,
            get("/api/v1/audit/export?format=csv&action=file"),
        ))
        .await;
    assert!(
        csv.body.starts_with("seq,time,at,") && csv.body.contains(&record.hash),
        "{}",
        csv.body
    );
    let none = site
        .ask(bearing(&token, get("/api/v1/audit/export?who=eve")))
        .await;
    assert_eq!((none.status, none.body.as_str()), (StatusCode::OK, ""));
    for (bad, status) in [
        (
            "/api/v1/audit/export?format=xml",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/api/v1/audit/export?from=yesterday",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/api/v1/usage/export?month=13", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(site.ask(bearing(&token, get(bad))).await.status, status, "{bad}");
    }
    let (_, reader) = site.token(&[Permission::Read]).await;
    let refused = site.ask(bearing(&reader, get("/api/v1/audit/export"))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
