//! The settings of this process, read once at its start. Everything below
//! takes values from here; nothing else looks at the environment.

mod address;
mod bounds;
mod cloud;
mod sandboxes;
mod sign_in;
mod sources;
#[cfg(test)]
mod tests;

pub use address::{PublicUrl, listen as listen_address};
pub use cloud::CloudSettings;
pub use sandboxes::{written, written_paths};
pub use sign_in::SignInSettings;
use sources::{Name, Sources};

use crate::{
    command_line::{ServeFlags, SettingFlags},
    failure::Failure,
    observation::{self, LogFormat},
    site::Limits,
};
use engine::{Images, NetworkBound, RateLimits, sandbox::IsolationChoice};
use model::{Price, run::MAX_TIMEOUT_SECONDS};
use runs::{MasterKey, webhooks::Reach};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use store::InterpreterLimits;

const ADDR: Name = Name {
    key: "addr",
    variable: "PITLANE_ADDR",
};
const PUBLIC_URL: Name = Name {
    key: "public_url",
    variable: "PITLANE_PUBLIC_URL",
};
const DATA: Name = Name {
    key: "data",
    variable: "PITLANE_DATA",
};
const DATABASE_URL: Name = Name {
    key: "database_url",
    variable: "DATABASE_URL",
};
const LOG: Name = Name {
    key: "log",
    variable: "PITLANE_LOG",
};
const LOG_FORMAT: Name = Name {
    key: "log_format",
    variable: "PITLANE_LOG_FORMAT",
};
const METRICS_ADDR: Name = Name {
    key: "metrics_addr",
    variable: "PITLANE_METRICS_ADDR",
};
const ISOLATION: Name = Name {
    key: "isolation",
    variable: "PITLANE_ISOLATION",
};
const NETWORK: Name = Name {
    key: "network",
    variable: "PITLANE_NETWORK",
};
const SANDBOX_ENV: Name = Name {
    key: "sandbox_env",
    variable: "PITLANE_SANDBOX_ENV",
};
const SANDBOX_FILES: Name = Name {
    key: "sandbox_files",
    variable: "PITLANE_SANDBOX_FILES",
};
const PACKAGES: Name = Name {
    key: "packages_mb",
    variable: "PITLANE_PACKAGES_MB",
};
const WARM: Name = Name {
    key: "warm",
    variable: "PITLANE_WARM",
};
const PREVIEW_DOMAIN: Name = Name {
    key: "preview_domain",
    variable: "PITLANE_PREVIEW_DOMAIN",
};
const SSH_ADDR: Name = Name {
    key: "ssh_addr",
    variable: "PITLANE_SSH_ADDR",
};
const RATE_LIMITS: Name = Name {
    key: "rate_limits",
    variable: "PITLANE_RATE_LIMITS",
};
const CONTEXT_IDLE: Name = Name {
    key: "context_idle",
    variable: "PITLANE_CONTEXT_IDLE",
};
const IMAGES: Name = Name {
    key: "images",
    variable: "PITLANE_IMAGES",
};
const IMAGE_SUBSTITUTION: Name = Name {
    key: "image_substitution",
    variable: "PITLANE_IMAGE_SUBSTITUTION",
};
const PYTHON: Name = Name {
    key: "python",
    variable: "PITLANE_PYTHON",
};
const NODE: Name = Name {
    key: "node",
    variable: "PITLANE_NODE",
};
const STOP_GRACE: Name = Name {
    key: "stop_grace",
    variable: "PITLANE_STOP_GRACE",
};
const CONCURRENCY: Name = Name {
    key: "concurrency",
    variable: "PITLANE_CONCURRENCY",
};
const CONCURRENCY_PER_PERSON: Name = Name {
    key: "concurrency_per_person",
    variable: "PITLANE_CONCURRENCY_PER_PERSON",
};
const WAITING_RUNS: Name = Name {
    key: "waiting_runs",
    variable: "PITLANE_WAITING_RUNS",
};
const STARTS_PER_MINUTE: Name = Name {
    key: "starts_per_minute",
    variable: "PITLANE_STARTS_PER_MINUTE",
};
const MAX_TIMEOUT: Name = Name {
    key: "max_timeout",
    variable: "PITLANE_MAX_TIMEOUT",
};
const INTERPRETER_IDLE: Name = Name {
    key: "interpreter_idle",
    variable: "PITLANE_INTERPRETER_IDLE",
};
const INTERPRETERS_PER_PERSON: Name = Name {
    key: "interpreters_per_person",
    variable: "PITLANE_INTERPRETERS_PER_PERSON",
};
const INTERPRETERS_PER_TEAM: Name = Name {
    key: "interpreters_per_team",
    variable: "PITLANE_INTERPRETERS_PER_TEAM",
};
const CONNECTIONS: Name = Name {
    key: "connections",
    variable: "PITLANE_CONNECTIONS",
};
const STREAMS_PER_PERSON: Name = Name {
    key: "streams_per_person",
    variable: "PITLANE_STREAMS_PER_PERSON",
};
const LOG_LIMIT: Name = Name {
    key: "log_limit_mb",
    variable: "PITLANE_LOG_LIMIT_MB",
};
const ENGINE_GRACE: Name = Name {
    key: "engine_grace",
    variable: "PITLANE_ENGINE_GRACE",
};
const MASTER_KEY: Name = Name {
    key: "master_key",
    variable: "PITLANE_MASTER_KEY",
};
const PRICES: Name = Name {
    key: "prices",
    variable: "PITLANE_PRICES",
};
const AUDIT_DAYS: Name = Name {
    key: "audit_days",
    variable: "PITLANE_AUDIT_DAYS",
};
const WEBHOOK_ALLOW: Name = Name {
    key: "webhook_allow",
    variable: "PITLANE_WEBHOOK_ALLOW",
};
const DAYTONA_API_KEY: Name = Name {
    key: "daytona_api_key",
    variable: "DAYTONA_API_KEY",
};
const DAYTONA_API_URL: Name = Name {
    key: "daytona_api_url",
    variable: "DAYTONA_API_URL",
};
const DAYTONA_TARGET: Name = Name {
    key: "daytona_target",
    variable: "DAYTONA_TARGET",
};

