//! The control plane: `/api`, one file per resource or group of calls.

mod api_keys;
mod asked;
mod attached;
mod build_logs;
mod copies;
mod create;
mod delete;
mod elsewhere;
mod intervals;
mod labels;
mod list;
mod network;
mod organizations;
mod origin;
mod power;
mod present;
mod preview_access;
mod previews;
mod regions;
mod secrets;
mod service;
mod snapshots;
mod ssh_access;
mod telemetry;
mod usage;
mod visibility;
mod volumes;
mod wanted;
mod warm_pools;

pub(crate) use present::{Base, describe_record, desired};
pub(crate) use snapshots::describe as describe_snapshot;
pub(crate) use volumes::describe as describe_volume;

use axum::Router;
use axum::routing::{get, patch, post, put};

use crate::events;
use crate::state::SharedEngine;

/// The one region of an engine.
pub(crate) const REGION: &str = "local";

/// All routes below `/api`.
pub(crate) fn routes() -> Router<SharedEngine> {
    Router::new()
        .merge(elsewhere::routes())
        .route("/health", get(service::health))
        .route("/health/ready", get(service::ready))
        .route("/config", get(service::config))
        .route("/socket.io", get(events::connect))
        .route("/socket.io/", get(events::connect))
        .route("/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/api-keys/current", get(api_keys::current))
        .route("/api-keys/{name}", get(api_keys::show).delete(api_keys::delete))
        .route("/users/me", get(organizations::me))
        .route(
            "/organizations",
            get(organizations::list).post(organizations::create),
        )
        .route(
            "/organizations/{organization}",
            get(organizations::show).delete(organizations::delete),
        )
        .route(
            "/organizations/{organization}/available-sandbox-classes",
            get(regions::sandbox_classes),
        )
        .route(
            "/organizations/{organization}/gpu-capacity",
            get(regions::gpu_capacity),
        )
        .route("/regions", get(regions::list))
        .route("/regions/{region}", get(regions::show))
        .route("/shared-regions", get(regions::list))
        .route("/organizations/{organization}/usage", get(usage::usage))
        .route("/warm-pools", get(warm_pools::list).post(warm_pools::create))
        .route(
            "/warm-pools/{pool}",
            patch(warm_pools::update).delete(warm_pools::delete),
        )
        .route("/sandbox", post(create::create).get(list::list))
        .route("/sandbox/{sandbox}", get(list::show).delete(delete::delete))
        .route("/sandbox/{sandbox}/start", post(power::start))
        .route("/sandbox/{sandbox}/stop", post(power::stop))
        .route("/sandbox/{sandbox}/pause", post(power::pause))
        .route("/sandbox/{sandbox}/archive", post(power::archive))
        .route("/sandbox/{sandbox}/recover", post(power::recover))
        .route("/sandbox/{sandbox}/resize", post(power::resize))
        .route("/sandbox/{sandbox}/backup", post(copies::back_up))
        .route("/sandbox/{sandbox}/snapshot", post(copies::snapshot))
        .route("/sandbox/{sandbox}/fork", post(copies::fork))
        .route("/sandbox/{sandbox}/forks", get(copies::forks))
        .route("/sandbox/{sandbox}/parent", get(copies::parent))
        .route("/sandbox/{sandbox}/ancestors", get(copies::ancestors))
        .route("/sandbox/{sandbox}/labels", put(labels::replace))
        .route("/sandbox/{sandbox}/secrets", put(secrets::of_sandbox))
        .route("/sandbox/{sandbox}/public/{public}", post(visibility::set_public))
        .route("/sandbox/{sandbox}/network-settings", post(network::update))
        .route("/sandbox/{sandbox}/build-logs", get(build_logs::of_sandbox))
        .route(
            "/sandbox/{sandbox}/build-logs-url",
            get(build_logs::url_of_sandbox),
        )
        .route(
            "/sandbox/{sandbox}/autostop/{minutes}",
            post(intervals::auto_stop),
        )
        .route(
            "/sandbox/{sandbox}/autopause/{minutes}",
            post(intervals::auto_pause),
        )
        .route(
            "/sandbox/{sandbox}/autoarchive/{minutes}",
            post(intervals::auto_archive),
        )
        .route(
            "/sandbox/{sandbox}/autodelete/{minutes}",
            post(intervals::auto_delete),
        )
        .route("/sandbox/{sandbox}/ttl/{minutes}", post(intervals::time_to_live))
        .route("/sandbox/{sandbox}/last-activity", post(power::last_activity))
        .route("/sandbox/{sandbox}/organization", get(regions::organization))
        .route("/sandbox/{sandbox}/region-quota", get(regions::quota))
        .route("/sandbox/{sandbox}/telemetry/metrics", get(telemetry::metrics))
        .route("/sandbox/{sandbox}/telemetry/logs", get(telemetry::nothing))
        .route("/sandbox/{sandbox}/telemetry/traces", get(telemetry::nothing))
        .route(
            "/sandbox/{sandbox}/telemetry/traces/{trace}",
            get(telemetry::no_spans),
        )
        .merge(access_routes())
        .route(
            "/sandbox/{sandbox}/toolbox-proxy-url",
            get(service::toolbox_proxy_url),
        )
        .merge(what_they_are_made_from())
}

