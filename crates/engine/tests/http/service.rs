//! What the engine says about itself, what it has not, and how often it may be
//! asked.

use libtest_mimic::Trial;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Engine, KEY, ephemeral};

pub fn trials() -> Vec<Trial> {
    trials![
        the_engine_describes_itself_completely,
        an_engine_is_one_region,
        what_the_engine_has_not_is_refused_by_name,
        calls_are_counted_and_too_many_refused,
        guessing_is_slowed_down_and_honest_work_is_not,
    ]
}

async fn call(engine: &Engine, key: &str, method: Method, path: &str) -> Response {
    let request = reqwest::Client::new().request(method, format!("{}/api{path}", engine.url));
    request.bearer_auth(key).send().await.unwrap()
}

async fn get(engine: &Engine, path: &str) -> Value {
    let answer = call(engine, KEY, Method::GET, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

fn header(answer: &Response, name: &str) -> Option<u64> {
    answer.headers().get(name)?.to_str().unwrap().parse().ok()
}

async fn the_engine_describes_itself_completely() {
    let engine = Engine::start();
    let config = get(&engine, "/config").await;
    for field in [
        "version",
        "oidc",
        "linkedAccountsEnabled",
        "announcements",
        "proxyTemplateUrl",
        "proxyToolboxUrl",
        "defaultSnapshot",
        "dashboardUrl",
        "maxAutoArchiveInterval",
        "maintananceMode",
        "environment",
    ] {
        assert!(!config[field].is_null(), "{field}");
    }
    assert_eq!(config["proxyToolboxUrl"], format!("{}/toolbox", engine.url));
    // With one, the SDKs would ask another service for metrics.
    assert!(config.get("analyticsApiUrl").is_none());
    let entry = &config["rateLimit"]["authenticated"];
    assert!(entry["limit"].as_u64().unwrap() > 0 && entry["ttl"] == 60);

    let health = get(&engine, "/health").await;
    assert!(health["isolation"].is_string());
    let ready = get(&engine, "/health/ready").await;
    let up = json!({"sandboxes": {"status": "up"}, "storage": {"status": "up"}});
    assert_eq!(
        ready,
        json!({"status": "ok", "info": up, "error": {}, "details": up})
    );
}

async fn an_engine_is_one_region() {
    let engine = Engine::start();
    let regions = get(&engine, "/regions").await;
    assert_eq!(regions, get(&engine, "/shared-regions").await);
    let one = &regions[0];
    assert_eq!(
        (&one["id"], &one["regionType"]),
        (&json!("local"), &json!("shared"))
    );
    assert_eq!(*one, get(&engine, "/regions/local").await);
    assert_eq!(call(&engine, KEY, Method::GET, "/regions/us").await.status(), 404);

    let classes = get(&engine, "/organizations/pitlane/available-sandbox-classes").await;
    assert_eq!(classes[0]["sandboxClass"], "container");
    let gpus = get(&engine, "/organizations/pitlane/gpu-capacity").await;
    assert_eq!(gpus["capacity"], json!([]));
    let made = engine.client().create(&ephemeral()).await.unwrap();
    assert_eq!(made.target, one["id"].as_str().unwrap());
    let quota = get(&engine, &format!("/sandbox/{}/region-quota", made.id)).await;
    assert!(quota["totalCpuQuota"].as_u64().unwrap() > 0);
    assert_eq!(quota["organizationId"], "pitlane");
    let organization = get(&engine, &format!("/sandbox/{}/organization", made.id)).await;
    assert_eq!(organization["id"], "pitlane");
}

async fn what_the_engine_has_not_is_refused_by_name() {
    let engine = Engine::start();
    assert_eq!(get(&engine, "/docker-registry").await, json!([]));
    for (method, path, status) in [
        (Method::POST, "/docker-registry", 501),
        (Method::GET, "/docker-registry/registry-push-access", 501),
        (Method::GET, "/docker-registry/x", 404),
        (Method::PATCH, "/docker-registry/x", 404),
        (Method::DELETE, "/docker-registry/x", 404),
        (Method::GET, "/object-storage/push-access", 501),
        (Method::POST, "/regions", 501),
        (Method::PATCH, "/regions/local", 501),
        (Method::DELETE, "/regions/local", 501),
    ] {
        let answer = call(&engine, KEY, method.clone(), path).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        let said: Value = answer.json().await.unwrap();
        assert!(said["message"].as_str().unwrap().len() > 20, "{said}");
        assert_eq!(call(&engine, "wrong", method, path).await.status(), 401);
    }
}

async fn calls_are_counted_and_too_many_refused() {
    let limits = "authenticated=40,sandbox-create=3,sandbox-lifecycle=2";
    let engine = Engine::start_with(&[("ENGINE_RATE_LIMITS", limits)]);
    let first = call(&engine, KEY, Method::GET, "/sandbox").await;
    assert_eq!(header(&first, "x-ratelimit-limit-authenticated"), Some(40));
    assert_eq!(header(&first, "x-ratelimit-remaining-authenticated"), Some(39));
    assert!((1..=60).contains(&header(&first, "x-ratelimit-reset-authenticated").unwrap()));
    assert_eq!(header(&first, "x-ratelimit-limit-sandbox-create"), None);

    let client = engine.client();
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(client.create(&ephemeral()).await.unwrap().id);
    }
    let fourth = call(&engine, KEY, Method::POST, "/sandbox").await;
    assert_eq!(fourth.status(), 429);
    let wait = header(&fourth, "retry-after").unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(header(&fourth, "retry-after-sandbox-create"), Some(wait));
    assert_eq!(header(&fourth, "x-ratelimit-remaining-sandbox-create"), Some(0));
    let said: Value = fourth.json().await.unwrap();
    assert_eq!(
        (&said["statusCode"], &said["message"], &said["error"]),
        (
            &json!(429),
            &json!("Rate limit exceeded"),
            &json!("Too Many Requests")
        )
    );
    for (id, status) in made.iter().zip([200, 200, 429]) {
        let path = format!("/sandbox/{id}");
        assert_eq!(call(&engine, KEY, Method::DELETE, &path).await.status(), status);
    }
    // What may still be asked is, until all of it is used up.
    assert_eq!(call(&engine, KEY, Method::GET, "/sandbox").await.status(), 200);
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(
            call(&engine, KEY, Method::GET, "/sandbox")
                .await
                .status()
                .as_u16(),
        );
    }
    assert_eq!((statuses[0], statuses[39]), (200, 429));
    // A toolbox is bounded by its sandbox alone.
    let toolbox = format!("{}/toolbox/{}/work-dir", engine.url, made[2]);
    assert_eq!(engine.http().get(toolbox).send().await.unwrap().status(), 200);
}

