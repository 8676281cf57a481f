//! The log, byte for byte, through everything the network can do to it.

use crate::{
    bench::{Bench, PATIENCE, difference, request},
    programs::{self, Program},
    told::Told,
};
use model::{Cursor, LogFrame, RunId, RunState, log::LogBody};
use runs::Runs;
use std::time::Duration;
use testkit::proxy::{Plan, SocketFault};

/// Runs these programs together, and gives what is wrong with what was told.
async fn run_together(bench: &Bench, runs: &Runs, programs: &[Program]) -> Vec<(Told, Option<String>)> {
    let started = programs.iter().map(async |program| {
        let agent = bench.agent(program.text).await;
        let run = RunId::generate();
        runs.start(request(&agent, &run)).await.unwrap();
        let told = bench.told(runs, &run).await;
        let wrong = difference(&told, program);
        (told, wrong)
    });
    futures::future::join_all(started).await
}

pub async fn every_byte_comes_through_every_fault(bench: &mut Bench) {
    let runs = bench.runs().await;
    for seed in [1, 2, 3] {
        bench.network.follow(Some(Plan {
            seed,
            calls: 150,
            sockets: 700,
            gentle: true,
        }));
        for (told, wrong) in run_together(bench, &runs, &programs::all()).await {
            assert_eq!(wrong, None, "seed {seed}: {:?}", told.run());
            assert!(told.end.unwrap().exact, "seed {seed}");
        }
    }
    bench.network.follow(None);
    let injected = bench.network.injected();
    let count: u64 = injected.values().sum();
    assert!(count >= 20 && injected.len() >= 6, "{injected:?}");
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}

pub async fn every_socket_fault_by_itself_costs_no_byte(bench: &mut Bench) {
    let runs = bench.runs().await;
    for fault in [
        SocketFault::CutInFrame(1),
        SocketFault::CloseAfter(1, 1000),
        SocketFault::CloseAfter(1, 1001),
        SocketFault::CloseAfter(1, 1011),
        SocketFault::Double(1),
        SocketFault::Missing(1),
        // The same bytes are lost three times in a row.
        SocketFault::Missing(0),
        SocketFault::Swap(1),
    ] {
        bench.network.fail_sockets(fault, 3);
        // A log that came in one piece, because the program was done before it was followed, meets no fault.
        for _ in 0..20 {
            let told = run_together(bench, &runs, &[programs::ascii()]).await;
            assert_eq!(told[0].1, None, "{fault:?}");
            if bench.network.injected().contains_key(fault.name()) {
                break;
            }
        }
        assert!(bench.network.injected().contains_key(fault.name()), "{fault:?}");
    }
    runs.shutdown().await;
}

/// As Daytona's own service sends it, whose stream starts again at its beginning each time.
pub async fn daytonas_own_stream_is_made_whole(bench: &mut Bench) {
    bench.network.speak_plainly(true);
    let runs = bench.runs().await;
    bench.network.follow(Some(Plan {
        seed: 4,
        calls: 100,
        sockets: 0,
        gentle: true,
    }));
    // What its wire can tell: it breaks and starts again, it ends too early, it is slow.
    for fault in [
        SocketFault::CutInFrame(1),
        SocketFault::CutInFrame(3),
        SocketFault::CloseAfter(2, 1000),
        SocketFault::CloseAfter(1, 1011),
        SocketFault::Slow,
    ] {
        bench.network.fail_sockets(fault, 4);
        let lines = [programs::ascii(), programs::longer_than_the_ring()];
        for (told, wrong) in run_together(bench, &runs, &lines).await {
            assert_eq!(wrong, None, "{fault:?}: {:?} {}", told.run(), told.rows());
            assert!(!told.end.unwrap().exact, "Daytona's wire cannot promise it");
        }
    }
    runs.shutdown().await;
}

