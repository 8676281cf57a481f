//! A studio for tests: a store on a real file, a provider, and runs between them.

use crate::{fake::FakeProvider, told::Told};
use model::{AgentId, AgentSettings, Cursor, FilePath, InstanceRole, Language, Provider, RunId, RunState};
use runs::{Follower, Runs, RunsConfig, StartRun};
use std::time::Duration;
use store::Store;

/// Everything between a start and its end.
pub struct Studio {
    pub runs: Runs,
    pub store: Store,
    pub provider: FakeProvider,
    pub config: RunsConfig,
    pub agent: AgentId,
    _folder: Option<tempfile::TempDir>,
}

pub fn path(name: &str) -> FilePath {
    FilePath::parse(name).expect("a path")
}

impl Studio {
    pub async fn open() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    pub async fn with(
        configure: impl FnOnce(&mut RunsConfig),
        settings: impl FnOnce(&mut AgentSettings),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/pitlane.db", folder.path().display());
        let studio = Self::at(&url, configure, settings).await;
        Self {
            _folder: Some(folder),
            ..studio
        }
    }

    /// On this database, which is kept elsewhere.
    pub async fn at(
        url: &str,
        configure: impl FnOnce(&mut RunsConfig),
        settings: impl FnOnce(&mut AgentSettings),
    ) -> Self {
        let store = Store::open(url).await.expect("a store");
        let provider = FakeProvider::start().await;
        let mut config = RunsConfig::new("test-instance", Provider::Embedded);
        config.stop_grace = Duration::from_millis(100);
        config.provider_deadline = Duration::from_secs(2);
        configure(&mut config);
        let owner = store
            .create_user("ada", InstanceRole::Owner, None)
            .await
            .expect("a user");
        let mut agent = AgentSettings::new("Scout", "", Language::Python);
        settings(&mut agent);
        let files = [(path("agent.py"), b"print('hello')\n".to_vec())];
        let agent = store
            .create_agent(&model::TeamId::first(), &owner.id, &agent, &files)
            .await
            .expect("an agent");
        let runs = Runs::open(config.clone(), store.clone(), provider.client())
            .await
            .expect("runs");
        Self {
            runs,
            store,
            provider,
            config,
            agent: agent.id,
            _folder: None,
        }
    }

    /// The same studio after a restart of our process: what was in memory is gone.
    pub async fn restart(&mut self) {
        self.runs.shutdown().await;
        self.runs = Runs::open(self.config.clone(), self.store.clone(), self.provider.client())
            .await
            .expect("runs");
    }

    /// A server that wrote rows of this installation.
    pub fn server(&self) -> store::Replica {
        store::Replica {
            id: "earlier".to_owned(),
            name: "earlier".to_owned(),
            instance: self.config.instance.clone(),
            lease: Duration::from_secs(60),
        }
    }

    pub fn request(&self) -> StartRun {
        StartRun {
            id: RunId::generate(),
            agent: self.agent.clone(),
            args: Vec::new(),
            timeout_seconds: None,
            fresh: false,
            person: None,
            trigger: model::Trigger::default(),
            in_studio: true,
        }
    }

    pub async fn start(&self) -> RunId {
        self.runs.start(self.request()).await.expect("starts").id
    }

    pub async fn follower(&self, run: &RunId) -> Follower {
        self.runs.follow(run, Cursor::default()).await.expect("follows")
    }

    /// Follows to the end.
    pub async fn told(&self, run: &RunId) -> Told {
        Told::all(self.follower(run).await).await
    }

    pub async fn run_to_end(&self) -> Told {
        let run = self.start().await;
        self.told(&run).await
    }

    /// Waits until the run is in this state.
    pub async fn until(&self, run: &RunId, state: RunState) {
        self.until_true(&format!("{run} is {state}"), || async {
            self.store.run(run).await.expect("a run").state == state
        })
        .await;
    }

    pub async fn until_true<F, A>(&self, what: &str, mut check: F)
    where
        F: FnMut() -> A,
        A: Future<Output = bool>,
    {
        for _ in 0..3000 {
            if check().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never: {what}");
    }
}
