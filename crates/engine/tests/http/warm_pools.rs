//! Warm pools: sandboxes of a snapshot that stand ready.

use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Engine, eventually};
use daytona::{CreateSandbox, ExecuteRequest};

pub fn trials() -> Vec<Trial> {
    trials![
        a_pool_from_order_to_end,
        a_pool_outlives_the_engine,
        odd_orders_are_refused,
        organizations_have_pools_of_their_own,
    ]
}

async fn call(engine: &Engine, method: Method, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/api{path}", engine.url);
    let answer = engine
        .http()
        .request(method, url)
        .json(&body)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn order(engine: &Engine, snapshot: &str, size: u32) -> Value {
    let body = json!({"snapshot": snapshot, "pool": size});
    let (status, made) = call(engine, Method::POST, "/warm-pools", body).await;
    assert_eq!(status, 201, "{made}");
    made
}

/// Waits until so many stand ready.
async fn stand_ready(engine: &Engine, pool: &Value, size: f64) {
    eventually("they are ready", async || {
        let (_, all) = call(engine, Method::GET, "/warm-pools", Value::Null).await;
        let all = all.as_array().unwrap().iter();
        let mut this = all.filter(|one| one["id"] == pool["id"]);
        this.next().unwrap()["currentSize"].as_f64() == Some(size)
    })
    .await;
}

fn medium(name: &str) -> CreateSandbox {
    CreateSandbox {
        name: Some(name.into()),
        snapshot: Some("daytona-medium".into()),
        ..CreateSandbox::default()
    }
}

async fn a_pool_from_order_to_end() {
    let engine = Engine::start();
    let client = engine.client();
    let made = order(&engine, "daytona-medium", 2).await;
    assert_eq!(
        (&made["snapshot"], &made["target"], &made["osUser"], &made["env"]),
        (
            &json!("daytona-medium"),
            &json!("local"),
            &json!("daytona"),
            &json!({})
        )
    );
    assert_eq!(
        (made["cpu"].as_f64(), made["mem"].as_f64()),
        (Some(2.0), Some(4.0))
    );
    stand_ready(&engine, &made, 2.0).await;
    let list = async |query: &str| {
        let (_, page) = call(&engine, Method::GET, &format!("/sandbox{query}"), Value::Null).await;
        page["items"].as_array().unwrap().clone()
    };
    assert_eq!(list("").await.len(), 0);
    let unclaimed = list("?includeWarm=true").await;
    assert_eq!(unclaimed.len(), 2);
    for one in &unclaimed {
        assert_eq!(
            (&one["warmPoolId"], &one["snapshot"], &one["cpu"], &one["state"]),
            (
                &made["id"],
                &json!("daytona-medium"),
                &json!(2),
                &json!("started")
            )
        );
    }
    assert_eq!(list("?includeWarm=true&limit=1").await.len(), 1);
    assert_eq!(list("?includeWarm=true&snapshots=other").await.len(), 0);

    // One that keeps its home and one that does not, both from the pool.
    for (name, auto_delete) in [("kept", -1), ("fleeting", 0)] {
        let request = CreateSandbox {
            auto_delete_interval: Some(auto_delete),
            env: [("MINE".into(), name.into())].into(),
            ..medium(name)
        };
        let sandbox = client.create(&request).await.unwrap();
        assert!(sandbox.pitlane.clone().unwrap().warm, "{name}");
        let (_, shown) = call(&engine, Method::GET, &format!("/sandbox/{name}"), Value::Null).await;
        assert_eq!(shown["warmPoolId"], made["id"]);
        let toolbox = client.toolbox(&sandbox).await.unwrap();
        let ran = toolbox.execute(ExecuteRequest::new(
            "echo $MINE > f; cat f; echo $DAYTONA_SANDBOX_ID",
        ));
        assert_eq!(ran.await.unwrap().result, format!("{name}\n{}\n", sandbox.id));
        stand_ready(&engine, &made, 2.0).await;
    }
    client.stop("kept").await.unwrap();
    let again = client.start("kept").await.unwrap();
    let toolbox = client.toolbox(&again).await.unwrap();
    assert_eq!(toolbox.download("f").await.unwrap(), "kept\n");

    // Another snapshot is not this pool's.
    let small = client.create(&CreateSandbox::default()).await.unwrap();
    assert!(!small.pitlane.unwrap().warm);

    let path = format!("/warm-pools/{}", made["id"].as_str().unwrap());
    let (status, fewer) = call(&engine, Method::PATCH, &path, json!({"pool": 0})).await;
    assert_eq!((status, fewer["pool"].as_f64()), (200, Some(0.0)));
    stand_ready(&engine, &made, 0.0).await;
    assert!(
        !client
            .create(&medium("cold"))
            .await
            .unwrap()
            .pitlane
            .unwrap()
            .warm
    );
    assert_eq!(call(&engine, Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(call(&engine, Method::DELETE, &path, Value::Null).await.0, 404);
    assert_eq!(
        call(&engine, Method::GET, "/warm-pools", Value::Null).await.1,
        json!([])
    );
}

async fn a_pool_outlives_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    let made = order(&engine, "daytona-small", 1).await;
    stand_ready(&engine, &made, 1.0).await;
    engine.kill();
    let mut engine = Engine::start_in(folder.path().to_owned(), &[]);
    stand_ready(&engine, &made, 1.0).await;
    let homes = || std::fs::read_dir(folder.path().join("homes")).unwrap().count();
    assert_eq!(homes(), 1, "the killed engine's ready home is gone");
    assert!(engine.end());
    let left = homes();
    assert!(left <= 1);
    let path = format!("/warm-pools/{}", made["id"].as_str().unwrap());
    let engine = Engine::start_in(folder.path().to_owned(), &[]);
    assert_eq!(call(&engine, Method::DELETE, &path, Value::Null).await.0, 204);
    eventually("nothing is left", async || homes() == 0).await;
}

async fn odd_orders_are_refused() {
    let engine = Engine::start();
    let made = order(&engine, "daytona-small", 1).await;
    for (body, status) in [
        (json!({"snapshot": "daytona-small", "pool": 1}), 409),
        (json!({"snapshot": "no-such", "pool": 1}), 400),
        (json!({"snapshot": "daytona-large", "pool": 0}), 400),
        (json!({"snapshot": "daytona-large", "pool": -1}), 400),
        (json!({"snapshot": "daytona-large", "pool": 1_000_000}), 400),
        (json!({"snapshot": "daytona-large"}), 400),
        (json!({"pool": 1}), 400),
    ] {
        let (got, said) = call(&engine, Method::POST, "/warm-pools", body.clone()).await;
        assert_eq!(got, status, "{body}: {said}");
    }
    let path = format!("/warm-pools/{}", made["id"].as_str().unwrap());
    let many = json!({"pool": 65});
    assert_eq!(call(&engine, Method::PATCH, &path, many).await.0, 400);
    assert_eq!(
        call(&engine, Method::PATCH, "/warm-pools/none", json!({"pool": 1}))
            .await
            .0,
        404
    );
}

async fn organizations_have_pools_of_their_own() {
    let engine = Engine::start();
    let own = order(&engine, "daytona-small", 1).await;
    stand_ready(&engine, &own, 1.0).await;
    let (_, team) = call(&engine, Method::POST, "/organizations", json!({"name": "team"})).await;
    let key = team["apiKey"]["value"].as_str().unwrap();
    let as_team = |method: Method, path: &str| {
        let request = reqwest::Client::new().request(method, format!("{}/api{path}", engine.url));
        request.bearer_auth(key).json(&json!({"pool": 1})).send()
    };
    let listed = as_team(Method::GET, "/warm-pools").await.unwrap();
    assert_eq!(listed.json::<Value>().await.unwrap(), json!([]));
    let path = format!("/warm-pools/{}", own["id"].as_str().unwrap());
    assert_eq!(as_team(Method::PATCH, &path).await.unwrap().status(), 404);
    assert_eq!(as_team(Method::DELETE, &path).await.unwrap().status(), 404);
    let made = as_team(Method::POST, "/sandbox").await.unwrap();
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["x-pitlane"]["warm"], false);
    stand_ready(&engine, &own, 1.0).await;
}
