//! An engine, a network that fails, and runs in front of it.

use crate::{
    engine_process::{EngineProcess, KEY},
    programs::Program,
    told::Told,
};
use libtest_mimic::Failed;
use model::{
    AgentId, AgentSettings, Cursor, FilePath, InstanceRole, Language, Provider, RunId, RunState, UserId,
};
use runs::{KeyFile, Runs, RunsConfig, StartRun};
use std::{path::Path, time::Duration};
use store::Store;
use testkit::{postgres::PrivatePostgres, proxy::FaultProxy};

/// How long anything may take on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(240);

pub struct Bench {
    pub engine: EngineProcess,
    pub network: FaultProxy,
    pub store: Store,
    pub config: RunsConfig,
    pub owner: UserId,
    pub folder: tempfile::TempDir,
}

/// The settings of all runs here.
pub fn config() -> RunsConfig {
    let mut config = RunsConfig::new("fault-tests", Provider::Embedded);
    config.ring = 256 << 10;
    config.stop_grace = Duration::from_millis(300);
    config.provider_deadline = Duration::from_secs(60);
    config.reap_every = Duration::from_millis(300);
    // Enough for a server that waits for its turn, and over before the slow program is.
    config.lease = Duration::from_secs(5);
    config.lease_renewal = Duration::from_millis(500);
    config
}

/// A client of whoever is at this address.
pub fn client(address: &str) -> daytona::Client {
    let config = daytona::Config {
        api_url: format!("http://{address}/api"),
        ..daytona::Config::new(KEY)
    };
    daytona::Client::new(config).unwrap()
}

pub fn database(folder: &Path) -> String {
    format!("sqlite://{}/pitlane.db", folder.display())
}

impl Bench {
    pub async fn start() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let engine = EngineProcess::start(&folder.path().join("engine"))?;
        let network = FaultProxy::start(engine.address).await?;
        let store = Store::open(&database(folder.path())).await?;
        let owner = store.create_user("ada", InstanceRole::Owner, None).await?.id;
        Ok(Self {
            engine,
            network,
            store,
            config: RunsConfig {
                vault: Some(KeyFile::of(folder.path()).open()?),
                ..config()
            },
            owner,
            folder,
        })
    }

    /// The same bench with its rows in PostgreSQL.
    pub async fn on_postgres(&mut self, postgres: &PrivatePostgres) {
        self.store = Store::open(postgres.url()).await.unwrap();
        self.owner = self
            .store
            .create_user("ada", InstanceRole::Owner, None)
            .await
            .unwrap()
            .id;
    }

    /// Runs through the network.
    pub async fn runs(&self) -> Runs {
        let client = client(&self.network.address().to_string());
        Runs::open(self.config.clone(), self.store.clone(), client)
            .await
            .unwrap()
    }

    /// An agent with this program.
    pub async fn agent(&self, text: &str) -> AgentId {
        self.agent_with(text, |_| {}).await
    }

    pub async fn agent_with(&self, text: &str, change: impl FnOnce(&mut AgentSettings)) -> AgentId {
        let mut settings = AgentSettings::new("Scout", "", Language::Python);
        change(&mut settings);
        let files = [(FilePath::parse("agent.py").unwrap(), text.as_bytes().to_vec())];
        let agent = self
            .store
            .create_agent(&model::TeamId::first(), &self.owner, &settings, &files)
            .await;
        agent.unwrap().id
    }

    /// Everything a run tells, to its end.
    pub async fn told(&self, runs: &Runs, run: &RunId) -> Told {
        let follower = runs.follow(run, Cursor::default()).await.unwrap();
        Told::within(PATIENCE, follower).await
    }

    /// Waits until the engine has no sandbox and no row is open.
    pub async fn until_nothing_is_left(&self) {
        let engine = client(&self.engine.address.to_string());
        until("no sandbox is left", async || {
            let there = engine.list_all(&Default::default()).await;
            let rows = self.store.list_sandboxes().await.unwrap();
            there.is_ok_and(|there| there.is_empty()) && rows.is_empty()
        })
        .await;
    }

    /// Waits until the run is in this state.
    pub async fn until_state(&self, run: &RunId, state: RunState) {
        until(&format!("{run} is {state}"), async || {
            self.store.run(run).await.is_ok_and(|run| run.state == state)
        })
        .await;
    }

    /// Waits until so much of a run's log is stored.
    pub async fn until_stored(&self, run: &RunId, bytes: u64) {
        until("output is stored", async || {
            let end = self.store.stored_end(run).await;
            end.is_ok_and(|end| end.offset >= bytes)
        })
        .await;
    }
}

pub fn request(agent: &AgentId, run: &RunId) -> StartRun {
    StartRun {
        id: run.clone(),
        agent: agent.clone(),
        args: Vec::new(),
        timeout_seconds: None,
        fresh: false,
        person: None,
        trigger: model::Trigger::default(),
        in_studio: true,
    }
}

pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let all = async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, all).await;
    assert!(came.is_ok(), "never: {what}");
}

/// What is wrong with a run that should have told exactly what this program writes.
pub fn difference(told: &Told, program: &Program) -> Option<String> {
    use model::{LogStream, log::LogBody};
    use sha2::{Digest as _, Sha256};
    let name = program.name;
    let run = told.run();
    if run.exit_code != Some(program.code) {
        return Some(format!("{name}: it ended as {:?}", (run.state, &run.reason)));
    }
    let mut next = 0;
    for frame in &told.frames {
        if let LogBody::Gap(bytes) = frame.body {
            return Some(format!("{name}: {bytes} bytes are missing at {}", frame.offset));
        }
        if frame.offset != next {
            return Some(format!("{name}: a frame at {} follows {next}", frame.offset));
        }
        next += frame.bytes().len() as u64;
    }
    for stream in [LogStream::Stdout, LogStream::Stderr] {
        let frames = told.frames.iter().filter(|frame| frame.stream == Some(stream));
        let bytes: Vec<u8> = frames.flat_map(model::LogFrame::bytes).collect();
        let wrote = program.wrote(stream);
        if Sha256::digest(&bytes) != Sha256::digest(wrote) {
            let first = bytes.iter().zip(wrote).take_while(|(a, b)| a == b).count();
            return Some(format!(
                "{name}: its {stream:?} has {} of {} bytes, and differs from byte {first} on",
                bytes.len(),
                wrote.len()
            ));
        }
    }
    let end = told.end.as_ref()?;
    let whole = told.bytes();
    let lines = whole.iter().filter(|byte| **byte == b'\n').count() as u64;
    let hash = hex::encode(Sha256::digest(&whole));
    if (end.bytes, end.lines, &end.sha256) != (next, lines, &hash) {
        return Some(format!("{name}: its end record differs: {end:?}"));
    }
    None
}
