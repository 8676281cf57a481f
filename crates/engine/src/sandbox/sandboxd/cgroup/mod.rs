//! Control groups: what bounds a sandbox's memory, processes and processor
//! time as a whole, and counts them.
//!
//! Groups are named after the sandboxd that made them, so that those of a dead
//! one can be told and removed at the next start.

mod v1;
mod v2;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::orders::{Enforced, Limits, Measure};
use crate::sandbox::Enforcer;

/// What every group of ours begins with.
const PREFIX: &str = "pitlane-";
/// Pid 1 and its helpers come on top of the limit of processes.
const OWN_PROCESSES: u32 = 4;
/// The period of processor time, in microseconds.
const PERIOD: u64 = 100_000;
/// A group whose last process just died can be busy for a moment.
const REMOVE_ATTEMPTS: usize = 3;

/// Where groups can be made on this host.
#[derive(Clone, Debug)]
pub(crate) enum Hierarchy {
    V2(v2::Tree),
    V1(v1::Trees),
    None,
}

/// The groups of one sandbox.
#[derive(Debug)]
pub(crate) enum Group {
    V2(v2::Group),
    V1(v1::Group),
    None,
}

impl Hierarchy {
    /// Finds the hierarchies this process may make groups in.
    pub(crate) fn find() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let v2 = v2::Tree::find(&own, &mounts).map(Self::V2);
        let v1 = || v1::Trees::find(&own, &mounts).map(Self::V1);
        v2.filter(Self::works)
            .or_else(|| v1().filter(Self::works))
            .unwrap_or(Self::None)
    }

    /// What a dead sandboxd left here.
    pub(crate) fn leftovers(&self) -> Leftovers {
        match self {
            Self::V2(tree) => Leftovers::find([tree.folder()].into_iter()),
            Self::V1(trees) => Leftovers::find(trees.folders()),
            Self::None => Leftovers::default(),
        }
    }

    /// Whether groups with limits can be made, found out by making one.
    fn works(&self) -> bool {
        let small = Limits {
            cpu: 1,
            memory_bytes: 16 << 20,
            disk_bytes: 0,
            inodes: 0,
            processes: 1,
        };
        self.create(0, &small).is_ok_and(|group| group.remove())
    }

    /// Whether a process has to be moved into its groups, which takes long.
    pub(crate) fn moves_slowly(&self) -> bool {
        matches!(self, Self::V1(_))
    }

    /// Makes the groups of a sandbox that has no number yet; one at a time.
    pub(crate) fn create_spare(&self, limits: &Limits) -> io::Result<Group> {
        match self {
            Self::V1(trees) => trees.create(&spare_name(), limits).map(Group::V1),
            Self::V2(_) | Self::None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Makes the groups of sandbox number `number` of this sandboxd.
    pub(crate) fn create(&self, number: u64, limits: &Limits) -> io::Result<Group> {
        let name = name_of(number);
        match self {
            Self::V2(tree) => tree.create(&name, limits).map(Group::V2),
            Self::V1(trees) => trees.create(&name, limits).map(Group::V1),
            Self::None => Ok(Group::None),
        }
    }
}

fn name_of(number: u64) -> String {
    format!("{PREFIX}{}-{number}", std::process::id())
}

fn spare_name() -> String {
    format!("{PREFIX}{}-spare", std::process::id())
}

impl Group {
    /// Makes spare groups those of sandbox number `number`.
    pub(crate) fn rename(&mut self, number: u64) -> io::Result<()> {
        match self {
            Self::V1(group) => group.rename(&name_of(number)),
            Self::V2(_) | Self::None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// What these groups hold, and what has to be held otherwise.
    pub(crate) fn enforced(&self) -> Enforced {
        match self {
            Self::V2(_) => Enforced {
                memory: Enforcer::CgroupV2,
                processes: Enforcer::CgroupV2,
                cpu: Enforcer::CgroupV2,
            },
            Self::V1(group) => group.enforced(),
            Self::None => Enforced {
                memory: Enforcer::Watchdog,
                processes: Enforcer::Rlimit,
                cpu: Enforcer::Priority,
            },
        }
    }

    /// The folder a child can be cloned into, for version 2.
    pub(crate) fn clone_into(&self) -> Option<OwnedFd> {
        match self {
            Self::V2(group) => group.open(),
            Self::V1(_) | Self::None => None,
        }
    }

    /// Moves a process in.
    pub(crate) fn join(&self, pid: i32) -> io::Result<()> {
        match self {
            Self::V2(group) => group.join(pid),
            Self::V1(group) => group.join(pid),
            Self::None => Ok(()),
        }
    }

    /// Changes the limits; `false` when they are not held by groups.
    pub(crate) fn limit(&self, limits: &Limits) -> bool {
        match self {
            Self::V2(group) => group.limit(limits).is_ok(),
            Self::V1(group) => group.holds_all() && group.limit(limits).is_ok(),
            Self::None => false,
        }
    }

    /// What the groups counted; `None` for what they do not count.
    pub(crate) fn measure(&self) -> Option<Measure> {
        match self {
            Self::V2(group) => Some(group.measure()),
            Self::V1(group) if group.holds_all() => Some(group.measure()),
            Self::V1(_) | Self::None => None,
        }
    }

    /// Whether the memory limit ended a process in here.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        match self {
            Self::V2(group) => group.ran_out_of_memory(),
            Self::V1(group) => group.ran_out_of_memory(),
            Self::None => false,
        }
    }

    /// Removes the groups; `false` when something is still in them.
    pub(crate) fn remove(&self) -> bool {
        match self {
            Self::V2(group) => remove(group.folder()),
            // Each is tried, whatever came of the others.
            Self::V1(group) => group.folders().filter(|folder| !remove(folder)).count() == 0,
            Self::None => true,
        }
    }
}

fn remove(folder: &Path) -> bool {
    for attempt in 0..REMOVE_ATTEMPTS {
        match fs::remove_dir(folder) {
            Ok(()) => return true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            Err(_) if attempt + 1 < REMOVE_ATTEMPTS => std::thread::sleep(Duration::from_micros(500)),
            Err(_) => {}
        }
    }
    false
}

/// Groups of ours whose maker is dead. Their last processes may be dying still.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    folders: Vec<PathBuf>,
    attempts: u32,
}

