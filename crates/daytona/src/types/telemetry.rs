//! What a provider recorded about a sandbox.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Answer of `GET /sandbox/{id}/telemetry/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TelemetryMetrics {
    /// One per metric.
    pub series: Vec<MetricSeries>,
}

/// One metric over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricSeries {
    /// Its name, such as `daytona.sandbox.cpu.utilization`.
    pub metric_name: String,
    /// Its values, in order.
    pub data_points: Vec<MetricPoint>,
}

/// A value at a time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricPoint {
    /// When, as RFC 3339.
    pub timestamp: String,
    /// The value.
    pub value: f64,
}

/// Answer of `GET /sandbox/{id}/telemetry/logs`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelemetryLogs {
    /// This page's.
    pub items: Vec<TelemetryLog>,
    /// How many there are.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are.
    pub total_pages: u64,
}

/// A recorded log line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelemetryLog {
    /// When, as RFC 3339.
    pub timestamp: String,
    /// What was said.
    pub body: String,
    /// How bad it is, in words.
    pub severity_text: String,
    /// How bad it is, as OpenTelemetry counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_number: Option<f64>,
    /// Who said it.
    pub service_name: String,
    /// About who said it.
    pub resource_attributes: BTreeMap<String, String>,
    /// About what was said.
    pub log_attributes: BTreeMap<String, String>,
    /// The trace it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The span it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
}

/// Answer of `GET /sandbox/{id}/telemetry/traces`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelemetryTraces {
    /// This page's.
    pub items: Vec<TelemetryTrace>,
    /// How many there are.
    pub total: u64,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are.
    pub total_pages: u64,
}

/// A recorded trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelemetryTrace {
    /// Its id.
    pub trace_id: String,
    /// Its first span.
    pub root_span_name: String,
    /// When it began, as RFC 3339.
    pub start_time: String,
    /// When it ended, as RFC 3339.
    pub end_time: String,
    /// How long it took.
    pub duration_ms: f64,
    /// How many spans it has.
    pub span_count: f64,
    /// How it came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
}

/// A span of `GET /sandbox/{id}/telemetry/traces/{traceId}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelemetrySpan {
    /// Its trace.
    pub trace_id: String,
    /// Its id.
    pub span_id: String,
    /// The span it is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<String>,
    /// What was done.
    pub span_name: String,
    /// When, as RFC 3339.
    pub timestamp: String,
    /// How long it took.
    pub duration_ns: f64,
    /// More about it.
    pub span_attributes: BTreeMap<String, String>,
    /// How it came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// Why so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
}
