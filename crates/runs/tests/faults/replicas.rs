//! Two processes with runs on one PostgreSQL: killed, paused, and both alive.
//! One of them drives a run at any time, whatever happens, and a reader at
//! either has every byte.

use crate::{
    bench::{Bench, until},
    programs::{self, Program},
    studio::Studio,
};
use model::{AgentId, RunId, RunState};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use testkit::{
    postgres::{PrivatePostgres, start},
    proxy::Moment,
};

/// What is told of a run that went on to its real end, by a reader at either.
const WHOLE: &str = "None, true";

fn word(program: &Program) -> String {
    program.name.replace(' ', "-")
}

/// Two servers: the first through the network, where its calls are counted and held, the second not.
async fn two(bench: &mut Bench) -> (PrivatePostgres, Studio, Studio) {
    let postgres = start().unwrap();
    bench.on_postgres(&postgres).await;
    let (through, direct) = (
        bench.network.address().to_string(),
        bench.engine.address.to_string(),
    );
    let one = Studio::start(postgres.url(), &through, 16).unwrap();
    let other = Studio::start(postgres.url(), &direct, 16).unwrap();
    (postgres, one, other)
}

async fn holder(bench: &Bench, run: &RunId) -> String {
    bench.store.holder_of(run).await.unwrap().unwrap()
}

async fn until_taken_over(bench: &Bench, run: &RunId, from: &str) {
    until("another has the run", async || holder(bench, run).await != from).await;
}

async fn until_made(bench: &Bench, run: &RunId) {
    until("the run is made", async || bench.store.run(run).await.is_ok()).await;
}

pub async fn one_is_killed_and_the_other_goes_on(bench: &mut Bench) {
    let (postgres, mut one, mut other) = two(bench).await;
    let (through, mut random) = (bench.network.address().to_string(), ChaCha8Rng::seed_from_u64(4));
    let all = [
        programs::slow(),
        programs::longer_than_the_ring(),
        programs::both_streams(),
    ];
    for round in 0..6 {
        let mut started: Vec<(RunId, &Program)> = Vec::new();
        let executed = bench.network.calls("/exec");
        for program in &all {
            let (agent, run) = (bench.agent(program.text).await, RunId::generate());
            one.order(&format!("start {agent} {run}")).unwrap();
            until_made(bench, &run).await;
            for reader in [&mut one, &mut other] {
                reader.order(&format!("follow {run} {}", word(program))).unwrap();
            }
            started.push((run, program));
        }
        // Early ones meet a run that is not started yet.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..500 * (round + 1)))).await;
        one.kill();
        for (run, program) in &started {
            let told = other.says(&format!("told {run} ")).await;
            let whole = told.contains(WHOLE);
            let said = told.contains("Pitlane ended")
                && ["\"failed\"", "\"lost\""]
                    .iter()
                    .any(|state| told.contains(state));
            assert!(whole || said, "round {round}, {}: {told}", program.name);
        }
        let executed = bench.network.calls("/exec") - executed;
        assert!(
            executed <= started.len(),
            "{executed} executions of {} runs",
            started.len()
        );
        // The next has the other's place: a reader there has the same from the store.
        one = Studio::start(postgres.url(), &through, 16).unwrap();
        for (run, program) in &started {
            one.order(&format!("follow {run} {}", word(program))).unwrap();
            let (here, there) = (
                one.says(&format!("told {run} ")).await,
                other.says(&format!("told {run} ")).await,
            );
            assert_eq!(here, there);
        }
        bench.until_nothing_is_left().await;
    }
}

pub async fn a_paused_one_neither_writes_nor_deletes(bench: &mut Bench) {
    let (_postgres, mut one, mut other) = two(bench).await;
    let (program, mut random) = (programs::slow(), ChaCha8Rng::seed_from_u64(5));
    // Several times: some pauses come in the middle of a transaction, with what it has locked.
    for round in 0..4 {
        let executed = bench.network.calls("/exec");
        let (agent, run) = (bench.agent(program.text).await, RunId::generate());
        one.order(&format!("start {agent} {run}")).unwrap();
        until_made(bench, &run).await;
        for reader in [&mut one, &mut other] {
            reader.order(&format!("follow {run} {}", word(&program))).unwrap();
        }
        bench.until_stored(&run, 500).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..100))).await;
        let first = holder(bench, &run).await;
        one.signal("STOP");
        until_taken_over(bench, &run, &first).await;
        let deletions = bench.network.calls("DELETE");
        // It wakes while the other drives, and nothing told it what happened.
        one.signal("CONT");
        for reader in [&one, &other] {
            let told = reader.says(&format!("told {run} ")).await;
            assert!(
                told.contains(WHOLE) && told.contains("succeeded"),
                "round {round}: {told}"
            );
        }
        bench.until_nothing_is_left().await;
        assert_eq!(
            bench.network.calls("DELETE"),
            deletions,
            "round {round}: the one that lost it deletes nothing"
        );
        assert_eq!(
            bench.network.calls("/exec"),
            executed + 1,
            "round {round}: one execution"
        );
        assert_ne!(
            holder(bench, &run).await,
            first,
            "round {round}: it was not taken back"
        );
    }
    // It is as good as before.
    let (agent, run) = (bench.agent(program.text).await, RunId::generate());
    one.order(&format!("start {agent} {run}")).unwrap();
    until_made(bench, &run).await;
    other.order(&format!("follow {run} {}", word(&program))).unwrap();
    let told = other.says(&format!("told {run} ")).await;
    assert!(told.contains(WHOLE), "{told}");
    bench.until_nothing_is_left().await;
}

