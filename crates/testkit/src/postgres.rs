//! A PostgreSQL cluster for one test run: made from the installed programs in a
//! folder of its own, reached by a socket in that folder (so that no port can
//! clash), as fast as it gets because nothing in it has to last, and gone with
//! the process that started it, also when that is killed.

use anyhow::{Context as _, Result, bail};
use std::{
    env, fs,
    io::Read as _,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const START: Duration = Duration::from_secs(30);

/// Nothing that is kept here has to survive a crash; tests open many pools.
const SETTINGS: [&str; 10] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=300",
    "shared_buffers=64MB",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=64MB",
];

/// Runs the server until the pipe on standard input closes: our end does so
/// also when we are killed. `$0` is the folder, the rest is the command.
const KEEPER: &str =
    r#""$@" </dev/null & server=$!; read _; kill -QUIT "$server"; wait "$server"; rm -rf "$0""#;

/// A running cluster. Stopped and removed when it is dropped.
#[derive(Debug)]
pub struct PrivatePostgres {
    url: String,
    /// Keeps the server; none while that is killed.
    keeper: Option<Child>,
    settings: Vec<&'static str>,
    // Declared last: the folder goes after the server.
    folder: TempDir,
}

impl PrivatePostgres {
    /// Its address, for a user who may do everything.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// kill -9 of the server and all its processes, as when a machine loses them.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut keeper = self.keeper.take().context("the server is killed already")?;
        let lock = self.folder.path().join("data/postmaster.pid");
        let server = fs::read_to_string(&lock)?;
        let server = server.lines().next().context("an empty lock file")?.to_owned();
        // What it starts after they are listed would live on.
        Command::new("kill").args(["-STOP", &server]).status()?;
        let deadline = Instant::now() + START;
        while !matches!(state(&server), None | Some('T' | 'Z')) {
            if Instant::now() > deadline {
                bail!("PostgreSQL could not be stopped");
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Its processes have groups of their own. They would end by themselves, each at its next step.
        let of_it = fs::read_to_string(format!("/proc/{server}/task/{server}/children"))?;
        let keeper_id = keeper.id().to_string();
        let all = [keeper_id.as_str(), &server]
            .into_iter()
            .chain(of_it.split_whitespace());
        let all: Vec<&str> = all.collect();
        // Some end while they are named.
        Command::new("kill")
            .arg("-KILL")
            .args(&all)
            .stderr(Stdio::null())
            .status()?;
        keeper.wait()?;
        let deadline = Instant::now() + START;
        while all.iter().any(|process| is_alive(process)) {
            if Instant::now() > deadline {
                bail!("the processes of PostgreSQL could not be killed");
            }
            thread::sleep(Duration::from_millis(10));
        }
        // What they say would be believed: of the next, or of one that nobody has waited for.
        fs::remove_file(lock)?;
        fs::remove_file(self.folder.path().join(".s.PGSQL.5432.lock"))?;
        Ok(())
    }

    /// Starts it again on the same files.
    ///
    /// # Errors
    /// When it does not start, with what it said.
    pub fn start_again(&mut self) -> Result<()> {
        if self.keeper.is_none() {
            self.keeper = Some(keep(self.folder.path(), &self.settings)?);
        }
        Ok(())
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// Where PostgreSQL's programs are: the newest below `/usr/lib/postgresql`,
/// where Debian has them, or else on the `PATH`.
#[must_use]
pub fn find_binaries() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, folder)| folder);
    let on_path: Vec<_> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    newest_first
        .chain(on_path)
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Makes and starts a cluster, in about two seconds. It refuses to run as
/// root, so root starts it as `postgres` or `nobody`.
///
/// # Errors
/// When PostgreSQL's programs are missing or do not start, with what they said.
pub fn start() -> Result<PrivatePostgres> {
    start_with(&[])
}

/// The same with other settings, such as `synchronous_commit=on` for one that is to be killed.
///
/// # Errors
/// As for [`start`].
pub fn start_with(settings: &[&'static str]) -> Result<PrivatePostgres> {
    let binaries = binaries()?;
    // Not the user's own folder for temporary files, which another user may be
    // kept out of, and whose path may be too long for a socket.
    let folder = tempfile::Builder::new()
        .prefix("pitlane-postgres-")
        .tempdir_in("/tmp")?;
    if let Some((user, group)) = owner()? {
        chown(folder.path(), Some(user), Some(group))?;
    }
    initialise(
        || command(folder.path(), &binaries.join("initdb")),
        &folder.path().join("data"),
    )?;
    let keeper = keep(folder.path(), settings)?;
    let socket = folder
        .path()
        .to_str()
        .context("the folder for temporary files is not UTF-8")?;
    let url = format!("postgres://pitlane@{}/postgres", socket.replace('/', "%2F"));
    Ok(PrivatePostgres {
        url,
        keeper: Some(keeper),
        settings: settings.to_vec(),
        folder,
    })
}

/// Whether a process runs; one that nobody waited for yet does not.
fn is_alive(process: &str) -> bool {
    state(process).is_some_and(|state| state != 'Z')
}

/// The kernel's letter for what a process does; none when it is gone.
fn state(process: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

fn binaries() -> Result<PathBuf> {
    find_binaries().context(
        "PostgreSQL\u{2019}s programs initdb and postgres are not installed. On Debian run `apt-get install postgresql`.",
    )
}

/// A program that runs in the cluster's folder as its owner.
fn command(folder: &Path, program: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_remove("PGDATA")
        .env("LC_ALL", "C")
        .process_group(0);
    if let Some((user, group)) = owner()? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

/// Starts the server of a cluster, and waits until it takes connections.
fn keep(folder: &Path, settings: &[&'static str]) -> Result<Child> {
    let data = folder.join("data");
    let mut keeper = command(folder, Path::new("/bin/sh"))?;
    keeper
        .args(["-c", KEEPER])
        .arg(folder)
        .arg(binaries()?.join("postgres"));
    keeper.arg("-D").arg(&data).arg("-k").arg(folder);
    for setting in SETTINGS.iter().chain(settings) {
        keeper.args(["-c", setting]);
    }
    let log = fs::File::create(folder.join("log"))?;
    let keeper = keeper
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("/bin/sh")?;
    await_ready(&data, folder)?;
    Ok(keeper)
}

/// Makes the files of a cluster. Sorted by a language's rules where PostgreSQL
/// can, since that is what finds a query that relies on another order.
fn initialise(initdb: impl Fn() -> Result<Command>, data: &Path) -> Result<()> {
    let run = |locale: &[&str]| -> Result<Output> {
        let mut command = initdb()?;
        command
            .args([
                "--auth=trust",
                "--username=pitlane",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .args(locale);
        Ok(command.arg("-D").arg(data).stdin(Stdio::null()).output()?)
    };
    if run(&["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"])?
        .status
        .success()
    {
        return Ok(());
    }
    let output = run(&["--locale=C"])?;
    if !output.status.success() {
        bail!(
            "PostgreSQL\u{2019}s initdb failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// Waits until the server says in its lock file that it takes connections.
fn await_ready(data: &Path, folder: &Path) -> Result<()> {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|word| word.trim() == "ready") {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let mut said = String::new();
    if let Ok(mut log) = fs::File::open(folder.join("log")) {
        let _ = log.read_to_string(&mut said);
    }
    bail!(
        "PostgreSQL did not start within {} s. It said: {}",
        START.as_secs(),
        said.trim()
    );
}

/// The user and group to run as: none where we are an ordinary user.
fn owner() -> Result<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id")
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| Some(Some((id(&["-u", name])?, id(&["-g", name])?))))
        .context("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_killed_one_is_started_again() {
        if find_binaries().is_none() {
            return;
        }
        let mut postgres = start().expect("a cluster");
        let socket = postgres.folder.path().join(".s.PGSQL.5432");
        for _ in 0..2 {
            postgres.kill().expect("killed");
            UnixStream::connect(&socket).expect_err("nobody there");
            postgres.start_again().expect("started");
            UnixStream::connect(&socket).expect("it listens");
        }
    }

    #[test]
    fn runs_and_leaves_nothing() {
        if find_binaries().is_none() {
            return;
        }
        let postgres = start().expect("a cluster");
        let folder = postgres.folder.path().to_owned();
        assert!(postgres.url().ends_with("/postgres"));
        UnixStream::connect(folder.join(".s.PGSQL.5432")).expect("it listens");
        let server = fs::read_to_string(folder.join("data/postmaster.pid")).expect("its lock file");
        let process = format!("/proc/{}", server.lines().next().expect("its process"));
        assert!(Path::new(&process).exists());
        drop(postgres);
        assert!(!folder.exists());
        assert!(!Path::new(&process).exists());
    }
}
