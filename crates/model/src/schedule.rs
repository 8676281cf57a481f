//! Schedules: an agent run by itself, at the times a cron expression names in
//! a time zone.

use crate::{AgentId, Invalid, Millis, RunId, ScheduleId, name};
use serde::{Deserialize, Serialize};

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 80;
/// The longest cron expression, in bytes.
pub const LONGEST_CRON: usize = 200;
/// The most schedules of one agent.
pub const MOST: usize = 50;
/// How many of the next times are shown.
pub const SHOWN_TIMES: usize = 5;

/// What becomes of times at which no server was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum MissedPolicy {
    /// They are left out.
    #[default]
    Skip,
    /// One run makes up for all of them.
    RunOnce,
}

impl MissedPolicy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Skip, Self::RunOnce];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::RunOnce => "run_once",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// What becomes of a time at which the former run of the schedule goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum OverlapPolicy {
    /// It is left out.
    #[default]
    Skip,
    /// Its run starts when the former has ended.
    Queue,
    /// The former run is stopped.
    StopFormer,
}

impl OverlapPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Queue, Self::StopFormer];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::StopFormer => "stop_former",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// What a person says of a schedule. Whether the expression and the zone can be used is told where
/// they are read, which the browser does not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewSchedule {
    /// What it is called.
    pub name: String,
    /// Minute, hour, day of the month, month and day of the week; or `@daily` and its like.
    pub cron: String,
    /// A name of the IANA time zone database, such as `Europe/Berlin`.
    pub zone: String,
    /// What becomes of times at which no server was there.
    #[serde(default)]
    pub missed: MissedPolicy,
    /// What becomes of a time at which the former run goes on.
    #[serde(default)]
    pub overlap: OverlapPolicy,
}

impl NewSchedule {
    /// Checks it, and takes needless space away.
    ///
    /// # Errors
    /// Says what cannot be.
    pub fn check(mut self) -> Result<Self, Invalid> {
        let needed = "A schedule needs a name that says what it is for, on one line.";
        self.name = name::one_line(&self.name, LONGEST_NAME, needed)?.to_owned();
        if self.cron.len() > LONGEST_CRON {
            return Err(Invalid(format!(
                "The cron expression is {} bytes long, and {LONGEST_CRON} is the limit. Use several schedules.",
                self.cron.len()
            )));
        }
        self.cron = self.cron.split_whitespace().collect::<Vec<_>>().join(" ");
        self.zone = self.zone.trim().to_owned();
        Ok(self)
    }
}

/// A schedule of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The agent it runs.
    pub agent: AgentId,
    /// What was said of it.
    #[serde(flatten)]
    pub said: NewSchedule,
    /// Whether it fires.
    pub is_on: bool,
    /// When it was made.
    pub created_at: Millis,
    /// When it is due next; none when it is off, or never due again.
    pub next_at: Option<Millis>,
}

/// What came of a time at which a schedule was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FiringState {
    /// Its run is about to start, or waits for the former one.
    Waiting,
    /// Its run was started.
    Started,
    /// It was left out, because the former run went on.
    Skipped,
    /// No server was there.
    Missed,
    /// Its run could not be started.
    Failed,
}

impl FiringState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Started,
        Self::Skipped,
        Self::Missed,
        Self::Failed,
    ];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One time at which a schedule was due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Firing {
    /// When it was due.
    pub due_at: Millis,
    /// What came of it.
    pub state: FiringState,
    /// Its run; there is one when the state is `started`.
    pub run: RunId,
    /// When that was settled.
    pub at: Millis,
    /// Why, when there is more to say.
    pub words: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_again() {
        for policy in MissedPolicy::ALL {
            assert_eq!(MissedPolicy::parse(policy.as_str()), Some(policy));
        }
        for policy in OverlapPolicy::ALL {
            assert_eq!(OverlapPolicy::parse(policy.as_str()), Some(policy));
        }
        for state in FiringState::ALL {
            assert_eq!(FiringState::parse(state.as_str()), Some(state));
        }
        assert_eq!(OverlapPolicy::parse("never"), None);
    }

    #[test]
    fn only_what_can_be_told_apart_is_taken() {
        let new = |name: &str, cron: &str| {
            NewSchedule {
                name: name.to_owned(),
                cron: cron.to_owned(),
                zone: " UTC ".to_owned(),
                missed: MissedPolicy::Skip,
                overlap: OverlapPolicy::Skip,
            }
            .check()
        };
        let made = new(" every morning ", " 0  9 * * * ").expect("of use");
        assert_eq!(
            (made.name.as_str(), made.cron.as_str(), made.zone.as_str()),
            ("every morning", "0 9 * * *", "UTC")
        );
        for (name, cron) in [
            ("", "@daily"),
            ("a\nb", "@daily"),
            (&*"x".repeat(81), "@daily"),
            ("x", &*"1,".repeat(101)),
        ] {
            assert!(new(name, cron).is_err(), "{name} {cron}");
        }
    }
}
