//! Who asks: keys, what they may, and organizations that see nothing of each
//! other.

use libtest_mimic::Trial;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Engine, KEY, ephemeral};

pub fn trials() -> Vec<Trial> {
    trials![
        keys_do_what_their_permissions_say,
        a_key_is_refused_when_it_ended_or_was_taken_back,
        odd_keys_are_refused_in_words,
        organizations_see_nothing_of_each_other,
        a_key_travels_in_header_and_query,
        only_the_engines_own_key_makes_organizations,
        usage_is_the_sum_of_what_there_is,
        what_sandboxes_are_made_from_is_an_organizations_own,
    ]
}

/// One call with a key; the status, and the body as far as there is one.
async fn call(engine: &Engine, key: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let mut request = reqwest::Client::new()
        .request(method, format!("{}{path}", engine.url))
        .bearer_auth(key);
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn get(engine: &Engine, key: &str, path: &str) -> (StatusCode, Value) {
    call(engine, key, Method::GET, path, Value::Null).await
}

/// A new key of the caller's organization.
async fn new_key(engine: &Engine, key: &str, body: Value) -> String {
    let (status, made) = call(engine, key, Method::POST, "/api/api-keys", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["value"].as_str().unwrap().to_owned()
}

/// A new organization: its id and its first key.
pub async fn new_organization(engine: &Engine, name: &str) -> (String, String) {
    let (status, made) = call(
        engine,
        KEY,
        Method::POST,
        "/api/organizations",
        json!({"name": name}),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["id"]), text(&made["apiKey"]["value"]))
}

async fn keys_do_what_their_permissions_say() {
    let engine = Engine::start();
    let writer = new_key(
        &engine,
        KEY,
        json!({"name": "writer", "permissions": ["write:sandboxes"]}),
    )
    .await;
    let reader = new_key(&engine, KEY, json!({"name": "reader", "permissions": []})).await;
    let sandboxes = "/api/sandbox";
    let (status, made) = call(&engine, &writer, Method::POST, sandboxes, json!({"name": "made"})).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(made["organizationId"], "pitlane");

    // Reading and using need a valid key and no more.
    assert_eq!(get(&engine, &reader, "/api/sandbox/made").await.0, 200);
    let id = made["id"].as_str().unwrap();
    let (status, ran) = call(
        &engine,
        &reader,
        Method::POST,
        &format!("/toolbox/{id}/process/execute"),
        json!({"command": "echo hi"}),
    )
    .await;
    assert_eq!((status, &ran["result"]), (StatusCode::OK, &json!("hi\n")));

    // Everything else is refused by name, and nothing of it is done.
    for (key, method, path) in [
        (&reader, Method::POST, "/api/sandbox"),
        (&reader, Method::POST, "/api/sandbox/made/stop"),
        (&reader, Method::POST, "/api/sandbox/made/start"),
        (&reader, Method::PUT, "/api/sandbox/made/labels"),
        (&reader, Method::POST, "/api/sandbox/made/autostop/1"),
        (&reader, Method::DELETE, "/api/sandbox/made"),
        (&writer, Method::DELETE, "/api/sandbox/made"),
        (&reader, Method::POST, "/api/sandbox/made/archive"),
        (&reader, Method::POST, "/api/sandbox/made/pause"),
        (&reader, Method::POST, "/api/sandbox/made/fork"),
        (&reader, Method::POST, "/api/sandbox/made/snapshot"),
        (&reader, Method::POST, "/api/sandbox/made/resize"),
        (&reader, Method::POST, "/api/sandbox/made/recover"),
        (&reader, Method::POST, "/api/sandbox/made/network-settings"),
        (&reader, Method::POST, "/api/sandbox/made/public/true"),
        (&writer, Method::POST, "/api/snapshots"),
        (&writer, Method::DELETE, "/api/snapshots/daytona-small"),
        (&writer, Method::GET, "/api/volumes"),
        (&writer, Method::POST, "/api/volumes"),
        (&writer, Method::GET, "/api/secret"),
        (&writer, Method::POST, "/api/secret"),
        (&writer, Method::GET, "/api/api-keys"),
        (&writer, Method::POST, "/api/api-keys"),
        (&writer, Method::DELETE, "/api/api-keys/reader"),
        (&writer, Method::POST, "/api/organizations"),
    ] {
        let body = json!({"labels": {}, "name": "x", "permissions": []});
        let (status, said) = call(&engine, key, method.clone(), path, body).await;
        assert_eq!(status, 403, "{method} {path}");
        assert_eq!(said["error"], "Forbidden");
        assert!(!said["message"].as_str().unwrap().is_empty());
    }
    let (_, still) = get(&engine, &reader, "/api/sandbox/made").await;
    assert_eq!(
        (&still["state"], &still["autoStopInterval"]),
        (&json!("started"), &json!(15))
    );

    let (status, current) = get(&engine, &writer, "/api/api-keys/current").await;
    assert_eq!(status, 200);
    assert_eq!(current["name"], "writer");
    assert_eq!(current["permissions"], json!(["write:sandboxes"]));
    assert!(current["lastUsedAt"].is_string() && current["expiresAt"].is_null());
    assert!(writer.ends_with(&current["value"].as_str().unwrap()[20..]));
    let (_, own) = get(&engine, KEY, "/api/api-keys/current").await;
    assert_eq!(own["name"], "administrator");
    assert_eq!(
        call(&engine, KEY, Method::DELETE, "/api/sandbox/made", Value::Null)
            .await
            .0,
        200
    );
}

async fn a_key_is_refused_when_it_ended_or_was_taken_back() {
    let engine = Engine::start();
    let taken = new_key(&engine, KEY, json!({"name": "taken", "permissions": []})).await;
    assert_eq!(get(&engine, &taken, "/api/sandbox").await.0, 200);
    let (status, nothing) = call(&engine, KEY, Method::DELETE, "/api/api-keys/taken", Value::Null).await;
    assert_eq!((status, nothing), (StatusCode::NO_CONTENT, Value::Null));
    for path in ["/api/sandbox", "/api/api-keys/current", "/toolbox/x/work-dir"] {
        assert_eq!(get(&engine, &taken, path).await.0, 401, "{path}");
    }
    assert_eq!(get(&engine, KEY, "/api/api-keys/taken").await.0, 404);

    let end = time::OffsetDateTime::now_utc() + time::Duration::seconds(5);
    let end = end
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    let body = json!({"name": "short", "permissions": [], "expiresAt": end});
    let short = new_key(&engine, KEY, body).await;
    crate::support::eventually("the key ends", async || {
        get(&engine, &short, "/api/sandbox").await.0 == 401
    })
    .await;
    // It is listed still, so that its owner sees why.
    let (_, listed) = get(&engine, KEY, "/api/api-keys").await;
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(names, ["administrator", "short"]);
}

async fn odd_keys_are_refused_in_words() {
    let engine = Engine::start();
    let manager = json!({"name": "manager", "permissions": ["manage:api_keys"]});
    let manager = new_key(&engine, KEY, manager).await;
    for (key, body, status) in [
        (KEY, json!({"name": "", "permissions": []}), 400),
        (KEY, json!({"permissions": []}), 400),
        (KEY, json!({"name": "x", "permissions": ["write:all"]}), 400),
        (
            KEY,
            json!({"name": "x", "permissions": [], "expiresAt": "soon"}),
            400,
        ),
        (
            KEY,
            json!({"name": "x", "permissions": [], "expiresAt": "2001-01-01T00:00:00Z"}),
            400,
        ),
        (KEY, json!({"name": "manager", "permissions": []}), 409),
        (KEY, json!({"name": "administrator", "permissions": []}), 409),
        // Nobody gives more than they have.
        (
            manager.as_str(),
            json!({"name": "x", "permissions": ["write:sandboxes"]}),
            403,
        ),
    ] {
        let (got, said) = call(&engine, key, Method::POST, "/api/api-keys", body.clone()).await;
        assert_eq!(got, status, "{body}: {said}");
    }
    let (got, _) = call(
        &engine,
        KEY,
        Method::DELETE,
        "/api/api-keys/administrator",
        Value::Null,
    )
    .await;
    assert_eq!(got, 400);
    assert_eq!(get(&engine, &manager, "/api/api-keys/none").await.0, 404);
}

async fn organizations_see_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let (team, key) = new_organization(&engine, "team").await;
    let mut ids = Vec::new();
    for (key, organization) in [(KEY, "pitlane"), (key.as_str(), team.as_str())] {
        let body = json!({"name": "same"});
        let (status, made) = call(&engine, key, Method::POST, "/api/sandbox", body).await;
        assert_eq!(status, 200, "{made}");
        assert_eq!(made["organizationId"], organization);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let (of_pitlane, of_team) = (&ids[0], &ids[1]);
    for (key, own, other) in [(KEY, of_pitlane, of_team), (key.as_str(), of_team, of_pitlane)] {
        let (_, by_name) = get(&engine, key, "/api/sandbox/same").await;
        assert_eq!(by_name["id"], **own);
        let (_, listed) = get(&engine, key, "/api/sandbox").await;
        let listed = listed["items"].as_array().unwrap();
        assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(own)));
        for (method, path) in [
            (Method::GET, format!("/api/sandbox/{other}")),
            (Method::DELETE, format!("/api/sandbox/{other}")),
            (Method::POST, format!("/api/sandbox/{other}/stop")),
            (Method::POST, format!("/api/sandbox/{other}/start")),
            (Method::PUT, format!("/api/sandbox/{other}/labels")),
            (Method::POST, format!("/api/sandbox/{other}/ttl/1")),
            (Method::POST, format!("/api/sandbox/{other}/last-activity")),
            (Method::GET, format!("/api/sandbox/{other}/toolbox-proxy-url")),
            (Method::GET, format!("/toolbox/{other}/work-dir")),
            (Method::POST, format!("/toolbox/{other}/process/execute")),
            (Method::GET, format!("/toolbox/{other}/files?path=/")),
        ] {
            let body = json!({"labels": {}, "command": "true"});
            let (status, said) = call(&engine, key, method.clone(), &path, body).await;
            assert_eq!(status, 404, "{method} {path}");
            assert!(!said.to_string().contains("pitlane"), "{said}");
        }
    }
    let (_, known) = get(&engine, &key, "/api/organizations").await;
    assert_eq!(known.as_array().unwrap().len(), 1);
    assert_eq!(get(&engine, &key, "/api/organizations/pitlane").await.0, 404);
    assert_eq!(
        get(&engine, &key, "/api/organizations/pitlane/usage").await.0,
        404
    );
    let (_, me) = get(&engine, &key, "/api/users/me").await;
    assert_eq!((&me["id"], &me["name"]), (&json!(team), &json!("team")));
    let (_, keys) = get(&engine, &key, "/api/api-keys").await;
    assert_eq!(keys.as_array().unwrap().len(), 1, "{keys}");

    // All of it is so after a start, too.
    assert!(engine.end());
    let engine = Engine::start_in(folder.path().to_owned(), &[]);
    let (status, kept) = get(&engine, &key, &format!("/api/sandbox/{of_team}")).await;
    assert_eq!((status, &kept["organizationId"]), (StatusCode::OK, &json!(team)));
    assert_eq!(get(&engine, KEY, &format!("/api/sandbox/{of_team}")).await.0, 404);
    let path = format!("/api/organizations/{team}");
    assert_eq!(
        call(&engine, KEY, Method::DELETE, &path, Value::Null).await.0,
        409
    );
    let sandbox = format!("/api/sandbox/{of_team}");
    assert_eq!(
        call(&engine, &key, Method::DELETE, &sandbox, Value::Null).await.0,
        200
    );
    assert_eq!(
        call(&engine, KEY, Method::DELETE, &path, Value::Null).await.0,
        204
    );
    assert_eq!(get(&engine, &key, "/api/sandbox").await.0, 401);
}

