//! Sandboxes as Pitlane's ledger knows them, and the resources they get.

use crate::{AgentId, Invalid, Millis, RunId, SandboxId};
use serde::{Deserialize, Serialize};

/// Where sandboxes live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Daytona's cloud.
    Daytona,
    /// Our own engine on this machine.
    Embedded,
}

impl Provider {
    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daytona => "daytona",
            Self::Embedded => "embedded",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Daytona, Self::Embedded]
            .into_iter()
            .find(|provider| provider.as_str() == word)
    }
}

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Resources {
    /// Virtual CPUs, 1 to 4.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 4))]
    pub cpu: u32,
    /// Memory in GiB, 1 to 8.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 8))]
    pub memory_gib: u32,
    /// Disk in GiB, 1 to 10.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 10))]
    pub disk_gib: u32,
}

impl Default for Resources {
    /// Daytona's default: 1 vCPU, 1 GiB, 3 GiB of disk.
    fn default() -> Self {
        Self {
            cpu: 1,
            memory_gib: 1,
            disk_gib: 3,
        }
    }
}

impl Resources {
    /// Checks each figure against what one sandbox may have.
    ///
    /// # Errors
    /// Names the first figure that is out of its range, and the range.
    pub fn check(self) -> Result<Self, Invalid> {
        for (name, figure, most) in [
            ("vCPU", self.cpu, 4),
            ("GiB of memory", self.memory_gib, 8),
            ("GiB of disk", self.disk_gib, 10),
        ] {
            if figure < 1 || figure > most {
                return Err(Invalid(format!(
                    "A sandbox has 1 to {most} {name}, not {figure}."
                )));
            }
        }
        Ok(self)
    }

    /// `1 vCPU, 1 GiB, 3 GiB disk`.
    #[must_use]
    pub fn words(self) -> String {
        format!(
            "{} vCPU, {} GiB, {} GiB disk",
            self.cpu, self.memory_gib, self.disk_gib
        )
    }
}

/// Where our row of a sandbox stands. The row is written before the provider
/// is asked, and stays until the provider confirms that the sandbox is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SandboxState {
    /// We are about to ask for it, or have asked and not heard.
    Intended,
    /// It exists and a run uses it.
    InUse,
    /// It exists and waits for the next run of its agent.
    Idle,
    /// A person puts it away, with its files.
    Archiving,
    /// It is put away, and no run takes it.
    Archived,
    /// It is brought back for the next run of its agent.
    Restoring,
    /// It is to be deleted, and may exist.
    Deleting,
    /// The provider confirmed that it is gone.
    Deleted,
}

impl SandboxState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Intended,
        Self::InUse,
        Self::Idle,
        Self::Archiving,
        Self::Archived,
        Self::Restoring,
        Self::Deleting,
        Self::Deleted,
    ];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::InUse => "in_use",
            Self::Idle => "idle",
            Self::Archiving => "archiving",
            Self::Archived => "archived",
            Self::Restoring => "restoring",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A sandbox in our ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxRecord {
    /// Our id, also the value of the label that finds it at the provider.
    pub id: SandboxId,
    /// Where it lives.
    pub provider: Provider,
    /// The provider's id, once it is known.
    pub provider_id: Option<String>,
    /// The agent it was made for.
    pub agent: AgentId,
    /// The run that uses it or used it last.
    pub run: Option<RunId>,
    /// Where it stands.
    pub state: SandboxState,
    /// What it may use.
    pub resources: Resources,
    /// When the row was written.
    pub created_at: Millis,
    /// When a run last used it, or a person's archiving or restoring of it took its last step.
    pub used_at: Millis,
    /// When it is to be deleted if nothing uses it; none while it is in use.
    pub expires_at: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_have_limits() {
        assert!(Resources::default().check().is_ok());
        let error = Resources {
            cpu: 5,
            ..Resources::default()
        }
        .check()
        .expect_err("too many");
        assert_eq!(error.0, "A sandbox has 1 to 4 vCPU, not 5.");
        assert!(
            Resources {
                disk_gib: 0,
                ..Resources::default()
            }
            .check()
            .is_err()
        );
    }
}
