//! What the engine says about itself and its addresses.

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use daytona::{Health, ServiceConfig, ToolboxProxyUrl};
use serde_json::{Value, json};

use super::present::Base;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::network::NetworkBound;
use crate::previews::template;
use crate::snapshots::SIZES;
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

/// Whether sandboxes can be made: the process that holds them lives, and the
/// data directory takes more.
pub(super) async fn ready(State(engine): State<SharedEngine>) -> (StatusCode, Answer<Value>) {
    let checks = [
        ("sandboxes", !engine.lost.is_cancelled()),
        ("storage", takes_more(&engine.config.data_dir)),
    ];
    let told = |wanted: &dyn Fn(bool) -> bool| {
        let of = checks.iter().filter(|(_, up)| wanted(*up));
        let of = of.map(|(name, up)| {
            (
                (*name).to_owned(),
                json!({"status": if *up { "up" } else { "down" }}),
            )
        });
        Value::Object(of.collect())
    };
    let all = checks.iter().all(|(_, up)| *up);
    let (status, word) = match all {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "error"),
    };
    (
        status,
        Answer(json!({
            "status": word,
            "info": told(&|up| up),
            "error": told(&|up| !up),
            "details": told(&|_| true),
        })),
    )
}

/// Whether a file could be written here: it may be, and there is room.
fn takes_more(folder: &std::path::Path) -> bool {
    let may = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok();
    // Some file systems count no inodes and say 0 of 0.
    let room = rustix::fs::statvfs(folder)
        .is_ok_and(|disk| disk.f_bavail > 0 && (disk.f_files == 0 || disk.f_favail > 0));
    may && room
}

fn rate(limit: u32) -> Value {
    match limit {
        0 => Value::Null,
        limit => json!({"ttl": 60, "limit": limit}),
    }
}

pub(super) async fn config(State(engine): State<SharedEngine>, base: Base) -> Answer<ServiceConfig> {
    let limits = &engine.config.rate_limits;
    Answer(ServiceConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        proxy_toolbox_url: base.toolbox(),
        proxy_template_url: template(&engine.config.preview_domain, &base),
        default_snapshot: SIZES[0].0.to_owned(),
        dashboard_url: base.api(),
        rest: object(json!({
            "oidc": {"issuer": "", "clientId": "", "audience": "", "provider": ""},
            "linkedAccountsEnabled": false,
            "announcements": {},
            "maxAutoArchiveInterval": 43200,
            "maintananceMode": false,
            "environment": "pitlane",
            "rateLimit": {
                "failedAuth": rate(limits.failed_auth),
                "authenticated": rate(limits.authenticated),
                "sandboxCreate": rate(limits.sandbox_create),
                "sandboxLifecycle": rate(limits.sandbox_lifecycle),
            },
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
