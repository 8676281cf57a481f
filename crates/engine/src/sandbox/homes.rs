//! Home folders on the host's disk: those that outlive their sandbox, and those
//! of sandboxes that have no file system of their own.
//!
//! `homes/<id>/uid` is the host uid the files belong to, `home.ext4` the image
//! (a hard bound, as root with loop devices) or `files` the folder (bounded by
//! a watchdog).

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::home_images::{self, BlankImages};
use super::sandboxd::orders::Home;
use super::{Enforcer, Level, SandboxError, SandboxSpec, Standing};

/// Kept homes have uids of another range than sandboxes that leave nothing. It
/// is one that distributions leave unused, and large, because a uid is chosen by
/// chance: engines on one host know nothing of each other, and the processes of
/// one uid can end each other where there are no namespaces.
const FIRST_UID: u32 = 1_880_000_000;
const UIDS: u32 = 200_000_000;
pub(super) const LAST_UID: u32 = FIRST_UID + UIDS - 1;
/// Where they began in earlier versions.
const LEAST_UID: u32 = 300_000;
/// The folder of a home's files, in the home's folder.
pub(super) const FILES: &str = "files";
const TRAVERSE_ALL: u32 = 0o001;

/// The home of one sandbox, ready to be used.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) home: Home,
    pub(super) uid: Option<u32>,
    /// Removed with the sandbox.
    pub(super) temporary: Option<PathBuf>,
    /// A folder nothing but a watchdog bounds.
    pub(super) watched: Option<PathBuf>,
}

/// All homes below one folder.
#[derive(Debug)]
pub(super) struct Homes {
    folder: PathBuf,
    blanks: BlankImages,
    is_root: bool,
    /// Uids that were given out; two homes never share one.
    uids: Mutex<HashSet<u32>>,
}

impl Homes {
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("homes");
        fs::create_dir_all(&folder)?;
        let known = fs::read_dir(&folder)?
            .flatten()
            .filter_map(|entry| read_uid(&entry.path()))
            .collect();
        Ok(Self {
            folder,
            blanks: BlankImages::within(data_dir.join("blank-homes")),
            is_root: Standing::find().is_root(),
            uids: Mutex::new(known),
        })
    }

    /// Makes the home of a sandbox, or finds the one that was kept. Blocks for
    /// the time a file system takes to make.
    pub(super) fn prepare(&self, spec: &SandboxSpec, level: Level) -> Result<Prepared, SandboxError> {
        if level.has_namespaces() && !spec.keep_home {
            return Ok(Prepared {
                home: Home::Memory,
                uid: None,
                temporary: None,
                watched: None,
            });
        }
        self.on_disk(spec, level)
            .map_err(|error| SandboxError::Create(format!("its home folder: {error}")))
    }

    fn on_disk(&self, spec: &SandboxSpec, level: Level) -> io::Result<Prepared> {
        let folder = self.folder.join(&spec.id);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&folder)?;
        let uid = self.uid_of(&folder)?;
        let temporary = (!spec.keep_home).then(|| folder.clone());
        let image = folder.join("home.ext4");
        let files = folder.join(FILES);
        let new = !image.exists() && !files.exists();
        let wants_image = !spec.plain_home && has_images(level);
        if new
            && wants_image
            && let Err(error) = self.blanks.copy_to(&image, spec)
        {
            tracing::warn!(%error, "a home image could not be made, a watchdog bounds the home folder instead");
            let _ = fs::remove_file(&image);
        }
        if image.exists() && level == Level::NamespacesRoot {
            return Ok(Prepared {
                home: Home::Image(image),
                uid: Some(uid),
                temporary,
                watched: None,
            });
        }
        if image.exists() {
            return Err(io::Error::other(
                "it is in a disk image, which needs root to be mounted",
            ));
        }
        let mut made = vec![files.clone()];
        if !level.has_namespaces() {
            // The host's /tmp is out of reach there.
            made.push(files.join(".tmp"));
            if self.is_root {
                must_be_reachable(&folder)?;
            }
        }
        for folder in made {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)?;
            if self.is_root {
                chown(&folder, Some(uid), Some(uid))?;
            }
        }
        Ok(Prepared {
            home: Home::Folder(files.clone()),
            uid: Some(uid),
            temporary,
            watched: Some(files),
        })
    }

    /// Whether there is a home of this name.
    pub(super) fn has(&self, id: &str) -> bool {
        self.folder.join(id).exists()
    }

    /// Gives a home another name, which no home has.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(to);
        if folder.exists() {
            return Err(io::Error::other("there is a home of that name"));
        }
        fs::rename(self.folder.join(from), &folder)?;
        Ok(folder)
    }

    /// Removes a home with all its files. Blocks for the time that takes.
    pub(super) fn remove(&self, id: &str) -> io::Result<()> {
        let folder = self.folder.join(id);
        let uid = read_uid(&folder);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Only now: nobody else may get it while files of it are there.
        if let Some(uid) = uid {
            self.uids
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .remove(&uid);
        }
        Ok(())
    }

    /// Lets a kept home hold more bytes. Its sandbox does not run. Blocks for
    /// the time a file system takes to grow.
    pub(super) fn grow(&self, id: &str, bytes: u64) -> io::Result<()> {
        let image = self.folder.join(id).join("home.ext4");
        match fs::metadata(&image) {
            // A folder is bounded by the number alone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(known) if known.len() > bytes => Ok(()),
            // Also when the file is that long already: its file system may not
            // be, after a growth that failed half-way.
            Ok(_) => home_images::grow(&image, bytes),
        }
    }

    /// Waits until nothing uses a kept home any more, and all that was written
    /// to it is in its image; false when that takes too long. Blocks.
    pub(super) fn released(&self, id: &str) -> io::Result<bool> {
        match home_images::take(&self.folder.join(id).join("home.ext4")) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The uid of a home's files, chosen once.
    fn uid_of(&self, folder: &Path) -> io::Result<u32> {
        if let Some(uid) = read_uid(folder) {
            return Ok(uid);
        }
        let mut known = self
            .uids
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let uid = loop {
            let chance = u32::try_from(uuid::Uuid::new_v4().as_u128() % u128::from(UIDS)).unwrap_or(0);
            if !known.contains(&(FIRST_UID + chance)) {
                break FIRST_UID + chance;
            }
        };
        fs::write(folder.join("uid"), uid.to_string())?;
        known.insert(uid);
        Ok(uid)
    }
}

