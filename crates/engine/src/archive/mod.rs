//! A sandbox's home in one file: what snapshots, archived sandboxes, backups,
//! forks and cached builds are kept as.
//!
//! `tar` and its compressor run inside the sandbox, as its own user and within
//! its limits; out here bytes go from a pipe to a file and back, and nothing
//! that a sandbox wrote is ever read as anything but bytes. It works alike
//! whatever holds the home: memory, an image or a folder.

mod flow;
mod pack;
mod unpack;

pub(crate) use pack::pack;
pub(crate) use unpack::unpack;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::fault::Fault;
use crate::sandbox::{Exit, Process, Sandbox, Spawn, StdinKind};
use flow::{Flow, Way};

/// A program that neither ends nor moves a byte for so long is held up: the
/// sandbox's other programs can stop it.
const QUIET: Duration = Duration::from_secs(120);
/// The most of what a program says about its failure.
const SAID: usize = 2000;

/// Starts a script of ours inside, with nothing of the user's environment.
async fn run(
    sandbox: &Sandbox,
    script: &str,
    arguments: &[String],
    stdin: StdinKind,
) -> Result<Process, Fault> {
    let mut argv = ["bash", "-c", script, "pitlane"].map(str::to_owned).to_vec();
    argv.extend_from_slice(arguments);
    let variables = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
        ("LC_ALL", "C"),
    ];
    let spawn = Spawn {
        argv,
        env: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        cwd: sandbox.home().to_owned(),
        stdin,
        merge_stderr: false,
    };
    Ok(sandbox.spawn(spawn).await?)
}

/// Moves a script's bytes and waits for its end.
async fn finish(sandbox: &Sandbox, process: Process, way: Way, what: &str) -> Result<(), Fault> {
    let failed = |why: String| Fault::internal(format!("{what}: {why}."));
    let Process {
        pid,
        stdout,
        stderr,
        mut exit,
        ..
    } = process;
    let Some(stderr) = stderr else {
        return Err(failed("a program was started without its pipes".to_owned()));
    };
    let over = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&over);
    let mut end = exit.clone();
    tokio::spawn(async move {
        // The sandbox's own end, which closes this, is an end too.
        let _ = end.wait_for(Option::is_some).await;
        flag.store(true, Ordering::Release);
    });
    let moving = tokio::task::spawn_blocking(move || Flow { stdout, stderr, way }.run(&over));
    let moved = moving.await.unwrap_or_else(|error| Err(error.to_string()));
    let said = match moved {
        Ok(said) => said,
        Err(why) => {
            give_up(sandbox, pid).await;
            return Err(failed(why));
        }
    };
    let ending = async { exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit) };
    match tokio::time::timeout(QUIET, ending).await {
        Ok(Some(Exit { code: Some(0), .. })) => Ok(()),
        Ok(Some(exit)) => Err(failed(reason(&said, exit))),
        Ok(None) => Err(failed("the sandbox ended meanwhile".to_owned())),
        Err(_) => {
            give_up(sandbox, pid).await;
            Err(failed("a program does not end".to_owned()))
        }
    }
}

async fn give_up(sandbox: &Sandbox, pid: i32) {
    if let Err(error) = sandbox.end_tree(&[pid], Duration::ZERO).await {
        tracing::debug!(%error, "a script of the engine's could not be ended");
    }
}

/// The last line of what was said, or the code when nothing was.
fn reason(said: &[u8], exit: Exit) -> String {
    // The summary at tar's end says nothing.
    const SUMMARY: &str = "tar: Exiting with failure status due to previous errors";
    let text = String::from_utf8_lossy(said);
    let mut lines = text.lines().map(str::trim);
    match lines.rfind(|line| !line.is_empty() && *line != SUMMARY) {
        Some(line) => line.trim_end_matches('.').chars().take(300).collect(),
        None => format!("exit code {}", exit.shell_code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_why_is_told() {
        let exit = Exit {
            code: Some(2),
            signal: None,
        };
        let said = b"tar: ./a: Cannot open: Permission denied\n\
            tar: Exiting with failure status due to previous errors\n";
        assert_eq!(reason(said, exit), "tar: ./a: Cannot open: Permission denied");
        assert_eq!(reason(b"\n", exit), "exit code 2");
        assert!(reason(&[0xff; 4000], exit).chars().count() <= 300);
    }
}
