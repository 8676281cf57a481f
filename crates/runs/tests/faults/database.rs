//! The database fails in the middle of a run: full, read-only, locked, killed,
//! replaced by a backup. The program runs on, its output waits in memory and
//! then in its sandbox, and all of it is stored when the database is back; who
//! watches is told.

use crate::{
    bench::{Bench, database, difference, request, until},
    programs::{self, Program},
    studio::Studio,
    told::Told,
};
use model::{Cursor, RunId, RunState};
use runs::Runs;
use sqlx::{Connection as _, SqliteConnection};
use std::{
    fs::File,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Archive, Pools, Store, Writing};
use testkit::postgres::start_with;

/// Says that it is up, waits to be told, and then writes far more than is kept in memory.
pub fn waiting() -> Program {
    let text = "import os, sys\nprint('up', flush=True)\nsys.stdin.readline()\nfor i in range(1000):\n    os.write(1, (b'%08d' % i + b'.' * 2991 + b'\\n'))\n";
    let mut program = Program {
        text,
        ..programs::longer_than_the_ring()
    };
    program.stdout.splice(0..0, *b"up\n");
    program
}

/// A reader on a task of its own, so that what it has so far can be looked at.
pub async fn reader(runs: &Runs, run: &RunId) -> Arc<Mutex<Told>> {
    let told = Arc::new(Mutex::new(Told::default()));
    let mut follower = runs.follow(run, Cursor::default()).await.unwrap();
    let takes = Arc::clone(&told);
    tokio::spawn(async move {
        while let Some(messages) = follower.next().await {
            for message in messages {
                takes.lock().unwrap().take(message);
            }
        }
    });
    told
}

/// Runs the program while the database is away; `away` begins that and `back` ends it.
pub async fn keeps_all(bench: &mut Bench, words: &str, away: impl AsyncFnOnce(), back: impl AsyncFnOnce()) {
    let (runs, program) = (bench.runs().await, waiting());
    let (agent, run) = (bench.agent(program.text).await, RunId::generate());
    runs.start(request(&agent, &run)).await.unwrap();
    bench.until_stored(&run, 3).await;
    let told = reader(&runs, &run).await;
    away().await;
    runs.input(&run, b"go\n".to_vec(), false).await.unwrap();
    until("it is said", async || told.lock().unwrap().rows().contains(words)).await;
    until("it is said that memory is full", async || {
        told.lock()
            .unwrap()
            .rows()
            .contains("The rest waits in the sandbox")
    })
    .await;
    // What is in memory may still be on its way to the reader.
    let mut kept = told.lock().unwrap().bytes().len();
    until("the reader has what is in memory", async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let before = kept;
        kept = told.lock().unwrap().bytes().len();
        kept == before
    })
    .await;
    // Bounded: that and not a byte more, however long it takes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told.lock().unwrap().bytes().len(), kept);
    let most = bench.config.ring + (512 << 10);
    assert!(
        kept <= most && kept < program.stdout.len(),
        "{kept} bytes in memory"
    );
    assert!(told.lock().unwrap().end.is_none());
    back().await;
    until("the run ends", async || told.lock().unwrap().end.is_some()).await;
    {
        let told = told.lock().unwrap();
        assert_eq!(difference(&told, &program), None);
        assert!(
            told.rows().contains("The database is back after"),
            "{}",
            told.rows()
        );
    }
    // And so it is stored.
    let stored = bench.told(&runs, &run).await;
    assert_eq!(difference(&stored, &program), None);
    assert_eq!(stored.rows(), told.lock().unwrap().rows());
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}

async fn pragma(store: &Store, sql: &str) {
    let Pools::Sqlite(writer) = store.pools() else {
        panic!("not SQLite")
    };
    // The writer may be busy with a statement that fails.
    sqlx::query(sql).execute(writer).await.unwrap();
}

pub async fn a_full_disk(bench: &mut Bench) {
    let store = bench.store.clone();
    keeps_all(
        bench,
        "The database cannot be written: The disk that holds the database is full",
        // Less than it has: it may not grow by a page.
        async || pragma(&store, "pragma max_page_count = 1").await,
        async || pragma(&store, "pragma max_page_count = 1000000").await,
    )
    .await;
}

pub async fn a_read_only_database(bench: &mut Bench) {
    let store = bench.store.clone();
    keeps_all(
        bench,
        "The database cannot be written: its file or folder is read-only",
        async || pragma(&store, "pragma query_only = on").await,
        async || pragma(&store, "pragma query_only = off").await,
    )
    .await;
}

