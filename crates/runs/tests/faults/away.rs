//! Stop and standard input while the provider is slow or away: what is told is
//! true at every moment.

use crate::{
    bench::{Bench, request, until},
    told::Told,
};
use model::{Cursor, RunId, RunState};
use runs::Runs;
use std::time::Duration;
use testkit::proxy::{Fault, Mode};

const ECHO: &str = "import sys\nprint('up', flush=True)\nfor line in sys.stdin:\n    print('got', line.strip(), flush=True)\nsys.exit(7)\n";

async fn running(bench: &Bench, runs: &Runs) -> RunId {
    let agent = bench.agent(ECHO).await;
    let run = RunId::generate();
    runs.start(request(&agent, &run)).await.unwrap();
    bench.until_stored(&run, 3).await;
    run
}

/// What the newest state of a run says.
async fn seen(runs: &Runs, run: &RunId) -> (RunState, String) {
    let mut follower = runs.follow(run, Cursor::default()).await.unwrap();
    let mut told = Told::default();
    for message in follower.next().await.unwrap() {
        told.take(message);
    }
    (told.run().state, told.run().reason.clone().unwrap_or_default())
}

pub async fn a_stop_is_not_told_before_it_is_true(bench: &mut Bench) {
    let runs = bench.runs().await;
    for mode in [Mode::Silent, Mode::Refusing] {
        let run = running(bench, &runs).await;
        bench.network.mode(mode);
        runs.stop(&run).await.unwrap();
        until("the stop is under way", async || {
            seen(&runs, &run).await.1.starts_with("Stopping")
        })
        .await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let (state, reason) = seen(&runs, &run).await;
        assert_eq!(state, RunState::Running, "{mode:?}: {reason}");
        assert!(reason.starts_with("Stopping"), "{mode:?}: {reason}");
        bench.network.mode(Mode::Open);
        let told = bench.told(&runs, &run).await;
        assert_eq!(told.run().state, RunState::Stopped, "{mode:?}: {:?}", told.run());
        let proof = told.run().stop.clone().unwrap();
        assert!(proof.left == 0 && proof.took >= 1500, "{mode:?}: {proof:?}");
        assert_eq!(told.text(), "up\n");
        bench.until_nothing_is_left().await;
    }
    runs.shutdown().await;
}

pub async fn a_stop_goes_through_a_provider_in_trouble(bench: &mut Bench) {
    let runs = bench.runs().await;
    for fault in [
        Fault::Refused {
            status: 500,
            retry_after: None,
        },
        Fault::Refused {
            status: 429,
            retry_after: Some(1),
        },
        Fault::CutAfter,
        Fault::HalfAnswer,
        Fault::GatewayAfter(502),
    ] {
        let run = running(bench, &runs).await;
        bench.network.fail("DELETE /toolbox", fault, 3);
        runs.stop(&run).await.unwrap();
        let told = bench.told(&runs, &run).await;
        assert_eq!(told.run().state, RunState::Stopped, "{fault:?}: {:?}", told.run());
        assert_eq!(
            told.run().stop.as_ref().map(|proof| proof.left),
            Some(0),
            "{fault:?}"
        );
    }
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}

pub async fn input_is_confirmed_only_when_the_program_has_it(bench: &mut Bench) {
    let runs = bench.runs().await;
    let run = running(bench, &runs).await;
    // Nobody there: it is said, and nothing of it comes later.
    bench.network.mode(Mode::Refusing);
    let refused = runs.input(&run, b"never\n".to_vec(), false).await;
    let words = refused.unwrap_err().to_string();
    let true_words = ["did not get the input", "cannot be known"];
    assert!(true_words.iter().any(|part| words.contains(part)), "{words}");
    // A black hole: no answer until it opens, and then the right one.
    bench.network.mode(Mode::Silent);
    let mut waiting = Box::pin(runs.input(&run, b"late\n".to_vec(), false));
    let early = tokio::time::timeout(Duration::from_secs(1), &mut waiting).await;
    assert!(early.is_err(), "{early:?}");
    bench.network.mode(Mode::Open);
    waiting.await.unwrap();
    // Done, and the answer lost: nobody knows, and that is what is said.
    bench.network.fail("/input", Fault::CutAfter, 1);
    let unknown = runs.input(&run, b"unknown\n".to_vec(), false).await;
    let words = unknown.unwrap_err().to_string();
    assert!(words.contains("cannot be known"), "{words}");
    runs.input(&run, b"last\n".to_vec(), true).await.unwrap();
    let told = bench.told(&runs, &run).await;
    assert_eq!(told.run().exit_code, Some(7), "{:?}", told.run());
    assert_eq!(told.text(), "up\ngot late\ngot unknown\ngot last\n");
    runs.shutdown().await;
}

pub async fn input_through_faults_comes_in_order_and_once(bench: &mut Bench) {
    let runs = bench.runs().await;
    let run = running(bench, &runs).await;
    bench.network.follow(Some(testkit::proxy::Plan {
        seed: 11,
        calls: 300,
        sockets: 500,
        gentle: false,
    }));
    let mut confirmed = Vec::new();
    for i in 0..60 {
        let sent = runs.input(&run, format!("{i}\n").into_bytes(), false).await;
        if sent.is_ok() {
            confirmed.push(i);
        }
    }
    bench.network.follow(None);
    runs.input(&run, Vec::new(), true).await.unwrap();
    let told = bench.told(&runs, &run).await;
    let text = told.text();
    let got: Vec<i32> = text
        .lines()
        .filter_map(|line| line.strip_prefix("got ")?.parse().ok())
        .collect();
    assert!(
        got.is_sorted_by(|a, b| a < b),
        "in order, and none twice: {got:?}"
    );
    assert!(
        confirmed.iter().all(|i| got.contains(i)),
        "{confirmed:?} of {got:?}"
    );
    assert!(confirmed.len() < 60, "the network failed");
    assert_eq!(told.run().exit_code, Some(7), "{:?}", told.run());
    runs.shutdown().await;
}
