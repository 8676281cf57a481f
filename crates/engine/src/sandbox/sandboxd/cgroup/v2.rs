//! Version 2: one hierarchy, whose groups hold either processes or groups.
//!
//! Sandboxes need a group of their own below one that holds no process. The
//! own group qualifies after its processes, if all are ours, moved into a
//! group beside; root's hierarchy always does.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::{Limits, Measure, OWN_PROCESSES, PERIOD, cache, cgroup_mounts, read_field, read_number, write};

/// As version 1's shares: a quarter of the usual weight (100).
const WEIGHT: u64 = 25;

/// Where the engine's own processes move to.
const OWN: &str = "pitlane-engine";
/// Where sandboxes are.
const SANDBOXES: &str = "pitlane-sandboxes";
const CONTROLLERS: &[&str] = &["memory", "pids", "cpu"];

/// The folder groups are made in.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    folder: PathBuf,
}

/// The group of one sandbox.
#[derive(Debug)]
pub(crate) struct Group {
    folder: PathBuf,
}

impl Tree {
    pub(super) fn find(own: &str, mountinfo: &str) -> Option<Self> {
        let mount = cgroup_mounts(mountinfo)
            .into_iter()
            .find(|mount| mount.version_2)?;
        let group = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let mut current = mount.folder_of(group);
        if current.ends_with(OWN) {
            current = current.parent()?.to_owned();
        }
        [current, mount.point]
            .into_iter()
            .find_map(|parent| prepare(&parent).ok())
            .map(|folder| Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn create(&self, name: &str, limits: &Limits) -> io::Result<Group> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder)?;
        let group = Group { folder };
        match group.limit(limits) {
            Ok(()) => Ok(group),
            Err(error) => {
                drop(fs::remove_dir(&group.folder));
                Err(error)
            }
        }
    }
}

/// Makes the folder for sandboxes below `parent`, with the controllers on.
fn prepare(parent: &Path) -> io::Result<PathBuf> {
    let available = fs::read_to_string(parent.join("cgroup.controllers"))?;
    if !CONTROLLERS
        .iter()
        .all(|name| available.split_whitespace().any(|there| there == *name))
    {
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    let folder = parent.join(SANDBOXES);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if switch_on(parent).is_err() {
        move_own_processes(parent)?;
        switch_on(parent)?;
    }
    switch_on(&folder)?;
    Ok(folder)
}

fn switch_on(folder: &Path) -> io::Result<()> {
    let wanted: Vec<String> = CONTROLLERS.iter().map(|name| format!("+{name}")).collect();
    write(folder, "cgroup.subtree_control", wanted.join(" "))
}

/// Moves the processes of `parent` into a group below it, but only when all of
/// them are this process or its ancestors: a shell's other children stay where
/// they are, and the limits then come from elsewhere.
fn move_own_processes(parent: &Path) -> io::Result<()> {
    let inside: Vec<u32> = fs::read_to_string(parent.join("cgroup.procs"))?
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    let ours = own_ancestry();
    if !inside.iter().all(|pid| ours.contains(pid)) {
        return Err(io::Error::from(io::ErrorKind::ResourceBusy));
    }
    let own = parent.join(OWN);
    match fs::create_dir(&own) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    inside.iter().try_for_each(|pid| write(&own, "cgroup.procs", pid))
}

/// This process, the engine that started it, and the site that started that.
fn own_ancestry() -> Vec<u32> {
    let executable = fs::read_link("/proc/self/exe").ok();
    let mut ours = vec![std::process::id()];
    for _ in 0..3 {
        let Some(pid) = ours.last().copied() else { break };
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let parent = status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:")?.trim().parse::<u32>().ok());
        let Some(parent) = parent.filter(|parent| *parent > 1) else {
            break;
        };
        if fs::read_link(format!("/proc/{parent}/exe")).ok() != executable {
            break;
        }
        ours.push(parent);
    }
    ours
}

impl Group {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn open(&self) -> Option<OwnedFd> {
        rustix::fs::open(
            &self.folder,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .ok()
    }

    pub(super) fn join(&self, pid: i32) -> io::Result<()> {
        write(&self.folder, "cgroup.procs", pid)
    }

    pub(super) fn limit(&self, limits: &Limits) -> io::Result<()> {
        write(&self.folder, "memory.max", limits.memory_bytes)?;
        // Not there without swap; its absence is what is wanted.
        drop(write(&self.folder, "memory.swap.max", 0));
        write(
            &self.folder,
            "pids.max",
            limits.processes.saturating_add(OWN_PROCESSES),
        )?;
        drop(write(&self.folder, "cpu.weight", WEIGHT));
        write(
            &self.folder,
            "cpu.max",
            format!("{} {PERIOD}", PERIOD * u64::from(limits.cpu.max(1))),
        )
    }

    pub(super) fn measure(&self) -> Measure {
        let processes = read_number(&self.folder, "pids.current")
            .unwrap_or(0)
            .saturating_sub(1);
        Measure {
            memory_bytes: read_number(&self.folder, "memory.current").unwrap_or(0),
            cache_bytes: cache(&self.folder, "file"),
            cpu_micros: read_field(&self.folder, "cpu.stat", "usage_usec").unwrap_or(0),
            processes: u32::try_from(processes).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn ran_out_of_memory(&self) -> bool {
        read_field(&self.folder, "memory.events", "oom_kill").is_some_and(|kills| kills > 0)
    }
}
