//! Sandboxes as the provider lists them against what our ledger of them says,
//! and the difference in words. Made by the server, shown by the Sandboxes page.

use crate::{
    AgentId, Millis, Resources, RunId, SandboxId, SandboxRecord, SandboxState, time::countdown_words,
};
use serde::{Deserialize, Serialize};

/// A sandbox as its provider tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidedSandbox {
    /// The provider's id.
    pub id: String,
    /// The provider's word for where it stands: `started`, `stopped`, `destroying`.
    pub state: String,
    /// Why it is in an error state.
    pub error: Option<String>,
    /// What it may use.
    pub resources: Resources,
    /// When it was made, if the provider says so.
    pub created_at: Option<Millis>,
    /// The agent its labels name.
    pub agent: Option<AgentId>,
    /// The run its labels name.
    pub run: Option<RunId>,
}

impl ProvidedSandbox {
    /// Whether it runs.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.state == "started"
    }
}

/// How deleting a sandbox goes, as far as this process has tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// How often it failed so far.
    pub failed: u32,
    /// What the provider did the last time it failed.
    pub last_error: Option<String>,
    /// Whether it is being tried now.
    pub under_way: bool,
}

/// What differs between the provider and the ledger, and so what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// None: both say the same.
    None,
    /// The provider was asked for it and has not answered.
    Asked,
    /// The provider has it, and the ledger is about to note its id.
    Arriving,
    /// A run is in it for the ledger, and the provider does not have it started, or not at all.
    Lost,
    /// The ledger keeps it, and the provider has it in another state than started.
    NotStarted,
    /// The ledger keeps it, and the provider does not know it.
    Missing,
    /// Its time between two runs is over.
    Expired,
    /// Its run is not under way any more, and the provider still has it.
    Abandoned,
    /// It is to be deleted, and the provider still has it.
    Remaining,
    /// The ledger has noted that it is gone, and the provider still has it.
    Returned,
    /// It is to be deleted, and the provider does not know it any more.
    Gone,
    /// A second one of the same row.
    Double,
    /// Of this installation by its label, without a row.
    Unknown {
        /// Not deleted before this: a row may be on its way.
        not_before: Millis,
    },
    /// The provider could not be asked.
    Unasked,
}

impl Difference {
    /// Whether provider and ledger agree, or are about to.
    #[must_use]
    pub const fn is_none(self) -> bool {
        matches!(self, Self::None | Self::Asked | Self::Arriving)
    }

    /// The difference, and what comes of it. `next` is when the reaper's next
    /// round begins; none while one is under way.
    #[must_use]
    pub fn words(self, now: Millis, next: Option<Millis>) -> String {
        let round = round_words(now, next);
        match self {
            Self::None => "None".to_owned(),
            Self::Asked => "The provider was asked for it and has not answered yet.".to_owned(),
            Self::Arriving => "The provider has it; the ledger is about to note it.".to_owned(),
            Self::Lost => {
                "A run is in it for the ledger, and the provider does not have it started: the run finds out by itself."
                    .to_owned()
            }
            Self::NotStarted => {
                "The ledger keeps it, the provider does not have it started: the next run makes another."
                    .to_owned()
            }
            Self::Missing => format!("The ledger keeps it, the provider does not know it: noted {round}."),
            Self::Expired => format!("Its time is over, the provider still has it: deleted {round}."),
            Self::Abandoned => format!("Its run is over, the provider still has it: deleted {round}."),
            Self::Remaining => format!("To be deleted, the provider still has it: tried again {round}."),
            Self::Returned => {
                format!("The ledger has deleted it, the provider still lists it: deleted {round}.")
            }
            Self::Gone => format!("Not at the provider any more: noted {round}."),
            Self::Double => format!("A second one for the same row: deleted {round}."),
            Self::Unknown { not_before } if not_before > now => format!(
                "Unknown to the ledger, of this installation: deleted in {}, unless it turns out to be wanted.",
                in_words(now, not_before)
            ),
            Self::Unknown { .. } => {
                format!("Unknown to the ledger, of this installation: deleted {round}.")
            }
            Self::Unasked => "Not known: the provider could not be asked.".to_owned(),
        }
    }
}

