//! Which walls can be built here: each rung is tried by making a sandbox and
//! running a program in it, never by reading settings.

use std::sync::Arc;
use std::time::Duration;

use toolbox::protocol::{Call, Outcome};

use super::channel::Channel;
use super::helper::{Helper, RefusedOrder};
use super::homes::{self, Homes};
use super::isolation::{Diagnosis, Isolation, IsolationChoice, Level, Refusal};
use super::sandboxd::orders::{Enforced, Limits, Plan};
use super::{HOME, SandboxError, SandboxSpec, Standing, Wiring, remedy};

/// Running `true` on a busy host.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a rung is tried that fails for want of room, or of time, which
/// passes. The engine stays on its rung for as long as it lives, so a busy moment
/// at its start must not cost its sandboxes a wall. Each silence is waited for long.
const ATTEMPTS_FOR_ROOM: u32 = 3;
const ATTEMPTS_IN_SILENCE: u32 = 2;
const BREATHER: Duration = Duration::from_millis(500);
const AUTO: &[Level] = &[
    Level::NamespacesRoot,
    Level::NamespacesUser,
    Level::NamespacesUserNoProc,
    Level::Landlock,
];

/// The rungs a choice allows, best first.
fn rungs(choice: IsolationChoice) -> &'static [Level] {
    match choice {
        IsolationChoice::Auto => AUTO,
        IsolationChoice::Namespaces => &[
            Level::NamespacesRoot,
            Level::NamespacesUser,
            Level::NamespacesUserNoProc,
        ],
        IsolationChoice::Landlock => &[Level::Landlock],
        IsolationChoice::UnsafeNone => &[Level::UnsafeNone],
    }
}

/// Tries rung by rung; the first that works is used.
pub(super) async fn climb(
    choice: IsolationChoice,
    wanted: Wiring,
    helper: &Arc<Helper>,
    homes: &Homes,
) -> Diagnosis {
    let mut refused = Vec::new();
    for level in rungs(choice) {
        match try_level(*level, Wiring::Off, helper, homes).await {
            Ok(enforced) => {
                let isolation = describe(*level, enforced, refused.clone());
                let (wiring, no_device) = wire(*level, wanted, helper, homes).await;
                return Diagnosis {
                    isolation: Some(isolation),
                    refused,
                    wiring,
                    no_device,
                };
            }
            Err((reason, errno)) => {
                let remedy = remedy::of_level(*level, errno);
                refused.push(Refusal {
                    level: *level,
                    reason,
                    remedy,
                });
                if Standing::find() == Standing::Unclear {
                    // The reason is the same on every rung.
                    break;
                }
            }
        }
    }
    Diagnosis {
        isolation: None,
        refused,
        wiring: Wiring::Off,
        no_device: None,
    }
}

/// How programs get out on a rung, and why not by a device of their own.
async fn wire(level: Level, wanted: Wiring, helper: &Arc<Helper>, homes: &Homes) -> (Wiring, Option<String>) {
    if wanted == Wiring::Off {
        return (Wiring::Off, None);
    }
    if !level.has_namespaces() {
        let reason = "Without namespaces no network can be a sandbox's alone, so sandboxes have none.";
        return (Wiring::Off, Some(reason.to_owned()));
    }
    if wanted == Wiring::Proxy {
        return (Wiring::Proxy, None);
    }
    match try_level(level, Wiring::Tun, helper, homes).await {
        Ok(_) => (Wiring::Tun, None),
        Err((reason, _)) => (
            Wiring::Proxy,
            Some(format!(
                "A network device does not work here: {reason}. {}",
                remedy::of_device()
            )),
        ),
    }
}

fn describe(level: Level, enforced: Enforced, refused: Vec<Refusal>) -> Isolation {
    let Enforced {
        memory,
        processes,
        cpu,
    } = enforced;
    Isolation {
        level,
        memory,
        processes,
        cpu,
        disk: homes::enforcer(level),
        refused,
    }
}

/// A small sandbox is enough to see that it works.
fn spec() -> SandboxSpec {
    SandboxSpec {
        id: format!("probe-{}", std::process::id()),
        memory_bytes: 256 << 20,
        disk_bytes: 16 << 20,
        inodes: 256,
        processes: 16,
        ..SandboxSpec::default()
    }
}

/// Why a rung does not work.
struct Unfit {
    reason: String,
    errno: Option<i32>,
    /// How often it is tried: more than once where it may work the next moment.
    attempts: u32,
}

