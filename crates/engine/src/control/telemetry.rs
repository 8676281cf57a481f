//! `GET /sandbox/{id}/telemetry/…`: what a sandbox used, from the engine's own
//! samples. Logs and traces of OpenTelemetry are not collected here, so there
//! are none: their pages are empty, which is the truth and parses.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::{MetricPoint, MetricSeries, TelemetryMetrics};
use serde_json::{Value, json};

use crate::body::Query;
use crate::clock::{self, rfc3339};
use crate::fault::Fault;
use crate::identity::Caller;
use crate::registry::Sample;
use crate::state::SharedEngine;

type Pairs = Query<Vec<(String, String)>>;

/// A metric: its name, and its value in a sample that has one.
type Metric = (&'static str, fn(&Sample) -> Option<f64>);

/// What there is, in the order of Daytona's SDKs.
const METRICS: [Metric; 7] = [
    ("daytona.sandbox.cpu.utilization", |sample| {
        sample.cpu_percent.map(f64::from)
    }),
    ("daytona.sandbox.cpu.limit", |sample| {
        Some(sample.limits.cpu.into())
    }),
    ("daytona.sandbox.memory.usage", |sample| {
        Some(sample.memory_bytes as f64)
    }),
    ("daytona.sandbox.memory.limit", |sample| {
        Some(sample.limits.memory_bytes as f64)
    }),
    ("daytona.sandbox.memory.cache", |sample| {
        Some(sample.cache_bytes as f64)
    }),
    ("daytona.sandbox.filesystem.usage", |sample| {
        Some(sample.disk_bytes as f64)
    }),
    ("daytona.sandbox.filesystem.total", |sample| {
        Some(sample.limits.disk_bytes as f64)
    }),
];

pub(super) async fn metrics(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
    Query(query): Pairs,
) -> Result<Answer<TelemetryMetrics>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let (from, to) = span(&query)?;
    let wanted: Vec<&str> = values(&query, "metricNames").collect();
    let samples = entry.samples.between(from, to);
    let asked = |(name, _): &&Metric| wanted.is_empty() || wanted.contains(name);
    let series = METRICS.iter().filter(asked).map(|(name, value)| MetricSeries {
        metric_name: (*name).to_owned(),
        data_points: samples
            .iter()
            .filter_map(|sample| {
                Some(MetricPoint {
                    timestamp: rfc3339(sample.at_ms),
                    value: value(sample)?,
                })
            })
            .collect(),
    });
    Ok(Answer(TelemetryMetrics {
        series: series.collect(),
    }))
}

/// Logs, and traces: a page with nothing on it.
pub(super) async fn nothing(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(sandbox): Path<String>,
    Query(query): Pairs,
) -> Result<Answer<Value>, Fault> {
    engine.registry.find(&caller, &sandbox)?;
    span(&query)?;
    let text = values(&query, "page").next().unwrap_or("1");
    let page = text.parse::<u32>().ok().filter(|page| *page > 0);
    let page = page.ok_or_else(|| Fault::bad_request("page must be a number from 1"))?;
    Ok(Answer(
        json!({"items": [], "total": 0, "page": page, "totalPages": 0}),
    ))
}

/// The spans of a trace: there are none.
pub(super) async fn no_spans(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path((sandbox, _)): Path<(String, String)>,
) -> Result<Answer<[(); 0]>, Fault> {
    engine.registry.find(&caller, &sandbox)?;
    Ok(Answer([]))
}

fn values<'a>(query: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = query.iter().filter(move |(key, _)| key == name);
    named.map(|(_, value)| value.as_str())
}

/// The span of time asked for, both ends in it.
fn span(query: &[(String, String)]) -> Result<(i64, i64), Fault> {
    let moment = |name: &str| {
        let text = values(query, name).next().unwrap_or("");
        clock::read(text)
            .ok_or_else(|| Fault::bad_request(format!("{name} must be an ISO 8601 date and time")))
    };
    Ok((moment("from")?, moment("to")?))
}
