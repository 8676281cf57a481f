//! What a sandbox is to be, as it is kept on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use daytona::{BuildInfo, PitlaneFacts, SandboxState, SandboxVolume};
use serde::{Deserialize, Serialize};

use crate::builds::Start;
use crate::clock;
use crate::identity::first_organization;
use crate::network::NetworkWish;
use crate::sandbox::SandboxSpec;

const GIB: u64 = 1 << 30;

/// A sandbox's settings and state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub id: String,
    #[serde(default = "first_organization")]
    pub organization: String,
    pub name: String,
    /// The snapshot it was made from; empty when it was built.
    pub snapshot: String,
    /// The warm pool it stood ready in.
    #[serde(default)]
    pub warm_pool: Option<String>,
    /// The operator's image it runs on; none is the host's own programs.
    #[serde(default)]
    pub image: Option<String>,
    /// What its image or snapshot starts with.
    #[serde(default)]
    pub start: Start,
    /// How its image was built.
    #[serde(default)]
    pub build: Option<BuildInfo>,
    /// The volumes it shows, by their ids.
    #[serde(default)]
    pub volumes: Vec<SandboxVolume>,
    /// Variables that hold secrets, and the secrets' names.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// The sandbox it is a copy of.
    #[serde(default)]
    pub parent: Option<String>,
    /// The sandbox it belongs to, and goes with.
    #[serde(default)]
    pub linked: Option<String>,
    pub env: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub public: bool,
    /// Daytona's three network settings, as they were given.
    #[serde(default)]
    pub network_block_all: bool,
    #[serde(default)]
    pub network_allow_list: Option<String>,
    #[serde(default)]
    pub domain_allow_list: Option<String>,
    /// What signs addresses of its files; none before it was asked for.
    #[serde(default)]
    pub signing_key: Option<String>,
    pub target: String,
    pub cpu: u32,
    /// GiB.
    pub memory: u32,
    /// GiB.
    pub disk: u32,
    /// Minutes; 0 never.
    pub auto_stop: i64,
    /// Minutes; 0 never.
    #[serde(default)]
    pub auto_pause: i64,
    /// Minutes.
    pub auto_archive: i64,
    /// Minutes; 0 at the stop, -1 never.
    pub auto_delete: i64,
    /// When its time to live ends.
    pub destroy_at_ms: Option<i64>,
    /// Its home outlives a stop; decided at creation.
    pub keep_home: bool,
    /// The trees of installed packages that it was given.
    #[serde(default)]
    pub packages: Vec<String>,
    pub state: SandboxState,
    pub error_reason: Option<String>,
    /// It was to be destroyed, and that failed.
    #[serde(default)]
    pub to_destroy: bool,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub last_activity_ms: i64,
    /// When it was stopped, while it is.
    pub stopped_ms: Option<i64>,
    /// When archiving it failed by itself; it is tried again an interval later.
    #[serde(default)]
    pub unarchived_ms: Option<i64>,
    /// When its last backup was made.
    #[serde(default)]
    pub backup_ms: Option<i64>,
    pub facts: PitlaneFacts,
}

impl Record {
    /// Destroyed when it stops.
    pub(crate) fn ephemeral(&self) -> bool {
        self.auto_delete == 0 || !self.keep_home
    }

    /// The record as an engine finds it that starts: nothing runs, and what was
    /// going on is over.
    pub(super) fn after_restart(mut self) -> Self {
        use SandboxState as State;
        let state = match self.state {
            kept @ (State::Stopped | State::Archived | State::BuildFailed) => kept,
            // Its files are in the archive until it has started.
            State::Restoring => State::Archived,
            State::PendingBuild | State::BuildingSnapshot => {
                self.error_reason = Some("The engine ended during the build.".to_owned());
                self.state = State::BuildFailed;
                return self;
            }
            _ => State::Stopped,
        };
        if state == State::Stopped && self.state != State::Stopped {
            self.stopped_ms = Some(clock::now_ms());
        }
        self.to_destroy = false;
        if state != State::BuildFailed {
            self.error_reason = None;
        }
        self.state = state;
        self
    }

