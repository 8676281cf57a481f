//! A sandbox as the API shows it.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use daytona::{DesiredState, Sandbox, SandboxState};

use crate::clock::rfc3339;
use crate::registry::{Entry, Record};
use crate::sandbox::{USER, Wiring};
use crate::state::SharedEngine;

/// The address the client used: the engine may have several names, and the
/// toolbox must be reached by the one the client knows.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    scheme: &'static str,
    host: String,
}

impl Base {
    /// An address with this scheme and host.
    pub(crate) fn of(scheme: &'static str, host: impl Into<String>) -> Self {
        Self {
            scheme,
            host: host.into(),
        }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host's name alone.
    pub(crate) fn name(&self) -> &str {
        let name = match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.host,
        };
        name.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, unless it is the scheme's own.
    pub(crate) fn port(&self) -> Option<u16> {
        let (_, port) = self.host.rsplit_once(':')?;
        port.parse().ok()
    }

    /// Base of the toolbox API, without a slash at its end.
    pub(crate) fn toolbox(&self) -> String {
        format!("{}://{}/toolbox", self.scheme, self.host)
    }

    /// Base of the control plane.
    pub(crate) fn api(&self) -> String {
        format!("{}://{}/api", self.scheme, self.host)
    }
}

impl FromRequestParts<SharedEngine> for Base {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, engine: &SharedEngine) -> Result<Self, Self::Rejection> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let host =
            text(header::HOST.as_str()).map_or_else(|| engine.config.addr.to_string(), ToOwned::to_owned);
        let scheme = match text("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http",
        };
        Ok(Self::of(scheme, host))
    }
}

/// The sandbox's JSON.
pub(crate) fn describe(entry: &Entry, base: &Base) -> Sandbox {
    let record = entry.record().clone();
    describe_record(record, entry.activity.last_ms(), base)
}

/// The JSON of a sandbox as it was when its record was taken.
pub(crate) fn describe_record(record: Record, last_activity_ms: i64, base: &Base) -> Sandbox {
    let going = desired(&record);
    // What is archived is a backup too.
    let backup = match (record.state, record.backup_ms) {
        (SandboxState::Archived, _) | (_, Some(_)) => "Completed",
        _ => "None",
    };
    Sandbox {
        id: record.id,
        organization_id: record.organization,
        name: record.name,
        snapshot: Some(record.snapshot).filter(|snapshot| !snapshot.is_empty()),
        user: USER.to_owned(),
        env: record.env,
        labels: record.labels,
        public: record.public,
        // What it comes to counts, also when it is the operator who allows nothing.
        network_block_all: record.network_block_all || record.facts.network == Wiring::Off.name(),
        network_allow_list: record.network_allow_list,
        domain_allow_list: record.domain_allow_list,
        kvm: false,
        target: record.target,
        cpu: record.cpu,
        gpu: 0,
        memory: record.memory,
        disk: record.disk,
        desired_state: Some(going),
        state: Some(record.state),
        recoverable: Some(record.keep_home && record.state == SandboxState::Error),
        error_reason: record.error_reason,
        backup_state: Some(backup.to_owned()),
        backup_created_at: record.backup_ms.map(rfc3339),
        auto_stop_interval: Some(record.auto_stop),
        auto_pause_interval: Some(record.auto_pause),
        auto_archive_interval: Some(record.auto_archive),
        auto_delete_interval: Some(record.auto_delete),
        auto_destroy_at: record.destroy_at_ms.map(rfc3339),
        volumes: Some(record.volumes),
        build_info: record.build,
        linked_sandbox_id: record.linked,
        created_at: Some(rfc3339(record.created_ms)),
        updated_at: Some(rfc3339(record.updated_ms)),
        last_activity_at: Some(rfc3339(last_activity_ms)),
        sandbox_class: Some("container".to_owned()),
        daemon_version: Some(format!("v{}", env!("CARGO_PKG_VERSION"))),
        warm_pool_id: record.warm_pool,
        runner_id: Some(super::REGION.to_owned()),
        toolbox_proxy_url: base.toolbox(),
        pitlane: Some(record.facts),
        ..Sandbox::default()
    }
}

/// Where a sandbox is going.
pub(crate) fn desired(record: &Record) -> DesiredState {
    match record.state {
        _ if record.to_destroy => DesiredState::Destroyed,
        SandboxState::Stopping | SandboxState::Stopped => DesiredState::Stopped,
        SandboxState::Destroying | SandboxState::Destroyed => DesiredState::Destroyed,
        SandboxState::Archiving | SandboxState::Archived => DesiredState::Archived,
        SandboxState::Pausing | SandboxState::Paused => DesiredState::Paused,
        _ => DesiredState::Started,
    }
}
