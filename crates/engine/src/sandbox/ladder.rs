//! Which walls can be built here: each rung is tried by making a sandbox and
//! running a program in it, never by reading settings.

use std::sync::Arc;
use std::time::Duration;

use toolbox::protocol::{Call, Outcome};

use super::channel::Channel;
use super::helper::Helper;
use super::homes::Homes;
use super::isolation::{Diagnosis, Enforcer, Isolation, IsolationChoice, Level, Refusal};
use super::sandboxd::orders::{Enforced, Limits, Plan};
use super::{HOME, SandboxSpec, Wiring};

/// Running `true` on a busy host.
const PATIENCE: Duration = Duration::from_secs(10);
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

/// Tries rung by rung what `auto` would use, for `pitlane doctor`. Blocks for a
/// few milliseconds on a host where the first rung works.
#[must_use]
pub fn diagnose() -> Diagnosis {
    // In a thread of its own, because the caller may be inside a runtime.
    let thread = std::thread::spawn(|| -> std::io::Result<Diagnosis> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let folder = std::env::temp_dir().join(format!("pitlane-doctor-{}", std::process::id()));
        let diagnosis = runtime.block_on(async {
            let homes = Homes::open(&folder)?;
            let helper = Arc::new(Helper::start(None)?);
            let diagnosis = climb(IsolationChoice::Auto, Wiring::Tun, &helper, &homes).await;
            helper.end().await;
            Ok(diagnosis)
        });
        // It holds nothing but the empty homes folder.
        let _ = std::fs::remove_dir_all(&folder);
        diagnosis
    });
    let failed = |reason: String| Diagnosis {
        isolation: None,
        refused: vec![Refusal {
            level: Level::NamespacesRoot,
            reason: format!("nothing could be tried: {reason}"),
            remedy: "Check that temporary files and processes can be made here.".into(),
        }],
        wiring: Wiring::Off,
        no_device: None,
    };
    match thread.join() {
        Ok(Ok(diagnosis)) => diagnosis,
        Ok(Err(error)) => failed(error.to_string()),
        Err(_) => failed("the check itself failed".into()),
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
                let remedy = remedy(*level, errno);
                refused.push(Refusal {
                    level: *level,
                    reason,
                    remedy,
                });
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
                "A network device does not work here: {reason}. Programs reach what they may by a proxy, when they \
                 heed HTTPS_PROXY. Load the module and open it to the engine: modprobe tun && chmod 0666 \
                 /dev/net/tun; a container is started with --device /dev/net/tun."
            )),
        ),
    }
}

fn describe(level: Level, enforced: Enforced, refused: Vec<Refusal>) -> Isolation {
    let disk = if level.has_namespaces() {
        Enforcer::FileSystem
    } else {
        Enforcer::Watchdog
    };
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
        disk,
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

async fn try_level(
    level: Level,
    wiring: Wiring,
    helper: &Arc<Helper>,
    homes: &Homes,
) -> Result<Enforced, (String, Option<i32>)> {
    let spec = spec();
    let prepared = homes
        .prepare(&spec, level)
        .map_err(|error| (sentence_part(&error.to_string()), None))?;
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
        let forked = helper
            .create(plan)
            .await
            .map_err(|refused| (refused.reason, refused.errno))?;
        let ran = run_true(forked.control)
            .await
            .map_err(|reason| (sentence_part(&reason), None));
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

async fn run_true(control: std::os::fd::OwnedFd) -> Result<(), String> {
    let (channel, _) = Channel::open(control).await.map_err(|error| error.to_string())?;
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
        .map_err(|error| error.to_string())?;
    let Outcome::Started { .. } = answer.outcome else {
        return Err(format!("a program does not start in it: {:?}", answer.outcome));
    };
    let mut exit = answer.exit.ok_or("a program without an end")?;
    let ended = tokio::time::timeout(PATIENCE, exit.wait_for(Option::is_some)).await;
    match ended.map_err(|_| "a program in it does not end")?.as_deref() {
        Ok(Some(exit)) if exit.code == Some(0) => Ok(()),
        Ok(exit) => Err(format!("a program in it fails: {exit:?}")),
        Err(_) => Err("it ended while a program ran".into()),
    }
}

/// The part of an error's sentence that goes into another one.
fn sentence_part(text: &str) -> String {
    let text = text
        .strip_prefix("The sandbox could not be made: ")
        .unwrap_or(text);
    text.trim_end_matches('.').to_owned()
}

/// What mends a rung, as commands where there are some.
fn remedy(level: Level, errno: Option<i32>) -> String {
    let text = match (level, errno) {
        (Level::NamespacesRoot, Some(libc::EPERM | libc::ENOSYS)) => {
            "Run the engine as root (a systemd service does), or a container with \
             --cap-add SYS_ADMIN --security-opt apparmor=unconfined."
        }
        (Level::NamespacesUser, Some(libc::ENOSPC)) => {
            "Allow user namespaces: sysctl -w user.max_user_namespaces=15000."
        }
        (Level::NamespacesUser, Some(libc::EPERM | libc::EACCES)) => {
            "Allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 or \
             kernel.apparmor_restrict_unprivileged_userns=0; in a container start it with --security-opt \
             seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined."
        }
        (Level::NamespacesUser, _) => {
            "In a container start it with --security-opt systempaths=unconfined; elsewhere run the engine as root."
        }
        (Level::Landlock, Some(libc::EOPNOTSUPP)) => {
            "Use Linux 6.12 or newer with landlock among the kernel's lsm= modules, or run the engine as root."
        }
        _ => {
            "Run the engine as root on Linux 6.1 or newer, or use Daytona's cloud by setting DAYTONA_API_KEY."
        }
    };
    text.to_owned()
}
