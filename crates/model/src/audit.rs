//! The audit log: who did what to what, when and from where.

use crate::{Day, Invalid, Millis, TeamId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What somebody acts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Somebody who is signed in.
    Person,
    /// A program with a token.
    Token,
    /// A schedule of an agent.
    Schedule,
    /// A message to the webhook of an agent.
    Webhook,
    /// An operator at the command line.
    CommandLine,
    /// Pitlane by itself.
    System,
    /// Somebody who is not known.
    Nobody,
}

impl ActorKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Person,
        Self::Token,
        Self::Schedule,
        Self::Webhook,
        Self::CommandLine,
        Self::System,
        Self::Nobody,
    ];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::Schedule => "schedule",
            Self::Webhook => "webhook",
            Self::CommandLine => "command_line",
            Self::System => "system",
            Self::Nobody => "nobody",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// As what.
    pub kind: ActorKind,
    /// The id of the person, token, schedule or message; none where there is none.
    pub id: Option<String>,
    /// What they are called.
    pub name: String,
}

impl Actor {
    /// One of this kind.
    #[must_use]
    pub fn new(kind: ActorKind, id: Option<&str>, name: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.map(str::to_owned),
            name: name.into(),
        }
    }
}

/// What something is done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What kind of thing: `agent`, `run`, `secret`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What it is called; empty when it has no name.
    pub name: String,
}

impl Target {
    /// A thing of this kind.
    #[must_use]
    pub fn new(kind: &str, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.into(),
            name: name.into(),
        }
    }
}

macro_rules! actions {
    ($($name:ident $word:literal $done:literal,)*) => {
        /// What can be done that the audit log tells of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $(#[doc = concat!("`", $word, "`: ", $done, ".")] $name,)*
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word stored and sent: the kind of thing, a dot, and the verb.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// What was done, in words that follow the actor's name.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $done),* }
            }
        }
    };
}

actions! {
    AccountSignIn "account.sign_in" "signed in",
    AccountSignInRefused "account.sign_in_refused" "could not sign in",
    AccountSignOut "account.sign_out" "signed out",
    AccountSetUp "account.set_up" "set up an account",
    AccountCreate "account.create" "made an account",
    AccountUpdate "account.update" "changed an account",
    AccountDelete "account.delete" "deleted an account",
    AccountPassword "account.password" "changed a password",
    AccountLink "account.link" "made a link that signs in",
    InviteCreate "invitation.create" "invited somebody",
    InviteRevoke "invitation.revoke" "took an invitation back",
    InviteAccept "invitation.accept" "took an invitation",
    SessionRevoke "session.revoke" "signed a browser out",
    TeamCreate "team.create" "made a team",
    TeamUpdate "team.update" "changed a team",
    TeamDelete "team.delete" "deleted a team",
    TeamEnter "team.enter" "went to a team",
    MemberAdd "member.add" "added a member",
    MemberRole "member.role" "changed a member\u{2019}s role",
    MemberRemove "member.remove" "removed a member",
    AgentCreate "agent.create" "made an agent",
    AgentUpdate "agent.update" "changed an agent",
    AgentDelete "agent.delete" "deleted an agent",
    AgentVariables "agent.variables" "changed an agent\u{2019}s variables",
    FileSave "file.save" "saved a file",
    FileRename "file.rename" "renamed a file",
    FileDelete "file.delete" "deleted a file",
    RunStart "run.start" "started a run",
    RunStop "run.stop" "stopped a run",
    RunInput "run.input" "wrote to a run",
    InterpreterExecute "interpreter.execute" "executed code in an interpreter",
    InterpreterChange "interpreter.change" "changed an interpreter",
    SandboxCompare "sandbox.compare" "had the sandboxes compared",
    SandboxStop "sandbox.stop" "stopped a sandbox",
    SandboxArchive "sandbox.archive" "archived a sandbox",
    SandboxRestore "sandbox.restore" "restored a sandbox",
    SandboxDelete "sandbox.delete" "deleted a sandbox",
    SandboxFile "sandbox.file" "changed the files of a sandbox",
    SandboxProcess "sandbox.process" "ran or ended a process in a sandbox",
    SandboxPort "sandbox.port" "opened a port of a sandbox",
    SecretCreate "secret.create" "added a secret",
    SecretReplace "secret.replace" "replaced a secret",
    SecretDelete "secret.delete" "deleted a secret",
    SecretRotateKey "secret.rotate_key" "changed the master key",
    TokenCreate "token.create" "made a token",
    TokenRevoke "token.revoke" "revoked a token",
    ScheduleCreate "schedule.create" "made a schedule",
    ScheduleUpdate "schedule.update" "changed a schedule",
    ScheduleDelete "schedule.delete" "deleted a schedule",
    WebhookCreate "webhook.create" "made a webhook",
    WebhookUpdate "webhook.update" "changed a webhook",
    WebhookDelete "webhook.delete" "deleted a webhook",
    WebhookReplay "webhook.replay" "sent a message to a webhook again",
    BudgetSet "budget.set" "changed the budget",
    AuditPrune "audit.prune" "deleted the oldest records of this log",
    DataBackup "data.backup" "made a backup",
    DataRestore "data.restore" "restored a backup",
    Other "other.change" "changed something",
}

