//! A storm: random load on runs in a process that is killed, behind a network
//! that fails, in front of an engine that is killed too. What happens follows
//! from a seed; at the end everything that was promised is counted.

mod report;
mod schedule;

use crate::{
    bench::{Bench, PATIENCE, client, database},
    engine_process::EngineProcess,
    programs::{self, Program},
    studio::Studio,
    told::Told,
};
use libtest_mimic::Failed;
use model::{AgentId, Cursor, RunId, SandboxState};
use report::Report;
use schedule::{AGENTS, Action, schedule};
use std::{
    io::Write,
    process::ExitCode,
    time::{Duration, Instant},
};
use testkit::proxy::{Mode, Plan};

/// How many runs may be under way at once: fewer than agents, so that some wait.
const CONCURRENCY: usize = 6;
/// How often it says how far it is.
const TELL: Duration = Duration::from_secs(30);
/// How long what is left over may take to be cleaned up once the storm is over.
const CALM: Duration = Duration::from_secs(300);

/// `… chaos --minutes N --seed S`: exits with 1 when a promise broke.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<f64>().ok()
    };
    let minutes = value("--minutes").unwrap_or(10.0);
    let seed = value("--seed").map_or(0, |seed| seed as u64);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let report = runtime.block_on(async {
        let mut bench = Bench::start().await.expect("an engine");
        storm(&mut bench, seed, Duration::from_secs_f64(minutes * 60.0)).await
    });
    writeln!(std::io::stdout(), "{report}").expect("somebody reads");
    ExitCode::from(u8::from(!report.held()))
}

pub async fn a_short_storm_breaks_no_promise(bench: &mut Bench) {
    let report = storm(bench, 4, Duration::from_secs(15)).await;
    assert!(report.held(), "{report}");
    assert!(report.whole > 0 && report.bytes > 0, "{report}");
}

/// The schedule is a function of the seed.
pub fn a_seed_says_the_same_again() -> Result<(), Failed> {
    let hour = Duration::from_secs(3600);
    assert_eq!(schedule(1, hour), schedule(1, hour));
    assert_ne!(schedule(1, hour), schedule(2, hour));
    let kills = schedule(1, hour)
        .iter()
        .filter(|(_, action)| *action == Action::KillServer)
        .count();
    assert!(kills > 100, "{kills}");
    Ok(())
}

/// Says on standard error how far it is, now and then.
#[derive(Default)]
struct Progress {
    said: Option<Instant>,
}

impl Progress {
    fn say(&mut self, words: impl FnOnce() -> String) {
        if self.said.is_none_or(|said| said.elapsed() > TELL) {
            self.said = Some(Instant::now());
            // Nobody may be reading.
            let _ = writeln!(std::io::stderr(), "{}", words());
        }
    }
}

/// One that is run again and again.
struct Subject {
    agent: AgentId,
    program: Program,
    started: Vec<RunId>,
}

