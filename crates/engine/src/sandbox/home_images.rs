//! The image files that kept homes live in: an ext4 of its own for each, made,
//! copied and grown from outside.
//!
//! Making an empty file system takes `mkfs.ext4` several milliseconds, most of
//! a sandbox's creation; copying the few written blocks of one that was made
//! before takes half of one. So one blank image of each size is kept in
//! `blank-homes/`. Copies share its UUID, which ext4 does not mind: only what
//! looks for file systems by UUID would, and loop devices are attached by path.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, SeekFrom, copy_file_range, flock, seek};
use rustix::io::Errno;

use super::SandboxSpec;

const MKFS: &[&str] = &["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"];
const CHECK: &[&str] = &["/usr/sbin/e2fsck", "/sbin/e2fsck"];
const GROW: &[&str] = &["/usr/sbin/resize2fs", "/sbin/resize2fs"];
const LOOP_CONTROL: &str = "/dev/loop-control";
/// Counted up when blank images are made otherwise than before.
const FORMAT: u32 = 1;
/// Few sizes are in use at a time; a blank one takes about 2 MB of disk.
const BLANKS: usize = 8;

/// How long the former use of an image may take to end: what was written last is on its way to the disk.
const RELEASE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Whether images can be made and attached here.
pub(super) fn are_possible() -> bool {
    Path::new(LOOP_CONTROL).exists() && program(MKFS).is_some()
}

/// The blank images.
#[derive(Debug)]
pub(super) struct BlankImages {
    folder: PathBuf,
    /// Held while one is made, so that many sandboxes at once make it once.
    making: Mutex<()>,
}

impl BlankImages {
    /// Those in a folder, which is made when it is needed.
    pub(super) fn within(folder: PathBuf) -> Self {
        Self {
            folder,
            making: Mutex::new(()),
        }
    }

    /// Makes a sparse file with an empty ext4 of the wanted bounds. Blocks.
    pub(super) fn copy_to(&self, image: &Path, spec: &SandboxSpec) -> io::Result<()> {
        copy_written(&self.blank(spec)?, image)
    }

    fn blank(&self, spec: &SandboxSpec) -> io::Result<PathBuf> {
        let name = format!("{FORMAT}-{}-{}.ext4", spec.disk_bytes, spec.inodes);
        let blank = self.folder.join(&name);
        let _made_once = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if blank.exists() {
            return Ok(blank);
        }
        fs::create_dir_all(&self.folder)?;
        // A half-made one, of an engine that was killed, never has the name.
        let half = self.folder.join("half-made");
        match fs::remove_file(&half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.make_room()?;
        make(&half, spec)
            .and_then(|()| fs::rename(&half, &blank))
            .inspect_err(|_| {
                let _ = fs::remove_file(&half);
            })?;
        Ok(blank)
    }

    /// Lets go of the longest kept when there are many.
    fn make_room(&self) -> io::Result<()> {
        let mut kept: Vec<_> = fs::read_dir(&self.folder)?
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort();
        let over = (kept.len() + 1).saturating_sub(BLANKS);
        for (_, path) in kept.into_iter().take(over) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn make(image: &Path, spec: &SandboxSpec) -> io::Result<()> {
    new_file(image)?.set_len(spec.disk_bytes)?;
    let inodes = spec.inodes.to_string();
    let made = run(
        MKFS,
        &[
            "-q",
            "-F",
            "-m",
            "0",
            "-E",
            "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
            "-N",
            &inodes,
        ],
        image,
    )?;
    if made.status.success() {
        Ok(())
    } else {
        Err(failure("mkfs.ext4", &made))
    }
}

/// Copies a file's written parts to the same places of a new file of its size.
fn copy_written(from: &Path, to: &Path) -> io::Result<()> {
    let from = File::open(from)?;
    let to = new_file(to)?;
    let size = from.metadata()?.len();
    to.set_len(size)?;
    let mut place = 0;
    loop {
        place = match seek(&from, SeekFrom::Data(place)) {
            Ok(place) => place,
            // Nothing is written behind here.
            Err(Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let end = seek(&from, SeekFrom::Hole(place))?;
        while place < end {
            let (mut read_at, mut write_at) = (place, place);
            let wanted = usize::try_from(end - place).map_err(io::Error::other)?;
            let copied = copy_file_range(&from, Some(&mut read_at), &to, Some(&mut write_at), wanted)?;
            if copied == 0 {
                return Err(io::Error::other("the blank image became shorter meanwhile"));
            }
            place = read_at;
        }
    }
}

/// Opens an image for one use alone, and waits for the end of the former one. Blocks.
///
/// A file system stays mounted for as long as any file of it is open, which may
/// be longer than its sandbox lives. Mounted twice it would be destroyed: each
/// mount writes what it believes. So whoever uses an image holds its lock; the
/// kernel's loop device does, because it keeps the file it was given.
pub(super) fn take(image: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(image)?;
    let deadline = Instant::now() + RELEASE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
            Err(Errno::WOULDBLOCK) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "its files are still in use; wait until transfers of them have ended, and try again",
                ));
            }
            // Some network file systems have no locks; with them homes are as safe as they were without.
            Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(file),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Grows an image that is not mounted. Its structures were written by the
/// kernel alone, never by a program of a sandbox.
pub(super) fn grow(image: &Path, bytes: u64) -> io::Result<()> {
    let taken = take(image)?;
    // Growing wants a check first; 1 means that something was mended.
    let checked = run(CHECK, &["-f", "-p"], image)?;
    if !matches!(checked.status.code(), Some(0 | 1)) {
        return Err(failure("e2fsck", &checked));
    }
    taken.set_len(bytes)?;
    let grown = run(GROW, &[], image)?;
    if !grown.status.success() {
        return Err(failure("resize2fs", &grown));
    }
    Ok(())
}

fn program<'a>(places: &[&'a str]) -> Option<&'a str> {
    places.iter().copied().find(|path| Path::new(path).exists())
}

