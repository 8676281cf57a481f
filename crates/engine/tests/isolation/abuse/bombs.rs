//! Using up what all share: processes, memory, disk, files, time.

use std::time::{Duration, Instant};

use engine::sandbox::{EndReason, Enforcer};

use super::{has_namespaces, shares_the_user, still_here};
use crate::kit::{Ground, python, sh, start, until};

pub async fn forks(ground: Ground) {
    let sandbox = ground.sandbox_with(|spec| spec.processes = 64).await;
    let program = "import os,signal\nsignal.signal(15,signal.SIG_IGN)\nprint('up',flush=True)\nwhile True:\n try: os.fork()\n except OSError: pass";
    let process = start(&sandbox, &["python3", "-c", program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(crate::kit::read_line(&mut out).await, "up");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let during = sandbox.usage().await.processes;
    // With one user for all, the bound is of all: it holds, and not for each alone.
    let bound = if shares_the_user(&ground) { 64 + 1024 } else { 72 };
    assert!(during <= bound, "{during} processes of 64");
    let ended = sandbox
        .end_tree(&[process.pid], Duration::from_millis(50))
        .await
        .unwrap();
    assert_eq!(ended.left, 0, "{ended:?}");
    still_here(&ground, &sandbox).await;
}

/// Each child keeps what it has until one is killed: else they might take turns.
const MANY: &str = r"
import os, time
held = set()
for _ in range(6):
    child = os.fork()
    if child == 0:
        a = bytearray(60 << 20)
        for i in range(0, len(a), 4096): a[i] = 1
        time.sleep(20); os._exit(0)
    held.add(child)
killed = 0
while held and not killed:
    child, status = os.wait()
    held.discard(child)
    killed += status != 0
for child in held: os.kill(child, 9)
raise SystemExit(killed)
";

pub async fn memory(ground: Ground) {
    let sandbox = ground.sandbox_with(|spec| spec.memory_bytes = 128 << 20).await;
    // Alone, in children, and in files of a memory file system.
    for program in [
        "a = []\nwhile True: a.append(bytearray(8 << 20))",
        MANY,
        "import os\nf = os.memfd_create('x')\nwhile True: os.write(f, bytes(8 << 20))",
    ] {
        let ran = python(&sandbox, program).await;
        assert_ne!(ran.exit.code, Some(0), "{ran:?}");
    }
    let alive = sandbox.ended().borrow().is_none();
    assert!(alive, "what was over its limit ended, and the sandbox lives");
    still_here(&ground, &sandbox).await;
}

pub async fn disk(ground: Ground) {
    let sandbox = ground.sandbox_with(|spec| spec.disk_bytes = 16 << 20).await;
    // Without a name the file is not counted by a watchdog that looks just then: the bound of one file is a limit of its own.
    let one_file = "import os, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nf = os.open('big', os.O_WRONLY | os.O_CREAT)\nos.unlink('big')\n\
                    try:\n for _ in range(100): os.write(f, bytes(1 << 20))\nexcept OSError: pass\nprint(os.fstat(f).st_size)";
    let ran = python(&sandbox, one_file).await;
    let size: u64 = ran.out.lines().last().unwrap().parse().unwrap();
    assert!(size <= 16 << 20, "one file: {}", ran.out);
    let many = "for i in $(seq 20); do head -c 4M /dev/zero > part$i 2>/dev/null || echo full; done; du -sm . | cut -f1";
    if has_namespaces(&ground) {
        let ran = sh(&sandbox, many).await;
        assert!(ran.out.contains("full"), "many files: {}", ran.out);
        let total: u64 = ran.out.lines().last().unwrap().parse().unwrap();
        assert!(total <= 17, "{} MiB of 16", ran.out);
        return;
    }
    // Nothing refuses the write there; the sandbox is ended, and says so.
    assert_eq!(ground.host.isolation().disk, Enforcer::Watchdog);
    start(&sandbox, &["sh", "-c", &format!("{many}; sleep 60")]).await;
    let ended = sandbox.ended();
    until(30, "it is ended", || ended.borrow().is_some()).await;
    assert_eq!(*ended.borrow(), Some(EndReason::OutOfDisk));
}

pub async fn many_files(ground: Ground) {
    if !has_namespaces(&ground) {
        // Landlock cannot count files, and the isolation says who holds the disk: a watchdog.
        assert_eq!(ground.host.isolation().disk, Enforcer::Watchdog);
        return;
    }
    let sandbox = ground.sandbox_with(|spec| spec.inodes = 1000).await;
    for folder in ["/home/daytona", "/tmp", "/var/tmp", "/dev/shm"] {
        let program = format!(
            "import os\nn=0\ntry:\n while n<50000: os.mkdir(f'{folder}/{{n}}'); n+=1\nexcept OSError as e: print(n, e.strerror)"
        );
        let ran = python(&sandbox, &program).await;
        let made: u32 = ran.out.split_whitespace().next().unwrap().parse().unwrap();
        assert!(made < 1000, "{folder}: {}", ran.out);
    }
}

pub async fn zombies(ground: Ground) {
    let sandbox = ground.sandbox_with(|spec| spec.processes = 32).await;
    // Orphans end all the time; if nobody collected them, none could be made any more.
    let program = r#"
import os, time
made = 0
deadline = time.time() + 30
while made < 400 and time.time() < deadline:
    try:
        child = os.fork()
    except OSError:
        time.sleep(0.01)
        continue
    if child == 0:
        try:
            os.fork()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    made += 1
print(made)
"#;
    let ran = python(&sandbox, program).await;
    assert_eq!(ran.out.trim(), "400", "{ran:?}");
    still_here(&ground, &sandbox).await;
}

pub async fn processor(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let spinners = "import os\nfor _ in range(4): os.fork()\nprint('up', flush=True)\nwhile True: pass";
    let process = start(&sandbox, &["python3", "-c", spinners]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(crate::kit::read_line(&mut out).await, "up");
    // The sandbox answers, another one works, and all of it ends at once.
    let asked = Instant::now();
    let other = ground.sandbox().await;
    assert_eq!(sh(&other, "echo here").await.out, "here\n");
    let ended = sandbox.end_tree(&[process.pid], Duration::ZERO).await.unwrap();
    assert!(ended.left == 0 && ended.ended >= 1, "{ended:?}");
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}
