//! A process that holds runs, so that it can be killed: it does what its
//! standard input says, a line at a time.

use crate::{
    bench::{PATIENCE, client, config, difference, request, until},
    programs,
    told::Told,
};
use model::{AgentId, Cursor, RunId};
use runs::{KeyFile, Runs, RunsError};
use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use store::Store;
use tokio::io::AsyncBufReadExt as _;

/// `… studio DATABASE API CONCURRENCY`.
pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let [database, api, concurrency] = &arguments[..] else {
        panic!("a database, an address and a number");
    };
    let mut config = config();
    // The key lies beside the file. With PostgreSQL no run has secrets, and a key for the process will do.
    if let Some(file) = database.strip_prefix("sqlite://") {
        let folder = file.trim_end_matches("pitlane.db");
        config.vault = Some(KeyFile::of(Path::new(folder)).open().expect("a key"));
    }
    config.concurrency = concurrency.parse().expect("a number");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(database).await.expect("a database");
        let runs = Runs::open(config, store, client(api)).await.expect("runs");
        say("ready");
        let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // Each on its own, as requests of a browser are: a refusal is the answer to one of them.
            let runs = runs.clone();
            tokio::spawn(async move { obey(&runs, &line).await });
        }
    });
}

async fn obey(runs: &Runs, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["start", agent, run] => {
            let (agent, run) = (AgentId::parse(agent).unwrap(), RunId::parse(run).unwrap());
            let _ = runs.start(request(&agent, &run)).await;
        }
        ["stop", run] => {
            let _ = runs.stop(&RunId::parse(run).unwrap()).await;
        }
        ["input", run, text] => {
            let bytes = format!("{text}\n").into_bytes();
            let told = runs.input(&RunId::parse(run).unwrap(), bytes, false).await;
            say(&format!("input {run} {text} {told:?}"));
        }
        // Tells what is wrong with what a reader here was told: nothing, most often.
        ["follow", run, program] => {
            let id = RunId::parse(run).unwrap();
            // The database may be away at this moment; a browser asks again.
            let follower = loop {
                match runs.follow(&id, Cursor::default()).await {
                    Ok(follower) => break follower,
                    Err(RunsError::Store(_)) => tokio::time::sleep(Duration::from_millis(100)).await,
                    Err(error) => panic!("{error}"),
                }
            };
            let told = Told::within(PATIENCE, follower).await;
            let (run, reason) = (told.run(), told.run().reason.clone());
            let wrong = match programs::named(program) {
                Some(program) => difference(&told, &program),
                None => Some(told.text()),
            };
            let seqs: Vec<i64> = told.events.iter().map(|event| event.seq).collect();
            let in_order = seqs.iter().copied().eq(1..=seqs.len() as i64);
            let words = (run.state.as_str(), wrong, in_order, reason);
            say(&format!("told {id} {words:?}"));
        }
        _ => panic!("no such order: {line}"),
    }
}

fn say(words: &str) {
    writeln!(io::stdout(), "{words}").expect("somebody reads");
}

/// Such a process, killed when dropped.
pub struct Studio {
    child: Child,
    orders: ChildStdin,
    /// What it said.
    said: Arc<Mutex<Vec<String>>>,
}

impl Studio {
    /// Starts one, and returns when it has taken up what was left.
    pub fn start(database: &str, api: &str, concurrency: usize) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["studio", database, api, &concurrency.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut ready = String::new();
        let mut out = BufReader::new(out);
        out.read_line(&mut ready)?;
        if ready.trim() != "ready" {
            return Err(io::Error::other("the process of the runs did not start"));
        }
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        Ok(Self { child, orders, said })
    }

    /// Waits until it has said something that begins so, and gives the rest.
    pub async fn says(&self, begin: &str) -> String {
        let mut found = None;
        until(&format!("it says {begin}"), async || {
            let said = self.said.lock().unwrap();
            found = said
                .iter()
                .find_map(|line| line.strip_prefix(begin).map(str::to_owned));
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// SIGSTOP and SIGCONT.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.unwrap().success(), "SIG{name}");
    }

    pub fn order(&mut self, words: &str) -> io::Result<()> {
        writeln!(self.orders, "{words}")
    }

    /// kill -9.
    pub fn kill(&mut self) {
        // One that is dead already is as dead.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One on this bench.
pub fn start_on(folder: &Path, api: &str, concurrency: usize) -> Studio {
    Studio::start(&crate::bench::database(folder), api, concurrency).unwrap()
}