fn run(places: &[&str], arguments: &[&str], image: &Path) -> io::Result<Output> {
    let program = program(places).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("{} is not installed (package e2fsprogs)", places[0]),
        )
    })?;
    Command::new(program)
        .env_clear()
        .args(arguments)
        .arg(image)
        .stdin(Stdio::null())
        .output()
}

fn failure(program: &str, output: &Output) -> io::Error {
    let said = String::from_utf8_lossy(&output.stderr);
    io::Error::other(format!(
        "{program} failed: {}",
        said.lines().next().unwrap_or("it said nothing")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(disk_bytes: u64) -> SandboxSpec {
        SandboxSpec {
            disk_bytes,
            inodes: 500,
            ..SandboxSpec::default()
        }
    }

    /// Blocks and inodes, as the superblock counts them, in bytes and number.
    fn counts(image: &Path) -> (u64, u32) {
        let bytes = fs::read(image).unwrap();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        (u64::from(word(1028)) * (1024 << word(1048)), word(1024))
    }

    #[test]
    fn a_copy_is_byte_for_byte_what_was_made_and_as_sparse() {
        use std::os::unix::fs::MetadataExt;
        let data = tempfile::tempdir().unwrap();
        let blanks = BlankImages::within(data.path().join("blank-homes"));
        let image = data.path().join("home.ext4");
        blanks.copy_to(&image, &spec(64 << 20)).unwrap();
        let blank = blanks.blank(&spec(64 << 20)).unwrap();
        assert!(fs::read(&blank).unwrap() == fs::read(&image).unwrap());
        let (blank, copy) = (fs::metadata(&blank).unwrap(), fs::metadata(&image).unwrap());
        assert!(copy.blocks() <= blank.blocks() && copy.blocks() * 512 < 16 << 20);
        let (size, inodes) = counts(&image);
        assert_eq!(size, 64 << 20);
        assert!(inodes >= 500);
        let checked = run(CHECK, &["-f", "-n"], &image).unwrap();
        assert!(checked.status.success(), "{checked:?}");
        // Nobody's home is written over.
        assert!(blanks.copy_to(&image, &spec(64 << 20)).is_err());
    }

    #[test]
    fn few_blank_images_are_kept_and_half_made_ones_are_not_used() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("blank-homes");
        let blanks = BlankImages::within(folder.clone());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("half-made"), "an engine was killed here").unwrap();
        for megabytes in 8..20 {
            let image = data.path().join(megabytes.to_string());
            blanks.copy_to(&image, &spec(megabytes << 20)).unwrap();
            assert_eq!(counts(&image).0, megabytes << 20);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), BLANKS);
        assert!(!folder.join("half-made").exists());
    }

    #[test]
    fn what_cannot_be_made_leaves_nothing() {
        let data = tempfile::tempdir().unwrap();
        let blanks = BlankImages::within(data.path().join("blank-homes"));
        let image = data.path().join("home.ext4");
        // Too small for any ext4.
        assert!(blanks.copy_to(&image, &spec(1024)).is_err());
        assert!(!image.exists());
        assert_eq!(fs::read_dir(data.path().join("blank-homes")).unwrap().count(), 0);
    }

    #[test]
    fn an_image_grows() {
        let data = tempfile::tempdir().unwrap();
        let image = data.path().join("home.ext4");
        let blanks = BlankImages::within(data.path().join("blank-homes"));
        blanks.copy_to(&image, &spec(16 << 20)).unwrap();
        grow(&image, 48 << 20).unwrap();
        assert_eq!(fs::metadata(&image).unwrap().len(), 48 << 20);
        assert_eq!(counts(&image).0, 48 << 20);
    }
}
