//! User, capabilities and limits of the sandbox's processes.

use std::os::unix::fs::MetadataExt;

use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};
use rustix::{fs::Gid, fs::Uid};

use super::{Inheritance, Setup, step};
use crate::sandbox::{Enforcer, Level};

/// Open files for each process.
const OPEN_FILES: u64 = 1024;
const LOCKED_MEMORY: u64 = 64 * 1024;
const PENDING_SIGNALS: u64 = 1024;
/// Threads besides the limit: pid 1 and its helpers.
const OWN_PROCESSES: u64 = 4;
/// Where a cgroup counts processes, the count of the uid is only a backstop.
const BACKSTOP_PROCESSES: u64 = 16_384;

/// Maps the sandbox's uid in a fresh user namespace to the one outside, by the
/// process itself: no privilege of the parent is needed.
pub(super) fn map_user(inside: u32, outside: u32) -> Setup<()> {
    let line = format!("{inside} {outside} 1");
    // A container may have denied this for good already.
    let _ = std::fs::write("/proc/self/setgroups", "deny");
    step("map the user", std::fs::write("/proc/self/uid_map", &line))?;
    step("map the group", std::fs::write("/proc/self/gid_map", &line))
}

/// Takes the sandbox's host uid before a user namespace is made, so that host
/// uid 0 is not even mapped in it: the limits of processes do not hold for 0,
/// and it owns /proc/sys.
pub(crate) fn become_user(uid: u32) -> Setup<()> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    step("drop groups", set_thread_groups(&[]))?;
    step("change the group", set_thread_res_gid(group, group, group))?;
    step("change the user", set_thread_res_uid(user, user, user))
}

pub(super) fn set_limits(given: &Inheritance<'_>) -> Setup<()> {
    let limits = given.plan.limits;
    let set = |resource, value: u64| {
        let wanted = Rlimit {
            current: Some(value),
            maximum: Some(value),
        };
        step("set a limit", setrlimit(resource, wanted))
    };
    set(Resource::Core, 0)?;
    set(Resource::Nofile, OPEN_FILES)?;
    set(Resource::Fsize, limits.disk_bytes)?;
    set(Resource::Memlock, LOCKED_MEMORY)?;
    set(Resource::Msgqueue, 0)?;
    set(Resource::Sigpending, PENDING_SIGNALS)?;
    if given.plan.level != Level::UnsafeNone || given.host_is_root {
        let by_cgroup = matches!(given.enforced.processes, Enforcer::CgroupV1 | Enforcer::CgroupV2);
        // Without a uid or a user namespace of its own, the count is of
        // everything this user runs.
        let shared = !given.host_is_root && !given.plan.level.has_namespaces();
        let others = if shared { threads_of(given.outside_uid) } else { 0 };
        let own = u64::from(limits.processes) + OWN_PROCESSES + others;
        set(
            Resource::Nproc,
            if by_cgroup {
                own.max(BACKSTOP_PROCESSES)
            } else {
                own
            },
        )?;
    }
    if given.enforced.memory == Enforcer::Watchdog {
        set(Resource::Data, limits.memory_bytes)?;
    }
    if given.enforced.cpu == Enforcer::Priority {
        step("lower the priority", setpriority_process(None, 5))?;
        stay_on(limits.cpu)?;
    } else if given.host_is_root && given.plan.level == Level::NamespacesRoot {
        // Pid 1 ends what misbehaves, so it goes before that; programs start
        // at the ordinary priority and cannot raise it. It is no loss where
        // CAP_SYS_NICE is missing.
        let _ = setpriority_process(None, -15);
    }
    Ok(())
}

/// How many threads a user runs now.
fn threads_of(uid: u32) -> u64 {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = folders.filter(|entry| entry.metadata().is_ok_and(|known| known.uid() == uid));
    own.filter_map(|entry| {
        let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("Threads:"))?
            .trim()
            .parse::<u64>()
            .ok()
    })
    .sum()
}

/// Keeps to the first `cpus` processors of those allowed so far; the filter
/// keeps programs from changing it.
fn stay_on(cpus: u32) -> Setup<()> {
    let allowed = step("read the processors", rustix::thread::sched_getaffinity(None))?;
    let mut kept = rustix::thread::CpuSet::new();
    let mut left = cpus.max(1);
    for cpu in 0..rustix::thread::CpuSet::MAX_CPU {
        if left > 0 && allowed.is_set(cpu) {
            kept.set(cpu);
            left -= 1;
        }
    }
    step(
        "keep to some processors",
        rustix::thread::sched_setaffinity(None, &kept),
    )
}

/// Drops everything that could be more than an ordinary user's.
pub(super) fn drop_all(given: &Inheritance<'_>) -> Setup<()> {
    for capability in CapabilitySet::all().iter() {
        // The kernel may know fewer than this library, and who has none cannot
        // drop them; no new privileges keeps them out then.
        let _ = remove_capability_from_bounding_set(capability);
    }
    if given.host_is_root && !given.plan.level.needs_user_namespace() {
        become_user(given.uid)?;
    }
    // Kernels before 4.3 have no ambient set, and none of those gets this far.
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let nothing = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    step("drop capabilities", set_capabilities(None, nothing))?;
    step("give up new privileges", set_no_new_privs(true))
}
