//! Pitlane's domain: what an agent, a revision, a run and its log are, and what
//! may become of them.
//!
//! Everything here is plain data with rules. There is no I/O, no clock and no
//! randomness (but for making ids, behind the `generate` feature), so that the
//! same code is compiled into the server and into the browser.

pub mod account;
pub mod agent;
pub mod audit;
pub mod calendar;
pub mod difference;
pub mod events;
pub mod file;
pub mod id;
pub mod inside;
pub mod interpreter;
pub mod invitation;
pub mod language;
pub mod log;
pub mod money;
mod name;
pub mod permission;
pub mod phase;
pub mod run;
pub mod sandbox;
pub mod sandbox_comparison;
pub mod schedule;
#[cfg(feature = "schema")]
mod schema;
pub mod secret;
pub mod session;
pub mod state;
pub mod team;
pub mod template;
pub mod time;
pub mod token;
pub mod trigger;
pub mod usage;
pub mod webhook;

pub use account::Account;
pub use agent::{Agent, AgentSettings, AgentSummary, DayOfRuns};
pub use audit::{Action, Actor, ActorKind, AuditFilter, AuditRecord, Target};
pub use calendar::{Day, Month};
pub use difference::{FileChange, FileDifference, RunComparison};
pub use events::{Cursor, EventKind, RunEvent, StreamMessage};
pub use file::{FileContent, FileEntry, FilePath, SaveOutcome};
pub use id::{
    AgentId, HookId, InterpreterId, InvitationId, RevisionId, RunId, SandboxId, ScheduleId, SecretId,
    SessionId, TargetId, TeamId, TokenId, UserId,
};
pub use inside::{ProcessLog, SandboxFile, SandboxPort, SandboxProcess};
pub use interpreter::{CellEnd, CellEvent, CellState, Chart, Exception, Interpreter};
pub use invitation::{Invitation, NewInvitation};
pub use language::Language;
pub use log::{LogEnd, LogFrame, LogStream};
pub use money::{Micros, Price, UsageState};
pub use permission::{InstanceRole, Permission, Rights, User};
pub use phase::{Phase, PhaseRecord};
pub use run::{Run, RunSummary, StopProof};
pub use sandbox::{Provider, Resources, SandboxRecord, SandboxState};
pub use sandbox_comparison::{
    ComparedSandbox, Deletion, Difference, ProvidedSandbox, ReaperRound, SandboxComparison, SandboxName,
};
pub use schedule::{Firing, FiringState, MissedPolicy, NewSchedule, OverlapPolicy, Schedule};
pub use secret::{Secret, SecretUse, Variable, VariableValue};
pub use session::{AccountSession, SignInWay};
pub use state::RunState;
pub use team::{Member, Membership, Role, Team};
pub use time::Millis;
pub use token::{NewToken, Token};
pub use trigger::{Trigger, TriggerKind};
pub use usage::{
    Amounts, Budget, BudgetEvent, BudgetStanding, RunCost, RunUsage, UsageInterval, UsageReport, UsageShare,
};
pub use webhook::{
    AgentHook, Attempt, Delivery, DeliveryState, HookBody, NewTarget, WebhookEvent, WebhookTarget,
};

/// A value that breaks one of the domain's rules: what is wrong, why, and what
/// to do, as one sentence for the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Invalid(pub String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}
