//! What a sandbox used, over time, and the list's filters.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::{Engine, ephemeral, eventually};
use daytona::{CreateSandbox, ExecuteRequest};

pub fn trials() -> Vec<Trial> {
    trials![
        what_a_sandbox_used_is_told_truly,
        logs_and_traces_are_empty_pages,
        lists_are_filtered_and_ordered,
    ]
}

async fn get(engine: &Engine, path: &str) -> (u16, Value) {
    let url = format!("{}/api{path}", engine.url);
    let answer = engine.http().get(url).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// A span of time that holds the test.
const ALWAYS: &str = "from=2020-01-01T00%3A00%3A00.000000%2B0000&to=2200-01-01T00%3A00%3A00Z";

async fn what_a_sandbox_used_is_told_truly() {
    let engine = Engine::start_with(&[("ENGINE_SAMPLE_MS", "100")]);
    let (sandbox, toolbox) = engine.sandbox().await;
    // It works, it holds memory, it fills its disk.
    let command =
        "head -c 30000000 /dev/zero > filled; (timeout 60 sh -c 'while :; do :; done' &) >/dev/null 2>&1";
    toolbox.execute(ExecuteRequest::new(command)).await.unwrap();
    let path = format!("/sandbox/{}/telemetry/metrics?{ALWAYS}", sandbox.id);
    let newest = |series: &Value, name: &str| -> Option<f64> {
        let all = series["series"].as_array().unwrap();
        let one = all.iter().find(|one| one["metricName"] == name).unwrap();
        one["dataPoints"].as_array().unwrap().last()?["value"].as_f64()
    };
    let (status, first) = get(&engine, &path).await;
    assert_eq!(status, 200);
    let names: Vec<_> = first["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["metricName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "daytona.sandbox.cpu.utilization",
            "daytona.sandbox.cpu.limit",
            "daytona.sandbox.memory.usage",
            "daytona.sandbox.memory.limit",
            "daytona.sandbox.memory.cache",
            "daytona.sandbox.filesystem.usage",
            "daytona.sandbox.filesystem.total",
        ]
    );
    let measures_processors = {
        let (_, health) = get(&engine, "/health").await;
        health["limits"]["cpu"].to_string().contains("cgroup")
    };
    eventually("its work is seen", async || {
        let (_, now) = get(&engine, &path).await;
        let busy = newest(&now, "daytona.sandbox.cpu.utilization");
        newest(&now, "daytona.sandbox.filesystem.usage").is_some_and(|used| used >= 30e6)
            && newest(&now, "daytona.sandbox.memory.usage").is_some_and(|used| used > 0.0)
            && (!measures_processors || busy.is_some_and(|percent| percent > 5.0 && percent <= 100.0))
    })
    .await;
    let (_, now) = get(&engine, &path).await;
    assert_eq!(newest(&now, "daytona.sandbox.cpu.limit"), Some(1.0));
    assert_eq!(
        newest(&now, "daytona.sandbox.memory.limit"),
        Some(f64::from(1 << 30))
    );
    assert_eq!(
        newest(&now, "daytona.sandbox.filesystem.total"),
        Some(3.0 * f64::from(1 << 30))
    );

    let (_, one) = get(&engine, &format!("{path}&metricNames=daytona.sandbox.cpu.limit")).await;
    assert_eq!(one["series"].as_array().unwrap().len(), 1);
    let past = "from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z";
    let (_, none) = get(
        &engine,
        &format!("/sandbox/{}/telemetry/metrics?{past}", sandbox.id),
    )
    .await;
    assert_eq!(none["series"][0]["dataPoints"], json!([]));
}

async fn logs_and_traces_are_empty_pages() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let base = format!("/sandbox/{}/telemetry", sandbox.id);
    for kind in ["logs", "traces"] {
        let (status, page) = get(&engine, &format!("{base}/{kind}?{ALWAYS}&page=2&limit=5")).await;
        assert_eq!(
            (status, page),
            (200, json!({"items": [], "total": 0, "page": 2, "totalPages": 0}))
        );
    }
    assert_eq!(
        get(&engine, &format!("{base}/traces/abc")).await,
        (200, json!([]))
    );
    for odd in [
        "logs",
        "traces?from=now&to=then",
        "metrics",
        "metrics?from=2020-01-01T00:00:00Z",
        &format!("logs?{ALWAYS}&page=0"),
    ] {
        assert_eq!(get(&engine, &format!("{base}/{odd}")).await.0, 400, "{odd}");
    }
    assert_eq!(
        get(&engine, &format!("/sandbox/none/telemetry/logs?{ALWAYS}"))
            .await
            .0,
        404
    );
}

async fn lists_are_filtered_and_ordered() {
    let engine = Engine::start();
    let client = engine.client();
    let old = client
        .create(&CreateSandbox {
            name: Some("old".into()),
            ..ephemeral()
        })
        .await
        .unwrap();
    let timed = CreateSandbox {
        name: Some("timed".into()),
        snapshot: Some("daytona-medium".into()),
        ttl_minutes: Some(60),
        ..CreateSandbox::default()
    };
    let timed = client.create(&timed).await.unwrap();
    client.stop(&timed.id).await.unwrap();
    let list = async |query: &str| -> Vec<String> {
        let (status, page) = get(&engine, &format!("/sandbox?{query}")).await;
        assert_eq!(status, 200, "{query}: {page}");
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let created = timed.created_at.clone().unwrap();
    for (query, expected) in [
        ("sort=name&order=asc", vec!["old", "timed"]),
        ("sort=createdAt", vec!["timed", "old"]),
        ("sort=memoryGib&order=asc", vec!["old", "timed"]),
        ("states=stopped", vec!["timed"]),
        ("states=stopped&states=started&sort=name", vec!["timed", "old"]),
        (&format!("createdAtBefore={created}"), vec!["old"]),
        (&format!("createdAtAfter={created}"), vec![]),
        ("autoDestroyAtAfter=2020-01-01T00:00:00Z", vec!["timed"]),
        (
            "lastEventAfter=2020-01-01T00:00:00Z&sort=name",
            vec!["timed", "old"],
        ),
        ("lastEventBefore=2020-01-01T00:00:00Z", vec![]),
        ("minCpu=2", vec!["timed"]),
        ("maxMemoryGiB=1", vec!["old"]),
        ("sandboxClasses=linux-vm", vec![]),
        ("isRecoverable=true", vec![]),
        ("includeErroredDeleted=true&name=TI", vec!["timed"]),
        (&format!("id={}", old.id[..8].to_uppercase()), vec!["old"]),
    ] {
        assert_eq!(list(query).await, expected, "{query}");
    }
    for odd in [
        "sort=age",
        "order=up",
        "createdAtAfter=soon",
        "limit=0",
        "states=fast",
    ] {
        assert_eq!(get(&engine, &format!("/sandbox?{odd}")).await.0, 400, "{odd}");
    }
}