impl Leftovers {
    /// After this many attempts somebody really lives in them, and they are not
    /// ours to remove.
    const ATTEMPTS: u32 = 500;

    fn find<'a>(parents: impl Iterator<Item = &'a Path>) -> Self {
        let entries = parents
            .filter_map(|parent| fs::read_dir(parent).ok())
            .flatten()
            .flatten();
        let folders = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_orphan));
        Self {
            folders: folders.map(|entry| entry.path()).collect(),
            attempts: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Removes what can be removed now.
    pub(crate) fn sweep(&mut self) {
        self.attempts += 1;
        let gone = |folder: &PathBuf| fs::remove_dir(folder).is_ok() || !folder.exists();
        self.folders.retain(|folder| !gone(folder));
        if self.attempts >= Self::ATTEMPTS {
            self.folders.clear();
        }
    }
}

/// Whether a group has a name of ours and a maker that is no more.
fn is_orphan(name: &str) -> bool {
    let maker = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    let maker = maker.filter(|maker| !maker.is_empty() && maker.bytes().all(|byte| byte.is_ascii_digit()));
    maker.is_some_and(|maker| !Path::new("/proc").join(maker).exists())
}

fn write(folder: &Path, file: &str, value: impl std::fmt::Display) -> io::Result<()> {
    fs::write(folder.join(file), value.to_string())
}

fn read_number(folder: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

/// Reads `name value` lines.
fn read_field(folder: &Path, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// Bytes of files of a disk that are held in memory, out of a group's
/// statistics, where `name` also counts files that are nowhere else.
fn cache(folder: &Path, name: &str) -> u64 {
    let field = |name| read_field(folder, "memory.stat", name).unwrap_or(0);
    field(name).saturating_sub(field("shmem"))
}

/// A cgroup mount: where it is, what part of the hierarchy it shows, and its
/// controllers (none for version 2).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    version_2: bool,
    point: PathBuf,
    root: String,
    options: Vec<String>,
}

/// The cgroup mounts of a `mountinfo` file.
fn cgroup_mounts(mountinfo: &str) -> Vec<Mount> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let mut left = left.split(' ').skip(3);
            let root = left.next()?.to_owned();
            let point = PathBuf::from(left.next()?);
            let mut right = right.split(' ');
            let version_2 = match right.next()? {
                "cgroup2" => true,
                "cgroup" => false,
                _ => return None,
            };
            let options = right
                .nth(1)
                .unwrap_or_default()
                .split(',')
                .map(str::to_owned)
                .collect();
            Some(Mount {
                version_2,
                point,
                root,
                options,
            })
        })
        .collect()
}

impl Mount {
    /// The folder of a group named as `/proc/self/cgroup` names it. A container
    /// shows only a part of the hierarchy, at whose root everything then goes.
    fn folder_of(&self, group: &str) -> PathBuf {
        let below = if self.root == "/" {
            Some(group)
        } else {
            group.strip_prefix(self.root.as_str())
        };
        let folder = below.map(|below| self.point.join(below.trim_start_matches('/')));
        folder
            .filter(|folder| folder.is_dir())
            .unwrap_or_else(|| self.point.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "25 30 0:23 / /sys rw shared:7 - sysfs sysfs rw\n\
        33 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        34 25 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        35 25 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn only_groups_of_a_dead_maker_are_orphans() {
        assert!(is_orphan("pitlane-4194305-7"), "no process has this number");
        let own = format!("pitlane-{}-7", std::process::id());
        for name in [
            own.as_str(),
            "pitlane-",
            "pitlane--1",
            "pitlane-engine",
            "pitlane-sandboxes",
            "other-4194305-7",
        ] {
            assert!(!is_orphan(name), "{name}");
        }
    }

    #[test]
    fn only_cgroup_mounts_are_found_with_their_controllers() {
        let mounts = cgroup_mounts(MOUNTS);
        assert_eq!(mounts.len(), 3);
        assert!(mounts[1].options.contains(&"cpuacct".to_owned()));
        assert_eq!(mounts[1].root, "/docker/abc");
        assert!(mounts[2].version_2);
    }

    #[test]
    fn a_group_that_is_not_shown_is_the_mount_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("own")).expect("a group");
        let mount = |root: &str| Mount {
            version_2: false,
            point: folder.path().to_owned(),
            root: root.to_owned(),
            options: Vec::new(),
        };
        assert_eq!(mount("/").folder_of("/own"), folder.path().join("own"));
        assert_eq!(mount("/").folder_of("/other"), folder.path());
        assert_eq!(
            mount("/docker/abc").folder_of("/docker/abc/own"),
            folder.path().join("own")
        );
        assert_eq!(mount("/docker/abc").folder_of("/"), folder.path());
    }
}