pub async fn one_that_is_paused_before_the_start_starts_nothing(bench: &mut Bench) {
    let (_postgres, mut one, mut other) = two(bench).await;
    let program = programs::ascii();
    for part in ["POST /api/sandbox", "bulk-upload"] {
        let (agent, run) = (bench.agent(program.text).await, RunId::generate());
        let mut held = bench.network.hold(part, Moment::After);
        one.order(&format!("start {agent} {run}")).unwrap();
        held.arrived().await;
        let first = holder(bench, &run).await;
        one.signal("STOP");
        until_taken_over(bench, &run, &first).await;
        other.order(&format!("follow {run} {}", word(&program))).unwrap();
        let told = other.says(&format!("told {run} ")).await;
        assert!(
            told.contains("failed") && told.contains("Pitlane ended before the program was started"),
            "{told}"
        );
        let executed = bench.network.calls("/exec");
        held.release();
        one.signal("CONT");
        bench.until_nothing_is_left().await;
        // Long enough for whatever it would do.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(
            bench.network.calls("/exec"),
            executed,
            "{part}: nothing is started"
        );
        assert_eq!(bench.store.run(&run).await.unwrap().state, RunState::Failed);
        bench.until_nothing_is_left().await;
    }
}

pub async fn both_alive_never_drive_one_run(bench: &mut Bench) {
    let postgres = start().unwrap();
    bench.on_postgres(&postgres).await;
    // Both through the network, so that it counts the executions of both.
    let through = bench.network.address().to_string();
    let mut both = [0, 1].map(|_| Studio::start(postgres.url(), &through, 16).unwrap());
    let program = programs::ascii();
    let mut runs: Vec<(AgentId, RunId)> = Vec::new();
    for _ in 0..8 {
        let (agent, run) = (bench.agent(program.text).await, RunId::generate());
        // A browser that asks again, and is sent to the other.
        for studio in &mut both {
            studio.order(&format!("start {agent} {run}")).unwrap();
        }
        runs.push((agent, run));
    }
    for (_, run) in &runs {
        until_made(bench, run).await;
        for studio in &mut both {
            studio.order(&format!("follow {run} {}", word(&program))).unwrap();
        }
    }
    let mut holders = std::collections::BTreeSet::new();
    for (_, run) in &runs {
        for studio in &both {
            let told = studio.says(&format!("told {run} ")).await;
            assert!(told.contains(WHOLE), "{told}");
        }
        holders.insert(holder(bench, run).await);
    }
    assert!(holders.len() <= 2, "{holders:?}");
    assert_eq!(
        bench.network.calls("/exec"),
        runs.len(),
        "one execution of each run"
    );
    assert_eq!(
        bench.network.created(),
        runs.len() as u64,
        "one sandbox for each run"
    );
    bench.until_nothing_is_left().await;
}

pub async fn stop_and_input_reach_the_one_that_drives(bench: &mut Bench) {
    const ECHO: &str = "import sys\nprint('up', flush=True)\nfor line in sys.stdin:\n    print('got', line.strip(), flush=True)\n";
    let (_postgres, mut one, mut other) = two(bench).await;
    let (agent, run) = (bench.agent(ECHO).await, RunId::generate());
    one.order(&format!("start {agent} {run}")).unwrap();
    bench.until_stored(&run, 3).await;
    other.order(&format!("follow {run} echo")).unwrap();
    for text in ["first", "second"] {
        other.order(&format!("input {run} {text}")).unwrap();
        let told = other.says(&format!("input {run} {text} ")).await;
        assert_eq!(told, "Ok(())");
    }
    bench.until_stored(&run, 24).await;
    other.order(&format!("stop {run}")).unwrap();
    let told = other.says(&format!("told {run} ")).await;
    assert!(
        told.contains("stopped") && told.contains("up\\ngot first\\ngot second\\n"),
        "{told}"
    );
    other.order(&format!("input {run} late")).unwrap();
    let told = other.says(&format!("input {run} late ")).await;
    assert!(told.contains("The program has ended."), "{told}");
    bench.until_nothing_is_left().await;
    // Asked of one that is gone: the next driver does it.
    let (agent, run) = (bench.agent(ECHO).await, RunId::generate());
    one.order(&format!("start {agent} {run}")).unwrap();
    bench.until_stored(&run, 3).await;
    one.kill();
    other.order(&format!("follow {run} echo")).unwrap();
    other.order(&format!("input {run} third")).unwrap();
    assert_eq!(other.says(&format!("input {run} third ")).await, "Ok(())");
    other.order(&format!("stop {run}")).unwrap();
    let told = other.says(&format!("told {run} ")).await;
    assert!(
        told.contains("stopped") && told.contains("up\\ngot third\\n"),
        "{told}"
    );
    bench.until_nothing_is_left().await;
}

pub async fn one_that_ends_politely_leaves_its_runs_at_once(bench: &mut Bench) {
    let (postgres, one, mut other) = two(bench).await;
    drop(one);
    let program = programs::slow();
    // In this process, with a lease that would last for ever.
    let mut config = bench.config.clone();
    config.lease = Duration::from_secs(3600);
    let store = store::Store::open(postgres.url()).await.unwrap();
    let client = crate::bench::client(&bench.network.address().to_string());
    let runs = runs::Runs::open(config, store, client).await.unwrap();
    let (agent, run) = (bench.agent(program.text).await, RunId::generate());
    runs.start(crate::bench::request(&agent, &run)).await.unwrap();
    bench.until_stored(&run, 100).await;
    runs.shutdown().await;
    other.order(&format!("follow {run} {}", word(&program))).unwrap();
    let told = other.says(&format!("told {run} ")).await;
    assert!(told.contains(WHOLE) && told.contains("succeeded"), "{told}");
    bench.until_nothing_is_left().await;
}