async fn a_key_travels_in_header_and_query() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let url = format!("{}/toolbox/{}/work-dir", engine.url, sandbox.id);
    let http = reqwest::Client::new();
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status();
    let query = |key: &str| http.get(&url).query(&[("DAYTONA_SANDBOX_AUTH_KEY", key)]);
    assert_eq!(status(http.get(&url)).await, 401);
    assert_eq!(status(query(KEY)).await, 200);
    assert_eq!(status(query("wrong")).await, 401);
    assert_eq!(
        status(http.get(&url).header("x-daytona-preview-token", KEY)).await,
        200
    );
    // What is valid counts, whatever stands before it.
    assert_eq!(status(query(KEY).bearer_auth("wrong")).await, 200);
    // A toolbox that does not exist says nothing to a stranger.
    let unknown = format!("{}/toolbox/none/work-dir", engine.url);
    assert_eq!(status(http.get(unknown)).await, 401);
}

async fn only_the_engines_own_key_makes_organizations() {
    let engine = Engine::start();
    let (team, key) = new_organization(&engine, "team").await;
    let path = "/api/organizations";
    for (key, body, status) in [
        (key.as_str(), json!({"name": "third"}), 403),
        (KEY, json!({"name": "team"}), 409),
        (KEY, json!({"name": ""}), 400),
        (KEY, json!({}), 400),
    ] {
        let (got, said) = call(&engine, key, Method::POST, path, body.clone()).await;
        assert_eq!(got, status, "{body}: {said}");
    }
    let (_, all) = get(&engine, KEY, path).await;
    let names: Vec<_> = all.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["pitlane", "team"]);
    assert!(all[1].get("apiKey").is_none(), "a key is shown once");
    let (status, one) = get(&engine, &key, &format!("{path}/{team}")).await;
    assert_eq!((status, &one["id"]), (StatusCode::OK, &json!(team)));
    let own = format!("{path}/pitlane");
    assert_eq!(call(&engine, KEY, Method::DELETE, &own, Value::Null).await.0, 400);
}

