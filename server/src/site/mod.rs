//! The site over HTTP: one router through which every request goes.
//!
//! ```text
//! every request ── trace ─ catch panics ─ headers ─ host and origin
//!    ├── /healthz /readyz /assets/…            open
//!    ├── /metrics                               this machine, or a token of an owner of the instance
//!    └── session ─ guard ─ pressure ─ compression
//!           ├── pages                           signed in, or sent to /sign-in
//!           ├── /oidc/… the sign-in provider    open: to it, and back from it
//!           ├── /fn/…  server functions         401, but for those that lead to a session
//!           └── /api/… REST and events          401; each handler names its permission; a token does too,
//!                                               and every refusal is a problem document
//! ```

mod api;
mod assets;
mod attempts;
mod audit;
mod credential;
mod csv;
mod events;
mod files;
mod guard;
mod headers;
mod health;
mod hooks;
pub mod hosts;
mod log;
mod metrics;
pub mod oidc;
mod pages;
mod permission;
mod pressure;
mod problem;
mod refusal;
mod router;
mod session;
mod sign_in_link;
#[cfg(test)]
mod tests;

pub use assets::{base as assets_base, runtime_folder};
pub use audit::forget_old as forget_audit_records;
pub use metrics::alone as metrics_alone;
pub use pressure::Limits;
pub use router::router;
pub use session::{Sessions, fresh_link, fresh_sign_in_link};

use crate::observed::Observed;
use axum::extract::FromRef;
use hosts::Hosts;
use leptos::prelude::LeptosOptions;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What requests are answered with. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    /// What pages and server functions use.
    pub services: app::Services,
    /// Where the site's files are served.
    pub assets: app::Assets,
    /// The signed-in browsers.
    pub sessions: Sessions,
    /// The names the site answers to.
    pub hosts: Arc<Hosts>,
    /// The OpenID Connect provider, when there is one.
    pub provider: Option<oidc::Provider>,
    /// What clients ask of it, counted.
    pub pressure: Arc<pressure::Pressure>,
    /// What is counted and looked up for who runs it.
    pub observed: Observed,
    /// Ends what would go on for ever when the server stops.
    pub shutdown: CancellationToken,
    leptos: LeptosOptions,
}

impl Site {
    /// Puts it together.
    pub fn new(
        services: app::Services,
        assets: app::Assets,
        sessions: Sessions,
        hosts: Hosts,
        limits: Limits,
        observed: Observed,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            services,
            leptos: LeptosOptions::builder()
                .output_name("app")
                .site_pkg_dir(assets.base.trim_start_matches('/').to_owned())
                .build(),
            assets,
            sessions,
            hosts: Arc::new(hosts),
            provider: None,
            pressure: Arc::new(pressure::Pressure::new(limits)),
            observed,
            shutdown,
        }
    }

    /// The same with a provider that signs people in.
    pub fn with_provider(self, provider: Option<oidc::Provider>) -> Self {
        Self { provider, ..self }
    }
}

impl FromRef<Site> for LeptosOptions {
    fn from_ref(site: &Site) -> Self {
        site.leptos.clone()
    }
}