pub async fn a_database_that_another_program_locks(bench: &mut Bench) {
    let file = bench.folder.path().join("pitlane.db");
    let mut other = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let other = tokio::sync::Mutex::new(&mut other);
    keeps_all(
        bench,
        "The database does not answer.",
        async || {
            sqlx::query("begin immediate")
                .execute(&mut **other.lock().await)
                .await
                .unwrap();
        },
        async || {
            sqlx::query("rollback")
                .execute(&mut **other.lock().await)
                .await
                .unwrap();
        },
    )
    .await;
}

pub async fn a_killed_postgres(bench: &mut Bench) {
    // What was committed lasts, as it does where it matters.
    let mut postgres = start_with(&["synchronous_commit=on"]).unwrap();
    bench.on_postgres(&postgres).await;
    let (through, direct) = (
        bench.network.address().to_string(),
        bench.engine.address.to_string(),
    );
    let mut one = Studio::start(postgres.url(), &through, 16).unwrap();
    let mut other = Studio::start(postgres.url(), &direct, 16).unwrap();
    let program = programs::slow();
    let (agent, run) = (bench.agent(program.text).await, RunId::generate());
    one.order(&format!("start {agent} {run}")).unwrap();
    bench.until_stored(&run, 100).await;
    for studio in [&mut one, &mut other] {
        studio.order(&format!("follow {run} slow-lines")).unwrap();
    }
    for _ in 0..2 {
        postgres.kill().unwrap();
        // Longer than a lease.
        tokio::time::sleep(bench.config.lease + Duration::from_secs(1)).await;
        postgres.start_again().unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for studio in [&one, &other] {
        let told = studio.says(&format!("told {run} ")).await;
        assert!(
            told.contains("succeeded") && told.contains("None, true"),
            "{told}"
        );
    }
    assert_eq!(bench.network.calls("/exec"), 1, "one execution");
    bench.until_nothing_is_left().await;
}

pub async fn a_restored_backup(bench: &mut Bench) {
    let (backup, file) = (
        bench.folder.path().join("backup.db"),
        bench.folder.path().join("pitlane.db"),
    );
    comes_back_older(
        bench,
        async |bench| pragma(&bench.store, &format!("vacuum into '{}'", backup.display())).await,
        async |bench| {
            bench.store.close().await;
            std::fs::copy(&backup, &file).unwrap();
            bench.store = Store::open(&database(bench.folder.path())).await.unwrap();
        },
    )
    .await;
}

pub async fn a_restored_backup_of_postgresql(bench: &mut Bench) {
    let postgres = start_with(&[]).unwrap();
    bench.on_postgres(&postgres).await;
    let backup = bench.folder.path().join("backup");
    comes_back_older(
        bench,
        async |bench| {
            let file = File::create(&backup).unwrap();
            let header = bench.store.backup_header("0.0.0", false);
            let mut writing = Writing::begin(file, &header).unwrap();
            let mut snapshot = bench.store.snapshot_all().await.unwrap();
            snapshot.write(&mut writing).await.unwrap();
            writing.finish().unwrap();
        },
        async |bench| {
            let mut filling = bench.store.fill().await.unwrap();
            filling.empty().await.unwrap();
            Archive::open(&backup)
                .unwrap()
                .restore(&mut filling)
                .await
                .unwrap();
            filling.commit().await.unwrap();
        },
    )
    .await;
}

/// A backup is made in the middle of a run and put back when the engine is further than that.
async fn comes_back_older(
    bench: &mut Bench,
    back_up: impl AsyncFnOnce(&mut Bench),
    put_back: impl AsyncFnOnce(&mut Bench),
) {
    bench.config.stranger_age = Duration::from_secs(1);
    let runs = bench.runs().await;
    let program = programs::ascii();
    let long = bench
        .agent("import time\nprint('up', flush=True)\ntime.sleep(1000)\n")
        .await;
    let kept = bench
        .agent_with(program.text, |settings| settings.keep_minutes = 5)
        .await;
    let (first, second) = (RunId::generate(), RunId::generate());
    runs.start(request(&long, &first)).await.unwrap();
    bench.until_stored(&first, 3).await;
    back_up(bench).await;
    // After the backup: what was under way ends, and a sandbox is made that it does not know.
    runs.stop(&first).await.unwrap();
    assert_eq!(bench.told(&runs, &first).await.run().state, RunState::Stopped);
    runs.start(request(&kept, &second)).await.unwrap();
    assert_eq!(difference(&bench.told(&runs, &second).await, &program), None);
    runs.shutdown().await;
    put_back(bench).await;
    let runs = bench.runs().await;
    let told = bench.told(&runs, &first).await;
    assert_eq!(told.run().state, RunState::Lost, "{:?}", told.run());
    assert_eq!(told.text(), "up\n");
    assert!(
        told.run().reason.as_ref().unwrap().contains("gone"),
        "{:?}",
        told.run().reason
    );
    assert!(
        bench.store.run(&second).await.is_err(),
        "the backup does not know it"
    );
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}