impl Unfit {
    fn lasting(reason: &str) -> Self {
        Self {
            reason: sentence_part(reason),
            errno: None,
            attempts: 1,
        }
    }

    fn silent(reason: &str) -> Self {
        Self {
            attempts: ATTEMPTS_IN_SILENCE,
            ..Self::lasting(reason)
        }
    }

    fn of(error: &SandboxError) -> Self {
        match error {
            SandboxError::Silent(_) => Self::silent(&error.to_string()),
            _ => Self::lasting(&error.to_string()),
        }
    }

    fn refused(refused: RefusedOrder) -> Self {
        Self {
            attempts: match refused.errno {
                Some(libc::EAGAIN | libc::ENOMEM) => ATTEMPTS_FOR_ROOM,
                Some(libc::ETIMEDOUT) => ATTEMPTS_IN_SILENCE,
                _ => 1,
            },
            reason: refused.reason,
            errno: refused.errno,
        }
    }
}

async fn try_level(
    level: Level,
    wiring: Wiring,
    helper: &Arc<Helper>,
    homes: &Homes,
) -> Result<Enforced, (String, Option<i32>)> {
    let mut attempt = 1;
    loop {
        match try_once(level, wiring, helper, homes).await {
            Ok(enforced) => return Ok(enforced),
            Err(unfit) if attempt < unfit.attempts => {
                tracing::warn!(
                    ?level,
                    reason = unfit.reason,
                    "a trial of the isolation failed, it is tried again"
                );
                attempt += 1;
                tokio::time::sleep(BREATHER).await;
            }
            Err(unfit) => return Err((unfit.reason, unfit.errno)),
        }
    }
}

async fn try_once(
    level: Level,
    wiring: Wiring,
    helper: &Arc<Helper>,
    homes: &Homes,
) -> Result<Enforced, Unfit> {
    let spec = spec();
    let prepared = homes.prepare(&spec, level).map_err(|error| Unfit::of(&error))?;
    let plan = Plan {
        level,
        uid: prepared.uid,
        root: None,
        binds: Vec::new(),
        shared: Vec::new(),
        places: Vec::new(),
        home: prepared.home,
        limits: Limits::of(&spec),
        wiring,
    };
    let tried = async {
        let forked = helper.create(plan).await.map_err(Unfit::refused)?;
        let ran = run_true(forked.control).await;
        helper.kill(forked.slot, None);
        let mut ended = forked.ended;
        let _ = tokio::time::timeout(PATIENCE, ended.wait_for(Option::is_some)).await;
        ran.map(|()| forked.enforced)
    }
    .await;
    if let Some(folder) = prepared.temporary {
        let _ = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    }
    tried
}

async fn run_true(control: std::os::fd::OwnedFd) -> Result<(), Unfit> {
    let (channel, _) = Channel::open(control).await.map_err(|error| Unfit::of(&error))?;
    let call = Call::Spawn {
        argv: vec!["/bin/sh".into(), "-c".into(), "exit 0".into()],
        env: Vec::new(),
        cwd: HOME.into(),
        stdin: false,
        merge_stderr: true,
        control: false,
    };
    let answer = channel
        .call(call, PATIENCE)
        .await
        .map_err(|error| Unfit::of(&error))?;
    let (Outcome::Started { .. }, Some(mut exit)) = (&answer.outcome, answer.exit) else {
        let unfit = Unfit::lasting(&format!("a program does not start in it: {:?}", answer.outcome));
        return Err(match answer.outcome {
            Outcome::NotStarted {
                errno: libc::EAGAIN | libc::ENOMEM,
                ..
            } => Unfit {
                attempts: ATTEMPTS_FOR_ROOM,
                ..unfit
            },
            _ => unfit,
        });
    };
    let Ok(ended) = tokio::time::timeout(PATIENCE, exit.wait_for(Option::is_some)).await else {
        return Err(Unfit::silent("a program in it does not end"));
    };
    match ended.as_deref() {
        Ok(Some(exit)) if exit.code == Some(0) => Ok(()),
        Ok(exit) => Err(Unfit::lasting(&format!("a program in it fails: {exit:?}"))),
        Err(_) => Err(Unfit::lasting("it ended while a program ran")),
    }
}

/// The part of an error's sentence that goes into another one.
fn sentence_part(text: &str) -> String {
    let text = text
        .strip_prefix("The sandbox could not be made: ")
        .unwrap_or(text);
    text.trim_end_matches('.').to_owned()
}
