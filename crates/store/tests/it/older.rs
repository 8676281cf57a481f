//! A database that an older Pitlane made: each version of it is brought up to
//! date, and all that was in it is there.

use crate::fresh::{postgres_schema, server};
use model::{
    AgentId, FilePath, Millis, RevisionId, Role, RunId, RunState, SandboxId, SecretId, TeamId, TokenId,
    UserId, VariableValue,
    log::{Record, encode},
};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection, SqliteConnection, migrate::Migrator};
use std::borrow::Cow;
use store::Store;

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// The migrations an older version knew.
/// The rows are those of schemas before teams; later ones get them by their migrations.
const BEFORE_TEAMS: usize = 9;

fn first(all: &Migrator, count: usize) -> Migrator {
    Migrator {
        migrations: Cow::Owned(all.iter().take(count).cloned().collect()),
        ..Migrator::DEFAULT
    }
}

struct Old {
    user: UserId,
    agent: AgentId,
    revision: RevisionId,
    ended: RunId,
    under_way: RunId,
    sandbox: SandboxId,
    secret: SecretId,
    token: TokenId,
}

const PROGRAM: &[u8] = b"print('old')\n";

impl Old {
    fn new() -> Self {
        Self {
            user: UserId::generate(),
            agent: AgentId::generate(),
            revision: RevisionId::generate(),
            ended: RunId::generate(),
            under_way: RunId::generate(),
            sandbox: SandboxId::generate(),
            secret: SecretId::generate(),
            token: TokenId::generate(),
        }
    }

    /// What such a version wrote, with the version that could first. `$1` is bytes.
    fn rows(&self) -> Vec<(usize, String, Vec<u8>)> {
        let (user, agent, revision, sha256) = (
            &self.user,
            &self.agent,
            &self.revision,
            hex::encode(Sha256::digest(PROGRAM)),
        );
        let mut frames = Vec::new();
        let record = Record::Output {
            stream: model::LogStream::Stdout,
            at: Millis(7),
            bytes: b"old\n",
        };
        encode(record, &mut frames);
        let run = |id: &RunId, number: u32, state: &str, finished: bool| {
            format!(
                "insert into runs (id, agent_id, revision_id, number, state, finished, language, entrypoint, args,
                 timeout_seconds, provider, phases, log_bytes, log_lines, created_at)
                 values ('{id}', '{agent}', '{revision}', {number}, '{state}', {finished}, 'python', 'agent.py', '[]',
                 300, 'embedded', '[]', 4, 1, 5)"
            )
        };
        [
            (1, format!("insert into users (id, name, role, created_at) values ('{user}', 'ada', 'owner', 1)"), None),
            (2, format!(
                "insert into agents (id, slug, name, description, language, timeout_seconds, keep_minutes, cpu, memory_gib,
                 disk_gib, owner_id, revision_number, run_number, created_at, updated_at)
                 values ('{agent}', 'scout', 'Scout', '', 'python', 300, 15, 1, 1, 3, '{user}', 1, 2, 2, 2)"
            ), None),
            (2, format!("insert into blobs (sha256, put_at, size, body) values ('{sha256}', 3, {}, $1)", PROGRAM.len()), Some(PROGRAM)),
            (2, format!("insert into files (agent_id, path, sha256, size, version, updated_at) values ('{agent}', 'agent.py', '{sha256}', {}, 1, 3)", PROGRAM.len()), None),
            (2, format!("insert into revisions (id, agent_id, number, content, created_at) values ('{revision}', '{agent}', 1, 'x', 4)"), None),
            (2, format!("insert into revision_files (revision_id, path, sha256, size, version, updated_at) values ('{revision}', 'agent.py', '{sha256}', {}, 1, 3)", PROGRAM.len()), None),
            (3, run(&self.ended, 1, "succeeded", true), None),
            (3, run(&self.under_way, 2, "running", false), None),
            (3, format!("insert into run_events (run_id, seq, at, log_offset, kind) values ('{}', 1, 6, 0, '{}')", self.ended,
                serde_json::to_string(&model::EventKind::System { text: "old".into() }).expect("JSON")), None),
            (3, format!("insert into log_chunks (run_id, first_offset, last_offset, first_line, at, body) values ('{}', 0, 4, 0, 7, $1)", self.ended), Some(frames.as_slice())),
            (4, format!(
                "insert into sandboxes (id, provider, provider_id, agent_id, run_id, state, cpu, memory_gib, disk_gib, created_at, used_at)
                 values ('{}', 'embedded', 'at-the-provider', '{agent}', '{}', 'in_use', 1, 1, 3, 8, 8)", self.sandbox, self.under_way
            ), None),
            (7, format!("insert into secrets (id, name, owner_id, sealed, created_at, updated_at) values ('{}', 'API_KEY', '{user}', 'sealed', 9, 9)", self.secret), None),
            (7, format!("insert into agent_variables (agent_id, name, position, secret_id) values ('{agent}', 'KEY', 0, '{}')", self.secret), None),
            (8, format!(
                "insert into tokens (id, user_id, name, sha256, scopes, created_at)
                 values ('{}', '{user}', 'ci', 'hash', '[\"read\",\"run\",\"edit\",\"administer\"]', 10)", self.token
            ), None),
        ]
        .into_iter()
        .map(|(version, sql, bytes)| (version, sql, bytes.map(<[u8]>::to_vec).unwrap_or_default()))
        .collect()
    }

    async fn check(&self, store: &Store, version: usize) {
        assert_eq!(store.users().await.expect("users")[0].name, "ada");
        let teams = store.teams_of(&self.user).await.expect("teams");
        assert_eq!(
            (teams.len(), &teams[0].team.id, teams[0].role),
            (1, &TeamId::first(), Role::Owner)
        );
        if version >= 2 {
            assert_eq!(
                store
                    .agent_by_slug(&TeamId::first(), "scout")
                    .await
                    .expect("the agent")
                    .id,
                self.agent
            );
            let path = FilePath::parse("agent.py").expect("a path");
            assert_eq!(
                store.file_bytes(&self.agent, &path).await.expect("a file"),
                PROGRAM
            );
            assert_eq!(
                store.revision_files(&self.revision).await.expect("files")[0].1,
                PROGRAM
            );
        }
        if version >= 3 {
            let run = store.run(&self.ended).await.expect("a run");
            assert_eq!(
                (run.number, run.state, run.log_bytes),
                (1, RunState::Succeeded, 4)
            );
            assert_eq!(
                store.events_after(&self.ended, 0, 9).await.expect("events").len(),
                1
            );
            assert_eq!(store.stored_end(&self.ended).await.expect("an end").offset, 4);
            // What was under way is this server's to take up.
            store.register_server(&server()).await.expect("announced");
            store.adopt(&server().instance).await.expect("adopted");
            let left = store.take_left_runs(&server()).await.expect("one");
            assert_eq!(
                left.iter().map(|hold| &hold.run).collect::<Vec<_>>(),
                [&self.under_way]
            );
        }
        if version >= 4 {
            let rows = store.list_sandboxes_at(&server()).await.expect("one");
            assert_eq!(
                (&rows[0].id, rows[0].run.as_ref()),
                (&self.sandbox, Some(&self.under_way))
            );
        }
        if version >= 7 {
            let secrets = store.list_secrets(&TeamId::first()).await.expect("secrets");
            assert_eq!((&secrets[0].id, secrets[0].used_by.len()), (&self.secret, 1));
            let variables = store.variables(&self.agent).await.expect("variables");
            assert_eq!(variables[0].value, VariableValue::Secret(self.secret.clone()));
        }
        if version >= 8 {
            let (user, membership, token) = store.use_token("hash").await.expect("looked").expect("there");
            assert_eq!(
                (user.id, membership.role, &token.id),
                (self.user.clone(), Role::Owner, &self.token)
            );
            assert_eq!((token.team, token.scopes.len()), (TeamId::first(), 4));
        }
    }
}

