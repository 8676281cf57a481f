//! Attacks from inside a sandbox, one file per kind. Each is run on the best
//! rung there is and on Landlock alone; `rungs` runs all of this again as an
//! ordinary user and as a container's root, so that every rung is attacked.
//! `docs/isolation.md` says in a table which attack is which test.

mod bombs;
mod host;
mod kernel;
mod others;

use std::future::Future;
use std::pin::Pin;

use engine::sandbox::Sandbox;
use libtest_mimic::Trial;

use crate::kit::{Ground, ground, landlock_ground, python, trial};

type Attack = fn(Ground) -> Pin<Box<dyn Future<Output = ()>>>;

/// The attacks by name.
macro_rules! attacks {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |ground| Box::pin($module::$name(ground)))),*]
    };
}

const ATTACKS: &[(&str, Attack)] = attacks![
    host::files,
    host::processes,
    host::services,
    host::metadata_addresses,
    host::writing_elsewhere,
    host::marks_on_files,
    host::environments_and_descriptors,
    host::devices,
    host::executables,
    kernel::calls,
    kernel::namespaces,
    kernel::other_processes_memory,
    kernel::privileges,
    kernel::own_limits,
    kernel::proc_and_sys,
    kernel::control_groups,
    bombs::forks,
    bombs::memory,
    bombs::disk,
    bombs::many_files,
    bombs::zombies,
    bombs::processor,
    others::daemons,
    others::system_v_ipc,
    others::posix_ipc,
    others::another_sandbox,
    others::file_calls,
];

pub fn trials() -> Vec<Trial> {
    let best = ATTACKS.iter().map(|(name, attack)| {
        trial(&format!("abuse::{name}"), || async {
            attack(ground().await).await
        })
    });
    let landlock = ATTACKS.iter().map(|(name, attack)| {
        trial(&format!("abuse::landlock::{name}"), || async {
            attack(landlock_ground().await).await;
        })
    });
    best.chain(landlock).collect()
}

/// Whether sandboxes have namespaces here, or Landlock alone.
fn has_namespaces(ground: &Ground) -> bool {
    ground.host.isolation().level.has_namespaces()
}

/// Whether the sandboxes are of one user, the engine's own: the kernel then
/// counts their processes together, and a bomb in one is felt in another.
fn shares_the_user(ground: &Ground) -> bool {
    !has_namespaces(ground) && !crate::kit::is_root()
}

/// The sandbox lives and works.
async fn still_here(ground: &Ground, sandbox: &Sandbox) {
    let patience = tokio::time::Instant::now() + std::time::Duration::from_secs(15);
    let said = loop {
        let echo = crate::kit::spawn(sandbox, &["sh", "-c", "echo still here"]);
        match sandbox.spawn(echo).await {
            Ok(process) => break crate::kit::read(process.stdout).await,
            Err(_) if shares_the_user(ground) && tokio::time::Instant::now() < patience => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(said, "still here\n");
}

/// What every attacker begins with: `attempt` says of each try how it went.
const ATTEMPT: &str = r#"
import ctypes, errno, glob, os, resource, signal, socket, stat, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def something(value):
    if not value:
        raise OSError('nothing there')
    return value
def put(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        return os.write(descriptor, text)
    finally:
        os.close(descriptor)
def attempt(name, action):
    try:
        result = action()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print('held', name, error)
    else:
        print('REACHED', name, repr(result)[:200])
"#;

/// Runs an attacker to its end: every attempt must have been refused, and it
/// must have made as many as it should.
async fn held(sandbox: &Sandbox, attempts: usize, program: &str) {
    let ran = python(sandbox, &format!("{ATTEMPT}\n{program}")).await;
    assert_eq!(ran.exit.code, Some(0), "the attacker failed: {}", ran.out);
    assert!(!ran.out.contains("REACHED"), "{}", ran.out);
    assert_eq!(ran.out.matches("held ").count(), attempts, "{}", ran.out);
}
