//! The sandbox's root: an empty file system in memory with read-only pieces of
//! the host's, private places to write, and nothing else.
//!
//! All pieces of the host are taken first, as detached trees: mounting the new
//! root hides whatever is below it, and links such as `/etc/localtime` would
//! lead elsewhere later.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind,
    mount_change, mount_move, move_mount, open_tree, unmount,
};

use super::{Setup, devices, image, shares, step};
use crate::network::plan::NAME_SERVER;
use crate::sandbox::loop_device;
use crate::sandbox::sandboxd::orders::{Home, Plan};
use crate::sandbox::{Level, USER, Wiring};

/// Where the new root is put together; what the host has there is hidden.
const BASE: &str = "/tmp";
/// What programs read of the host's configuration; nothing that names the
/// host, its users or its network.
pub(super) const ETC: &[&str] = &[
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "debian_version",
    "fonts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "os-release",
    "pki/tls",
    "pki/ca-trust",
    "profile",
    "protocols",
    "python3",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];
/// Links to `/usr` on most distributions, folders of their own on others.
pub(super) const LIBRARY_FOLDERS: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
pub(super) const QUIET: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// How a piece of the host appears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// A device node: the only kind that may act as one.
    Device,
}

/// A detached copy of a mount of the host.
pub(super) struct Piece {
    tree: OwnedFd,
    is_folder: bool,
    source: PathBuf,
}

/// A part of what a sandbox runs on.
pub(super) enum Base {
    Link(PathBuf),
    Piece(Piece),
}

/// Takes a piece; `None` when the host has none there.
pub(super) fn take(source: impl AsRef<Path>) -> Setup<Option<Piece>> {
    let source = source.as_ref();
    let Ok(known) = std::fs::metadata(source) else {
        return Ok(None);
    };
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = step(
        format_args!("take {}", source.display()),
        open_tree(CWD, source, flags),
    )?;
    Ok(Some(Piece {
        tree,
        is_folder: known.is_dir(),
        source: source.to_owned(),
    }))
}

impl Piece {
    pub(super) fn new(tree: OwnedFd, is_folder: bool, source: PathBuf) -> Self {
        Self {
            tree,
            is_folder,
            source,
        }
    }

    /// Puts the piece at `target`, relative to the new root.
    pub(super) fn place(self, target: impl AsRef<Path>, access: Access) -> Setup<()> {
        let target = target.as_ref();
        let what = format!("place {} at /{}", self.source.display(), target.display());
        if self.is_folder {
            step(&what, std::fs::create_dir_all(target))?;
        } else {
            if let Some(parent) = target.parent() {
                step(&what, std::fs::create_dir_all(parent))?;
            }
            let touched = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o644)
                .open(target);
            step(&what, touched)?;
        }
        step(
            &what,
            move_mount(
                &self.tree,
                c"",
                CWD,
                target,
                MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
            ),
        )?;
        restrict(target, access)
    }
}

/// Sets what a mount and all below it may be used for (Linux 5.12).
pub(super) fn restrict(target: &Path, access: Access) -> Setup<()> {
    use libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
    let set = match access {
        Access::Read => MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY,
        Access::Write => MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        Access::Device => MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
    };
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let path = step(
        "name a mount",
        CString::new(target.as_os_str().as_encoded_bytes()).map_err(io::Error::other),
    )?;
    // SAFETY: the path and the attributes outlive the call, whose last argument
    // is the attributes' size.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    let result = if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    };
    step(format_args!("restrict /{}", target.display()), result)
}

/// Mounts a file system in memory at `target`, relative to the new root.
pub(super) fn memory(target: &str, flags: MountFlags, options: &str) -> Setup<()> {
    let what = format!("mount memory on {target}");
    let options = step(&what, CString::new(options).map_err(io::Error::other))?;
    step(
        &what,
        mount(c"tmpfs", target, c"tmpfs", flags, options.as_c_str()),
    )
}

pub(super) fn folder(path: &str) -> Setup<()> {
    step(format_args!("make /{path}"), std::fs::create_dir_all(path))
}

fn write(path: &str, text: &str) -> Setup<()> {
    step(format_args!("write /{path}"), std::fs::write(path, text))
}

