//! Carries a recipe out: line by line, as the sandbox's user, in a sandbox that
//! exists for this alone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::net::unix::pipe::Receiver;

use super::dockerfile::Wrong;
use super::host_packages::{self, Wish};
use super::log::BuildLog;
use super::recipe::{Recipe, Step, Work};
use crate::archive;
use crate::fault::Fault;
use crate::sandbox::{Exit, Sandbox, SandboxSpec, Spawn, StdinKind};
use crate::snapshots::Origin;
use crate::state::Engine;

/// The longest a build may take.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Output is read so long after a program's end, in case something holds it.
const GRACE: Duration = Duration::from_millis(50);
/// The error of a build tells its last lines.
const TOLD: usize = 400;

/// A build that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) organization: String,
    pub(crate) recipe: Recipe,
    /// What its FROM stands for.
    pub(crate) base: Origin,
    /// Whether the host's own programs stand for an image that is not here.
    pub(crate) substituted: bool,
    /// The limits and the network of the sandbox it is done in.
    pub(crate) spec: SandboxSpec,
}

/// A build that is known to be possible.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    key: String,
    steps: Vec<Step>,
    /// What it comes to; its seed is there once it was done.
    origin: Origin,
    order: Order,
}

impl Planned {
    /// Reads every line of the Dockerfile.
    pub(crate) fn of(engine: &Engine, order: Order) -> Result<Self, Wrong> {
        let path = engine.host.search_path(order.base.image.is_some());
        let (mut steps, start) = order.recipe.steps(order.base.start.clone(), &path)?;
        if order.substituted {
            steps.iter_mut().for_each(host_step);
        }
        let origin = Origin {
            start,
            ..order.base.clone()
        };
        Ok(Self {
            key: key(&order, &steps, &origin),
            steps,
            origin,
            order,
        })
    }

    /// What it comes to, when nothing is to be done for it any more.
    pub(crate) fn finished(&self, engine: &Engine) -> Option<Origin> {
        if self.steps.iter().all(|step| matches!(step.work, Work::Note(_))) {
            return Some(self.origin.clone());
        }
        let seed = engine.builds.find(&self.key)?;
        Some(self.with(seed))
    }

    /// What it comes to, but for the files that are not there yet.
    pub(crate) fn unfinished(&self) -> Origin {
        self.origin.clone()
    }

    /// The name of its result.
    pub(crate) fn reference(&self) -> String {
        format!("pitlane/build:{}", self.key.get(..16).unwrap_or(&self.key))
    }

    fn with(&self, seed: PathBuf) -> Origin {
        Origin {
            seed: Some(seed),
            ..self.origin.clone()
        }
    }

    /// Does it, unless another has meanwhile.
    ///
    /// # Errors
    /// The sentence for the sandbox's `errorReason`.
    pub(crate) async fn build(&self, engine: &Engine, log: &BuildLog) -> Result<Origin, String> {
        let turn = engine.builds.turn(&self.key);
        if turn.try_lock().is_err() {
            log.say("The same Dockerfile is being built; waiting for it.");
        }
        let _turn = turn.lock().await;
        if let Some(origin) = self.finished(engine) {
            log.say("The same Dockerfile was built before; its result is used.");
            return Ok(origin);
        }
        match tokio::time::timeout(PATIENCE, self.in_a_sandbox(engine, log)).await {
            Ok(built) => built,
            Err(_) => Err(format!(
                "The build took longer than {} minutes.",
                PATIENCE.as_secs() / 60
            )),
        }
    }

    async fn in_a_sandbox(&self, engine: &Engine, log: &BuildLog) -> Result<Origin, String> {
        let id = uuid::Uuid::new_v4().to_string();
        let spec = SandboxSpec {
            id: id.clone(),
            root: engine
                .root(self.order.base.image.as_deref())
                .map_err(|fault| fault.message().to_owned())?,
            places: self.origin.start.places.iter().map(PathBuf::from).collect(),
            // On disk: an image may be larger than the memory.
            keep_home: true,
            ..self.order.spec.clone()
        };
        // Gone with its home whatever comes, also when this is dropped.
        let _home = Home {
            host: engine.host.clone(),
            id,
        };
        let sandbox = engine
            .host
            .create(spec)
            .await
            .map_err(|error| error.to_string())?;
        let built = self.all_steps(engine, &sandbox, log).await;
        if let Err(error) = sandbox.destroy().await {
            tracing::warn!(%error, "a build's sandbox could not be ended in order");
        }
        built
    }

    async fn all_steps(&self, engine: &Engine, sandbox: &Sandbox, log: &BuildLog) -> Result<Origin, String> {
        if self.order.substituted {
            log.say("The host's own programs stand for this image.");
        }
        if let Some(seed) = &self.origin.seed {
            archive::unpack(sandbox, seed)
                .await
                .map_err(|fault| fault.message().to_owned())?;
        }
        for (number, step) in self.steps.iter().enumerate() {
            log.say(&format!("[{}/{}] {}", number + 1, self.steps.len(), step.text));
            do_step(sandbox, step, log).await?;
        }
        let to = engine.builds.archive(&self.key);
        archive::pack(sandbox, &[], self.order.spec.disk_bytes, &to)
            .await
            .map_err(|fault| fault.message().to_owned())?;
        engine.builds.note(&self.key);
        log.say("Built.");
        Ok(self.with(to))
    }
}