const NAMES: [Name; 41] = [
    ADDR,
    PUBLIC_URL,
    DATA,
    DATABASE_URL,
    LOG,
    LOG_FORMAT,
    METRICS_ADDR,
    ISOLATION,
    NETWORK,
    SANDBOX_ENV,
    SANDBOX_FILES,
    PACKAGES,
    WARM,
    PREVIEW_DOMAIN,
    SSH_ADDR,
    RATE_LIMITS,
    CONTEXT_IDLE,
    IMAGES,
    IMAGE_SUBSTITUTION,
    PYTHON,
    NODE,
    STOP_GRACE,
    CONCURRENCY,
    CONCURRENCY_PER_PERSON,
    WAITING_RUNS,
    STARTS_PER_MINUTE,
    MAX_TIMEOUT,
    INTERPRETER_IDLE,
    INTERPRETERS_PER_PERSON,
    INTERPRETERS_PER_TEAM,
    CONNECTIONS,
    STREAMS_PER_PERSON,
    LOG_LIMIT,
    ENGINE_GRACE,
    MASTER_KEY,
    PRICES,
    AUDIT_DAYS,
    WEBHOOK_ALLOW,
    DAYTONA_API_KEY,
    DAYTONA_API_URL,
    DAYTONA_TARGET,
];

/// The settings.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where the site listens.
    pub addr: SocketAddr,
    /// The address people open; none when it is the one the site listens at.
    pub public_url: Option<PublicUrl>,
    /// Where everything is kept. Absolute.
    pub data: PathBuf,
    /// The database.
    pub database_url: String,
    /// What is logged.
    pub log: Option<String>,
    /// How it is written.
    pub log_format: LogFormat,
    /// Where the figures are served besides, for everybody who comes there.
    pub metrics_addr: Option<SocketAddr>,
    /// The engine of this machine.
    pub engine: EngineSettings,
    /// Daytona's cloud, when it is to be used.
    pub cloud: Option<CloudSettings>,
    /// What secrets are sealed with; none for the key in the data folder.
    pub master_key: Option<MasterKey>,
    /// How people sign in.
    pub sign_in: SignInSettings,
    /// Where webhooks may be sent besides the internet.
    pub webhook_reach: Reach,
    /// How long a stopped program has to end by itself.
    pub stop_grace: Duration,
    /// How many runs go on at the same time.
    pub concurrency: usize,
    /// How many of these may be of one person.
    pub concurrency_per_person: usize,
    /// How many runs may wait for their turn.
    pub waiting_runs: usize,
    /// How long a run may take at most, in seconds.
    pub max_timeout_seconds: u32,
    /// How long an interpreter is kept that nobody uses.
    pub interpreter_idle: Duration,
    /// How many interpreters there may be at once.
    pub interpreters: InterpreterLimits,
    /// How many connections to the site are open at once.
    pub connections: usize,
    /// What one client may ask of the site.
    pub limits: Limits,
    /// The longest log that is kept whole, in bytes.
    pub log_limit: u64,
    /// What sandboxes are counted at.
    pub price: Price,
    /// How many days records of the audit log are kept; none for ever.
    pub audit_days: Option<u64>,
    /// Whether the engine outlives a polite stop of the server.
    pub keep_engine: bool,
    /// Environment variables that look like ours and are not; said once in the log.
    pub unknown_variables: Vec<String>,
}

