//! What an operator's programs ask: how the server is, and its figures.

use super::*;
use axum::extract::ConnectInfo;
use model::Permission;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

/// The same request, from this address.
fn from(peer: &str, mut request: Request<Body>) -> Request<Body> {
    let peer: SocketAddr = format!("{peer}:4711").parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn with(name: &'static str, value: &str, mut request: Request<Body>) -> Request<Body> {
    let value = value.parse().expect("a value");
    request.headers_mut().insert(name, value);
    request
}

/// The samples of a text in Prometheus' form, which is checked on the way. Source of the form:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    assert!(text.ends_with('\n'), "it ends with a line");
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name, rest) = (words.next(), words.next(), words.next());
            if what == Some("TYPE") {
                let kind = rest.expect("a type");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                let name = name.expect("a name");
                assert!(kinds.insert(name, kind).is_none(), "told twice: {line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().expect("a name");
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| {
                name.strip_suffix(end)
                    .filter(|name| kinds.get(name) == Some(&"histogram"))
            })
            .unwrap_or(name);
        assert!(kinds.contains_key(family), "of no type: {line}");
        let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(found.insert(series.to_owned(), value).is_none(), "twice: {line}");
    }
    found
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let site = site().await;
    let ready = site.readiness().await;
    assert_eq!(ready.status, StatusCode::OK);
    let told: serde_json::Value = serde_json::from_str(&ready.body).expect("JSON");
    assert_eq!(told["status"], "ready");
    assert_eq!(told["checks"]["database"]["status"], "ok");
    assert_eq!(told["checks"]["migrations"]["status"], "ok");
    assert_eq!(told["checks"]["provider"]["status"], "unknown");
    // Nobody listens at the provider's address.
    let services = &site.site.services;
    let keeping = tokio::spawn(
        Arc::clone(&site.site.observed.readiness).keep(
            services.store.clone(),
            Provider::Embedded,
            daytona::Client::new(daytona::Config {
                api_url: "http://127.0.0.1:9/api".to_owned(),
                ..daytona::Config::new("key")
            })
            .expect("a client"),
            site.site.shutdown.clone(),
        ),
    );
    let mut told = serde_json::Value::Null;
    for _ in 0..1000 {
        let ready = site.readiness().await;
        assert_eq!(ready.status, StatusCode::OK, "runs can wait for a provider");
        told = serde_json::from_str(&ready.body).expect("JSON");
        if told["checks"]["provider"]["status"] == "failing" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(told["checks"]["provider"]["status"], "failing", "{told}");
    // Tables of an older program, as when somebody put back an older database under a running server.
    let newest = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    let store::Pools::Sqlite(pool) = services.store.pools() else {
        panic!("not SQLite")
    };
    sqlx::query(newest).execute(pool).await.expect("deleted");
    let older = site.readiness().await;
    assert_eq!(older.status, StatusCode::SERVICE_UNAVAILABLE, "{}", older.body);
    assert!(older.body.contains("older than this program"), "{}", older.body);
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 select 9999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1";
    sqlx::query(newer).execute(pool).await.expect("a row");
    let newer = site.readiness().await;
    assert_eq!(newer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", newer.body);
    assert!(newer.body.contains("newer than this program"), "{}", newer.body);
    services.store.close().await;
    let gone = site.readiness().await;
    assert_eq!(gone.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        gone.body.contains("The database does not answer."),
        "{}",
        gone.body
    );
    assert_eq!(site.ask(get("/healthz")).await.body, "ok\n");
    site.site.shutdown.cancel();
    keeping.await.expect("no panic");
    let stopping = site.readiness().await;
    assert_eq!(stopping.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        stopping.body.contains(r#""status":"stopping""#),
        "{}",
        stopping.body
    );
}

#[tokio::test]
async fn the_figures_are_for_this_machine_or_a_token_that_may() {
    let site = site().await;
    let ask = |request| site.ask(request);
    for peer in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let answer = ask(from(peer, get("/metrics"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{peer}: {}", answer.body);
        assert_eq!(
            answer.header(header::CONTENT_TYPE),
            "text/plain; version=0.0.4; charset=utf-8"
        );
    }
    for refused in [
        get("/metrics"),
        from("10.0.0.7", get("/metrics")),
        // A proxy on this machine, for somebody else.
        from("127.0.0.1", with("x-forwarded-for", "192.0.2.1", get("/metrics"))),
        from("127.0.0.1", with("forwarded", "for=192.0.2.1", get("/metrics"))),
    ] {
        let answer = ask(refused).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("PITLANE_METRICS_ADDR"), "{}", answer.body);
    }
    let bearing = |token: &str| with("authorization", &format!("Bearer {token}"), get("/metrics"));
    let (_, reads) = site.token(&[Permission::Read]).await;
    let answer = ask(from("10.0.0.7", bearing(&reads))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let (_, runs) = site.token(&[Permission::Run]).await;
    assert_eq!(ask(bearing(&runs)).await.status, StatusCode::FORBIDDEN);
    let unknown = ask(from("127.0.0.1", bearing("plt_nonsense"))).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    // Who is behind a proxy seems to be here, whoever asks.
    let public = site_with(Some("https://pitlane.example"), None).await;
    let answer = public.ask(from("127.0.0.1", get("/metrics"))).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // The address of their own is for everybody who comes there, and has nothing else.
    let alone = crate::site::metrics_alone(public.site.clone());
    for (path, status) in [
        ("/metrics", StatusCode::OK),
        ("/readyz", StatusCode::OK),
        ("/healthz", StatusCode::OK),
        ("/", StatusCode::NOT_FOUND),
        ("/api/session", StatusCode::NOT_FOUND),
    ] {
        let answer = match path {
            "/readyz" => readiness_of(&alone).await,
            _ => ask_of(&alone, get(path)).await,
        };
        assert_eq!(answer.status, status, "{path}");
    }
}

/// Has the figures looked up that are the database's, as a server does.
fn look_again_and_again(site: &TestSite) {
    let client = daytona::Client::new(daytona::Config {
        api_url: "http://127.0.0.1:9/api".to_owned(),
        ..daytona::Config::new("key")
    });
    let readiness = Arc::clone(&site.site.observed.readiness);
    tokio::spawn(readiness.keep(
        site.site.services.store.clone(),
        Provider::Embedded,
        client.expect("a client"),
        site.site.shutdown.clone(),
    ));
}

/// Gives the first team a budget, in millionths, or none.
async fn set_budget(site: &TestSite, monthly: Option<i64>) {
    let budget = model::Budget {
        monthly: monthly.map(model::Micros),
        free_credit: model::Micros(0),
    };
    let store = &site.site.services.store;
    store
        .set_budget(&model::TeamId::first(), &budget)
        .await
        .expect("set");
}

/// The figures, once the budget is told as expected.
async fn figures_with_budget(site: &TestSite, expected: Option<f64>) -> String {
    let series = format!("pitlane_budget_dollars{{team=\"{}\"}}", model::TeamId::first());
    for _ in 0..600 {
        let text = site.ask(from("127.0.0.1", get("/metrics"))).await.body;
        if samples(&text).get(&series).copied() == expected {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the figures did not come to {expected:?}");
}

#[tokio::test]
async fn the_figures_tell_how_budgets_stand() {
    let site = site().await;
    set_budget(&site, Some(25_500_000)).await;
    look_again_and_again(&site);
    let text = figures_with_budget(&site, Some(25.5)).await;
    let used = format!(
        "pitlane_budget_used_dollars{{team=\"{}\"}}",
        model::TeamId::first()
    );
    assert_eq!(samples(&text).get(&used).copied(), Some(0.0));
    set_budget(&site, None).await;
    let text = figures_with_budget(&site, None).await;
    assert!(!text.contains("pitlane_budget_"), "no limit is no figure: {text}");
}

#[tokio::test]
async fn the_figures_are_well_formed_and_count_what_happened() {
    let site = site().await;
    let agent = site.agent().await;
    let cookie = site.sign_in().await;
    for path in ["/healthz", "/healthz", "/api/session", "/api/nowhere", "/nowhere"] {
        site.ask_as(&cookie, get(path)).await;
    }
    let odd = request("BREW", "/healthz")
        .body(Body::empty())
        .expect("a request");
    site.ask(odd).await;
    for path in ["/api/runs/1", "/api/runs/2", "/api/runs/%22%0a%7d"] {
        site.ask_as(&cookie, get(path)).await;
    }
    // What a run tells of itself. No provider is there, so it cannot be started.
    let watch = site.site.observed.watch();
    let config = RunsConfig {
        watch,
        provider_deadline: Duration::from_millis(100),
        ..RunsConfig::new("test", Provider::Embedded)
    };
    let client = daytona::Client::new(daytona::Config {
        api_url: "http://127.0.0.1:9/api".to_owned(),
        ..daytona::Config::new("key")
    });
    let runs = Runs::open(
        config,
        site.site.services.store.clone(),
        client.expect("a client"),
    )
    .await
    .expect("runs");
    let run = runs
        .start(runs::StartRun {
            id: model::RunId::generate(),
            agent: agent.id,
            args: Vec::new(),
            timeout_seconds: None,
            fresh: true,
            person: None,
            trigger: model::Trigger::default(),
            in_studio: true,
        })
        .await
        .expect("started");
    let mut follower = runs
        .follow(&run.id, model::Cursor::default())
        .await
        .expect("followed");
    while follower.next().await.is_some() {}
    // What only a team with a budget has is told as well.
    set_budget(&site, Some(1_000_000)).await;
    look_again_and_again(&site);
    let text = figures_with_budget(&site, Some(1.0)).await;
    let samples = samples(&text);
    let of = |series: &str| samples.get(series).copied();
    let requests = |route: &str, method: &str, status: u16| {
        of(&format!(
            r#"pitlane_http_requests_total{{route="{route}",method="{method}",status="{status}"}}"#
        ))
    };
    assert_eq!(requests("/healthz", "GET", 200), Some(2.0), "{text}");
    assert_eq!(requests("/healthz", "other", 405), Some(1.0));
    assert_eq!(
        requests("none", "GET", 404),
        Some(2.0),
        "any address no route takes"
    );
    let of_runs = text.lines().filter(|line| {
        line.starts_with("pitlane_http_requests_total") && line.contains(r#"route="/api/runs/{id}""#)
    });
    assert!(
        of_runs.count() <= 2,
        "by template and status, not by address: {text}"
    );
    assert_eq!(of("pitlane_runs_started_total"), Some(1.0));
    assert_eq!(
        of(r#"pitlane_runs_ended_total{state="failed"}"#),
        Some(1.0),
        "{text}"
    );
    assert_eq!(
        of(r#"pitlane_run_phase_seconds_count{phase="sandbox"}"#),
        Some(1.0)
    );
    assert_eq!(
        of(r#"pitlane_run_phase_seconds_bucket{phase="sandbox",le="+Inf"}"#),
        Some(1.0)
    );
    assert_eq!(of(r#"pitlane_runs{state="running"}"#), Some(0.0));
    assert_eq!(of("pitlane_queue_places"), Some(16.0));
    assert_eq!(of("pitlane_streams"), Some(0.0));
    assert!(of("process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));
    // Each histogram grows from bound to bound.
    let mut last: BTreeMap<String, f64> = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("_bucket{")) {
        let (series, count) = line.rsplit_once(' ').expect("a value");
        let (of, _) = series.split_once("le=\"").expect("a bound");
        let count: f64 = count.parse().expect("a number");
        let before = last.insert(of.to_owned(), count);
        assert!(before.is_none_or(|before| count >= before), "{line}");
    }
    assert!(last.len() >= 4, "{text}");
    // What the examples for operators look at is there.
    for example in [
        include_str!("../../../../docs/operate/alerts.yml"),
        include_str!("../../../../docs/operate/README.md"),
    ] {
        let words = example.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
        for word in words.filter(|word| word.starts_with("pitlane_")) {
            let name = word.trim_end_matches("_bucket");
            assert!(text.contains(&format!("\n# TYPE {name} ")), "{word}: {text}");
        }
    }
    runs.shutdown().await;
}