/// `at the next round in 34 s`, or that it goes on.
fn round_words(now: Millis, next: Option<Millis>) -> String {
    match next {
        None => "in the round under way".to_owned(),
        Some(next) if next <= now => "at the next round, now".to_owned(),
        Some(next) => format!("at the next round in {}", in_words(now, next)),
    }
}

fn in_words(now: Millis, then: Millis) -> String {
    countdown_words(then.since(now))
}

/// One sandbox: the ledger's row, the provider's answer, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedSandbox {
    /// The ledger's row.
    pub row: Option<SandboxRecord>,
    /// What the provider has.
    pub found: Option<ProvidedSandbox>,
    /// Whether its run is under way.
    pub run_goes_on: bool,
    /// How deleting it goes.
    pub deletion: Deletion,
    /// What differs.
    pub difference: Difference,
}

/// Names a sandbox that something is to be done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxName {
    /// By the ledger's row.
    Row(SandboxId),
    /// By the provider's id: one that no row has.
    Provider(String),
}

impl ComparedSandbox {
    /// How it is named when something is to be done with it.
    #[must_use]
    pub fn name(&self) -> SandboxName {
        match (&self.row, &self.found) {
            (Some(row), _) if self.difference != Difference::Double => SandboxName::Row(row.id.clone()),
            (_, Some(found)) => SandboxName::Provider(found.id.clone()),
            (Some(row), None) => SandboxName::Row(row.id.clone()),
            (None, None) => SandboxName::Provider(String::new()),
        }
    }

    /// The provider's id, or ours while it has none.
    #[must_use]
    pub fn id(&self) -> &str {
        let found = self.found.as_ref().map(|found| found.id.as_str());
        let row = self.row.as_ref();
        found
            .or_else(|| row.and_then(|row| row.provider_id.as_deref()))
            .or_else(|| row.map(|row| row.id.as_str()))
            .unwrap_or_default()
    }

    /// The agent it was made for.
    #[must_use]
    pub fn agent(&self) -> Option<&AgentId> {
        let row = self.row.as_ref().map(|row| &row.agent);
        row.or_else(|| self.found.as_ref()?.agent.as_ref())
    }

    /// The run that uses it or used it last.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        let row = self.row.as_ref().and_then(|row| row.run.as_ref());
        row.or_else(|| self.found.as_ref()?.run.as_ref())
    }

    /// What it may use.
    #[must_use]
    pub fn resources(&self) -> Option<Resources> {
        let row = self.row.as_ref().map(|row| row.resources);
        row.or_else(|| self.found.as_ref().map(|found| found.resources))
    }

    /// When it was asked for, or made.
    #[must_use]
    pub fn created_at(&self) -> Option<Millis> {
        let row = self.row.as_ref().map(|row| row.created_at);
        row.or_else(|| self.found.as_ref()?.created_at)
    }

    /// Whether it is kept between two runs, and not archived yet.
    #[must_use]
    pub fn can_be_archived(&self, now: Millis) -> bool {
        let kept = self
            .row
            .as_ref()
            .is_some_and(|row| row.state == SandboxState::Idle && row.expires_at.is_none_or(|end| end > now));
        kept && self.found.as_ref().is_some_and(ProvidedSandbox::is_started)
    }

    /// Whether it is archived, and its time is not over.
    #[must_use]
    pub fn can_be_restored(&self, now: Millis) -> bool {
        self.row.as_ref().is_some_and(|row| {
            row.state == SandboxState::Archived && row.expires_at.is_none_or(|end| end > now)
        })
    }

    /// What the ledger wants of it, in words.
    #[must_use]
    pub fn wanted_words(&self, now: Millis) -> String {
        let Some(row) = &self.row else {
            return "No row".to_owned();
        };
        match row.state {
            SandboxState::Intended if self.run_goes_on => "Asked for".to_owned(),
            SandboxState::InUse if self.run_goes_on => "Running".to_owned(),
            SandboxState::Intended | SandboxState::InUse => "To be deleted".to_owned(),
            SandboxState::Idle => match row.expires_at {
                Some(end) if end > now => format!("Kept for {}", in_words(now, end)),
                Some(_) => "To be deleted".to_owned(),
                None => "Kept".to_owned(),
            },
            SandboxState::Archiving => "Being archived".to_owned(),
            SandboxState::Archived => match row.expires_at {
                Some(end) if end > now => format!("Archived for {}", in_words(now, end)),
                _ => "To be deleted".to_owned(),
            },
            SandboxState::Restoring => "Being restored".to_owned(),
            SandboxState::Deleting if self.deletion.under_way => "Being deleted".to_owned(),
            SandboxState::Deleting => "To be deleted".to_owned(),
            SandboxState::Deleted => "Deleted".to_owned(),
        }
    }
}