/// How the engine of this machine makes sandboxes.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Which walls are acceptable.
    pub isolation: IsolationChoice,
    /// What sandboxes reach at most.
    pub network: NetworkBound,
    /// Variables of the operator's for the programs in sandboxes.
    pub sandbox_env: BTreeMap<String, String>,
    /// Files and folders that sandboxes see besides.
    pub sandbox_files: Vec<PathBuf>,
    /// Bytes of installed packages that are kept.
    pub packages_bytes: u64,
    /// How many sandboxes are kept ready.
    pub warm: usize,
    /// How often clients may ask.
    pub rate_limits: RateLimits,
    /// How long an interpreter's context is kept that nobody uses.
    pub context_idle: Duration,
    /// Root file systems sandboxes may run on.
    pub images: Images,
    /// Whether the host's own programs stand for the usual public images.
    pub image_substitution: bool,
    /// The domain of previews; none for the engine's own choice.
    pub preview_domain: Option<String>,
    /// Where the SSH gateway listens; none for no gateway.
    pub ssh_addr: Option<SocketAddr>,
    /// The Pythons to offer, the first that can be used; none for what is found.
    pub python: Vec<PathBuf>,
    /// The same of Node.js.
    pub node: Vec<PathBuf>,
    /// How long an engine whose server vanished goes on.
    pub orphan_grace: Duration,
}

impl Configuration {
    /// Reads the settings of this process. `uses_database` is whether the
    /// command has to do with the site's database: a program's own `.env` may
    /// name one that is not ours to judge.
    ///
    /// # Errors
    /// Names the first setting that cannot be used, and why.
    pub fn load(settings: &SettingFlags, serve: &ServeFlags, uses_database: bool) -> Result<Self, Failure> {
        let folder = std::env::current_dir()
            .map_err(|error| Failure::unusable(format!("The working directory cannot be read: {error}.")))?;
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_parts(settings, serve, uses_database, &folder, environment)
    }

