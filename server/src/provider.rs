//! Where sandboxes come from: Daytona's cloud when there is a key for it, else
//! the engine of this machine. Above this file they are one client.

use crate::{
    configuration::Configuration,
    engine_process::{EnginePlan, EngineProcess, EngineState},
    failure::Failure,
};
use engine::sandbox::{Enforcer, Isolation};
use model::Provider;
use secrecy::SecretString;
use std::time::Duration;

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
            });
        }
        let engine = EngineProcess::find_or_start(plan()?)?;
        let client = connect(&engine.api_url(), engine.key.clone(), None)?;
        Ok(Self {
            provider: Provider::Embedded,
            url: engine.api_url(),
            client,
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
        let mut state = engine.state();
        let answered = tokio::select! {
            health = tokio::time::timeout(ENGINE_WITHIN, self.client.health()) => match health {
                Ok(Ok(health)) => Ok(health),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("The engine did not answer within {} s.", ENGINE_WITHIN.as_secs())),
            },
            // Known before the refusing answers are up.
            Ok(refused) = state.wait_for(|state| matches!(state, EngineState::Refused(_))) => Err(refusal(&refused)),
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

/// The engine's own account of its isolation.
fn words(health: &daytona::Health) -> IsolationWords {
    let said = health.rest.get("isolation").cloned().unwrap_or_default();
    let isolation: Isolation = match serde_json::from_value(said.clone()) {
        Ok(isolation) => isolation,
        Err(_) => {
            let level = said.as_str().unwrap_or("isolated").to_owned();
            return IsolationWords {
                level,
                facts: Vec::new(),
            };
        }
    };
    let limits = [
        ("Memory", isolation.memory),
        ("The number of processes", isolation.processes),
        ("Processor time", isolation.cpu),
        ("Disk space", isolation.disk),
    ];
    let facts = limits
        .into_iter()
        .map(|(what, enforcer)| format!("{what} is limited by {}.", enforcer_words(enforcer)));
    let refused = isolation.refused.iter().map(|refusal| {
        format!(
            "{} is not possible here: {}. {}",
            refusal.level.name(),
            refusal.reason,
            refusal.remedy
        )
    });
    IsolationWords {
        level: isolation.to_string(),
        facts: facts.chain(refused).collect(),
    }
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

fn refusal(state: &EngineState) -> String {
    match state {
        EngineState::Refused(sentence) => sentence.clone(),
        EngineState::Up => String::new(),
    }
}

fn connect(api_url: &str, api_key: SecretString, target: Option<String>) -> Result<daytona::Client, Failure> {
    daytona::Client::new(daytona::Config {
        api_url: api_url.to_owned(),
        api_key,
        target,
    })
    .map_err(|error| Failure::unusable(error.to_string()))
}