#[tokio::test]
async fn sqlite_of_every_older_version() {
    for version in 1..SQLITE.iter().count() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pitlane.db");
        let old = Old::new();
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .expect("a database");
        first(&SQLITE, version.min(BEFORE_TEAMS))
            .run_direct(&mut connection)
            .await
            .expect("an old schema");
        for (_, sql, bytes) in old.rows().into_iter().filter(|(from, ..)| *from <= version) {
            let query = sqlx::query(&sql);
            let query = if sql.contains("$1") {
                query.bind(bytes)
            } else {
                query
            };
            query
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        first(&SQLITE, version)
            .run_direct(&mut connection)
            .await
            .expect("a less old schema");
        connection.close().await.expect("closed");
        // A copy of it, as a careful person would.
        let copy = folder.path().join("copy.db");
        std::fs::copy(&file, &copy).expect("copied");
        for file in [&copy, &file] {
            let store = Store::open(&format!("sqlite://{}", file.display()))
                .await
                .expect("opened");
            old.check(&store, version).await;
            store.close().await;
        }
    }
}

#[tokio::test]
async fn postgres_of_every_older_version() {
    for version in 1..POSTGRES.iter().count() {
        let Some(url) = postgres_schema().await else {
            return;
        };
        let old = Old::new();
        let mut connection = PgConnection::connect(&url).await.expect("a schema");
        first(&POSTGRES, version.min(BEFORE_TEAMS))
            .run_direct(&mut connection)
            .await
            .expect("an old schema");
        for (_, sql, bytes) in old.rows().into_iter().filter(|(from, ..)| *from <= version) {
            let query = sqlx::query(&sql);
            let query = if sql.contains("$1") {
                query.bind(bytes)
            } else {
                query
            };
            query
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        first(&POSTGRES, version)
            .run_direct(&mut connection)
            .await
            .expect("a less old schema");
        connection.close().await.expect("closed");
        let store = Store::open(&url).await.expect("opened");
        old.check(&store, version).await;
        store.close().await;
    }
}
