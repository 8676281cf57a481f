//! The database on a file system that is really full, or that the kernel made
//! really read-only, under a run. Each in a mount namespace of its own, which
//! takes root: this executable is started again in it.

use crate::{
    bench::{Bench, difference, request, until},
    database::{keeps_all, reader, waiting},
};
use libtest_mimic::Failed;
use model::{InstanceRole, RunId};
use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};
use store::Store;

/// The tests of this file.
pub const NAMES: [&str; 2] = ["a_full_file_system", "a_read_only_file_system"];

/// Whether this machine lets us.
pub fn is_possible() -> bool {
    let mounts = Command::new("unshare").args(["--mount", "true"]).status();
    mounts.is_ok_and(|status| status.success()) && Path::new("/sbin/mkfs.ext4").exists()
}

/// Starts a test in a namespace of its own.
pub fn apart(name: &str) -> Result<(), Failed> {
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe()?)
        .args(["in-a-namespace", name])
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// `… in-a-namespace NAME`.
pub fn main() -> ExitCode {
    let done = match std::env::args().nth(2).as_deref() {
        Some("a_full_file_system") => crate::on_a_bench(|bench| Box::pin(full(bench))),
        Some("a_read_only_file_system") => crate::on_a_bench(|bench| Box::pin(read_only(bench))),
        _ => Err("no such test".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            let words = failed.message().unwrap_or("it failed");
            writeln!(io::stderr(), "{words}").expect("somebody reads");
            ExitCode::FAILURE
        }
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The folder of the database, apart from that of the engine.
fn place(bench: &Bench) -> PathBuf {
    let place = bench.folder.path().join("database");
    std::fs::create_dir(&place).unwrap();
    place
}

async fn open(bench: &mut Bench, place: &Path) {
    let url = format!("sqlite://{}/pitlane.db", place.display());
    bench.store = Store::open(&url).await.unwrap();
}

async fn full(bench: &mut Bench) {
    let place = place(bench);
    run("mount", &["-t", "tmpfs", "-o", "size=32m", "tmpfs", text(&place)]);
    open(bench, &place).await;
    bench.owner = bench
        .store
        .create_user("bob", InstanceRole::Owner, None)
        .await
        .unwrap()
        .id;
    let ballast = place.join("ballast");
    keeps_all(
        bench,
        "The database cannot be written: The disk that holds the database is full",
        async || {
            let mut file = File::create(&ballast).unwrap();
            let refused = loop {
                if let Err(error) = file.write_all(&[7; 4096]) {
                    break error;
                }
            };
            assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        },
        async || std::fs::remove_file(&ballast).unwrap(),
    )
    .await;
}

/// A kernel that finds an error makes an ext4 read-only below everybody who writes to it. (Nobody else can:
/// a file system with files that are open for writing cannot be remounted.) It takes an end of the
/// server, a repair and a new start.
async fn read_only(bench: &mut Bench) {
    let (place, image) = (place(bench), bench.folder.path().join("image"));
    File::create(&image).unwrap().set_len(96 << 20).unwrap();
    run("mkfs.ext4", &["-q", text(&image)]);
    let mount = || {
        run(
            "mount",
            &["-o", "loop,errors=remount-ro", text(&image), text(&place)],
        )
    };
    mount();
    open(bench, &place).await;
    bench.owner = bench
        .store
        .create_user("bob", InstanceRole::Owner, None)
        .await
        .unwrap()
        .id;
    let (runs, program) = (bench.runs().await, waiting());
    let (agent, id) = (bench.agent(program.text).await, RunId::generate());
    runs.start(request(&agent, &id)).await.unwrap();
    bench.until_stored(&id, 3).await;
    // What is on its way is on the disk.
    run("sync", &["-f", text(&place)]);
    let told = reader(&runs, &id).await;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let device = mounts.lines().find(|line| line.contains(text(&place))).unwrap();
    let device = device
        .split(' ')
        .next()
        .unwrap()
        .trim_start_matches("/dev/")
        .to_owned();
    std::fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "1").unwrap();
    let refused = std::fs::write(place.join("x"), "x").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
    runs.input(&id, b"go\n".to_vec(), false).await.unwrap();
    until("it is said", async || {
        told.lock()
            .unwrap()
            .rows()
            .contains("The database cannot be written")
    })
    .await;
    until("it is said that memory is full", async || {
        told.lock()
            .unwrap()
            .rows()
            .contains("The rest waits in the sandbox")
    })
    .await;
    let seen = told.lock().unwrap().bytes();
    assert!(program.stdout.starts_with(&seen) && seen.len() < program.stdout.len());
    assert!(told.lock().unwrap().end.is_none(), "no end is invented");
    runs.shutdown().await;
    bench.store.close().await;
    drop(runs);
    until("nobody has a file open there", async || {
        let unmounted = Command::new("umount").arg(&place).output().unwrap();
        unmounted.status.success()
    })
    .await;
    // 1: there were errors, and they are corrected.
    let repaired = Command::new("fsck.ext4").arg("-p").arg(&image).status().unwrap();
    assert!(matches!(repaired.code(), Some(0 | 1)), "{repaired}");
    mount();
    open(bench, &place).await;
    let runs = bench.runs().await;
    let told = bench.told(&runs, &id).await;
    assert_eq!(difference(&told, &program), None);
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
    bench.store.close().await;
}