    fn from_parts(
        settings: &SettingFlags,
        serve: &ServeFlags,
        uses_database: bool,
        folder: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let variables: BTreeMap<String, String> = environment.into_iter().collect();
        let names: Vec<Name> = NAMES.into_iter().chain(sign_in::NAMES).collect();
        let mut sources = Sources::read(&names, settings.config.as_deref(), folder, variables.clone())?;
        for (name, flag, text) in [
            (ADDR, "addr", &serve.addr),
            (PUBLIC_URL, "public-url", &serve.public_url),
            (CONCURRENCY, "concurrency", &serve.concurrency),
            (DATA, "data", &settings.data),
            (DATABASE_URL, "database-url", &settings.database_url),
            (ISOLATION, "isolation", &settings.isolation),
            (NETWORK, "network", &settings.network),
            (WARM, "warm", &settings.warm),
            (PYTHON, "python", &settings.python),
            (NODE, "node", &settings.node),
            (LOG, "log", &settings.log),
        ] {
            sources.take_flag(name, flag, text.as_ref());
        }
        let data = sources
            .get(DATA, |text| Ok(folder.join(text)))?
            .unwrap_or_else(|| folder.join("pitlane-data"));
        let database_url = if uses_database {
            sources.get(DATABASE_URL, address::database)?
        } else {
            None
        };
        let database_url =
            database_url.unwrap_or_else(|| format!("sqlite://{}", data.join("pitlane.db").display()));
        Ok(Self {
            addr: sources
                .get(ADDR, address::listen)?
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000))),
            public_url: sources.get(PUBLIC_URL, PublicUrl::parse)?,
            database_url,
            log: sources.get(LOG, observation::filter)?,
            log_format: sources.get(LOG_FORMAT, str::parse)?.unwrap_or_default(),
            metrics_addr: sources.get(METRICS_ADDR, address::listen)?,
            engine: EngineSettings {
                isolation: sources.get(ISOLATION, str::parse)?.unwrap_or_default(),
                network: sources.get(NETWORK, str::parse)?.unwrap_or_default(),
                sandbox_env: sources
                    .get(SANDBOX_ENV, |text| sandboxes::variables(text, &variables))?
                    .unwrap_or_default(),
                sandbox_files: sources.get(SANDBOX_FILES, sandboxes::files)?.unwrap_or_default(),
                packages_bytes: sources
                    .get(PACKAGES, |text| number(text, 0, 1_000_000))?
                    .unwrap_or(4096)
                    * 1024
                    * 1024,
                warm: sources
                    .get(WARM, |text| number(text, 0, 64))?
                    .map_or(2, |count| count as usize),
                rate_limits: sources.get(RATE_LIMITS, str::parse)?.unwrap_or_default(),
                context_idle: sources
                    .get(CONTEXT_IDLE, |text| number(text, 1, 604_800))?
                    .map_or(Duration::from_secs(4 * 60 * 60), Duration::from_secs),
                images: sources.get(IMAGES, str::parse)?.unwrap_or_default(),
                image_substitution: sources.get(IMAGE_SUBSTITUTION, yes_or_no)?.unwrap_or(false),
                preview_domain: sources.get(PREVIEW_DOMAIN, address::domain)?,
                ssh_addr: sources.get(SSH_ADDR, address::listen)?,
                python: sources.get(PYTHON, sandboxes::programs)?.unwrap_or_default(),
                node: sources.get(NODE, sandboxes::programs)?.unwrap_or_default(),
                orphan_grace: sources
                    .get(ENGINE_GRACE, seconds)?
                    .unwrap_or(Duration::from_secs(600)),
            },
            cloud: cloud::read(&sources)?,
            master_key: sources
                .get_secret(MASTER_KEY, |text| MasterKey::parse(text).map_err(|error| error.0))?,
            sign_in: sign_in::read(&sources)?,
            webhook_reach: sources.get(WEBHOOK_ALLOW, str::parse)?.unwrap_or_default(),
            stop_grace: sources
                .get(STOP_GRACE, seconds)?
                .unwrap_or(Duration::from_secs(2)),
            concurrency: sources
                .get(CONCURRENCY, |text| number(text, 1, 1000))?
                .map_or(16, |count| count as usize),
            concurrency_per_person: sources
                .get(CONCURRENCY_PER_PERSON, |text| number(text, 1, 1000))?
                .map_or(usize::MAX, |count| count as usize),
            waiting_runs: sources
                .get(WAITING_RUNS, |text| number(text, 0, 100_000))?
                .map_or(1000, |count| count as usize),
            max_timeout_seconds: sources
                .get(MAX_TIMEOUT, |text| number(text, 1, MAX_TIMEOUT_SECONDS.into()))?
                .and_then(|seconds| seconds.try_into().ok())
                .unwrap_or(MAX_TIMEOUT_SECONDS),
            interpreter_idle: sources
                .get(INTERPRETER_IDLE, |text| number(text, 1, 604_800))?
                .map_or(Duration::from_secs(15 * 60), Duration::from_secs),
            interpreters: bounds::interpreters(&sources)?,
            connections: sources
                .get(CONNECTIONS, |text| number(text, 16, 100_000))?
                .map_or(4096, |count| count as usize),
            limits: bounds::limits(&sources)?,
            log_limit: sources
                .get(LOG_LIMIT, |text| number(text, 1, 100_000))?
                .unwrap_or(256)
                * 1024
                * 1024,
            price: sources
                .get(PRICES, |text| Price::parse(text).map_err(|error| error.0))?
                .unwrap_or_default(),
            audit_days: sources.get(AUDIT_DAYS, |text| number(text, 1, 36_500))?,
            keep_engine: serve.keep_engine,
            unknown_variables: sources.unknown_variables,
            data,
        })
    }
}

fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("a whole number from {least} to {most} is needed."))
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.trim_end_matches('s')
        .parse()
        .ok()
        .filter(|seconds| (0.0..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "a number of seconds from 0 to 86400 is needed.".to_owned())
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "true or false is needed.".to_owned())
}
