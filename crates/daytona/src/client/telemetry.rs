//! What the provider recorded about a sandbox.

use super::{Client, Error, call::Call};
use crate::{TelemetryLogs, TelemetryMetrics, TelemetrySpan, TelemetryTraces};
use http::Method;

/// Which part of a record is wanted. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelemetryQuery {
    /// From when on.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Which page, from 1; of logs and traces.
    pub page: Option<u32>,
    /// Page size; of logs and traces.
    pub limit: Option<u32>,
    /// Only with this in it; of logs.
    pub search: Option<String>,
    /// Only those so bad; of logs.
    pub severities: Vec<String>,
}

impl TelemetryQuery {
    fn on(&self, mut call: Call) -> Call {
        call = call.query("from", &self.from).query("to", &self.to);
        for (name, value) in [("page", self.page), ("limit", self.limit)] {
            if let Some(value) = value {
                call = call.query(name, &value.to_string());
            }
        }
        if let Some(search) = &self.search {
            call = call.query("search", search);
        }
        for severity in &self.severities {
            call = call.query("severities", severity);
        }
        call
    }
}

impl Client {
    /// Metrics over a time; all of them when none is named.
    ///
    /// # Errors
    /// 404 when there is no such sandbox, or nothing is recorded there.
    pub async fn telemetry_metrics(
        &self,
        id: &str,
        query: &TelemetryQuery,
        metrics: &[&str],
    ) -> Result<TelemetryMetrics, Error> {
        let mut call = query.on(self.telemetry(id, &["metrics"])?);
        for metric in metrics {
            call = call.query("metricNames", metric);
        }
        self.fetch(call).await
    }

    /// Log lines.
    ///
    /// # Errors
    /// As of [`Client::telemetry_metrics`].
    pub async fn telemetry_logs(&self, id: &str, query: &TelemetryQuery) -> Result<TelemetryLogs, Error> {
        self.fetch(query.on(self.telemetry(id, &["logs"])?)).await
    }

    /// Traces.
    ///
    /// # Errors
    /// As of [`Client::telemetry_metrics`].
    pub async fn telemetry_traces(&self, id: &str, query: &TelemetryQuery) -> Result<TelemetryTraces, Error> {
        self.fetch(query.on(self.telemetry(id, &["traces"])?)).await
    }

    /// The spans of a trace.
    ///
    /// # Errors
    /// As of [`Client::telemetry_metrics`].
    pub async fn telemetry_trace(&self, id: &str, trace: &str) -> Result<Vec<TelemetrySpan>, Error> {
        self.fetch(self.telemetry(id, &["traces", trace])?).await
    }

    fn telemetry(&self, id: &str, what: &[&str]) -> Result<Call, Error> {
        let path = [&["sandbox", id, "telemetry"], what].concat();
        self.call(Method::GET, &path)
    }
}
