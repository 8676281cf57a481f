//! Landlock: the second wall inside namespaces, the only one without them.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};

use super::Setup;
use super::mounts::{ETC, LIBRARY_FOLDERS};
use crate::sandbox::sandboxd::orders::Plan;

/// The newest version this was written for; older kernels give what they have.
const NEWEST: ABI = ABI::V6;
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];
/// Terminals of the host. Only where the sandbox has a uid of its own: of the
/// terminals that are there, it may then use the ones alone that it made.
const TERMINALS: &[&str] = &["/dev/ptmx", "/dev/pts"];

fn sentence(error: RulesetError) -> String {
    format!("Landlock: {error}")
}

fn ruleset(with_network: bool) -> Result<RulesetCreated, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    if with_network {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    ruleset.create()
}

/// Files beneath the sandbox's own `/` only: whatever descriptor or link should
/// ever lead out of the mount namespace leads nowhere. Signals and abstract
/// sockets stay inside too.
pub(super) fn second_wall() -> Setup<()> {
    let build = || -> Result<(), RulesetError> {
        let mut rules = ruleset(false)?;
        if let Ok(root) = PathFd::new("/") {
            rules = rules.add_rule(PathBeneath::new(root, AccessFs::from_all(NEWEST)))?;
        }
        rules.restrict_self().map(drop)
    };
    build().map_err(sentence)
}

/// The paths a sandbox without a mount namespace may read, and those it may
/// write.
fn reachable(plan: &Plan, home: &Path, own_uid: bool) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut read = vec![PathBuf::from("/usr")];
    read.extend(LIBRARY_FOLDERS.iter().map(|name| Path::new("/").join(name)));
    read.extend(ETC.iter().map(|name| Path::new("/etc").join(name)));
    read.extend(plan.binds.iter().map(|bind| bind.source.clone()));
    let mut write: Vec<PathBuf> = DEVICES.iter().map(PathBuf::from).collect();
    if own_uid {
        write.extend(TERMINALS.iter().map(PathBuf::from));
    }
    write.push(home.to_owned());
    (read, write)
}

/// The only wall: a list of what may be read and written, no TCP, signals and
/// abstract sockets only among its own processes where the kernel can.
pub(super) fn only_wall(plan: &Plan, home: &Path, own_uid: bool) -> Setup<()> {
    let (read, write) = reachable(plan, home, own_uid);
    let build = || -> Result<bool, RulesetError> {
        let mut rules = ruleset(true)?;
        for (paths, access) in [
            (read, AccessFs::from_read(NEWEST)),
            (write, AccessFs::from_all(NEWEST)),
        ] {
            for path in paths {
                if let Ok(path) = PathFd::new(path) {
                    rules = rules.add_rule(PathBeneath::new(path, access))?;
                }
            }
        }
        let status = rules.restrict_self()?;
        Ok(status.ruleset != landlock::RulesetStatus::NotEnforced)
    };
    match build() {
        Ok(true) => Ok(()),
        Ok(false) => Err("Landlock is not enforced by this kernel".into()),
        Err(error) => Err(sentence(error)),
    }
}

/// The version of Landlock the kernel has; 0 for none.
pub(crate) fn version() -> u32 {
    const ASK_VERSION: libc::c_ulong = 1;
    // SAFETY: with this flag the call reads no memory and only returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0usize,
            ASK_VERSION,
        )
    };
    u32::try_from(version).unwrap_or(0)
}
