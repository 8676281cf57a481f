//! Whether an interpreter may be shown to sandboxes, and whether they could
//! read it; and, before one is run at all, whether the engine should.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Visible in every sandbox anyway.
pub(super) const SHARED: &str = "/usr";
/// A whole home or system folder is too much to show for an interpreter.
const TOO_MUCH: &[&str] = &[
    "/", "/home", "/root", "/opt", "/var", "/etc", "/tmp", "/srv", "/mnt", "/proc", "/sys", "/dev", "/run",
    "/boot", "/media", "/bin", "/sbin", "/lib", "/lib64",
];
const READABLE: u32 = 0o004;
const PASSABLE: u32 = 0o001;
/// The first user of a person.
const FIRST_PERSON: u32 = 1000;

/// Whether showing this folder would show much more than an interpreter: a
/// home, what holds one, or a hidden folder right in one, such as `~/.local`.
pub(super) fn too_much(prefix: &Path, own_home: Option<&Path>) -> bool {
    if !prefix.is_absolute() || TOO_MUCH.iter().any(|folder| prefix == Path::new(folder)) {
        return true;
    }
    let is_home = |folder: &Path| {
        own_home == Some(folder)
            || folder == Path::new("/root")
            || folder.parent() == Some(Path::new("/home"))
    };
    let holds_home = own_home.is_some_and(|home| home.starts_with(prefix));
    let is_hidden = prefix
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    holds_home || is_home(prefix) || (is_hidden && prefix.parent().is_some_and(is_home))
}

/// Why programs under another uid than the engine's could not use it, if they
/// could not: each of its parts has to be open to everybody.
pub(super) fn closed_to_others(prefix: &Path, executable: &Path, needed: &Path) -> Option<String> {
    let within = |path: &Path| -> Vec<PathBuf> {
        let above = path.ancestors().skip(1);
        let within = above.take_while(|folder| folder.starts_with(prefix));
        within.map(ToOwned::to_owned).collect()
    };
    let folders = [executable, needed].map(within).concat();
    let folders = folders
        .iter()
        .map(|folder| (folder.as_path(), READABLE | PASSABLE));
    let mut parts = folders.chain([(executable, READABLE | PASSABLE), (needed, READABLE)]);
    parts
        .find(|(path, needed)| {
            !path
                .metadata()
                .is_ok_and(|found| found.mode() & needed == *needed)
        })
        .map(|(path, _)| {
            format!(
                "sandboxes have users of their own, and {} is not open to them (chmod -R go+rX)",
                path.display()
            )
        })
}

/// The folder on the way that only its owner may pass, if there is one. It is
/// in the way of all but the superuser, who gives sandboxes what is behind it.
pub(super) fn closed_way(prefix: &Path) -> Option<String> {
    prefix
        .ancestors()
        .skip(1)
        .find(|folder| !folder.metadata().is_ok_and(|found| found.mode() & PASSABLE != 0))
        .map(|folder| {
            format!(
                "sandboxes have users of their own, who may not pass {} (chmod o+x)",
                folder.display()
            )
        })
}

/// Why the superuser should not run a program that was merely found: somebody
/// else could have put it there.
pub(super) fn distrusted(program: &Path) -> Option<String> {
    let others = |path: &&Path| {
        let Ok(found) = path.metadata() else { return true };
        let (mode, sticky) = (found.mode(), found.mode() & 0o1000 != 0);
        let by_group = mode & 0o020 != 0 && found.gid() >= FIRST_PERSON;
        found.uid() != 0 || ((mode & 0o002 != 0 || by_group) && !(sticky && found.is_dir()))
    };
    program.ancestors().find(others).map(|path| {
        format!(
            "{} can be changed by others than the superuser, as whom the engine would run it; name it in the \
             configuration if that is right",
            path.display()
        )
    })
}
