//! What the tests share: a host, programs run to their end, looks from outside.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use engine::NetworkBound;
use engine::sandbox::{
    Exit, HostConfig, IsolationChoice, Process, Sandbox, SandboxHost, SandboxSpec, Spawn, StdinKind,
};
use libtest_mimic::{Failed, Trial};

/// A host with its own data directory.
pub struct Ground {
    pub host: SandboxHost,
    pub data: tempfile::TempDir,
}

pub fn config(data: &tempfile::TempDir) -> HostConfig {
    HostConfig::new(data.path())
}

pub async fn ground() -> Ground {
    ground_with(|_| {}).await
}

pub async fn ground_with(change: impl FnOnce(&mut HostConfig)) -> Ground {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(&data);
    change(&mut config);
    let host = SandboxHost::start(config)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    Ground { host, data }
}

/// A host with Landlock alone.
pub async fn landlock_ground() -> Ground {
    let ground = ground_with(|config| {
        config.isolation = IsolationChoice::Landlock;
        config.network = NetworkBound::open();
    })
    .await;
    // The sandbox's own user has to pass through.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(ground.data.path(), open).unwrap();
    ground
}

impl Ground {
    pub async fn sandbox(&self) -> Sandbox {
        self.sandbox_with(|_| {}).await
    }

    pub async fn sandbox_with(&self, change: impl FnOnce(&mut SandboxSpec)) -> Sandbox {
        let mut spec = SandboxSpec {
            id: unique(),
            memory_bytes: 256 << 20,
            ..SandboxSpec::default()
        };
        change(&mut spec);
        self.host
            .create(spec)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

pub fn unique() -> String {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    format!(
        "t{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    )
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub out: String,
    pub exit: Exit,
}

/// A program as the tests start it: no input, both outputs in one.
pub fn spawn(sandbox: &Sandbox, argv: &[&str]) -> Spawn {
    Spawn {
        argv: argv.iter().map(ToString::to_string).collect(),
        env: sandbox.base_env(),
        cwd: sandbox.home().to_owned(),
        stdin: StdinKind::Null,
        merge_stderr: true,
    }
}

pub async fn start(sandbox: &Sandbox, argv: &[&str]) -> Process {
    sandbox
        .spawn(spawn(sandbox, argv))
        .await
        .unwrap_or_else(|error| panic!("{argv:?}: {error}"))
}

pub async fn run(sandbox: &Sandbox, argv: &[&str]) -> Ran {
    let mut process = start(sandbox, argv).await;
    let out = tokio::spawn(read(process.stdout));
    let exit = process
        .exit
        .wait_for(Option::is_some)
        .await
        .map(|exit| exit.expect("just waited for"));
    let exit = exit.unwrap_or(Exit {
        code: None,
        signal: Some(9),
    });
    let out = tokio::time::timeout(Duration::from_secs(10), out).await;
    Ran {
        out: out.map_or_else(|_| "(held open)".into(), |out| out.unwrap()),
        exit,
    }
}

pub async fn sh(sandbox: &Sandbox, script: &str) -> Ran {
    run(sandbox, &["sh", "-c", script]).await
}

pub async fn python(sandbox: &Sandbox, program: &str) -> Ran {
    run(sandbox, &["python3", "-c", program]).await
}

/// Reads a pipe to its end.
pub async fn read(pipe: OwnedFd) -> String {
    let mut bytes = Vec::new();
    let mut pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(pipe).unwrap();
    tokio::io::AsyncReadExt::read_to_end(&mut pipe, &mut bytes)
        .await
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads what is there after a moment, without waiting for the end.
pub async fn read_line(pipe: &mut tokio::net::unix::pipe::Receiver) -> String {
    let mut line = Vec::new();
    let mut byte = [0u8];
    while tokio::io::AsyncReadExt::read_exact(pipe, &mut byte).await.is_ok() && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Processes of the host whose command line holds `needle`.
pub fn host_processes(needle: &str) -> Vec<u32> {
    let own = std::process::id();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(needle))
        })
        .collect()
}

/// A number of seconds to sleep that no other running test sleeps.
pub fn seconds(whole: u32) -> String {
    format!("{whole}.{}", std::process::id())
}

/// Control groups made by a sandboxd.
pub fn groups_of(sandboxd: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with(&format!("pitlane-{sandboxd}-"))
                {
                    found.push(entry.path());
                }
                waiting.push(entry.path());
            }
        }
    }
    found
}

/// Those of its sandboxes: without the one set that waits for the next.
pub fn groups_of_sandboxes(sandboxd: u32) -> Vec<PathBuf> {
    let mut found = groups_of(sandboxd);
    found.retain(|folder| !folder.ends_with(spare_name(sandboxd)));
    found
}

/// Whether a process waits in groups for the next sandbox.
pub fn has_spare(sandboxd: u32) -> bool {
    groups_of(sandboxd)
        .iter()
        .any(|folder| folder.ends_with(spare_name(sandboxd)))
}

fn spare_name(sandboxd: u32) -> String {
    format!("pitlane-{sandboxd}-spare")
}

/// Whether the engine is root here: as it finds that out itself, by the user
/// ids that sandboxes get, which a small user namespace does not have.
pub fn is_root() -> bool {
    const LAST_OF_SANDBOXES: u64 = 2_079_999_999;
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let has_them = |line: &str| {
        let numbers: Vec<u64> = line
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        matches!(numbers[..], [0, _, count] if count > LAST_OF_SANDBOXES)
    };
    rustix::process::geteuid().is_root() && (map.is_empty() || map.lines().any(has_them))
}

/// Whether this process may make namespaces without a user namespace.
pub fn may_administer() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() & CAP_SYS_ADMIN != 0
}

/// Waits until something holds, at most `seconds`.
pub async fn until(seconds: u64, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "after {seconds} s still not: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How long a test may take: only one that is stuck takes longer.
const LONGEST: Duration = Duration::from_secs(120);

/// A test that runs in a runtime of its own, with a bound on its time.
pub fn trial<F>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async { tokio::time::timeout(LONGEST, body()).await })
        }));
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Failed::from(format!("it did not end within {LONGEST:?}"))),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                Err(Failed::from(text.unwrap_or_else(|| "it panicked".into())))
            }
        }
    })
}
