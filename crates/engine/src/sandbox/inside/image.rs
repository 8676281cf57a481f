//! An unpacked root file system of the operator's as the base of a sandbox,
//! instead of the host's own programs.
//!
//! It is taken piece by piece: links are made anew and never followed here,
//! because they mean places of the image and not of the host, and what tells a
//! program who and where it is comes from us.

use std::fs::DirEntry;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{OpenTreeFlags, open_tree};

use super::mounts::{Base, Piece};
use super::{Setup, step};

/// Folders a sandbox has of its own.
const OWN: &[&str] = &[
    "boot",
    "dev",
    "etc",
    "home",
    "lost+found",
    "media",
    "mnt",
    "opt",
    "proc",
    "run",
    "srv",
    "sys",
    "tmp",
    "var",
];
/// Of these the parts are taken one by one, because something of ours goes
/// between them.
const IN_PARTS: &[&str] = &["etc", "opt", "var"];
/// Parts that a sandbox has of its own, or that are nobody's business inside.
const OWN_PARTS: &[&str] = &[
    "etc/group",
    "etc/group-",
    "etc/gshadow",
    "etc/gshadow-",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/passwd-",
    "etc/resolv.conf",
    "etc/shadow",
    "etc/shadow-",
    "etc/sudoers",
    "opt/pitlane",
    "var/lock",
    "var/run",
    "var/tmp",
];

/// The pieces of an image, by where they go.
pub(super) fn take(root: &Path) -> Setup<Vec<(PathBuf, Base)>> {
    let mut pieces = Vec::new();
    for entry in entries(root)? {
        let name = entry.file_name();
        if OWN.iter().all(|own| *own != name) {
            add(&mut pieces, PathBuf::from(name), &entry)?;
        }
    }
    for folder in IN_PARTS {
        let source = root.join(folder);
        // Not followed: a link would be looked up on the host.
        if !std::fs::symlink_metadata(&source).is_ok_and(|known| known.is_dir()) {
            continue;
        }
        for entry in entries(&source)? {
            let target = Path::new(folder).join(entry.file_name());
            if OWN_PARTS.iter().all(|own| Path::new(own) != target) {
                add(&mut pieces, target, &entry)?;
            }
        }
    }
    Ok(pieces)
}

fn entries(folder: &Path) -> Setup<Vec<DirEntry>> {
    let what = format!("look into the image's {}", folder.display());
    let entries = step(&what, std::fs::read_dir(folder))?;
    step(&what, entries.collect::<Result<Vec<_>, _>>())
}

fn add(pieces: &mut Vec<(PathBuf, Base)>, target: PathBuf, entry: &DirEntry) -> Setup<()> {
    let what = format!("take {}", entry.path().display());
    let kind = step(&what, entry.file_type())?;
    let base = if kind.is_symlink() {
        Base::Link(step(&what, std::fs::read_link(entry.path()))?)
    } else if kind.is_dir() || kind.is_file() {
        let tree = step(&what, detached(&entry.path()))?;
        Base::Piece(Piece::new(tree, kind.is_dir(), entry.path()))
    } else {
        return Ok(());
    };
    pieces.push((target, base));
    Ok(())
}

fn detached(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    open_tree(CWD, path, flags)
}
