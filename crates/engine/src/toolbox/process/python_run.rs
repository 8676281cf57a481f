//! Programs in Python: in a worker forked from the sandbox's waiting Python,
//! else in a new process that reads them from its standard input, as Daytona
//! runs all of them.

use std::sync::Arc;
use std::time::Duration;

use daytona::Chart;
use tokio::net::UnixStream;

use super::code_run::{Text, missing};
use super::run::RunFault;
use super::{Finished, Program, attend, charts, run as process};
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{PythonWorker, SandboxError};
use crate::toolbox::python::{self, Order, Words};

/// How long the last charts may be on their way when the program has ended.
const LAST_CHARTS: Duration = Duration::from_secs(1);

type Outcome = Result<Finished, RunFault>;

/// Runs a program; gives the charts it showed besides.
pub(super) async fn run(live: &Arc<Live>, text: Text) -> Result<(Outcome, Vec<Chart>), Fault> {
    let python = live.sandbox.python().ok_or_else(|| missing("Python"))?;
    let cwd = live.resolve("");
    // A Python of its own is a plain one, but where charts have to be collected.
    let plain = python::needs_own_start(live, &text.env) && !charts::may_be_drawn(&text.code);
    if !plain {
        match python::worker(live, &text.env, &cwd, true).await {
            Ok(worker) => return Ok(in_worker(live, worker, text, cwd).await),
            Err(error @ SandboxError::Ended(_)) => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "a Python program is run in a new process"),
        }
    }
    let mut argv = vec![python.to_owned(), "-u".to_owned(), "-".to_owned()];
    argv.extend(text.argv);
    let program = Program {
        argv,
        env: text.env,
        cwd,
        input: text.code.into_bytes(),
        limit: text.limit,
    };
    Ok((process(live, program).await, Vec::new()))
}

async fn in_worker(live: &Arc<Live>, worker: PythonWorker, text: Text, cwd: String) -> (Outcome, Vec<Chart>) {
    let PythonWorker {
        process,
        socket,
        marker,
    } = worker;
    let limit = text.limit;
    let wanted = charts::may_be_drawn(&text.code);
    let mut told = tokio::spawn(tell(socket, text, cwd, marker, wanted));
    let outcome = attend(live, process, limit).await;
    let drawn = match tokio::time::timeout(LAST_CHARTS, &mut told).await {
        Ok(Ok(drawn)) => drawn,
        _ => {
            told.abort();
            Vec::new()
        }
    };
    (outcome, drawn)
}

/// Gives a worker its order, and listens to it where charts are expected.
async fn tell(
    mut socket: UnixStream,
    text: Text,
    cwd: String,
    marker: Option<String>,
    wanted: bool,
) -> Vec<Chart> {
    let order = Order {
        cwd: &cwd,
        env: &text.env,
        marker: marker.as_deref(),
        argv: &text.argv,
        code: Some(&text.code),
        charts: wanted.then_some(charts::COLLECTOR),
    };
    if let Err(error) = python::send(&mut socket, &order).await {
        // Its exit says what became of it.
        tracing::debug!(%error, "a Python worker did not take its order");
        return Vec::new();
    }
    if !wanted {
        return Vec::new();
    }
    // The other half stays open: closing it would be the end of the worker's charts.
    let (heard, _open) = socket.into_split();
    charts::collect(Words::new(heard, charts::LONGEST)).await
}