fn read_uid(folder: &Path) -> Option<u32> {
    let uid = fs::read_to_string(folder.join("uid")).ok()?.trim().parse().ok()?;
    (LEAST_UID..FIRST_UID + UIDS).contains(&uid).then_some(uid)
}

/// Whether kept homes are file systems of their own here.
fn has_images(level: Level) -> bool {
    level == Level::NamespacesRoot && home_images::are_possible()
}

/// What bounds the home of a sandbox that keeps it; one in memory has a file
/// system of its own.
pub(super) fn enforcer(level: Level) -> Enforcer {
    if has_images(level) {
        Enforcer::FileSystem
    } else {
        Enforcer::Watchdog
    }
}

/// Without namespaces the sandbox's own user has to get to its home by the
/// folders above it.
fn must_be_reachable(folder: &Path) -> io::Result<()> {
    for above in folder.ancestors() {
        if fs::metadata(above)?.mode() & TRAVERSE_ALL == 0 {
            return Err(io::Error::other(format!(
                "the sandbox's user may not pass through {0}; run chmod o+x {0}, or choose another data directory",
                above.display()
            )));
        }
    }
    Ok(())
}

/// Bytes on disk and files below a folder, links not followed.
pub(crate) fn disk_use(folder: &Path) -> (u64, u64) {
    const BLOCK: u64 = 512;
    let (mut bytes, mut files) = (0, 0);
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(known) = entry.metadata() else { continue };
            files += 1;
            bytes += known.blocks() * BLOCK;
            if known.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    (bytes, files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(id: &str, keep_home: bool) -> SandboxSpec {
        SandboxSpec {
            id: id.into(),
            disk_bytes: 16 << 20,
            inodes: 500,
            keep_home,
            ..SandboxSpec::default()
        }
    }

    #[test]
    fn a_home_keeps_its_uid_and_shares_it_with_none() {
        let data = tempfile::tempdir().unwrap();
        let homes = Homes::open(data.path()).unwrap();
        let level = Level::NamespacesUser;
        let first = homes.prepare(&spec("a", true), level).unwrap();
        let second = homes.prepare(&spec("b", true), level).unwrap();
        assert_ne!(first.uid, second.uid);
        assert!(first.watched.is_some() && first.temporary.is_none());
        let again = Homes::open(data.path()).unwrap();
        assert_eq!(again.prepare(&spec("a", true), level).unwrap().uid, first.uid);
        let third = again.prepare(&spec("c", true), level).unwrap().uid;
        assert!(third != first.uid && third != second.uid);
    }

    #[test]
    fn a_removed_home_gives_its_uid_back() {
        let data = tempfile::tempdir().unwrap();
        let homes = Homes::open(data.path()).unwrap();
        let level = Level::NamespacesUser;
        let uid = homes.prepare(&spec("a", true), level).unwrap().uid.unwrap();
        assert!(homes.uids.lock().unwrap().contains(&uid));
        homes.remove("a").unwrap();
        homes.remove("a").unwrap();
        assert!(!data.path().join("homes/a").exists());
        assert!(homes.uids.lock().unwrap().is_empty());
    }

    #[test]
    fn an_image_grows_and_keeps_its_files() {
        let data = tempfile::tempdir().unwrap();
        let homes = Homes::open(data.path()).unwrap();
        let folder = data.path().join("homes/a");
        fs::create_dir_all(&folder).unwrap();
        let image = folder.join("home.ext4");
        homes.blanks.copy_to(&image, &spec("a", true)).unwrap();
        homes.grow("a", 48 << 20).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().len(), 48 << 20);
        homes.grow("a", 16 << 20).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().len(), 48 << 20);
        homes.grow("none", 1).unwrap();
    }

    #[test]
    fn disk_use_counts_blocks_and_does_not_follow_links() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink("/usr", folder.path().join("link")).unwrap();
        let (bytes, files) = disk_use(folder.path());
        assert_eq!(files, 2);
        assert!((100_000..1_000_000).contains(&bytes), "{bytes}");
    }
}