/// The kept home of a build's sandbox, removed when this goes.
struct Home {
    host: crate::sandbox::SandboxHost,
    id: String,
}

impl Drop for Home {
    fn drop(&mut self) {
        let (host, id) = (self.host.clone(), std::mem::take(&mut self.id));
        tokio::spawn(async move {
            if let Err(error) = host.remove_home(&id).await {
                tracing::warn!(%error, "the files of a build's sandbox could not be removed");
            }
        });
    }
}

/// What a build is the same by: its base, its lines, whose it is.
fn key(order: &Order, steps: &[Step], origin: &Origin) -> String {
    let whole = serde_json::json!([
        order.organization,
        order.base.image,
        order.base.seed,
        steps,
        origin.start,
    ]);
    hex::encode(Sha256::digest(whole.to_string()))
}

/// Where the host's programs stand for an image, they do for its packages.
fn host_step(step: &mut Step) {
    let Work::Run { argv, .. } = &step.work else {
        return;
    };
    let [_, _, text] = argv.as_slice() else { return };
    match host_packages::read(text) {
        Some(Wish::Nothing) => step.work = Work::Note("left out: the host's own programs are used"),
        Some(Wish::Packages(names)) => step.work = Work::Packages(names),
        None => {}
    }
}

async fn do_step(sandbox: &Sandbox, step: &Step, log: &BuildLog) -> Result<(), String> {
    let failed = |why: String| {
        Err(format!(
            "Line {} ({}) failed: {why}",
            step.line,
            short(&step.text)
        ))
    };
    match &step.work {
        Work::Note(note) => log.say(&format!("  {note}")),
        Work::Packages(names) => match host_packages::missing(names).await {
            Ok(missing) if missing.is_empty() => log.say("  the host has them"),
            Ok(missing) => {
                return failed(format!(
                    "the host, whose programs are used, has not {}. Install it there.",
                    missing.join(", ")
                ));
            }
            Err(why) => return failed(format!("{why}.")),
        },
        Work::Folder(path) if path == "/" => {}
        Work::Folder(path) => {
            if let Err(error) = sandbox.create_folder(path, 0o755).await {
                return failed(format!("{error}."));
            }
        }
        Work::Run { argv, env, folder } => {
            let (exit, said) = run(sandbox, argv, env, folder, log).await?;
            if exit.is_none_or(|exit| exit.code != Some(0)) {
                let code = exit.map_or(-1, Exit::shell_code);
                return failed(match said.trim() {
                    "" => format!("exit code {code}."),
                    said => format!("exit code {code}: {said}"),
                });
            }
        }
    }
    Ok(())
}

/// Runs a program to its end; gives how it ended and what it said last.
async fn run(
    sandbox: &Sandbox,
    argv: &[String],
    own: &BTreeMap<String, String>,
    folder: &str,
    log: &BuildLog,
) -> Result<(Option<Exit>, String), String> {
    let mut env: BTreeMap<String, String> = sandbox.base_env().into_iter().collect();
    env.extend(own.clone());
    let spawn = Spawn {
        argv: argv.to_vec(),
        env: env.into_iter().collect(),
        cwd: folder.to_owned(),
        stdin: StdinKind::Null,
        merge_stderr: true,
    };
    let process = sandbox.spawn(spawn).await.map_err(|error| error.to_string())?;
    let output = Receiver::from_owned_fd(process.stdout).map_err(|error| error.to_string())?;
    let mut exit = process.exit;
    let ending = async { exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit) };
    let mut tail = Vec::new();
    let mut take = |bytes: &[u8]| {
        log.add(bytes);
        tail.extend_from_slice(bytes);
        let surplus = tail.len().saturating_sub(TOLD);
        tail.drain(..surplus);
    };
    tokio::pin!(ending);
    let ended = tokio::select! {
        ended = &mut ending => ended,
        // It closed its output and may go on.
        () = copy(&output, &mut take) => ending.await,
    };
    // What is left in the pipe; a program left behind may hold it open.
    let _ = tokio::time::timeout(GRACE, copy(&output, &mut take)).await;
    // Nothing of a line lives on, as in Docker.
    sandbox
        .end_tree(&[process.pid], Duration::ZERO)
        .await
        .map_err(|error| error.to_string())?;
    Ok((ended, String::from_utf8_lossy(&tail).into_owned()))
}

/// Reads until the end of a pipe.
async fn copy(pipe: &Receiver, take: &mut impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        if pipe.readable().await.is_err() {
            return;
        }
        match pipe.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => take(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::warn!(%error, "a build's output cannot be read");
                return;
            }
        }
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        Self::bad_request(format!("{wrong}."))
    }
}