/// Builds the root and makes it `/`.
pub(super) fn build_root(plan: &Plan, uid: u32) -> Setup<()> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    step("keep mounts private", mount_change("/", private))?;

    let base = match &plan.root {
        Some(root) => image::take(root)?,
        None => take_host()?,
    };
    let nodes = devices::take_nodes()?;
    let mut binds = Vec::new();
    for bind in &plan.binds {
        binds.push((inside(&bind.target)?, take(&bind.source)?));
    }
    let home = take_home(&plan.home)?;
    let volumes = shares::take(plan, uid)?;

    memory(BASE, QUIET, "mode=755,size=4m,nr_inodes=4096")?;
    step("enter the new root", rustix::process::chdir(BASE))?;
    for name in [
        "proc",
        "dev",
        "tmp",
        "etc",
        "home",
        "run",
        "var/tmp",
        "sys",
        "opt",
        "mnt",
        "root",
        "home/daytona",
    ] {
        folder(name)?;
    }
    for (target, base) in base {
        match base {
            Base::Link(link) => step(format_args!("link /{}", target.display()), symlink(link, &target))?,
            Base::Piece(piece) => piece.place(&target, Access::Read)?,
        }
    }
    for mask in ["usr/local/etc", "usr/src"] {
        if plan.root.is_none() && Path::new(mask).is_dir() {
            memory(mask, QUIET | MountFlags::RDONLY, "size=4k,nr_inodes=1,mode=755")?;
        }
    }
    write_identity(plan.wiring, uid)?;
    devices::build_dev(nodes)?;
    if plan.level != Level::NamespacesUserNoProc {
        devices::build_proc()?;
    }
    private_places(plan, uid, home)?;
    for (target, piece) in binds {
        let is_there = piece.as_ref().is_some_and(|piece| !piece.is_folder) && target.exists();
        if !is_there {
            place(piece, target, Access::Read)?;
        }
    }
    shares::place(volumes, &plan.places, uid)?;
    enter_root()
}

/// The host's own programs: `/usr` with what leads to it, and the part of
/// `/etc` that programs read.
fn take_host() -> Setup<Vec<(PathBuf, Base)>> {
    let mut base = Vec::new();
    let mut add = |target: PathBuf, piece: Option<Piece>| {
        base.extend(piece.map(|piece| (target, Base::Piece(piece))));
    };
    add("usr".into(), take("/usr")?);
    for name in ETC {
        add(Path::new("etc").join(name), take(format!("/etc/{name}"))?);
    }
    for name in LIBRARY_FOLDERS {
        let path = Path::new("/").join(name);
        match std::fs::read_link(&path) {
            Ok(link) => base.push((name.into(), Base::Link(link))),
            Err(_) => base.extend(take(&path)?.map(|piece| (name.into(), Base::Piece(piece)))),
        }
    }
    Ok(base)
}

fn place(piece: Option<Piece>, target: impl AsRef<Path>, access: Access) -> Setup<()> {
    piece.map_or(Ok(()), |piece| piece.place(target, access))
}

/// A bind's target relative to the new root; it may not climb out of it.
fn inside(target: &Path) -> Setup<PathBuf> {
    use std::path::Component;
    let relative = target.strip_prefix("/").unwrap_or(target);
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain && relative.components().next().is_some() {
        Ok(relative.to_owned())
    } else {
        Err(format!("bind {}: not a place inside", target.display()))
    }
}

/// What names the sandbox's user and host.
fn write_identity(wiring: Wiring, uid: u32) -> Setup<()> {
    write(
        "etc/passwd",
        &format!(
            "root:x:0:0:root:/root:/usr/sbin/nologin\n{USER}:x:{uid}:{uid}:{USER}:/home/{USER}:/bin/bash\n\
             nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
        ),
    )?;
    write(
        "etc/group",
        &format!("root:x:0:\n{USER}:x:{uid}:\nnogroup:x:65534:\n"),
    )?;
    write("etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n")?;
    write("etc/hostname", "sandbox\n")?;
    write(
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    )?;
    let resolver = match wiring {
        Wiring::Off => "# There is no network here.\n".to_owned(),
        Wiring::Proxy => "# Names are resolved by the proxy.\n".to_owned(),
        Wiring::Tun => format!("nameserver {NAME_SERVER}\n"),
    };
    write("etc/resolv.conf", &resolver)
}