/// What the reaper's last round did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaperRound {
    /// When it ended.
    pub at: Millis,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// How many sandboxes of this installation the provider listed.
    pub listed: u32,
    /// How many it saw to their end.
    pub deleted: u32,
    /// How many it could not delete; they are tried again.
    pub failed: u32,
    /// Why nothing could be compared.
    pub error: Option<String>,
}

impl ReaperRound {
    /// What it did, in words.
    #[must_use]
    pub fn words(&self) -> String {
        if let Some(error) = &self.error {
            return format!("nothing could be compared: {}", error.trim_end_matches('.'));
        }
        match (self.deleted, self.failed) {
            (0, 0) => "nothing to delete".to_owned(),
            (deleted, 0) => format!("{deleted} deleted"),
            (0, failed) => format!("{failed} could not be deleted"),
            (deleted, failed) => format!("{deleted} deleted, {failed} could not be"),
        }
    }
}

/// Provider against ledger at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxComparison {
    /// When it was made, by the server's clock.
    pub now: Millis,
    /// Every sandbox the provider lists or the ledger has an open row for, the newest first.
    pub sandboxes: Vec<ComparedSandbox>,
    /// Why the provider could not be asked.
    pub provider_error: Option<String>,
    /// The reaper's last round in this process.
    pub last_round: Option<ReaperRound>,
    /// When its next one begins; none while one is under way.
    pub next_round: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_round_is_said_with_its_time() {
        let words = |difference: Difference, next| difference.words(Millis(1_000), next);
        assert_eq!(
            words(Difference::Returned, Some(Millis(35_000))),
            "The ledger has deleted it, the provider still lists it: deleted at the next round in 34 s."
        );
        assert_eq!(
            words(Difference::Gone, None),
            "Not at the provider any more: noted in the round under way."
        );
        assert_eq!(
            words(Difference::Remaining, Some(Millis(900))),
            "To be deleted, the provider still has it: tried again at the next round, now."
        );
    }

    #[test]
    fn one_without_a_row_is_not_deleted_before_its_time() {
        let unknown = Difference::Unknown {
            not_before: Millis(121_000),
        };
        assert_eq!(
            unknown.words(Millis(1_000), Some(Millis(5_000))),
            "Unknown to the ledger, of this installation: deleted in 2 min, unless it turns out to be wanted."
        );
        assert_eq!(
            unknown.words(Millis(121_000), Some(Millis(125_000))),
            "Unknown to the ledger, of this installation: deleted at the next round in 4 s."
        );
    }

    #[test]
    fn a_round_is_said_by_what_it_did() {
        let round = |deleted, failed, error: Option<&str>| {
            ReaperRound {
                deleted,
                failed,
                error: error.map(str::to_owned),
                ..ReaperRound::default()
            }
            .words()
        };
        assert_eq!(round(0, 0, None), "nothing to delete");
        assert_eq!(round(2, 1, None), "2 deleted, 1 could not be");
        assert_eq!(
            round(0, 0, Some("It is away.")),
            "nothing could be compared: It is away"
        );
    }
}