async fn guessing_is_slowed_down_and_honest_work_is_not() {
    let engine = Engine::start_with(&[("ENGINE_RATE_LIMITS", "failed-auth=10")]);
    let made = engine
        .http()
        .post(format!("{}/api/api-keys", engine.url))
        .json(&json!({"name": "honest", "permissions": []}))
        .send()
        .await
        .unwrap();
    let made: Value = made.json().await.unwrap();
    let honest = made["value"].as_str().unwrap();
    let sandbox = engine.client().create(&ephemeral()).await.unwrap().id;
    let mut statuses = Vec::new();
    for number in 0..20 {
        let guess = format!("guess-{number}");
        statuses.push(
            call(&engine, &guess, Method::GET, "/sandbox")
                .await
                .status()
                .as_u16(),
        );
    }
    assert_eq!(
        (statuses[0], statuses[9], statuses[10], statuses[19]),
        (401, 401, 429, 429)
    );
    let refused = call(&engine, "guess", Method::GET, "/sandbox").await;
    assert!(header(&refused, "retry-after").is_some());
    let toolbox = reqwest::get(format!("{}/toolbox/x/work-dir", engine.url))
        .await
        .unwrap();
    assert_eq!(toolbox.status(), 429);
    // A key that nobody guesses works from there, a short one of a person's choice does not.
    assert_eq!(call(&engine, honest, Method::GET, "/sandbox").await.status(), 200);
    assert_eq!(call(&engine, KEY, Method::GET, "/sandbox").await.status(), 429);
    // Nor does it at a preview, where the honest one gets as far as the program that is not there.
    for (key, status) in [(KEY, 429), ("guess", 429), (honest, 502)] {
        let preview = reqwest::Client::new()
            .get(&engine.url)
            .header("host", format!("3000-{sandbox}.localhost"))
            .bearer_auth(key);
        assert_eq!(preview.send().await.unwrap().status(), status, "{key}");
    }
    // What is open to everyone stays open.
    let health = reqwest::get(format!("{}/api/health", engine.url)).await.unwrap();
    assert_eq!(health.status(), 200);
}
