//! `/dev` with six harmless devices, and `/proc` without what tells about, or
//! changes, the host.

use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive};

use super::mounts::{Access, Piece, QUIET, folder, memory, restrict, take};
use super::{Setup, step};

const NODES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
const LINKS: &[(&str, &str)] = &[
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
    ("pts/ptmx", "dev/ptmx"),
];
/// Parts of /proc through which root of a kernel changes it.
const READ_ONLY: &[&str] = &["sys", "irq", "bus", "fs", "sysrq-trigger"];
/// Files that tell about the kernel, its keys or the host's hardware.
const HIDDEN_FILES: &[&str] = &[
    "kcore",
    "keys",
    "key-users",
    "timer_list",
    "kallsyms",
    "config.gz",
    "sched_debug",
    "latency_stats",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "interrupts",
    "cmdline",
    "partitions",
    "diskstats",
    "modules",
    "version_signature",
];
const HIDDEN_FOLDERS: &[&str] = &["acpi", "scsi", "driver", "asound", "tty/driver", "pressure"];

/// The host's device nodes, taken before its `/dev` is out of sight.
pub(super) fn take_nodes() -> Setup<Vec<(&'static str, Option<Piece>)>> {
    NODES
        .iter()
        .map(|name| Ok((*name, take(format!("/dev/{name}"))?)))
        .collect()
}

pub(super) fn build_dev(nodes: Vec<(&'static str, Option<Piece>)>) -> Setup<()> {
    memory(
        "dev",
        MountFlags::NOSUID | MountFlags::NOEXEC,
        "mode=755,size=64k,nr_inodes=64",
    )?;
    for (name, piece) in nodes {
        if let Some(piece) = piece {
            piece.place(format!("dev/{name}"), Access::Device)?;
        }
    }
    for (target, link) in LINKS {
        step(format_args!("link /{link}"), symlink(target, link))?;
    }
    folder("dev/pts")?;
    folder("dev/shm")?;
    // Bounded, because all of a host's sandboxes together have some thousands.
    let options = c"newinstance,ptmxmode=0666,mode=0620,max=256";
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    step(
        "mount /dev/pts",
        mount(c"devpts", "dev/pts", c"devpts", flags, options),
    )
}

pub(super) fn build_proc() -> Setup<()> {
    step(
        "mount /proc",
        mount(c"proc", "proc", c"proc", QUIET | MountFlags::NOEXEC, None),
    )?;
    for name in READ_ONLY {
        let path = format!("proc/{name}");
        if Path::new(&path).exists() {
            step(
                format_args!("protect /{path}"),
                mount_bind_recursive(&path, &path),
            )?;
            restrict(Path::new(&path), Access::Read)?;
        }
    }
    for name in HIDDEN_FILES {
        let path = format!("proc/{name}");
        if Path::new(&path).exists() {
            step(format_args!("hide /{path}"), mount_bind("dev/null", &path))?;
        }
    }
    for name in HIDDEN_FOLDERS {
        let path = format!("proc/{name}");
        if Path::new(&path).is_dir() {
            memory(&path, QUIET | MountFlags::RDONLY, "size=4k,nr_inodes=1,mode=555")?;
        }
    }
    Ok(())
}
