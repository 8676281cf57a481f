//! A thousand crashes of our process, each at another step between the intent
//! of a sandbox and its confirmed deletion: at the end there is no sandbox and
//! no row.
//!
//! A crash is a runtime that is dropped: every task ends at the await it is
//! at, nothing is written after, and what the provider had been asked for it
//! does all the same. Where it comes is counted in calls to the provider, and
//! then in turns of the runtime, so that also the steps between two calls are
//! met.

use crate::{fake::FakeProvider, fake::Fault, studio::path};
use model::{AgentId, AgentSettings, Cursor, InstanceRole, Language, Provider, RunId, SandboxState};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use runs::{Runs, RunsConfig, StartRun};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use store::Store;

const CRASHES: u32 = 1000;
/// A life in which nothing is asked for so long has nothing more to do: as long as its run goes on, and
/// after that.
const QUIET: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(25));

fn config(reap_every: Duration) -> RunsConfig {
    let mut config = RunsConfig::new("crashing", Provider::Embedded);
    config.stop_grace = Duration::from_millis(10);
    config.provider_deadline = Duration::from_secs(2);
    config.reap_every = reap_every;
    config
}

/// What the provider does to the calls of one life.
fn trouble(provider: &FakeProvider, random: &mut ChaCha8Rng) {
    let world = &provider.world;
    world.forget_faults();
    let times = random.random_range(1..4);
    match random.random_range(0..12) {
        0 => world.fail("POST /api/sandbox", Fault::AnswerLost, 1),
        1 => world.fail("POST /api/sandbox", Fault::Status(500), 1),
        2 => world.fail("POST /api/sandbox", Fault::Delay(Duration::from_millis(20)), 1),
        3 => world.fail("DELETE /api/sandbox", Fault::Status(409), times),
        4 => world.fail("DELETE /api/sandbox", Fault::Status(500), times),
        5 => world.fail("DELETE /api/sandbox", Fault::Status(404), 1),
        6 => world.fail("DELETE /api/sandbox", Fault::AnswerLost, times),
        // It says that it is deleted, and it is not.
        7 => world.fail("DELETE /api/sandbox", Fault::Status(200), times),
        8 => world.fail("GET /api/sandbox", Fault::Status(500), times),
        _ => {}
    }
}

/// One life of our process: it takes up what is left, starts a run, and crashes.
fn live_and_crash(url: &str, provider: &FakeProvider, agent: &AgentId, random: &mut ChaCha8Rng) {
    let (calls, turns) = (random.random_range(0..14), random.random_range(0..120));
    let (opened, over) = (std::cell::Cell::new(false), std::cell::Cell::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let life = async {
            let store = Store::open(url).await.unwrap();
            let runs = Runs::open(config(Duration::from_secs(60)), store, provider.client())
                .await
                .unwrap();
            opened.set(true);
            let request = StartRun {
                id: RunId::generate(),
                agent: agent.clone(),
                args: Vec::new(),
                timeout_seconds: None,
                fresh: false,
                person: None,
                trigger: model::Trigger::default(),
                in_studio: true,
            };
            // Refused while an earlier one of the agent is not over yet.
            if let Ok(run) = runs.start(request).await
                && let Ok(mut follower) = runs.follow(&run.id, Cursor::default()).await
            {
                while follower.next().await.is_some() {}
            }
            // Everything of this life is done; the reaper goes on until the crash.
            over.set(true);
            std::future::pending::<()>().await;
        };
        let crash = async {
            while !opened.get() {
                tokio::task::yield_now().await;
            }
            let mut seen = provider.world.all_calls();
            let (until, mut quiet) = (seen + calls, Instant::now());
            // Some lives have less to do than that.
            let patience = || if over.get() { QUIET.1 } else { QUIET.0 };
            while seen < until && quiet.elapsed() < patience() {
                tokio::task::yield_now().await;
                let now = provider.world.all_calls();
                if now != seen {
                    (seen, quiet) = (now, Instant::now());
                }
            }
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = life => {}
            () = crash => {}
        }
    });
    runtime.shutdown_background();
}

#[test]
fn a_thousand_crashes_leave_no_sandbox_and_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/pitlane.db", folder.path().display());
    let outside = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (provider, agents, stranger) = outside.block_on(async {
        let store = Store::open(&url).await.unwrap();
        let owner = store.create_user("ada", InstanceRole::Owner, None).await.unwrap();
        let mut agents = Vec::new();
        for keep_minutes in [0, 0, 0, 0, 0, 5, 5, 5] {
            let mut settings = AgentSettings::new("Scout", "", Language::Python);
            settings.keep_minutes = keep_minutes;
            let files = [(path("agent.py"), b"print('hello')\n".to_vec())];
            agents.push(
                store
                    .create_agent(&model::TeamId::first(), &owner.id, &settings, &files)
                    .await
                    .unwrap()
                    .id,
            );
        }
        let provider = FakeProvider::start().await;
        provider.world.programs_print("hello\n", 0);
        // Somebody else's, there all the time.
        let labels = BTreeMap::from([("pitlane.instance".to_owned(), "another".to_owned())]);
        let stranger = provider.world.make(labels).id;
        (provider, agents, stranger)
    });
    let mut random = ChaCha8Rng::seed_from_u64(20_261_126);
    for crash in 0..CRASHES {
        trouble(&provider, &mut random);
        let agent = &agents[crash as usize % agents.len()];
        live_and_crash(&url, &provider, agent, &mut random);
    }
    provider.world.forget_faults();
    outside.block_on(async {
        let store = Store::open(&url).await.unwrap();
        let made = provider.world.made();
        assert!(made > CRASHES / 4, "{made} sandboxes were made");
        let runs = Runs::open(
            config(Duration::from_millis(50)),
            store.clone(),
            provider.client(),
        )
        .await
        .unwrap();
        for _ in 0..3000 {
            for agent in &agents {
                // Refused while a run that was taken up still uses it.
                let _ = runs.discard_sandbox(agent).await;
            }
            let rows = store.list_sandboxes().await.unwrap();
            let under_way = store.unfinished_runs().await.unwrap();
            if rows.is_empty() && under_way.is_empty() && provider.world.count() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let rows = store.list_sandboxes().await.unwrap();
        let stuck: Vec<_> = rows
            .iter()
            .filter(|row| row.state != SandboxState::Deleted)
            .collect();
        assert!(stuck.is_empty(), "{stuck:?}");
        assert_eq!(store.unfinished_runs().await.unwrap(), []);
        let left: Vec<_> = provider.world.lock().sandboxes.keys().cloned().collect();
        assert_eq!(left, [stranger], "only what is not ours is left");
        runs.shutdown().await;
    });
}
