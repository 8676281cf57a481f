//! What the running of agents is told at start.

use crate::{Vault, Watch, webhooks::Reach};
use model::{Provider, run::MAX_TIMEOUT_SECONDS};
use secrecy::SecretString;
use std::time::Duration;
use store::InterpreterLimits;

/// Settings of [`crate::Runs`].
#[derive(Clone, Debug)]
pub struct RunsConfig {
    /// Names this installation at the provider: the value of the label
    /// `pitlane.instance`. Sandboxes with another value are never touched.
    pub instance: String,
    /// Where sandboxes live.
    pub provider: Provider,
    /// How many bytes of a run's log are kept; past it the middle is left out.
    pub log_limit: u64,
    /// How many bytes of a run's log are held in memory for readers.
    pub ring: usize,
    /// How many runs may be under way at once; the others wait their turn.
    pub concurrency: usize,
    /// How many of them may be of one person.
    pub concurrency_per_person: usize,
    /// How many runs may wait; past it a start is refused.
    pub waiting: usize,
    /// How long a run may take at most, in seconds: what an agent's settings say is cut to it, and more
    /// is refused.
    pub max_timeout_seconds: u32,
    /// How long an interpreter is kept that nobody uses.
    pub interpreter_idle: Duration,
    /// How many interpreters there may be at once.
    pub interpreters: InterpreterLimits,
    /// How long a program that is asked to end has before it is killed.
    pub stop_grace: Duration,
    /// The snapshot sandboxes are made from; none for the provider's own.
    pub snapshot: Option<String>,
    /// How long an unreachable provider is asked again before a run is lost.
    pub provider_deadline: Duration,
    /// Names this server among those on one database: the same after a restart of the same, so that it
    /// has its own runs back at once, and of no two that run at the same time.
    pub server: String,
    /// How often the lease on its runs is renewed.
    pub lease_renewal: Duration,
    /// How long a lease lasts: after that another server takes its runs over.
    pub lease: Duration,
    /// How long a sandbox of this installation that no row knows is let be.
    pub stranger_age: Duration,
    /// How often the reaper compares the provider with our rows.
    pub reap_every: Duration,
    /// How often is looked for schedules that are due.
    pub schedules_every: Duration,
    /// Where webhooks may be sent besides the internet.
    pub webhook_reach: Reach,
    /// How often is looked for messages that are to be sent.
    pub webhooks_every: Duration,
    /// How long an address may take to answer.
    pub webhook_patience: Duration,
    /// Pitlane's own keys and tokens: they are masked in everything a program or the provider says.
    pub own_secrets: Vec<SecretString>,
    /// What seals secrets; none for a key that is gone with this process.
    pub vault: Option<Vault>,
    /// Told of what goes on.
    pub watch: Watch,
}

impl RunsConfig {
    /// The settings everything but the tests starts from: 256 MiB of log and
    /// 4 MiB of it in memory, 16 runs at once and 1,000 waiting, 2 s to end by itself, 60 s for
    /// the provider to come back, a lease of 20 s renewed every 5 s, a server like no other, and the
    /// reaper every minute.
    #[must_use]
    pub fn new(instance: impl Into<String>, provider: Provider) -> Self {
        Self {
            instance: instance.into(),
            provider,
            log_limit: 256 << 20,
            ring: 4 << 20,
            concurrency: 16,
            concurrency_per_person: usize::MAX,
            waiting: 1000,
            max_timeout_seconds: MAX_TIMEOUT_SECONDS,
            interpreter_idle: Duration::from_secs(15 * 60),
            interpreters: InterpreterLimits {
                of_one_person: 8,
                of_one_team: 32,
            },
            stop_grace: Duration::from_secs(2),
            snapshot: None,
            provider_deadline: Duration::from_secs(60),
            server: uuid::Uuid::new_v4().to_string(),
            lease_renewal: Duration::from_secs(5),
            lease: Duration::from_secs(20),
            stranger_age: Duration::from_secs(120),
            reap_every: Duration::from_secs(60),
            schedules_every: Duration::from_secs(1),
            webhook_reach: Reach::default(),
            webhooks_every: Duration::from_secs(1),
            webhook_patience: Duration::from_secs(15),
            own_secrets: Vec::new(),
            vault: None,
            watch: Watch::default(),
        }
    }
}
