//! Traces of what Pitlane itself does, sent to a collector of OpenTelemetry by
//! the variables that are standard for it. Nothing is sent unless
//! `OTEL_EXPORTER_OTLP_ENDPOINT` (or the one for traces alone) is set.
//!
//! ```text
//! the caller's trace ─▶ POST /api/agents/{id}/execute          a request
//!                          └▶ run                              from its start to its end
//!                               ├▶ queued ─ sandbox ─ files ─ packages ─ run ─ clean_up
//! ```
//! A run's spans are sent when it has ended, all together, so that they are
//! whole also when another server took it over; its request is then not known
//! any more, and the run is a trace of its own.

mod http_client;
mod request;
mod run;

pub use request::trace;

use crate::failure::Failure;
use http_client::HttpClient;
use model::RunId;
use opentelemetry::{Context, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The name this program has in traces when the operator gives none.
const NAME: &str = "pitlane";
/// How long sending what is left may take when the server stops.
const FLUSH_WITHIN: Duration = Duration::from_millis(500);
/// How many callers of runs are remembered. More runs than these are never under way.
const MOST_CALLERS: usize = 100_000;

tokio::task_local! {
    /// The request that is being answered.
    static CALLER: Context;
}

/// Where spans go; nowhere by default.
#[derive(Debug, Default)]
pub struct Traces(Option<Sending>);

#[derive(Debug)]
struct Sending {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// Who asked for the runs under way here.
    callers: Mutex<HashMap<RunId, Context>>,
}

impl Traces {
    /// What this process's environment asks for. To be called in a runtime.
    ///
    /// # Errors
    /// When it asks for something that Pitlane does not have, or an address cannot be used.
    pub fn from_environment() -> Result<Self, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let is_wanted = [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ]
        .iter()
        .any(|name| set(name).is_some())
            && !set("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"))
            && set("OTEL_TRACES_EXPORTER").is_none_or(|text| text != "none");
        if !is_wanted {
            return Ok(Self::default());
        }
        for name in [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ] {
            if let Some(other) = set(name).filter(|text| text != "http/protobuf") {
                return Err(Failure::unusable(format!(
                    "{name} is \u{201c}{other}\u{201d}, and Pitlane sends traces as http/protobuf. Leave it out, and name the collector\u{2019}s HTTP port in OTEL_EXPORTER_OTLP_ENDPOINT."
                )));
            }
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(HttpClient::new()?)
            .build()
            .map_err(|error| Failure::unusable(format!("Traces cannot be sent: {error}.")))?;
        let mut resource = Resource::builder();
        let is_named = set("OTEL_SERVICE_NAME").is_some()
            || set("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|text| text.contains("service.name="));
        if !is_named {
            resource = resource.with_service_name(NAME);
        }
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.with_attribute(version).build())
            .build();
        Ok(Self(Some(Sending {
            tracer: provider.tracer(NAME),
            provider,
            callers: Mutex::default(),
        })))
    }

    /// Sends what is left, and ends.
    pub async fn finish(&self) {
        let Some(sending) = &self.0 else { return };
        let provider = sending.provider.clone();
        let finished = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_WITHIN));
        if !matches!(finished.await, Ok(Ok(()))) {
            tracing::warn!("not all traces were sent");
        }
    }
}

impl Sending {
    fn callers(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Context>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