impl Action {
    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word)
    }

    /// The kind of thing it is done to: the word before the dot.
    #[must_use]
    pub fn kind(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

/// What was done, in words; the stored word itself when this version does not know it.
#[must_use]
pub fn action_words(word: &str) -> &str {
    match Action::parse(word) {
        Some(action) => action.words(),
        None => word,
    }
}

/// A record. Its fields in this order, as compact JSON without `hash`, are the bytes that `hash` is the
/// SHA-256 of; `previous` is among them, which chains each record to the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Counts all records from 1 without a gap.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// The team it was done in; none for what concerns the whole instance.
    pub team: Option<TeamId>,
    /// As what somebody acted.
    pub actor_kind: ActorKind,
    /// Their id.
    pub actor_id: Option<String>,
    /// What they were called then.
    pub actor_name: String,
    /// What was done: the word of an [`Action`].
    pub action: String,
    /// What kind of thing it was done to.
    pub target_kind: Option<String>,
    /// Its id.
    pub target_id: Option<String>,
    /// What it was called then.
    pub target_name: Option<String>,
    /// The address the request came from.
    pub address: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// More about it. Never a secret value.
    pub details: BTreeMap<String, String>,
    /// The hash of the record before, in hexadecimal; 64 zeros before the first.
    pub previous: String,
    /// The hash of this one.
    pub hash: String,
}

impl AuditRecord {
    /// What came before the first record.
    pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    /// What it was done to, in words: `agent Scout`, `run 0199…`; empty when nothing is named.
    #[must_use]
    pub fn target_words(&self) -> String {
        let kind = self.target_kind.as_deref().unwrap_or_default();
        match (self.target_name.as_deref(), self.target_id.as_deref()) {
            (Some(name), _) if !name.is_empty() => format!("{kind} {name}"),
            (_, Some(id)) => format!("{kind} {id}"),
            _ => kind.to_owned(),
        }
    }
}

/// Which records are wanted. Empty texts ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// Of whom: a part of their name, or their id.
    pub who: String,
    /// What was done: an action's word, or the kind of thing before its dot.
    pub action: String,
    /// To what: a part of its name, or its id.
    pub target: String,
    /// Not before.
    pub from: Option<Millis>,
    /// Before.
    pub to: Option<Millis>,
}

/// A filter as people give it, with days such as `2026-11-26`; the last day is a part of it.
///
/// # Errors
/// When a day is none.
pub fn filter_of(
    who: &str,
    action: &str,
    target: &str,
    from: &str,
    to: &str,
) -> Result<AuditFilter, Invalid> {
    let day = |text: &str| match text.trim() {
        "" => Ok(None),
        text => Day::parse(text).map(Some),
    };
    Ok(AuditFilter {
        who: who.trim().to_owned(),
        action: action.trim().to_owned(),
        target: target.trim().to_owned(),
        from: day(from)?.map(Day::begin),
        to: day(to)?.map(|day| Day(day.0 + 1).begin()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(*action));
            assert!(
                action
                    .as_str()
                    .split_once('.')
                    .is_some_and(|(kind, verb)| !kind.is_empty() && !verb.is_empty())
            );
        }
        assert_eq!(action_words("agent.create"), "made an agent");
        assert_eq!(action_words("moon.paint"), "moon.paint");
        assert_eq!(Action::FileSave.kind(), "file");
    }

    #[test]
    fn a_filter_has_whole_days() {
        let filter = filter_of(" ada ", "", "", "2026-11-26", "2026-11-26").expect("a filter");
        assert_eq!(filter.who, "ada");
        let (from, to) = (filter.from.expect("a day"), filter.to.expect("a day"));
        assert_eq!(to.0 - from.0, crate::calendar::DAY_MILLISECONDS);
        assert_eq!(filter_of("", "", "", "", ""), Ok(AuditFilter::default()));
        assert!(filter_of("", "", "", "yesterday", "").is_err());
    }

    #[test]
    fn every_kind_of_actor_is_read_again() {
        for kind in ActorKind::ALL {
            assert_eq!(ActorKind::parse(kind.as_str()), Some(kind));
        }
    }
}
