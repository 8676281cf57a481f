//! Webhooks: the address of an agent that starts its runs, and the addresses of
//! a team that are told what happened. Both ways messages are signed as Standard
//! Webhooks has it: <https://github.com/standard-webhooks/standard-webhooks>.

use crate::{AgentId, HookId, Invalid, Millis, TargetId};
use serde::{Deserialize, Serialize};

/// How far the time of a message to an agent may be from ours, in seconds.
pub const WINDOW_SECONDS: i64 = 300;
/// How long the secret before the last rotation counts, in milliseconds.
pub const OVERLAP_MILLISECONDS: i64 = 24 * 3600 * 1000;
/// The most bytes of a message to an agent.
pub const MOST_BODY: usize = 1 << 20;
/// The longest id of a message to an agent, in bytes.
pub const LONGEST_MESSAGE_ID: usize = 200;
/// The longest address, in bytes.
pub const LONGEST_URL: usize = 2000;
/// The most addresses of one team.
pub const MOST_TARGETS: usize = 50;
/// The file that carries the body, where it is given as one.
pub const BODY_FILE: &str = "webhook-body";

/// What a team can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum WebhookEvent {
    /// A run succeeded or was stopped.
    #[serde(rename = "run.finished")]
    RunFinished,
    /// A run failed, timed out or was lost.
    #[serde(rename = "run.failed")]
    RunFailed,
    /// 80 % of a month's budget are spent.
    #[serde(rename = "budget.warning")]
    BudgetWarning,
    /// All of a month's budget is spent.
    #[serde(rename = "budget.exhausted")]
    BudgetExhausted,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::RunFinished,
        Self::RunFailed,
        Self::BudgetWarning,
        Self::BudgetExhausted,
    ];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RunFinished => "run.finished",
            Self::RunFailed => "run.failed",
            Self::BudgetWarning => "budget.warning",
            Self::BudgetExhausted => "budget.exhausted",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::RunFinished => "a run succeeded or was stopped",
            Self::RunFailed => "a run failed, timed out or was lost",
            Self::BudgetWarning => "80 % of the budget are spent",
            Self::BudgetExhausted => "the budget is spent",
        }
    }
}

/// What a person says of an address that is told of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewTarget {
    /// Where messages are sent.
    pub url: String,
    /// What it is told.
    pub events: Vec<WebhookEvent>,
}

impl NewTarget {
    /// Checks it, and puts the events in order. Whether the address may be connected to is seen when it is.
    ///
    /// # Errors
    /// Says what cannot be.
    pub fn check(mut self) -> Result<Self, Invalid> {
        self.url = self.url.trim().to_owned();
        let rest = ["https://", "http://"]
            .into_iter()
            .find_map(|scheme| self.url.strip_prefix(scheme));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
        if host.is_none_or(str::is_empty) || self.url.contains(|c: char| c.is_control() || c == ' ') {
            return Err(Invalid(
                "A webhook needs a whole address, such as https://example.com/pitlane.".to_owned(),
            ));
        }
        if host.is_some_and(|host| host.contains('@')) {
            return Err(Invalid(
                "The address holds a user or a password. Take it out: messages are signed, which says more."
                    .to_owned(),
            ));
        }
        if self.url.len() > LONGEST_URL {
            return Err(Invalid(format!(
                "The address is {} bytes long, and {LONGEST_URL} is the limit.",
                self.url.len()
            )));
        }
        let named = std::mem::take(&mut self.events);
        let events = WebhookEvent::ALL.into_iter();
        self.events = events.filter(|event| named.contains(event)).collect();
        if self.events.is_empty() {
            return Err(Invalid("Choose at least one event to be told of.".to_owned()));
        }
        Ok(self)
    }
}

/// An address of a team that is told of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WebhookTarget {
    /// Its id.
    pub id: TargetId,
    /// What was said of it.
    #[serde(flatten)]
    pub said: NewTarget,
    /// Whether it is told.
    pub is_on: bool,
    /// Why it was switched off, when nobody did.
    pub off_reason: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// Until when messages are also signed with the secret before the last rotation.
    pub previous_until: Option<Millis>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DeliveryState {
    /// It is sent at the next time.
    Waiting,
    /// The address took it.
    Delivered,
    /// The address took it at none of the times.
    Failed,
    /// The address was switched off before.
    Cancelled,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A message on its way to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// The id of the message, the same at every attempt.
    pub message: String,
    /// Where it goes.
    pub target: TargetId,
    /// What it tells.
    pub event: WebhookEvent,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it is sent next; only while it waits.
    pub next_at: Option<Millis>,
    /// When it happened.
    pub created_at: Millis,
    /// The attempts so far, the newest first.
    pub attempts: Vec<Attempt>,
}

/// What came of sending a message once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// When.
    pub at: Millis,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// The status of the answer; none when there was none.
    pub status: Option<u16>,
    /// The first bytes of the answer, or why there was none.
    pub words: String,
}

/// How a program is given the body of a message to its agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum HookBody {
    /// On its standard input.
    #[default]
    Stdin,
    /// In a file beside it, whose name is in the variable `WEBHOOK_FILE`.
    File,
}

impl HookBody {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stdin, Self::File];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdin => "stdin",
            Self::File => "file",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|body| body.as_str() == word)
    }
}

/// The webhook of an agent, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AgentHook {
    /// Its id, in its address.
    pub id: HookId,
    /// The agent it runs.
    pub agent: AgentId,
    /// Whether it takes messages.
    pub is_on: bool,
    /// How the program is given the body.
    pub body: HookBody,
    /// When it was made.
    pub created_at: Millis,
    /// When it last took a message.
    pub used_at: Option<Millis>,
    /// Until when the secret before the last rotation counts.
    pub previous_until: Option<Millis>,
}

impl AgentHook {
    /// Its path on this site.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/api/hooks/{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_again_and_are_those_of_json() {
        for event in WebhookEvent::ALL {
            assert_eq!(WebhookEvent::parse(event.as_str()), Some(event));
            let json = serde_json::to_string(&event).expect("JSON");
            assert_eq!(json, format!("\"{}\"", event.as_str()));
        }
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::parse(state.as_str()), Some(state));
        }
        for body in HookBody::ALL {
            assert_eq!(HookBody::parse(body.as_str()), Some(body));
        }
    }

    #[test]
    fn only_whole_addresses_are_taken() {
        let new = |url: &str, events: &[WebhookEvent]| {
            let (url, events) = (url.to_owned(), events.to_vec());
            NewTarget { url, events }.check()
        };
        let both = [WebhookEvent::RunFailed, WebhookEvent::RunFinished];
        let made = new(" https://example.com/x?y=1 ", &both).expect("of use");
        assert_eq!(made.url, "https://example.com/x?y=1");
        assert_eq!(made.events, [WebhookEvent::RunFinished, WebhookEvent::RunFailed]);
        for url in [
            "",
            "example.com",
            "ftp://example.com/",
            "https://",
            "https:///x",
            "https://a b/",
            "https://a\r\nb/",
            "https://user:password@example.com/",
            "javascript:alert(1)",
            &format!("https://example.com/{}", "x".repeat(LONGEST_URL)),
        ] {
            assert!(new(url, &both).is_err(), "{url}");
        }
        assert!(new("https://example.com/", &[]).is_err());
    }
}
