//! Writable folders besides the home: volumes, which sandboxes share, and
//! places outside the home whose files are kept in it.
//!
//! What is in a home or a volume was written by programs of sandboxes, some of
//! which run at this moment: every step of a path is taken from a descriptor,
//! and no link is ever followed.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use super::{Setup, idmap, step};
use crate::sandbox::sandboxd::orders::Plan;
use crate::sandbox::{Level, SharedFolder, VOLUME_OWNER};

const HOME: &str = "home/daytona";
/// Where, below the home, the files of places outside it are.
const PLACES: &str = ".places";

/// A volume's folder as a detached mount, and where it goes.
pub(super) struct Taken {
    tree: OwnedFd,
    target: PathBuf,
}

/// Takes all volumes while the host's files are in sight.
pub(super) fn take(plan: &Plan, uid: u32) -> Setup<Vec<Taken>> {
    if plan.shared.is_empty() {
        return Ok(Vec::new());
    }
    // Where the sandbox has a user namespace, all is the engine's own user.
    let owner = match plan.level {
        Level::NamespacesRoot => Some((VOLUME_OWNER, idmap::namespace(VOLUME_OWNER, uid)?)),
        _ => None,
    };
    let mut volumes: Vec<&SharedFolder> = plan.shared.iter().collect();
    // One inside another comes after it.
    volumes.sort_by_key(|volume| volume.target.components().count());
    volumes
        .into_iter()
        .map(|volume| {
            let folder = open(CWD, &volume.source);
            let folder = step(
                format_args!("open the volume for {}", volume.target.display()),
                folder,
            )?;
            let on_disk = owner.as_ref().map_or(uid, |(owner, _)| *owner);
            let folder = match &volume.subpath {
                Some(subpath) => make(folder, subpath, on_disk)?,
                None => folder,
            };
            Ok(Taken {
                tree: detach(&folder, owner.as_ref().map(|(_, namespace)| namespace))?,
                target: relative(&volume.target)?,
            })
        })
        .collect()
}

/// Puts the volumes and the places into the new root, the current folder.
pub(super) fn place(volumes: Vec<Taken>, places: &[PathBuf], uid: u32) -> Setup<()> {
    for place in places {
        let target = relative(place)?;
        let home = step("open the home folder", open(CWD, Path::new(HOME)))?;
        let files = make(home, &Path::new(PLACES).join(&target), uid)?;
        put(&detach(&files, None)?, &target, uid)?;
    }
    for Taken { tree, target } in volumes {
        put(&tree, &target, uid)?;
    }
    Ok(())
}

fn put(tree: &OwnedFd, target: &Path, uid: u32) -> Setup<()> {
    let root = step("open the new root", open(CWD, Path::new(".")))?;
    let folder = make(root, target, uid)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    step(
        format_args!("place a folder at /{}", target.display()),
        move_mount(tree, c"", &folder, c"", flags),
    )
}

/// A place inside, relative to the root; it may not climb out of it.
fn relative(path: &Path) -> Setup<PathBuf> {
    let relative = path.strip_prefix("/").unwrap_or(path);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain && relative.components().next().is_some() {
        Ok(relative.to_owned())
    } else {
        Err(format!(
            "place a folder at {}: not a place inside",
            path.display()
        ))
    }
}

fn open(from: impl AsFd, name: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(from, name, flags, Mode::empty())
}

/// Goes down from `folder`, makes what is missing, and gives it to `uid`.
fn make(folder: OwnedFd, below: &Path, uid: u32) -> Setup<OwnedFd> {
    let mut at = folder;
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(format!("go to {}: not a place inside", below.display()));
        };
        at = step_down(&at, name, uid).map_err(|error| {
            let name = name.display();
            match error {
                Errno::NOTDIR | Errno::LOOP => {
                    format!("go to {}: {name} is a file or a link", below.display())
                }
                error => format!("go to {}: {name}: {}", below.display(), io::Error::from(error)),
            }
        })?;
    }
    Ok(at)
}

fn step_down(at: &OwnedFd, name: &OsStr, uid: u32) -> rustix::io::Result<OwnedFd> {
    match open(at, Path::new(name)) {
        Err(Errno::NOENT) => {}
        other => return other,
    }
    match rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o755)) {
        // Another sandbox that shares the volume was faster.
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    let made = open(at, Path::new(name))?;
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    rustix::fs::chownat(&made, c"", Some(user), Some(group), AtFlags::EMPTY_PATH)?;
    Ok(made)
}

/// A mount of the folder that is not placed yet: without devices and special
/// rights, and with `owner` its files belong to the sandbox's user.
fn detach(folder: &OwnedFd, owner: Option<&OwnedFd>) -> Setup<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = step("take a folder", open_tree(folder, c"", flags))?;
    let mapped = if owner.is_some() {
        libc::MOUNT_ATTR_IDMAP
    } else {
        0
    };
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | mapped,
        attr_clr: 0,
        propagation: 0,
        userns_fd: owner.map_or(0, |owner| u64::from(owner.as_raw_fd().unsigned_abs())),
    };
    // SAFETY: the path and the attributes outlive the call, whose last argument
    // is the attributes' size.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    let error = io::Error::last_os_error();
    match (done, owner, error.raw_os_error()) {
        (0, _, _) => Ok(tree),
        (_, Some(_), Some(libc::EINVAL)) => Err(
            "show a volume as the sandbox's own: the file system of the data directory cannot do that \
             (ext4, xfs and btrfs can)"
                .into(),
        ),
        _ => step("restrict a folder", Err(error)),
    }
}
