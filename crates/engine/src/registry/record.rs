//! What a sandbox is to be, as it is kept on disk.

use std::collections::BTreeMap;

use daytona::{PitlaneFacts, SandboxState};
use serde::{Deserialize, Serialize};

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
    pub snapshot: String,
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
    /// Minutes.
    pub auto_archive: i64,
    /// Minutes; 0 at the stop, -1 never.
    pub auto_delete: i64,
    /// When its time to live ends.
    pub destroy_at_ms: Option<i64>,
    /// Its home outlives a stop; decided at creation.
    pub keep_home: bool,
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
    pub facts: PitlaneFacts,
}

impl Record {
    /// Destroyed when it stops.
    pub(crate) fn ephemeral(&self) -> bool {
        self.auto_delete == 0 || !self.keep_home
    }

    /// The record as an engine finds it that starts: nothing runs.
    pub(super) fn after_restart(mut self) -> Self {
        if self.state != SandboxState::Stopped {
            self.state = SandboxState::Stopped;
            self.stopped_ms = Some(clock::now_ms());
        }
        self.error_reason = None;
        self.to_destroy = false;
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

    /// The order for its walls.
    pub(crate) fn spec(&self) -> SandboxSpec {
        let mut env = BTreeMap::from([
            ("DAYTONA_SANDBOX_ID".to_owned(), self.id.clone()),
            ("DAYTONA_SANDBOX_SNAPSHOT".to_owned(), self.snapshot.clone()),
            ("DAYTONA_SANDBOX_USER".to_owned(), crate::sandbox::USER.to_owned()),
            ("DAYTONA_ORGANIZATION_ID".to_owned(), self.organization.clone()),
            ("DAYTONA_REGION_ID".to_owned(), self.target.clone()),
        ]);
        env.extend(self.env.clone());
        SandboxSpec {
            id: self.id.clone(),
            cpu: self.cpu,
            memory_bytes: u64::from(self.memory) * GIB,
            disk_bytes: u64::from(self.disk) * GIB,
            network: self.network(),
            env,
            keep_home: self.keep_home,
            ..SandboxSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_from_before_there_were_organizations_is_of_the_first() {
        let text = r#"{"id":"a","name":"a","snapshot":"s","env":{},"labels":{},"public":false,"network":"off",
            "target":"local","cpu":1,"memory":1,"disk":3,"auto_stop":15,"auto_archive":10080,"auto_delete":-1,
            "destroy_at_ms":null,"keep_home":true,"state":"started","error_reason":null,"created_ms":0,
            "updated_ms":0,"last_activity_ms":0,"stopped_ms":null,"facts":{}}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert_eq!(record.organization, crate::identity::FIRST_ORGANIZATION);
        let mut other = record.clone();
        other.organization = "another".to_owned();
        let env = other.spec().env;
        assert_eq!(env["DAYTONA_ORGANIZATION_ID"], "another");
    }
}