    /// What it asks to reach; nothing when its settings cannot be read.
    pub(crate) fn network(&self) -> NetworkWish {
        NetworkWish::parse(
            self.network_block_all,
            self.network_allow_list.as_deref(),
            self.domain_allow_list.as_deref(),
        )
        .unwrap_or_else(|_| NetworkWish::nothing())
    }

    /// Paths below its home that are not its own: volumes are shown there.
    pub(crate) fn not_its_own(&self) -> Vec<String> {
        let home = format!("{}/", crate::sandbox::HOME);
        let below = |volume: &SandboxVolume| volume.mount_path.strip_prefix(&home).map(ToOwned::to_owned);
        self.volumes.iter().filter_map(below).collect()
    }

    /// The order for its walls.
    pub(crate) fn spec(&self) -> SandboxSpec {
        let mut env = BTreeMap::from([
            ("DAYTONA_SANDBOX_ID".to_owned(), self.id.clone()),
            ("DAYTONA_SANDBOX_SNAPSHOT".to_owned(), self.snapshot.clone()),
            ("DAYTONA_SANDBOX_USER".to_owned(), crate::sandbox::USER.to_owned()),
            ("DAYTONA_ORGANIZATION_ID".to_owned(), self.organization.clone()),
            ("DAYTONA_REGION_ID".to_owned(), self.target.clone()),
        ]);
        env.extend(self.start.env.clone());
        env.extend(self.env.clone());
        SandboxSpec {
            id: self.id.clone(),
            cpu: self.cpu,
            memory_bytes: u64::from(self.memory) * GIB,
            disk_bytes: u64::from(self.disk) * GIB,
            network: self.network(),
            places: self.start.places.iter().map(PathBuf::from).collect(),
            env,
            keep_home: self.keep_home,
            ..SandboxSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: &str) -> Record {
        let text = format!(
            r#"{{"id":"a","name":"a","snapshot":"s","env":{{}},"labels":{{}},"public":false,"network":"off",
            "target":"local","cpu":1,"memory":1,"disk":3,"auto_stop":15,"auto_archive":10080,"auto_delete":-1,
            "destroy_at_ms":null,"keep_home":true,"state":"{state}","error_reason":"x","created_ms":0,
            "updated_ms":0,"last_activity_ms":0,"stopped_ms":null,"facts":{{}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_record_from_before_there_were_organizations_is_of_the_first() {
        let record = record("started");
        assert_eq!(record.organization, crate::identity::FIRST_ORGANIZATION);
        let mut other = record.clone();
        other.organization = "another".to_owned();
        let env = other.spec().env;
        assert_eq!(env["DAYTONA_ORGANIZATION_ID"], "another");
    }

    #[test]
    fn after_a_restart_the_state_is_what_is_true() {
        for (before, after) in [
            ("started", "stopped"),
            ("paused", "stopped"),
            ("pausing", "stopped"),
            ("resizing", "stopped"),
            ("error", "stopped"),
            ("archived", "archived"),
            ("restoring", "archived"),
            // The archive counts only once the record says so.
            ("archiving", "stopped"),
            ("snapshotting", "stopped"),
            ("pending_build", "build_failed"),
            ("building_snapshot", "build_failed"),
            ("build_failed", "build_failed"),
        ] {
            let record = record(before).after_restart();
            assert_eq!(record.state.as_str(), after, "{before}");
            assert_eq!(record.stopped_ms.is_some(), after == "stopped", "{before}");
            assert_eq!(record.error_reason.is_some(), after == "build_failed", "{before}");
        }
    }

    #[test]
    fn an_images_variables_are_below_the_sandboxs() {
        let mut record = record("stopped");
        record.start.env = BTreeMap::from([("A".into(), "image".into()), ("B".into(), "image".into())]);
        record.env = BTreeMap::from([("A".into(), "own".into())]);
        let env = record.spec().env;
        assert_eq!((env["A"].as_str(), env["B"].as_str()), ("own", "image"));
        record.volumes = vec![
            SandboxVolume {
                mount_path: "/data".into(),
                ..SandboxVolume::default()
            },
            SandboxVolume {
                mount_path: "/home/daytona/v/w".into(),
                ..SandboxVolume::default()
            },
        ];
        assert_eq!(record.not_its_own(), ["v/w"]);
    }
}
