//! Sandboxes that come and go by the thousand leave nothing behind: no process,
//! control group, mount, loop device, socket or folder, and neither the engine
//! nor sandboxd grows. `PITLANE_CYCLES` says how many, when more are wanted.

use libtest_mimic::Trial;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use daytona::{CreateSandbox, ExecuteRequest};

use crate::support::{Engine, background, ephemeral, eventually};

pub fn trials() -> Vec<Trial> {
    trials![a_thousand_sandboxes_leave_nothing]
}

/// At the same time; more than are kept ready, so that some are made cold.
const AT_ONCE: usize = 4;
/// Kept ready of each kind.
const READY: usize = 2;
/// Before the first look: what is made once is there then.
const FIRST: usize = 100;
/// What allocators may keep of memory that was given back.
const SLACK: u64 = 16 << 20;

/// What two processes and their surroundings hold.
#[derive(Debug)]
struct Holding {
    descriptors: (usize, usize),
    memory: (u64, u64),
    children: usize,
    /// Whether one of them waits for the next sandbox, in groups of its own.
    waiting: bool,
    groups: usize,
    mounts: usize,
    loops: usize,
    folders: BTreeSet<PathBuf>,
}

impl Holding {
    fn now(engine: &Engine) -> Self {
        let own = ::engine::lock::read(&engine.data).unwrap().pid;
        let sandboxd = *children(own).first().unwrap();
        let count = |path: String| std::fs::read_dir(path).unwrap().count();
        let mounts = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
        Self {
            descriptors: (
                count(format!("/proc/{own}/fd")),
                count(format!("/proc/{sandboxd}/fd")),
            ),
            memory: (resident(own), resident(sandboxd)),
            children: children(sandboxd).len(),
            waiting: groups(Path::new("/sys/fs/cgroup"), &format!("pitlane-{sandboxd}-spare")) > 0,
            groups: groups(Path::new("/sys/fs/cgroup"), &format!("pitlane-{sandboxd}-")),
            mounts: mounts(own).lines().count() + mounts(sandboxd).lines().count(),
            loops: loops(&engine.data),
            folders: ["homes", "spool", "sandboxes"]
                .iter()
                .flat_map(|kind| std::fs::read_dir(engine.data.join(kind)).into_iter().flatten())
                .map(|entry| entry.unwrap().path())
                .collect(),
        }
    }
}

impl Holding {
    /// What has to be as it was, once everything is given back.
    fn given_back(&self) -> (usize, usize, usize, usize) {
        (self.descriptors.1, self.groups, self.mounts, self.loops)
    }

    /// Whether no more of that is held than before.
    fn is_back_at(&self, before: &Self) -> bool {
        (self.groups, self.mounts, self.loops) == (before.groups, before.mounts, before.loops)
            && self.descriptors.1 <= before.descriptors.1
    }
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .map(|pid| pid.parse().unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

fn groups(folder: &Path, prefix: &str) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| {
            let is_one = entry.file_name().to_string_lossy().starts_with(prefix);
            usize::from(is_one) + groups(&entry.path(), prefix)
        })
        .sum()
}

/// Loop devices on files of this data directory.
fn loops(data: &Path) -> usize {
    let devices = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let files =
        devices.filter_map(|device| std::fs::read_to_string(device.path().join("loop/backing_file")).ok());
    files
        .filter(|file| file.starts_with(&*data.to_string_lossy()))
        .count()
}

/// One sandbox's life: of four kinds, so that each way to make and use one is walked.
async fn live(engine: &Engine, number: usize) {
    let client = engine.client();
    let wanted = if number.is_multiple_of(8) {
        CreateSandbox::default()
    } else {
        ephemeral()
    };
    let sandbox = client.create(&wanted).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    match number % 4 {
        0 => {
            toolbox
                .upload(vec![("f".into(), "content".into())])
                .await
                .unwrap();
            assert_eq!(toolbox.download("f").await.unwrap(), "content");
        }
        1 => {
            let done = toolbox
                .execute(ExecuteRequest::new("(setsid sleep 60 &) >/dev/null 2>&1; echo x"))
                .await
                .unwrap();
            assert_eq!(done.result, "x\n");
        }
        2 => {
            toolbox.create_session("s").await.unwrap();
            let command = toolbox
                .session_exec("s", background("echo here; sleep 60"))
                .await
                .unwrap();
            let mut log = toolbox.follow_logs("s", &command.cmd_id, 0).await.unwrap();
            log.next().await.unwrap().unwrap();
        }
        _ => {}
    }
    client.delete(&sandbox.id).await.unwrap();
}

async fn cycles(engine: &Engine, numbers: std::ops::Range<usize>) {
    use futures::StreamExt;
    futures::stream::iter(numbers)
        .for_each_concurrent(AT_ONCE, |number| live(engine, number))
        .await;
}

async fn a_thousand_sandboxes_leave_nothing() {
    let count = std::env::var("PITLANE_CYCLES").map_or(1000, |count| count.parse().unwrap());
    let engine = Engine::start_with(&[("ENGINE_WARM", &READY.to_string())]);
    cycles(&engine, 0..FIRST).await;
    let settled = async || {
        // Those that are ready, of the kind that keeps its home and of the other, and nothing else.
        eventually("only the ready ones are left", async || {
            let now = Holding::now(&engine);
            now.children == 2 * READY + usize::from(now.waiting) && now.folders.len() == READY
        })
        .await;
        // The kernel and sandboxd give back the last of it a moment later: until nothing changes.
        let mut now = Holding::now(&engine);
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let last = std::mem::replace(&mut now, Holding::now(&engine));
            if last.given_back() == now.given_back() {
                break;
            }
        }
        now
    };
    let before = settled().await;
    cycles(&engine, FIRST..FIRST + count).await;
    let mut after = settled().await;
    // What stays the same for a moment may be held for some more.
    let patience = Instant::now();
    while !after.is_back_at(&before) && patience.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        after = Holding::now(&engine);
    }
    assert_eq!(
        (after.groups, after.mounts, after.loops),
        (before.groups, before.mounts, before.loops),
        "{after:?}"
    );
    let homes = engine.data.join("homes");
    assert!(
        after.folders.iter().all(|folder| folder.starts_with(&homes)),
        "{after:?}"
    );
    let (own, sandboxd) = (after.descriptors, before.descriptors);
    // Idle connections of the client, and what the kernel has not closed yet.
    assert!(
        own.0 <= sandboxd.0 + 2 * AT_ONCE,
        "the engine: {before:?}, then {after:?}"
    );
    assert!(own.1 <= sandboxd.1, "sandboxd: {before:?}, then {after:?}");
    assert!(
        after.memory.0 <= before.memory.0 + SLACK,
        "the engine: {before:?}, then {after:?}"
    );
    assert!(
        after.memory.1 <= before.memory.1 + SLACK / 4,
        "sandboxd: {before:?}, then {after:?}"
    );
}
