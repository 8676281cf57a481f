//! What started a run.

use crate::{Token, User};
use serde::{Deserialize, Serialize};

/// The kinds of things that start runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// Somebody who was signed in, or at the terminal.
    #[default]
    Person,
    /// A program with a token.
    Token,
    /// A schedule of the agent.
    Schedule,
    /// A message to the agent's webhook.
    Webhook,
}

impl TriggerKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Person, Self::Token, Self::Schedule, Self::Webhook];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What started a run: the kind, which one of its kind, and what that was called then. Tokens and
/// schedules may be gone long before their runs are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Trigger {
    /// What kind of thing.
    pub kind: TriggerKind,
    /// The id of the person, token or schedule, or of the message to a webhook.
    pub id: Option<String>,
    /// What it was called.
    pub name: Option<String>,
}

impl Trigger {
    /// One of this kind.
    #[must_use]
    pub fn new(kind: TriggerKind, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            id: Some(id.into()),
            name: Some(name.into()),
        }
    }

    /// Somebody who is signed in.
    #[must_use]
    pub fn person(user: &User) -> Self {
        Self::new(TriggerKind::Person, user.id.as_str(), user.name.as_str())
    }

    /// A program with this token.
    #[must_use]
    pub fn token(token: &Token) -> Self {
        Self::new(TriggerKind::Token, token.id.as_str(), token.name.as_str())
    }

    /// In a few words: `ada`, `token ci`, `schedule every morning`, `webhook`.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.kind, self.name.as_deref()) {
            (TriggerKind::Person, Some(name)) => name.to_owned(),
            (TriggerKind::Person, None) => "a person".to_owned(),
            (TriggerKind::Webhook, _) => "webhook".to_owned(),
            (kind, Some(name)) => format!("{} {name}", kind.as_str()),
            (kind, None) => format!("a {}", kind.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_and_is_read_again() {
        for kind in TriggerKind::ALL {
            assert_eq!(TriggerKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(TriggerKind::parse("cron"), None);
    }

    #[test]
    fn words_for_people() {
        let of = |kind, name: Option<&str>| {
            let name = name.map(str::to_owned);
            Trigger { kind, id: None, name }.words()
        };
        assert_eq!(of(TriggerKind::Person, Some("ada")), "ada");
        assert_eq!(of(TriggerKind::Token, Some("ci")), "token ci");
        assert_eq!(of(TriggerKind::Schedule, None), "a schedule");
        assert_eq!(of(TriggerKind::Webhook, Some("x")), "webhook");
    }
}
