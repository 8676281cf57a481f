//! Traces, as a collector gets them: a run that was asked for within somebody
//! else's trace.

use super::{folder, pitlane, serve::serve_as, stderr};
use axum::{Router, body::Bytes, extract::State, routing::post};
use http::HeaderMap;
use model::{AgentSettings, FilePath, Language};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind},
};
use prost::Message as _;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use store::Store;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// What a run of one program goes through.
const PHASES: [&str; 5] = ["queued", "sandbox", "files", "run", "clean_up"];

/// What came: the headers, and what is in the body.
type Received = Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>;

/// A collector on a port of its own, until the runtime ends.
async fn collector() -> (String, Received) {
    async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) {
        let request = ExportTraceServiceRequest::decode(body).expect("protobuf");
        received.lock().expect("no panic").push((headers, request));
    }
    let received = Received::default();
    let router = Router::new()
        .route("/v1/traces", post(take))
        .with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), received)
}

fn spans(received: &Received) -> Vec<Span> {
    let received = received.lock().expect("no panic");
    let resources = received.iter().flat_map(|(_, request)| &request.resource_spans);
    resources
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| scope.spans.clone())
        .collect()
}

fn text(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_part_of_the_trace_of_who_asked_for_it() {
    let (endpoint, received) = collector().await;
    let folder = folder();
    let server = serve_as(folder.path(), |command| {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
            .env(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "x-collector-key=from%20the%20operator",
            )
            .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=tests")
            .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    });
    let url = format!(
        "sqlite://{}",
        folder.path().join("pitlane-data/pitlane.db").display()
    );
    let store = Store::open(&url).await.expect("its database");
    let owner = store.users().await.expect("users").remove(0);
    let file = (
        FilePath::parse("agent.py").expect("a path"),
        b"print(1)\nexit(3)\n".to_vec(),
    );
    let settings = AgentSettings::new("Scout", "", Language::Python);
    store
        .create_agent(&model::TeamId::first(), &owner.id, &settings, &[file])
        .await
        .expect("an agent");
    store.close().await;
    let made = pitlane(folder.path())
        .args(["token", "create", "tests"])
        .output()
        .expect("started");
    let token = super::stdout(&made).trim().to_owned();
    let address = server.address.clone();
    let body = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(&address).expect("connected");
        write!(
            stream,
            "POST /api/agents/scout/execute?secret=x HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             traceparent: 00-{TRACE}-{PARENT}-01\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
    })
    .await
    .expect("no panic");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"));
    assert_eq!(answer["exit_code"], 3);
    let until = Instant::now() + Duration::from_secs(30);
    let of_the_trace = || {
        let spans = spans(&received).into_iter();
        spans
            .filter(|span| hex::encode(&span.trace_id) == TRACE)
            .collect::<Vec<_>>()
    };
    let is_server = |span: &Span| span.kind == SpanKind::Server as i32;
    // They come in any order: the request, the run within it, and its phases within that.
    let is_whole = |all: &[Span]| {
        let request = all.iter().find(|span| is_server(span));
        let within = |span: &Span| request.is_some_and(|request| span.parent_span_id == request.span_id);
        let Some(run) = all.iter().find(|span| within(span)) else {
            return false;
        };
        PHASES.iter().all(|name| {
            all.iter()
                .any(|span| span.parent_span_id == run.span_id && span.name == *name)
        })
    };
    let mut all = of_the_trace();
    while !is_whole(&all) {
        assert!(Instant::now() < until, "{all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        all = of_the_trace();
    }
    let request = all.iter().find(|span| is_server(span)).expect("the request");
    assert_eq!(
        hex::encode(&request.parent_span_id),
        PARENT,
        "within the caller's span"
    );
    assert_eq!(request.name, "POST /api/agents/{agent}/execute");
    assert_eq!(
        text(request, "http.route").as_deref(),
        Some("/api/agents/{agent}/execute")
    );
    assert_eq!(
        text(request, "url.path").as_deref(),
        Some("/api/agents/scout/execute")
    );
    assert_eq!(text(request, "http.response.status_code").as_deref(), Some("200"));
    let run = all
        .iter()
        .find(|span| span.parent_span_id == request.span_id)
        .expect("the run within the request");
    assert_eq!(
        (run.name.as_str(), text(run, "pitlane.run.state").as_deref()),
        ("run", Some("failed"))
    );
    assert_eq!(text(run, "process.exit.code").as_deref(), Some("3"));
    assert_eq!(text(run, "pitlane.run.id").as_deref(), answer["run_id"].as_str());
    let phases: Vec<&Span> = all
        .iter()
        .filter(|span| span.parent_span_id == run.span_id)
        .collect();
    let names: Vec<&str> = phases.iter().map(|span| span.name.as_str()).collect();
    for name in PHASES {
        assert!(names.contains(&name), "{names:?}");
    }
    for phase in phases {
        assert!(phase.start_time_unix_nano <= phase.end_time_unix_nano);
        assert!(phase.start_time_unix_nano >= run.start_time_unix_nano);
    }
    {
        let received = received.lock().expect("no panic");
        let (headers, request) = &received[0];
        assert_eq!(headers["x-collector-key"], "from the operator");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let resource = request.resource_spans[0].resource.as_ref().expect("a resource");
        let said: Vec<String> = resource
            .attributes
            .iter()
            .map(|attribute| format!("{attribute:?}"))
            .collect();
        for words in [
            "service.name",
            "\"pitlane\"",
            "deployment.environment",
            "service.version",
        ] {
            assert!(said.iter().any(|said| said.contains(words)), "{words}: {said:?}");
        }
    }
    // Health checks are no news.
    server.assert_ready();
    tokio::task::spawn_blocking(move || server.stop())
        .await
        .expect("no panic");
    assert!(spans(&received).iter().all(|span| !span.name.contains("readyz")));
}

#[test]
fn a_way_to_send_that_there_is_not_stops_the_start() {
    let folder = folder();
    let refused = |change: &dyn Fn(&mut Command)| {
        let mut command = pitlane(folder.path());
        command.args(["serve", "--addr", "127.0.0.1:0", "--warm", "0"]);
        change(&mut command);
        let output = command.output().expect("started");
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    };
    let said = refused(&|command| {
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    });
    assert!(said.contains("Pitlane sends traces as http/protobuf"), "{said}");
}
