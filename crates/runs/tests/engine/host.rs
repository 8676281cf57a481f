//! An engine in a process of its own, and runs in front of it.

use crate::told::Told;
use engine::EngineConfig;
use libtest_mimic::Failed;
use model::{AgentId, AgentSettings, Cursor, FilePath, Language, Provider, Role, RunId};
use runs::{Follower, Runs, RunsConfig, StartRun};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use store::Store;
use tokio_util::sync::CancellationToken;

const KEY: &str = "a key of the tests";

/// The engine's process: `… engine DIRECTORY`.
pub fn engine() {
    let data_dir = std::env::args().nth(2).expect("a directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let addr = listener.local_addr().expect("an address");
        let config = EngineConfig {
            orphan_grace: Some(Duration::from_secs(120)),
            ..EngineConfig::new(addr, KEY, data_dir)
        };
        writeln!(std::io::stdout(), "{addr}").expect("somebody reads");
        let served = engine::serve(config, listener, CancellationToken::new()).await;
        if let Err(error) = served {
            writeln!(std::io::stderr(), "{error}").expect("somebody reads");
        }
    });
}

pub struct Host {
    pub runs: Runs,
    pub store: Store,
    pub client: daytona::Client,
    pub agent: AgentId,
    pub config: RunsConfig,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Host {
    /// None where no sandbox can be isolated; the engine's own tests say why.
    pub async fn start() -> Result<Option<Self>, Failed> {
        let folder = tempfile::tempdir()?;
        let (process, address) = start_engine(folder.path())?;
        let client = daytona::Client::new(daytona::Config {
            api_url: format!("http://{address}/api"),
            ..daytona::Config::new(KEY)
        })?;
        let url = format!("sqlite://{}/pitlane.db", folder.path().display());
        let store = Store::open(&url).await?;
        let mut config = RunsConfig::new("engine-tests", Provider::Embedded);
        config.stop_grace = Duration::from_millis(300);
        config.provider_deadline = Duration::from_secs(3);
        let owner = store.create_user("ada", Role::Owner, None).await?;
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let files = [(FilePath::parse("agent.py")?, b"print('hello')\n".to_vec())];
        let agent = store.create_agent(&owner.id, &settings, &files).await?.id;
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
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub async fn end(&mut self) {
        self.runs.shutdown().await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start_engine(folder: &Path) -> Result<(Child, String), Failed> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg("engine")
        .arg(folder.join("engine"))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let out = process.stdout.take().ok_or("no output")?;
    BufReader::new(out).read_line(&mut address)?;
    Ok((process, address.trim().to_owned()))
}
