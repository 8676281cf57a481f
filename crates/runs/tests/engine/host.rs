//! An engine in a process of its own, and runs in front of it.

use crate::{
    engine_process::{EngineProcess, KEY},
    told::Told,
};
use libtest_mimic::Failed;
use model::{AgentId, AgentSettings, Cursor, FilePath, InstanceRole, Language, Provider, RunId};
use runs::{Follower, KeyFile, Runs, RunsConfig, StartRun};
use std::time::Duration;
use store::Store;

pub struct Host {
    pub runs: Runs,
    pub store: Store,
    pub client: daytona::Client,
    pub agent: AgentId,
    pub config: RunsConfig,
    process: EngineProcess,
    _folder: tempfile::TempDir,
}

impl Host {
    /// None where no sandbox can be isolated; the engine's own tests say why.
    pub async fn start() -> Result<Option<Self>, Failed> {
        let folder = tempfile::tempdir()?;
        let process = EngineProcess::start(&folder.path().join("engine"))?;
        let client = daytona::Client::new(daytona::Config {
            api_url: format!("http://{}/api", process.address),
            ..daytona::Config::new(KEY)
        })?;
        let url = format!("sqlite://{}/pitlane.db", folder.path().display());
        let store = Store::open(&url).await?;
        let mut config = RunsConfig::new("engine-tests", Provider::Embedded);
        config.vault = Some(KeyFile::of(folder.path()).open()?);
        config.stop_grace = Duration::from_millis(300);
        config.provider_deadline = Duration::from_secs(3);
        let owner = store.create_user("ada", InstanceRole::Owner, None).await?;
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let files = [(FilePath::parse("agent.py")?, b"print('hello')\n".to_vec())];
        let agent = store
            .create_agent(&model::TeamId::first(), &owner.id, &settings, &files)
            .await?
            .id;
        let runs = Runs::open(config.clone(), store.clone(), client.clone()).await?;
        Ok(Some(Self {
            runs,
            store,
            client,
            agent,
            config,
            process,
            _folder: folder,
        }))
    }

    /// Makes the agent's program this one.
    pub async fn program(&self, text: &str) {
        let path = FilePath::parse("agent.py").unwrap();
        let file = self.store.read_file(&self.agent, &path).await.unwrap();
        let version = Some(file.entry.version);
        self.store
            .save_file(&self.agent, &path, text.as_bytes(), version)
            .await
            .unwrap();
    }

    pub async fn settings(&self, change: impl FnOnce(&mut AgentSettings)) {
        let mut settings = self.store.agent(&self.agent).await.unwrap().settings;
        change(&mut settings);
        self.store.update_agent(&self.agent, settings).await.unwrap();
    }

    pub async fn start_run(&self) -> RunId {
        let request = StartRun {
            id: RunId::generate(),
            agent: self.agent.clone(),
            args: Vec::new(),
            timeout_seconds: None,
            fresh: false,
            person: None,
            trigger: model::Trigger::default(),
            in_studio: true,
        };
        self.runs.start(request).await.unwrap().id
    }

    pub async fn follower(&self, run: &RunId) -> Follower {
        self.runs.follow(run, Cursor::default()).await.unwrap()
    }

    pub async fn told(&self, run: &RunId) -> Told {
        Told::all(self.follower(run).await).await
    }

    /// Runs a program to its end.
    pub async fn run(&self, program: &str) -> Told {
        self.program(program).await;
        let run = self.start_run().await;
        self.told(&run).await
    }

    /// Waits until the log of a run holds this text.
    pub async fn until_printed(&self, run: &RunId, text: &str) {
        let mut follower = self.follower(run).await;
        let mut told = Told::default();
        while !told.text().contains(text) {
            for message in follower.next().await.expect("the run goes on") {
                told.take(message);
            }
        }
    }

    /// The sandboxes the engine has.
    pub async fn sandboxes(&self) -> usize {
        self.client.list_all(&Default::default()).await.unwrap().len()
    }

    /// Our process ends and starts again; the engine goes on.
    pub async fn restart(&mut self) {
        self.runs.shutdown().await;
        self.runs = Runs::open(self.config.clone(), self.store.clone(), self.client.clone())
            .await
            .unwrap();
    }

    /// kill -9 of the engine.
    pub fn kill_engine(&mut self) {
        self.process.kill();
    }

    pub async fn end(&mut self) {
        self.runs.shutdown().await;
    }
}
