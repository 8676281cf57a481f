//! What mends a way of isolating that does not work here: for each reason one
//! thing to do, a command where there is one.

use std::path::Path;

use super::isolation::{Enforcer, Isolation, Level};
use super::standing::Standing;

/// Looked at only to name the right one in a sentence; whether something works
/// is found out by doing it.
const SWITCHES: &[(&str, &str, &str)] = &[
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "sysctl -w user.max_user_namespaces=15000",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
];

/// What mends a rung, told by what the kernel answered.
pub(super) fn of_level(level: Level, errno: Option<i32>) -> String {
    let standing = Standing::find();
    let is_root = standing.is_root();
    if standing == Standing::Unclear {
        return "Start the engine outside of that user namespace, or in it as an ordinary user.".to_owned();
    }
    let text = match (level, errno) {
        (Level::NamespacesRoot, Some(libc::EPERM | libc::ENOSYS)) if is_root => {
            "Start the container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined."
        }
        (Level::NamespacesRoot, Some(libc::EPERM)) => "Run the engine as root, as a systemd service does.",
        (Level::NamespacesUser, Some(libc::ENOSPC | libc::EPERM | libc::EACCES)) => return user_namespaces(),
        (Level::NamespacesUser, _) => {
            "In a container start it with --security-opt systempaths=unconfined; elsewhere run the engine as root."
        }
        (Level::NamespacesUserNoProc, Some(libc::ENOSPC | libc::EPERM | libc::EACCES)) => {
            "It needs user namespaces as well."
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

/// The switch that keeps user namespaces off; a container's filter when none does.
fn user_namespaces() -> String {
    let off = |(file, off, _): &&(&str, &str, &str)| {
        std::fs::read_to_string(file).is_ok_and(|text| text.trim() == *off)
    };
    match SWITCHES.iter().find(off) {
        Some((_, _, command)) => format!("Allow user namespaces, as root: {command}."),
        None => {
            "Start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
                 --security-opt systempaths=unconfined."
                .to_owned()
        }
    }
}

/// What gives sandboxes a network device.
pub(super) fn of_device() -> &'static str {
    if Path::new("/dev/net/tun").exists() {
        "Open it to the engine, as root: chmod 0666 /dev/net/tun."
    } else {
        "Load its module, as root: modprobe tun; a container is started with --device /dev/net/tun."
    }
}

/// What has control groups hold the limits; none when they do.
pub(super) fn of_limits(isolation: &Isolation) -> Option<String> {
    let held = |enforcer| matches!(enforcer, Enforcer::CgroupV1 | Enforcer::CgroupV2);
    if [isolation.memory, isolation.processes, isolation.cpu]
        .into_iter()
        .all(held)
    {
        return None;
    }
    let way = if Standing::find().is_root() {
        "Give the engine control groups that it can write to: where this is a container, start it with \
         /sys/fs/cgroup writable."
    } else if Path::new("/run/systemd/system").exists()
        && Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
    {
        "Start Pitlane in a scope of its own: systemd-run --user --scope -p Delegate=yes pitlane serve."
    } else {
        "Run the engine as root."
    };
    Some(format!("Control groups hold these limits better. {way}"))
}

/// What has a file system bound the homes that are kept; none when one does.
pub(super) fn of_disk(isolation: &Isolation) -> Option<String> {
    if isolation.disk == Enforcer::FileSystem {
        return None;
    }
    let way = if !Standing::find().is_root() {
        "Run the engine as root."
    } else if isolation.level != Level::NamespacesRoot {
        "That takes namespaces-root."
    } else if Path::new("/dev/loop-control").exists() {
        "Install what makes them: apt-get install e2fsprogs."
    } else {
        "Give the engine loop devices: where this is a container, start it with --device /dev/loop-control."
    };
    Some(format!(
        "Homes that are kept can outgrow their bound for some seconds. {way}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isolation(enforcer: Enforcer, disk: Enforcer) -> Isolation {
        Isolation {
            level: Level::NamespacesUser,
            memory: enforcer,
            processes: enforcer,
            cpu: enforcer,
            disk,
            refused: Vec::new(),
        }
    }

    #[test]
    fn what_holds_needs_no_remedy() {
        for enforcer in [Enforcer::CgroupV1, Enforcer::CgroupV2] {
            let isolation = isolation(enforcer, Enforcer::FileSystem);
            assert_eq!((of_limits(&isolation), of_disk(&isolation)), (None, None));
        }
        let weaker = isolation(Enforcer::Watchdog, Enforcer::Watchdog);
        assert!(of_limits(&weaker).is_some() && of_disk(&weaker).is_some());
        let one = Isolation {
            cpu: Enforcer::Priority,
            ..isolation(Enforcer::CgroupV1, Enforcer::FileSystem)
        };
        assert!(of_limits(&one).is_some());
    }

    #[test]
    fn every_rung_has_one_thing_to_do() {
        for level in [
            Level::NamespacesRoot,
            Level::NamespacesUser,
            Level::NamespacesUserNoProc,
            Level::Landlock,
        ] {
            for errno in [
                None,
                Some(libc::EPERM),
                Some(libc::ENOSPC),
                Some(libc::EOPNOTSUPP),
            ] {
                let text = of_level(level, errno);
                assert!(
                    text.ends_with('.') && text.len() > 20,
                    "{level:?} {errno:?}: {text}"
                );
            }
        }
    }
}