/// Lets it storm for `time`, then counts. What the schedule has left by then is left out: some of it
/// takes longer than its pauses.
async fn storm(bench: &mut Bench, seed: u64, time: Duration) -> Report {
    let mut report = Report {
        seed,
        seconds: time.as_secs(),
        ..Report::default()
    };
    let mut subjects = Vec::new();
    let slow = std::iter::repeat_with(programs::slow);
    for (index, program) in programs::all().into_iter().chain(slow).take(AGENTS).enumerate() {
        // Some keep their sandbox for the next run.
        let agent = bench
            .agent_with(program.text, |settings| {
                settings.keep_minutes = if index % 3 == 0 { 5 } else { 0 };
            })
            .await;
        subjects.push(Subject {
            agent,
            program,
            started: Vec::new(),
        });
    }
    let database = database(bench.folder.path());
    let api = bench.network.address().to_string();
    bench.network.follow(Some(Plan {
        seed,
        calls: 50,
        sockets: 400,
        gentle: false,
    }));
    let mut studio = Studio::start(&database, &api, CONCURRENCY).unwrap();
    let began = Instant::now();
    let mut tell = Progress::default();
    for (pause, action) in schedule(seed, time) {
        let starts: usize = subjects.iter().map(|subject| subject.started.len()).sum();
        tell.say(|| {
            format!(
                "storm: {} of {} s, {starts} runs ordered",
                began.elapsed().as_secs(),
                time.as_secs()
            )
        });
        if began.elapsed() > time {
            break;
        }
        tokio::time::sleep(pause).await;
        let name = match action {
            Action::Start { agent, twice } => {
                let run = RunId::generate();
                let order = format!("start {} {run}", subjects[agent].agent);
                for _ in 0..=u8::from(twice) {
                    studio.order(&order).unwrap();
                }
                subjects[agent].started.push(run);
                "starts"
            }
            Action::Stop { agent } => {
                if let Some(run) = subjects[agent].started.last() {
                    studio.order(&format!("stop {run}")).unwrap();
                }
                "stops"
            }
            Action::KillServer => {
                studio.kill();
                studio = Studio::start(&database, &api, CONCURRENCY).unwrap();
                "kills of the server"
            }
            Action::KillEngine => {
                bench.engine.kill();
                let data = bench.folder.path().join("engine");
                bench.engine = EngineProcess::start(&data).unwrap();
                bench.network.provider_is_at(bench.engine.address);
                "kills of the engine"
            }
            Action::Cut => {
                bench.network.cut();
                "cuts"
            }
            Action::Away(time) => {
                bench.network.mode(Mode::Refusing);
                tokio::time::sleep(time).await;
                bench.network.mode(Mode::Open);
                "times away"
            }
            Action::Silent(time) => {
                bench.network.mode(Mode::Silent);
                tokio::time::sleep(time).await;
                bench.network.mode(Mode::Open);
                "black holes"
            }
        };
        *report.actions.entry(name).or_default() += 1;
    }
    bench.network.follow(None);
    report.injected = bench.network.injected();
    studio.kill();
    count(bench, &subjects, &mut report).await;
    report
}

/// After the storm: follows every run to its end, and looks for what is left.
async fn count(bench: &Bench, subjects: &[Subject], report: &mut Report) {
    let runs = bench.runs().await;
    let all: usize = subjects.iter().map(|subject| subject.started.len()).sum();
    let (mut tell, mut counted) = (Progress::default(), 0);
    for subject in subjects {
        for id in &subject.started {
            tell.say(|| {
                format!(
                    "counting: {counted} of {all} runs, {} broken promises",
                    report.broken.len()
                )
            });
            counted += 1;
            // A start that was refused, or never arrived, is no run.
            if bench.store.run(id).await.is_err() {
                continue;
            }
            let follower = runs.follow(id, Cursor::default()).await;
            match follower {
                Ok(follower) => {
                    let told = Told::within(PATIENCE, follower).await;
                    report.run(&told, &subject.program);
                }
                Err(error) => report.broken.push(format!("run {id}: {error}")),
            }
        }
        if let Err(error) = runs.discard_sandbox(&subject.agent).await {
            report.broken.push(format!("a kept sandbox: {error}"));
        }
    }
    let engine = client(&bench.engine.address.to_string());
    let began = Instant::now();
    loop {
        let there = engine.list_all(&Default::default()).await.unwrap();
        let rows = bench.store.list_sandboxes().await.unwrap();
        (report.left, report.rows_left) = (there.len() as u64, rows.len() as u64);
        if report.left + report.rows_left == 0 || began.elapsed() > CALM {
            let stuck = rows.iter().filter(|row| row.state != SandboxState::Deleted);
            report
                .broken
                .extend(stuck.map(|row| format!("row {} is still {}", row.id, row.state.as_str())));
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    report.created = bench.network.created();
    runs.shutdown().await;
}
