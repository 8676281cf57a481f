//! An empty database for one test, and what most tests put into it.

use model::{AgentSettings, FilePath, InstanceRole, Language, Provider, RunId, agent::Agent};
use sqlx::{Connection as _, PgConnection};
use std::time::Duration;
use store::{NewRun, Replica, Store};
use tempfile::TempDir;

/// An empty database, removed when it is dropped.
pub struct Fresh {
    pub store: Store,
    _folder: Option<TempDir>,
}

impl Fresh {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/pitlane.db", folder.path().display());
        Self {
            store: Store::open(&url).await.expect("an empty database"),
            _folder: Some(folder),
        }
    }

    /// None when there is no PostgreSQL to test with. Each test has a schema of its own.
    pub async fn postgres() -> Option<Self> {
        let store = Store::open(&postgres_schema().await?)
            .await
            .expect("an empty schema");
        Some(Self { store, _folder: None })
    }
}

/// The address of an empty schema.
pub async fn postgres_schema() -> Option<String> {
    let url = std::env::var("TEST_DATABASE_URL").ok()?;
    let schema = format!("test_{}", RunId::generate().as_str().replace('-', ""));
    let mut connection = PgConnection::connect(&url).await.expect("the test server");
    sqlx::query(&format!("create schema {schema}"))
        .execute(&mut connection)
        .await
        .expect("a schema");
    Some(format!("{url}?options[search_path]={schema}"))
}

/// Makes tests of each function: one per database, in a module of its name.
macro_rules! on_both {
    ($(async fn $name:ident($store:ident: Store) $body:block)*) => {$(
        async fn $name($store: ::store::Store) $body

        mod $name {
            #[tokio::test]
            async fn sqlite() {
                let fresh = $crate::fresh::Fresh::sqlite().await;
                super::$name(fresh.store.clone()).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(fresh) = $crate::fresh::Fresh::postgres().await {
                    super::$name(fresh.store.clone()).await;
                    fresh.store.close().await;
                }
            }
        }
    )*};
}
pub(crate) use on_both;

pub fn path(text: &str) -> FilePath {
    FilePath::parse(text).expect("a path")
}

/// An agent named so, with one file `agent.py`.
pub async fn agent(store: &Store, name: &str) -> Agent {
    let owner = match store.users().await.expect("users").into_iter().next() {
        Some(owner) => owner,
        None => store
            .create_user("ada", InstanceRole::Owner, None)
            .await
            .expect("an owner"),
    };
    let settings = AgentSettings::new(name, "", Language::Python);
    let files = [(path("agent.py"), b"print('hello')\n".to_vec())];
    store
        .create_agent(&model::TeamId::first(), &owner.id, &settings, &files)
        .await
        .expect("an agent")
}

/// What starts a run of the agent's files as they are.
pub async fn new_run(store: &Store, agent: &Agent) -> NewRun {
    let revision = store.snapshot(&agent.id).await.expect("a revision");
    NewRun {
        id: RunId::generate(),
        agent: agent.id.clone(),
        revision: revision.id,
        language: Language::Python,
        entrypoint: "agent.py".to_owned(),
        args: vec!["--name".to_owned(), "a \0 \u{1f680} 'b'".to_owned()],
        timeout_seconds: 300,
        provider: Provider::Embedded,
        trigger: model::Trigger::new(model::TriggerKind::Token, "id", "ci"),
        created_at: model::Millis::now(),
        in_studio: true,
        person: agent.owner.clone(),
    }
}

/// A server that is none of the tests' subject.
pub fn server() -> Replica {
    Replica {
        id: "server-1".into(),
        name: "server".into(),
        instance: "here".into(),
        lease: Duration::from_secs(60),
    }
}

/// A queued run of a new agent.
pub async fn run(store: &Store) -> RunId {
    let agent = agent(store, "Scout").await;
    let (run, _) = store
        .create_run(&new_run(store, &agent).await, &server())
        .await
        .expect("a run");
    run.id
}