/// Snapshots, volumes and secrets.
fn what_they_are_made_from() -> Router<SharedEngine> {
    Router::new()
        .route("/snapshots", post(snapshots::create).get(snapshots::list))
        .route(
            "/snapshots/{snapshot}",
            get(snapshots::show).delete(snapshots::delete),
        )
        .route("/snapshots/{snapshot}/activate", post(snapshots::activate))
        .route("/snapshots/{snapshot}/deactivate", post(snapshots::deactivate))
        .route("/snapshots/{snapshot}/build-logs", get(build_logs::of_snapshot))
        .route(
            "/snapshots/{snapshot}/build-logs-url",
            get(build_logs::url_of_snapshot),
        )
        .route("/volumes", post(volumes::create).get(volumes::list))
        .route("/volumes/{volume}", get(volumes::show).delete(volumes::delete))
        .route("/volumes/by-name/{volume}", get(volumes::show))
        .route("/secret", post(secrets::create).get(secrets::list))
        .route("/secret/paginated", get(secrets::list_page))
        .route(
            "/secret/{secret}",
            get(secrets::show).patch(secrets::update).delete(secrets::delete),
        )
}

fn access_routes() -> Router<SharedEngine> {
    Router::new()
        .route(
            "/sandbox/{sandbox}/ports/{port}/preview-url",
            get(previews::address_of),
        )
        .route(
            "/sandbox/{sandbox}/ports/{port}/signed-preview-url",
            get(previews::sign),
        )
        .route(
            "/sandbox/{sandbox}/ports/{port}/signed-preview-url/{token}/expire",
            post(previews::expire),
        )
        .route("/sandbox/{sandbox}/signing-key", get(previews::signing_key))
        .route("/sandbox/ssh-access/validate", get(ssh_access::validate))
        .route(
            "/sandbox/{sandbox}/ssh-access",
            post(ssh_access::create).delete(ssh_access::revoke),
        )
        .route(
            "/sandbox/{sandbox}/signing-key/rotate",
            post(previews::rotate_signing_key),
        )
        .route("/preview/{sandbox}/public", get(preview_access::public))
        .route("/preview/{sandbox}/access", get(preview_access::access))
        .route("/preview/{sandbox}/preview-warning", get(preview_access::warning))
        .route("/preview/{sandbox}/signing-key", get(previews::signing_key))
        .route(
            "/preview/{sandbox}/validate/{token}",
            get(preview_access::validate),
        )
        .route(
            "/preview/{sandbox}/{port}/sandbox-id",
            get(preview_access::sandbox_of_signed),
        )
}