async fn usage_is_the_sum_of_what_there_is() {
    let engine = Engine::start();
    let client = engine.client();
    let medium = daytona::CreateSandbox {
        snapshot: Some("daytona-medium".into()),
        ..Default::default()
    };
    let stopped = client.create(&medium).await.unwrap();
    client.create(&ephemeral()).await.unwrap();
    client.stop(&stopped.id).await.unwrap();
    // As a stopped one, a paused one counts with its disk alone.
    let paused = client.create(&medium).await.unwrap();
    client.pause(&paused.id).await.unwrap();
    let (status, usage) = get(&engine, KEY, "/api/organizations/pitlane/usage").await;
    assert_eq!(status, 200);
    let region = &usage["regionUsage"][0];
    assert_eq!(
        [
            &region["currentCpuUsage"],
            &region["currentMemoryUsage"],
            &region["currentDiskUsage"]
        ],
        [1.0, 1.0, 19.0]
    );
    assert!(region["totalCpuQuota"].as_f64().unwrap() >= 1.0);
    assert!(region["totalMemoryQuota"].as_f64().unwrap() >= 1.0);
}

async fn what_sandboxes_are_made_from_is_an_organizations_own() {
    let engine = Engine::start();
    let (team, key) = new_organization(&engine, "team").await;
    let made = async |path: &str, body: Value| {
        let (status, made) = call(&engine, KEY, Method::POST, path, body).await;
        assert!(status.is_success(), "{path}: {made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let snapshot = made(
        "/api/snapshots",
        json!({"name": "same", "imageName": "daytona-small"}),
    )
    .await;
    let volume = made("/api/volumes", json!({"name": "same"})).await;
    let secret = made("/api/secret", json!({"name": "same", "value": "x"})).await;
    let sandbox = made("/api/sandbox", json!({"autoDeleteInterval": 0})).await;
    for name in ["same", &snapshot, &volume, &secret] {
        for path in ["snapshots", "volumes", "volumes/by-name", "secret"] {
            let path = format!("/api/{path}/{name}");
            assert_eq!(get(&engine, &key, &path).await.0, 404, "{path}");
        }
        for body in [
            json!({"snapshot": name}),
            json!({"volumes": [{"volumeId": name, "mountPath": "/data"}]}),
            json!({"secrets": [{"A": name}]}),
            json!({"buildInfo": {"dockerfileContent": format!("FROM {name}\n")}}),
            json!({"linkedSandbox": sandbox, "autoDeleteInterval": 0}),
        ] {
            let (status, said) = call(&engine, &key, Method::POST, "/api/sandbox", body.clone()).await;
            assert_eq!(status, 400, "{body}: {said}");
        }
    }
    for (method, path) in [
        (Method::DELETE, format!("/api/snapshots/{snapshot}")),
        (Method::GET, format!("/api/snapshots/{snapshot}/build-logs")),
        (Method::DELETE, format!("/api/volumes/{volume}")),
        (Method::DELETE, format!("/api/secret/{secret}")),
        (Method::PATCH, format!("/api/secret/{secret}")),
        (Method::GET, format!("/api/sandbox/{sandbox}/build-logs")),
        (Method::GET, format!("/api/sandbox/{sandbox}/forks")),
        (Method::POST, format!("/api/sandbox/{sandbox}/fork")),
        (Method::POST, format!("/api/sandbox/{sandbox}/snapshot")),
    ] {
        let (status, said) = call(&engine, &key, method.clone(), &path, json!({"name": "x"})).await;
        assert_eq!(status, 404, "{method} {path}: {said}");
    }
    // The same names are free to the other one, and counted as its own.
    for (path, body) in [
        (
            "/api/snapshots",
            json!({"name": "same", "imageName": "daytona-small"}),
        ),
        ("/api/volumes", json!({"name": "same"})),
        ("/api/secret", json!({"name": "same", "value": "y"})),
    ] {
        assert!(
            call(&engine, &key, Method::POST, path, body).await.0.is_success(),
            "{path}"
        );
        let usage = get(&engine, &key, &format!("/api/organizations/{team}/usage"))
            .await
            .1;
        assert_eq!(usage["currentSnapshotUsage"], 1.0);
        let (status, said) = call(
            &engine,
            KEY,
            Method::DELETE,
            &format!("/api/organizations/{team}"),
            Value::Null,
        )
        .await;
        assert_eq!(status, 409, "{said}");
    }
    assert_eq!(get(&engine, &key, "/api/snapshots").await.1["total"], 4);
}
