//! An agent: a named project.

use crate::{
    AgentId, Invalid, Language, Millis, Resources, RunSummary, TeamId, UserId,
    run::{DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS},
};
use serde::{Deserialize, Serialize};

/// The longest name of an agent, in characters.
pub const MAX_NAME_CHARACTERS: usize = 80;
/// The longest a sandbox may be kept after a run, in minutes (a day).
pub const MAX_KEEP_MINUTES: u32 = 1440;

/// An agent with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its name in addresses: lower-case letters, digits and hyphens; unique.
    pub slug: String,
    /// What can be changed about it.
    pub settings: AgentSettings,
    /// Whose it is.
    pub team: TeamId,
    /// Who made it.
    pub owner: UserId,
    /// Counts its revisions; 0 before the first run.
    pub revision_number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// When it or one of its files was last changed.
    pub updated_at: Millis,
}

/// What can be changed about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSettings {
    /// Its name.
    pub name: String,
    /// One sentence on what it does; may be empty.
    pub description: String,
    /// What it is written in.
    pub language: Language,
    /// The file to run; none to find it by its usual names.
    pub entrypoint: Option<String>,
    /// How long a run may take, in seconds.
    pub timeout_seconds: u32,
    /// How long the sandbox is kept after a run for the next one, in minutes;
    /// 0 deletes it as soon as the program ended.
    pub keep_minutes: u32,
    /// What its sandboxes may use.
    pub resources: Resources,
}

impl AgentSettings {
    /// The settings of a new agent.
    #[must_use]
    pub fn new(name: &str, description: &str, language: Language) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            language,
            entrypoint: None,
            timeout_seconds: DEFAULT_TIMEOUT_SECONDS,
            keep_minutes: 0,
            resources: Resources::default(),
        }
    }

    /// Checks every setting, and trims the name and the description.
    ///
    /// # Errors
    /// Says which setting cannot be used, and why.
    pub fn check(mut self) -> Result<Self, Invalid> {
        self.name = self.name.trim().to_owned();
        self.description = self.description.trim().to_owned();
        let characters = self.name.chars().count();
        if characters == 0 {
            return Err(Invalid("An agent needs a name.".to_owned()));
        }
        if characters > MAX_NAME_CHARACTERS {
            return Err(Invalid(format!(
                "The name is {characters} characters long, and {MAX_NAME_CHARACTERS} is the limit."
            )));
        }
        if self.name.chars().any(char::is_control) {
            return Err(Invalid(
                "The name holds a line break or another control character.".to_owned(),
            ));
        }
        if self.description.chars().count() > 500 {
            return Err(Invalid(
                "The description is longer than 500 characters.".to_owned(),
            ));
        }
        if let Some(entrypoint) = &self.entrypoint {
            crate::FilePath::parse(entrypoint)?;
        }
        if self.timeout_seconds < 1 || self.timeout_seconds > MAX_TIMEOUT_SECONDS {
            return Err(Invalid(format!(
                "A run may take 1 to {MAX_TIMEOUT_SECONDS} seconds, not {}.",
                self.timeout_seconds
            )));
        }
        if self.keep_minutes > MAX_KEEP_MINUTES {
            return Err(Invalid(format!(
                "A sandbox may be kept for {MAX_KEEP_MINUTES} minutes at most, not {}.",
                self.keep_minutes
            )));
        }
        self.resources.check()?;
        Ok(self)
    }
}

/// The slug a name gives: `Research scout!` becomes `research-scout`. Never
/// empty, and never a word that is an address of its own (`new`).
#[must_use]
pub fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 60 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => "agent".to_owned(),
        "new" => "new-agent".to_owned(),
        slug => slug.to_owned(),
    }
}

/// An agent as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSummary {
    /// Its id.
    pub id: AgentId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it is written in.
    pub language: Language,
    /// The name of who made it.
    pub owner: String,
    /// Its newest run.
    pub last_run: Option<RunSummary>,
    /// Its runs of the last 14 days, oldest first; always 14.
    pub days: Vec<DayOfRuns>,
}

/// One day's runs of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DayOfRuns {
    /// How many.
    pub runs: u32,
    /// How many of them did not succeed.
    pub failed: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        assert_eq!(slug_of("Research scout!"), "research-scout");
        assert_eq!(slug_of("  \u{1f680}  "), "agent");
        assert_eq!(slug_of("New"), "new-agent");
        assert_eq!(slug_of(&"long ".repeat(40)).len(), 59);
    }

    #[test]
    fn settings_are_checked() {
        let good = AgentSettings::new(" Scout ", "", Language::Python);
        assert_eq!(good.clone().check().expect("good").name, "Scout");
        let bad = [
            AgentSettings {
                name: "  ".into(),
                ..good.clone()
            },
            AgentSettings {
                name: "x".repeat(81),
                ..good.clone()
            },
            AgentSettings {
                timeout_seconds: 0,
                ..good.clone()
            },
            AgentSettings {
                keep_minutes: 1441,
                ..good.clone()
            },
            AgentSettings {
                entrypoint: Some("../x.py".into()),
                ..good
            },
        ];
        for settings in bad {
            assert!(settings.clone().check().is_err(), "{settings:?}");
        }
    }
}
