//! What the engine says about itself and its addresses.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{Health, ServiceConfig, ToolboxProxyUrl};
use serde_json::{Value, json};

use super::create::SNAPSHOTS;
use super::present::Base;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::network::NetworkBound;
use crate::state::SharedEngine;

pub(super) fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

/// Open to everyone: says only that it lives and how sandboxes are isolated.
pub(super) async fn health(State(engine): State<SharedEngine>) -> Answer<Health> {
    let isolation = engine.host.isolation();
    Answer(Health {
        status: "ok".to_owned(),
        rest: object(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "isolation": isolation.to_string(),
            "limits": {
                "memory": isolation.memory,
                "processes": isolation.processes,
                "cpu": isolation.cpu,
                "disk": isolation.disk,
            },
            "refused": isolation.refused,
            "network": {
                "reach": reach(engine.host.network_bound()),
                "wiring": engine.host.wiring(),
                "noDevice": engine.host.no_device(),
            },
        })),
    })
}

/// The operator's bound in a word: its list names places that are not for everyone.
fn reach(bound: &NetworkBound) -> &'static str {
    if bound.is_off() {
        "off"
    } else if bound.is_open() {
        "open"
    } else {
        "listed"
    }
}

/// Whether sandboxes can be made.
pub(super) async fn ready(State(engine): State<SharedEngine>) -> (StatusCode, Answer<Value>) {
    let lost = engine.lost.is_cancelled();
    let state = json!({"sandboxes": {"status": if lost { "down" } else { "up" }}});
    let (status, word, error) = match lost {
        true => (StatusCode::SERVICE_UNAVAILABLE, "error", state.clone()),
        false => (StatusCode::OK, "ok", json!({})),
    };
    let info = if lost { json!({}) } else { state.clone() };
    (
        status,
        Answer(json!({"status": word, "info": info, "error": error, "details": state})),
    )
}

pub(super) async fn config(base: Base) -> Answer<ServiceConfig> {
    Answer(ServiceConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        proxy_toolbox_url: base.toolbox(),
        proxy_template_url: "http://{{PORT}}-{{sandboxId}}.localhost".to_owned(),
        default_snapshot: SNAPSHOTS[0].0.to_owned(),
        dashboard_url: base.api(),
        rest: object(json!({
            "oidc": {"issuer": "", "clientId": "", "audience": "", "provider": ""},
            "linkedAccountsEnabled": false,
            "announcements": {},
            "maxAutoArchiveInterval": 43200,
            "maintananceMode": false,
            "environment": "pitlane",
        })),
    })
}

pub(super) async fn toolbox_proxy_url(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<ToolboxProxyUrl>, Fault> {
    engine.registry.find(&caller, &sandbox)?;
    Ok(Answer(ToolboxProxyUrl { url: base.toolbox() }))
}
