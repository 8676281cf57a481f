//! Many runs at once, and many readers: nobody misses a byte.

use crate::host::Host;
use model::{AgentId, AgentSettings, Cursor, FilePath, Language, LogEnd, RunId, RunState, StreamMessage};
use runs::{Runs, StartRun};
use sha2::{Digest, Sha256};

const RUNS: usize = 50;
const READERS: usize = 200;
/// The most lines a reader takes before it comes again from its cursor.
const AGAIN_AFTER: usize = 7;

/// Waits until it is told to go on, so that all run at the same time; then writes to both streams, in
/// pieces of every length.
const PROGRAM: &str = "import sys, time\nprint('up', flush=True)\ninput()\nfor i in range(1500):\n    \
    print(NAME, 'line', i, 'x' * (i % 97), file=sys.stderr if i % 5 == 0 else sys.stdout, flush=True)\n    \
    if i % 300 == 0: time.sleep(0.05)\n";

async fn agents(host: &Host) -> Vec<AgentId> {
    let owner = host.store.agent(&host.agent).await.unwrap().owner;
    let mut agents = Vec::new();
    for number in 0..RUNS {
        let settings = AgentSettings::new(&format!("Agent {number}"), "", Language::Python);
        let text = PROGRAM.replace("NAME", &format!("'{number}'"));
        let files = [(FilePath::parse("agent.py").unwrap(), text.into_bytes())];
        let agent = host
            .store
            .create_agent(&model::TeamId::first(), &owner, &settings, &files)
            .await
            .unwrap();
        agents.push(agent.id);
    }
    agents
}

/// What one reader saw.
struct Seen {
    run: RunId,
    bytes: u64,
    sha256: String,
    end: LogEnd,
}

/// Reads a run to its end, coming again from its cursor now and then.
async fn read(runs: Runs, run: RunId, comes_again: bool) -> Seen {
    let mut hash = Sha256::new();
    let mut next = 0;
    let mut cursor = Cursor::default();
    loop {
        let mut follower = runs.follow(&run, cursor).await.unwrap();
        let mut batches = 0;
        while !comes_again || batches < AGAIN_AFTER {
            batches += 1;
            for message in follower
                .next()
                .await
                .expect("an end before the end of the stream")
            {
                match message {
                    StreamMessage::Log { frames, .. } => {
                        for frame in frames {
                            assert_eq!(frame.offset, next, "{run}");
                            let bytes = frame.bytes();
                            assert!(!bytes.is_empty(), "a gap in {run} at {next}");
                            next += bytes.len() as u64;
                            hash.update(&bytes);
                        }
                    }
                    StreamMessage::End { log, .. } => {
                        return Seen {
                            run,
                            bytes: next,
                            sha256: hex::encode(hash.finalize()),
                            end: log,
                        };
                    }
                    _ => {}
                }
            }
        }
        cursor = follower.cursor();
    }
}

pub async fn fifty_runs_at_once_and_two_hundred_readers_miss_no_byte(host: &mut Host) {
    host.config.concurrency = RUNS;
    host.restart().await;
    let mut started = Vec::new();
    for agent in agents(host).await {
        let request = StartRun {
            id: RunId::generate(),
            agent,
            args: Vec::new(),
            timeout_seconds: None,
            fresh: false,
            person: None,
            trigger: model::Trigger::default(),
            in_studio: true,
        };
        started.push(host.runs.start(request).await.unwrap().id);
    }
    // One is read by many, each of the others by a few.
    let readers: Vec<_> = (0..READERS)
        .map(|number| {
            let of = if number < READERS / 4 { 0 } else { number % RUNS };
            tokio::spawn(read(host.runs.clone(), started[of].clone(), number % 3 == 0))
        })
        .collect();
    for run in &started {
        host.until_printed(run, "up\n").await;
    }
    // Each waits for its input now, so none has ended: all go on at once.
    for run in &started {
        let told = host.follower(run).await.next().await.expect("its state");
        let state = told.iter().find_map(|message| match message {
            StreamMessage::Run { run } => Some(run.state),
            _ => None,
        });
        assert_eq!(state, Some(RunState::Running), "{run}");
    }
    for run in &started {
        host.runs.input(run, b"go\n".to_vec(), true).await.unwrap();
    }
    for reader in readers {
        let seen = reader.await.unwrap();
        assert_eq!(
            (seen.bytes, &seen.sha256),
            (seen.end.bytes, &seen.end.sha256),
            "{}",
            seen.run
        );
        assert!(seen.end.exact, "{}", seen.run);
    }
    for (number, run) in started.iter().enumerate() {
        let told = host.told(run).await;
        assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
        for (stream, is_error) in [
            (model::LogStream::Stdout, false),
            (model::LogStream::Stderr, true),
        ] {
            let up = if is_error { "" } else { "up\n" };
            let lines = (0..1500).filter(|i| (i % 5 == 0) == is_error);
            let expected: String = lines
                .map(|i| format!("{number} line {i} {}\n", "x".repeat(i % 97)))
                .collect();
            let frames = told.frames.iter().filter(|frame| frame.stream == Some(stream));
            let bytes: Vec<u8> = frames.flat_map(model::LogFrame::bytes).collect();
            assert!(
                bytes == format!("{up}{expected}").into_bytes(),
                "run {number}: its {stream:?} differs"
            );
        }
    }
    assert_eq!(host.sandboxes().await, 0);
}
