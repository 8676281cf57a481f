//! A process that holds runs, so that it can be killed: it does what its
//! standard input says, a line at a time.

use crate::bench::{client, config, request};
use model::{AgentId, RunId};
use runs::{KeyFile, Runs};
use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};
use store::Store;
use tokio::io::AsyncBufReadExt as _;

/// `… studio DATABASE API CONCURRENCY`.
pub fn main() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let [database, api, concurrency] = &arguments[..] else {
        panic!("a database, an address and a number");
    };
    let folder = database
        .trim_start_matches("sqlite://")
        .trim_end_matches("pitlane.db");
    let mut config = config();
    config.vault = Some(KeyFile::of(Path::new(folder)).open().expect("a key"));
    config.concurrency = concurrency.parse().expect("a number");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(database).await.expect("a database");
        let runs = Runs::open(config, store, client(api)).await.expect("runs");
        writeln!(io::stdout(), "ready").expect("somebody reads");
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
        _ => panic!("no such order: {line}"),
    }
}

/// Such a process, killed when dropped.
pub struct Studio {
    child: Child,
    orders: ChildStdin,
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
        BufReader::new(out).read_line(&mut ready)?;
        if ready.trim() != "ready" {
            return Err(io::Error::other("the process of the runs did not start"));
        }
        Ok(Self { child, orders })
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
