//! Where sandboxes come from: Daytona's cloud when there is a key for it, else
//! the engine of this machine. Above this file they are one client.

use crate::{
    configuration::Configuration,
    engine_process::{EnginePlan, EngineProcess},
    failure::Failure,
};
use engine::sandbox::{Enforcer, Refusal};
use model::Provider;
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

/// How long the start waits for what the engine says of itself. It goes on
/// without: the site is useful before the first sandbox.
const ENGINE_WITHIN: Duration = Duration::from_secs(5);

/// The provider in use.
pub struct Sandboxes {
    /// Which it is.
    pub provider: Provider,
    /// The base of its API.
    pub url: String,
    /// The client.
    pub client: daytona::Client,
    /// The engine, when it is ours.
    pub engine: Option<EngineProcess>,
    /// What opens the provider's doors: never to be shown.
    pub keys: Vec<SecretString>,
}

/// What is shown of how sandboxes are kept apart.
pub struct IsolationWords {
    /// A few words.
    pub level: String,
    /// One sentence for each limit.
    pub facts: Vec<String>,
}

impl Sandboxes {
    /// Prepares the client, and the engine unless the cloud is used.
    ///
    /// # Errors
    /// When the settings cannot be used or no process can be started.
    pub fn open(
        configuration: &Configuration,
        plan: impl FnOnce() -> Result<EnginePlan, Failure>,
    ) -> Result<Self, Failure> {
        if let Some(cloud) = &configuration.cloud {
            let client = connect(&cloud.api_url, cloud.api_key.clone(), cloud.target.clone())?;
            return Ok(Self {
                provider: Provider::Daytona,
                url: cloud.api_url.clone(),
                client,
                engine: None,
                keys: vec![cloud.api_key.clone()],
            });
        }
        let engine = EngineProcess::find_or_start(plan()?)?;
        let client = connect(&engine.api_url(), engine.key.clone(), None)?;
        Ok(Self {
            provider: Provider::Embedded,
            url: engine.api_url(),
            client,
            keys: vec![engine.key.clone()],
            engine: Some(engine),
        })
    }

    /// What the provider says of its isolation.
    pub async fn isolation(&self) -> IsolationWords {
        let Some(engine) = &self.engine else {
            return IsolationWords {
                level: "Daytona cloud".to_owned(),
                facts: vec!["Daytona keeps sandboxes apart and enforces their limits.".to_owned()],
            };
        };
        let answered = tokio::select! {
                    health = tokio::time::timeout(ENGINE_WITHIN, self.client.health()) => match health {
                        Ok(Ok(health)) => Ok(health),
                        Ok(Err(error)) => Err(error.to_string()),
                        Err(_) => Err(format!("The engine did not answer within {} s.", ENGINE_WITHIN.as_secs())),
                    },
                    // Known before the refusing answers are up.
        sentence = engine.refused() => Err(sentence),
                };
        match answered {
            Ok(health) => words(&health),
            Err(sentence) => {
                tracing::warn!("{sentence}");
                IsolationWords {
                    level: "no engine".to_owned(),
                    facts: vec![sentence],
                }
            }
        }
    }
}

/// The engine's own account of its isolation, in its answer to a health check.
#[derive(Debug, Deserialize)]
struct Account {
    isolation: String,
    #[serde(default)]
    limits: BTreeMap<String, Enforcer>,
    #[serde(default)]
    refused: Vec<Refusal>,
}

fn words(health: &daytona::Health) -> IsolationWords {
    let account: Account = match serde_json::from_value(health.rest.clone().into()) {
        Ok(account) => account,
        Err(error) => {
            tracing::warn!(%error, "the engine does not say how it keeps sandboxes apart");
            return IsolationWords {
                level: "unknown".to_owned(),
                facts: Vec::new(),
            };
        }
    };
    let limits = [
        ("memory", "Memory"),
        ("processes", "The number of processes"),
        ("cpu", "Processor time"),
        ("disk", "Disk space"),
    ];
    let facts = limits.into_iter().filter_map(|(key, what)| {
        let enforcer = *account.limits.get(key)?;
        let words = match key {
            "disk" => disk_words(enforcer),
            _ => enforcer_words(enforcer),
        };
        Some(format!("{what} is limited by {words}."))
    });
    let refused = account.refused.iter().map(refusal_words);
    IsolationWords {
        facts: facts.chain(refused).collect(),
        level: account.isolation,
    }
}

/// Why a rung of the ladder is not used, and what would mend it.
pub fn refusal_words(refusal: &Refusal) -> String {
    let reason = refusal.reason.trim_end_matches('.');
    format!(
        "{} does not work here: {reason}. {}",
        refusal.level.name(),
        refusal.remedy
    )
}

/// What holds a limit, in words.
pub const fn enforcer_words(enforcer: Enforcer) -> &'static str {
    match enforcer {
        Enforcer::CgroupV2 => "control groups, version 2",
        Enforcer::CgroupV1 => "control groups, version 1",
        Enforcer::Rlimit => "a limit of the kernel on each process",
        Enforcer::Watchdog => "a watchdog that looks many times a second",
        Enforcer::FileSystem => "the size of the sandbox\u{2019}s file system",
        Enforcer::Priority => "a low priority, which is no hard bound",
        Enforcer::Nothing => "nothing",
    }
}

/// What bounds the disk of a sandbox that keeps its home, in words.
pub const fn disk_words(enforcer: Enforcer) -> &'static str {
    match enforcer {
        Enforcer::Watchdog => "a watchdog that looks every two seconds",
        other => enforcer_words(other),
    }
}

fn connect(api_url: &str, api_key: SecretString, target: Option<String>) -> Result<daytona::Client, Failure> {
    daytona::Client::new(daytona::Config {
        api_url: api_url.to_owned(),
        api_key,
        target,
        organization_id: None,
    })
    .map_err(|error| Failure::unusable(error.to_string()))
}
