//! Installing a list in a sandbox of its own.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use daytona::wire::Stream;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::{Language, List};
use crate::registry::{Entry, Live};
use crate::sandbox::{Exit, Sandbox, SandboxSpec, Spawn, StdinKind};
use crate::spool::Spool;
use crate::state::SharedEngine;

/// How long installing a list may take.
const LIMIT: Duration = Duration::from_secs(15 * 60);
const MEMORY: u64 = 2 << 30;
const CPUS: u32 = 2;
const INODES: u64 = 400_000;
/// Longer than any version of pip or npm needs to end.
const GRACE: Duration = Duration::from_secs(2);

/// Installs into `~/.local`.
const PYTHON: &str = r#"
"$PYTHON" -m pip install --user --no-cache-dir --no-warn-script-location -r requirements.txt
"#;
const NODE: &str = "npm install --no-audit --no-fund\n";
/// What only the installation needed goes; the rest is for everybody to read.
const FINISH: &str = r#"
cd "$HOME" && rm -rf .tmp .cache .npm .npmrc && chmod -R u+rwX,go+rX .
"#;

/// What came of it.
pub(super) enum Built {
    Home(Home),
    /// The installer ended with this code.
    Failed(i32),
}

/// The home of a sandbox that is gone.
pub(super) struct Home {
    /// The files in it, on the host.
    pub(super) files: PathBuf,
    id: String,
}

impl Home {
    /// Removes what is left of it.
    pub(super) async fn remove(&self, engine: &SharedEngine) {
        if let Err(error) = engine.host.remove_home(&self.id).await {
            tracing::warn!(%error, "the home in which packages were installed stays");
        }
    }
}

/// Installs a list; what the installer prints goes to the spool.
///
/// # Errors
/// The sentence that says why it could not be done.
pub(super) async fn install(
    engine: &SharedEngine,
    entry: &Entry,
    live: &Live,
    list: &List,
    spool: &Spool,
) -> Result<Built, String> {
    let id = uuid::Uuid::new_v4().to_string();
    let spec = SandboxSpec {
        id: id.clone(),
        cpu: CPUS,
        memory_bytes: MEMORY,
        disk_bytes: engine.config.packages_bytes,
        inodes: INODES,
        // It reaches what the sandbox does that the packages are for.
        network: entry.record().network(),
        env: list.settings(live).into_iter().collect(),
        keep_home: true,
        plain_home: true,
        ..SandboxSpec::default()
    };
    let home = Home {
        files: engine.config.data_dir.join("homes").join(&id).join("files"),
        id,
    };
    let unusable = |error: &dyn std::fmt::Display| format!("The packages could not be installed: {error}");
    let sandbox = match engine.host.create(spec).await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            home.remove(engine).await;
            return Err(unusable(&error));
        }
    };
    let ran = tokio::time::timeout(LIMIT, run(&sandbox, list, spool)).await;
    let gone = sandbox.destroy().await;
    let outcome = match (ran, gone) {
        (Ok(Ok(0)), Ok(_)) => return Ok(Built::Home(home)),
        (Ok(Ok(code)), _) => Ok(Built::Failed(code)),
        (Ok(Err(sentence)), _) => Err(unusable(&sentence)),
        (Err(_), _) => Err(format!(
            "The packages were not installed within {} minutes.",
            LIMIT.as_secs() / 60
        )),
    };
    home.remove(engine).await;
    match outcome {
        // Nothing may be kept of a sandbox whose end is not proven.
        Ok(Built::Failed(0)) => Err(unusable(&"their sandbox did not end.")),
        other => other,
    }
}

async fn run(sandbox: &Sandbox, list: &List, spool: &Spool) -> Result<i32, String> {
    for (name, content) in &list.files {
        write(sandbox, &format!("{}/{name}", sandbox.home()), content).await?;
    }
    let (script, interpreter) = match list.language {
        Language::Python => (PYTHON, sandbox.python()),
        Language::Node => (NODE, sandbox.node()),
    };
    let interpreter = interpreter.ok_or("There is no interpreter for them in sandboxes.")?;
    let mut env = sandbox.base_env();
    env.retain(|(name, _)| name != "TMPDIR");
    // The memory that holds /tmp is too small for large packages.
    env.push(("TMPDIR".into(), format!("{}/.tmp", sandbox.home())));
    env.push(("PYTHON".into(), interpreter.to_owned()));
    let process = sandbox
        .spawn(Spawn {
            argv: vec![
                "sh".into(),
                "-c".into(),
                format!("set -e\nmkdir -p \"$TMPDIR\"\n{script}{FINISH}"),
            ],
            env,
            cwd: sandbox.home().to_owned(),
            stdin: StdinKind::Null,
            merge_stderr: false,
        })
        .await
        .map_err(|error| error.to_string())?;
    let mut exit = process.exit;
    let ended = async {
        let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
        // What it left running would hold its pipes, and write on.
        let left = sandbox.end_tree(&[process.pid], GRACE).await;
        (exit, left)
    };
    let (_, _, (exit, left)) = tokio::join!(
        copy(Some(process.stdout), Stream::Stdout, spool),
        copy(process.stderr, Stream::Stderr, spool),
        ended,
    );
    left.map_err(|error| error.to_string())?;
    exit.map(Exit::shell_code)
        .ok_or_else(|| "their sandbox ended while they were installed.".to_owned())
}

/// Copies what comes from a pipe to its end.
async fn copy(pipe: Option<OwnedFd>, stream: Stream, spool: &Spool) {
    let Some(Ok(mut pipe)) = pipe.map(Receiver::from_owned_fd) else {
        return;
    };
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        spool.append(stream, &buffer[..length]);
    }
}

async fn write(sandbox: &Sandbox, path: &str, content: &str) -> Result<(), String> {
    let file = sandbox
        .open_write(path, 0o644, false)
        .await
        .map_err(|error| error.to_string())?;
    let content = content.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        std::io::Write::write_all(&mut std::fs::File::from(file), content.as_bytes())
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