enum TakenHome {
    Memory,
    Image(loop_device::Attached),
    Folder(Piece),
}

fn take_home(home: &Home) -> Setup<TakenHome> {
    match home {
        Home::Memory => Ok(TakenHome::Memory),
        Home::Image(image) => step("attach the home image", loop_device::attach(image)).map(TakenHome::Image),
        Home::Folder(folder) => take(folder)?
            .map(TakenHome::Folder)
            .ok_or_else(|| "the home folder is missing".into()),
    }
}

/// One file system in memory holds /tmp, /var/tmp, /dev/shm and, unless it is
/// kept, the home folder: they share one bound, which leaves the programs a
/// quarter of the memory, because its pages count as the sandbox's memory.
fn private_places(plan: &Plan, uid: u32, home: TakenHome) -> Setup<()> {
    let bytes = plan.limits.disk_bytes.min(plan.limits.memory_bytes / 4 * 3);
    memory(
        "mnt",
        QUIET,
        &format!("mode=755,size={bytes},nr_inodes={}", plan.limits.inodes),
    )?;
    let mut places = vec![
        ("mnt/tmp", "tmp", 0o1777),
        ("mnt/var-tmp", "var/tmp", 0o1777),
        ("mnt/shm", "dev/shm", 0o1777),
    ];
    match home {
        TakenHome::Memory => places.push(("mnt/home", "home/daytona", 0o700)),
        TakenHome::Image(image) => mount_image(&image, uid)?,
        TakenHome::Folder(piece) => piece.place("home/daytona", Access::Write)?,
    }
    for (source, target, mode) in places {
        let what = format!("make /{target} writable");
        step(&what, std::fs::create_dir(source))?;
        step(
            &what,
            std::fs::set_permissions(source, std::fs::Permissions::from_mode(mode)),
        )?;
        if mode == 0o700 {
            step(&what, chown(source, Some(uid), Some(uid)))?;
        }
        step(&what, mount_bind(source, target))?;
    }
    step(
        "hide the writable places' root",
        unmount("mnt", UnmountFlags::DETACH),
    )?;
    memory("run", QUIET | MountFlags::RDONLY, "mode=755,size=4k,nr_inodes=1")
}

/// Mounts a home image; a new one becomes the user's own, and empty.
fn mount_image(image: &loop_device::Attached, uid: u32) -> Setup<()> {
    const HOME: &str = "home/daytona";
    let flags = QUIET | MountFlags::NOATIME;
    step(
        "mount the home image",
        mount(image.device(), HOME, c"ext4", flags, None),
    )?;
    let known = step("look at the home folder", std::fs::metadata(HOME))?;
    if known.uid() != uid {
        step(
            "give the home folder to the user",
            chown(HOME, Some(uid), Some(uid)),
        )?;
        step(
            "close the home folder",
            std::fs::set_permissions(HOME, std::fs::Permissions::from_mode(0o700)),
        )?;
    }
    // Only a check of the file system uses it, and makes it again when it grows.
    let lost = Path::new("home/daytona/lost+found");
    if std::fs::symlink_metadata(lost).is_ok_and(|known| known.is_dir() && known.uid() == 0) {
        let _ = std::fs::remove_dir(lost);
    }
    Ok(())
}

/// Makes the current folder `/`, drops the old root, and closes the new one to
/// writing.
fn enter_root() -> Setup<()> {
    if rustix::process::pivot_root(".", ".").is_ok() {
        step("leave the host's root", unmount(".", UnmountFlags::DETACH))?;
    } else {
        // Docker's filter has no pivot_root even with CAP_SYS_ADMIN.
        step("move the root", mount_move(BASE, "/"))?;
        step("change the root", rustix::process::chroot("."))?;
    }
    step("enter /", rustix::process::chdir("/"))?;
    seal("/", QUIET)?;
    seal("/dev", MountFlags::NOSUID | MountFlags::NOEXEC)
}

fn seal(path: &str, flags: MountFlags) -> Setup<()> {
    let flags = flags | MountFlags::BIND | MountFlags::RDONLY;
    step(
        format_args!("make {path} read-only"),
        rustix::mount::mount_remount(path, flags, c""),
    )
}
