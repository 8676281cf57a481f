//! Version 1: one hierarchy for each controller.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{
    Enforced, Limits, Measure, Mount, OWN_PROCESSES, PERIOD, cache, cgroup_mounts, read_field, read_number,
    write,
};
use crate::sandbox::Enforcer;

/// How much of the processors a sandbox gets where others want them too: a quarter of what a process of the
/// host gets (1024), so that whoever serves it answers while it computes. Alone it has all its limit allows.
const SHARES: u64 = 256;

/// The folders groups are made in, for each controller that is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees {
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
    cpu: Option<PathBuf>,
    account: Option<PathBuf>,
}

/// The groups of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Group {
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
    cpu: Option<PathBuf>,
    account: Option<PathBuf>,
}

impl Trees {
    pub(super) fn find(own: &str, mountinfo: &str) -> Option<Self> {
        let mounts = cgroup_mounts(mountinfo);
        let folder = |controller: &str| {
            let has =
                |mount: &&Mount| !mount.version_2 && mount.options.iter().any(|option| option == controller);
            let mount = mounts.iter().find(has)?;
            let group = own.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                parts
                    .next()?
                    .split(',')
                    .any(|name| name == controller)
                    .then(|| parts.next())
                    .flatten()
            });
            let folder = mount.folder_of(group.unwrap_or("/"));
            rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK)
                .is_ok()
                .then_some(folder)
        };
        let trees = Self {
            memory: folder("memory"),
            pids: folder("pids"),
            cpu: folder("cpu"),
            account: folder("cpuacct"),
        };
        let any = trees.folders().next().is_some();
        any.then_some(trees)
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        [&self.memory, &self.pids, &self.cpu, &self.account]
            .into_iter()
            .filter_map(Option::as_deref)
    }

    pub(super) fn create(&self, name: &str, limits: &Limits) -> io::Result<Group> {
        let make = |tree: &Option<PathBuf>| -> io::Result<Option<PathBuf>> {
            let Some(tree) = tree else { return Ok(None) };
            let folder = tree.join(name);
            match fs::create_dir(&folder) {
                // Controllers that are mounted together share the folder.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => Ok(Some(folder)),
            }
        };
        let mut group = Group::default();
        let made = [
            (&mut group.memory, &self.memory),
            (&mut group.pids, &self.pids),
            (&mut group.cpu, &self.cpu),
            (&mut group.account, &self.account),
        ]
        .into_iter()
        .try_for_each(|(own, tree)| make(tree).map(|folder| *own = folder));
        match made.and_then(|()| group.limit(limits)) {
            Ok(()) => Ok(group),
            Err(error) => {
                group.folders().for_each(|folder| drop(fs::remove_dir(folder)));
                Err(error)
            }
        }
    }
}

impl Group {
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        [&self.memory, &self.pids, &self.cpu, &self.account]
            .into_iter()
            .filter_map(Option::as_deref)
    }

    pub(super) fn rename(&mut self, name: &str) -> io::Result<()> {
        let own = [&mut self.memory, &mut self.pids, &mut self.cpu, &mut self.account];
        for folder in own.into_iter().flatten() {
            let renamed = folder.with_file_name(name);
            match fs::rename(&*folder, &renamed) {
                // Controllers that are mounted together share the folder.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => *folder = renamed,
            }
        }
        Ok(())
    }

    pub(super) fn enforced(&self) -> Enforced {
        let by = |folder: &Option<PathBuf>, otherwise| {
            if folder.is_some() {
                Enforcer::CgroupV1
            } else {
                otherwise
            }
        };
        Enforced {
            memory: by(&self.memory, Enforcer::Watchdog),
            processes: by(&self.pids, Enforcer::Rlimit),
            cpu: by(&self.cpu, Enforcer::Priority),
        }
    }

    pub(super) fn holds_all(&self) -> bool {
        self.memory.is_some() && self.pids.is_some() && self.cpu.is_some()
    }

    pub(super) fn join(&self, pid: i32) -> io::Result<()> {
        self.folders()
            .try_for_each(|folder| write(folder, "cgroup.procs", pid))
    }

    pub(super) fn limit(&self, limits: &Limits) -> io::Result<()> {
        if let Some(folder) = &self.memory {
            let bytes = limits.memory_bytes;
            // With swap counted, each of the two limits may only be set where
            // it does not cross the other: down first, or up last.
            let both = |order: [&str; 2]| order.map(|file| write(folder, file, bytes).is_ok());
            both(["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"]);
            both(["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]);
            let page = 4096;
            let now = read_number(folder, "memory.limit_in_bytes").unwrap_or(u64::MAX);
            if now / page > bytes.div_ceil(page) {
                return Err(io::Error::other("the memory limit could not be set"));
            }
        }
        if let Some(folder) = &self.pids {
            write(folder, "pids.max", limits.processes.saturating_add(OWN_PROCESSES))?;
        }
        if let Some(folder) = &self.cpu {
            // Best effort: kernels without fair groups have no such file.
            drop(write(folder, "cpu.shares", SHARES));
            write(folder, "cpu.cfs_period_us", PERIOD)?;
            write(folder, "cpu.cfs_quota_us", PERIOD * u64::from(limits.cpu.max(1)))?;
        }
        Ok(())
    }

    pub(super) fn measure(&self) -> Measure {
        let number = |folder: &Option<PathBuf>, file| {
            folder
                .as_ref()
                .and_then(|folder| read_number(folder, file))
                .unwrap_or(0)
        };
        Measure {
            memory_bytes: number(&self.memory, "memory.usage_in_bytes"),
            cache_bytes: self.memory.as_deref().map_or(0, |folder| cache(folder, "cache")),
            cpu_micros: number(&self.account, "cpuacct.usage") / 1000,
            processes: u32::try_from(number(&self.pids, "pids.current").saturating_sub(1))
                .unwrap_or(u32::MAX),
        }
    }

    pub(super) fn ran_out_of_memory(&self) -> bool {
        let folder = self.memory.as_deref();
        folder
            .and_then(|folder| read_field(folder, "memory.oom_control", "oom_kill"))
            .is_some_and(|kills| kills > 0)
    }
}