pub async fn connections_cut_again_and_again_double_nothing(bench: &mut Bench) {
    let runs = bench.runs().await;
    let cutting = async {
        loop {
            tokio::time::sleep(Duration::from_millis(70)).await;
            bench.network.cut();
        }
    };
    let all = [
        programs::ascii(),
        programs::both_streams(),
        programs::longer_than_the_ring(),
    ];
    // The program is started on a quiet network: what is cut is the log.
    let mut started = Vec::new();
    for program in &all {
        let agent = bench.agent(program.text).await;
        let run = RunId::generate();
        runs.start(request(&agent, &run)).await.unwrap();
        bench.until_state(&run, RunState::Running).await;
        started.push((run, program));
    }
    let reading = async {
        for (run, program) in started {
            let told = bench.told(&runs, &run).await;
            assert_eq!(difference(&told, program), None, "{:?}", told.run());
        }
    };
    tokio::select! {
        () = cutting => {}
        () = reading => {}
    }
    runs.shutdown().await;
}

pub async fn readers_of_every_pace_miss_nothing(bench: &mut Bench) {
    let runs = bench.runs().await;
    let program = programs::longer_than_the_ring();
    let agent = bench.agent(program.text).await;
    let run = RunId::generate();
    runs.start(request(&agent, &run)).await.unwrap();
    let follow = async |cursor| runs.follow(&run, cursor).await.unwrap();
    // One reads a first batch and then nothing until the run is over.
    let mut stalled = follow(Cursor::default()).await;
    let mut late = Told::default();
    for message in stalled.next().await.unwrap() {
        late.take(message);
    }
    let slow = async {
        let mut follower = follow(Cursor::default()).await;
        let mut told = Told::default();
        while let Some(messages) = follower.next().await {
            messages.into_iter().for_each(|message| told.take(message));
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        told
    };
    // One comes back with its cursor after every batch, as a browser does whose connection breaks.
    let resuming = async {
        let mut told = Told::default();
        let mut cursor = Cursor::default();
        while told.end.is_none() {
            let mut follower = follow(cursor).await;
            let messages = follower.next().await.unwrap();
            messages.into_iter().for_each(|message| told.take(message));
            cursor = follower.cursor();
        }
        told
    };
    let fast = async {
        let told = bench.told(&runs, &run).await;
        assert!(told.run().state.is_end());
        told
    };
    let (slow, resuming, fast) = tokio::join!(slow, resuming, fast);
    while let Some(messages) = stalled.next().await {
        messages.into_iter().for_each(|message| late.take(message));
    }
    for (name, told) in [
        ("slow", slow),
        ("resuming", resuming),
        ("fast", fast),
        ("stalled", late),
    ] {
        assert_eq!(difference(&told, &program), None, "{name}");
    }
    runs.shutdown().await;
}

pub async fn only_what_is_over_the_limit_is_a_gap(bench: &mut Bench) {
    bench.config.log_limit = 1 << 20;
    bench.network.follow(Some(Plan {
        seed: 6,
        calls: 0,
        sockets: 700,
        gentle: true,
    }));
    let runs = bench.runs().await;
    let program = programs::longer_than_the_ring();
    let agent = bench.agent(program.text).await;
    let run = RunId::generate();
    runs.start(request(&agent, &run)).await.unwrap();
    Told::within(PATIENCE, runs.follow(&run, Cursor::default()).await.unwrap()).await;
    // What stays is what counts.
    let told = bench.told(&runs, &run).await;
    let whole = &program.stdout;
    assert_eq!(told.end.as_ref().unwrap().bytes, whole.len() as u64);
    let mut next = 0;
    let mut gaps = Vec::new();
    for frame in &told.frames {
        assert_eq!(frame.offset, next, "one after the other");
        match &frame.body {
            LogBody::Gap(bytes) => {
                gaps.push(*bytes);
                next += bytes;
            }
            _ => {
                let bytes = LogFrame::bytes(frame);
                let from = usize::try_from(next).unwrap();
                assert!(whole[from..].starts_with(&bytes), "at {next}");
                next += bytes.len() as u64;
            }
        }
    }
    assert_eq!(next, whole.len() as u64);
    let kept = next - gaps.iter().sum::<u64>();
    assert!(
        gaps.len() == 1 && kept <= (1 << 20) + (512 << 10),
        "{gaps:?}, {kept} kept"
    );
    assert!(kept >= 900_000, "{kept} kept");
    runs.shutdown().await;
}
