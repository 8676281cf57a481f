//! Every limit, run into.

use std::time::{Duration, Instant};

use engine::sandbox::Enforcer;
use libtest_mimic::Trial;

use crate::kit::{ground, python, sh, start, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("limits::memory_ends_the_program_not_the_sandbox", memory),
        trial("limits::many_processes_share_the_memory_limit", memory_of_many),
        trial("limits::a_fork_bomb_stops_at_the_limit", processes),
        trial("limits::the_disk_fills_up_and_not_the_memory", disk),
        trial("limits::files_are_counted", inodes),
        trial("limits::processor_time_is_shared_out", cpu),
        trial("limits::open_files_and_file_size", files),
        trial("limits::usage_is_told", usage),
    ]
}

async fn memory() {
    let ground = ground().await;
    let sandbox = ground.sandbox_with(|spec| spec.memory_bytes = 128 << 20).await;
    let ran = python(&sandbox, "a = []\nwhile True: a.append(bytearray(8 << 20))").await;
    let killed = ran.exit.signal == Some(9) || ran.out.contains("MemoryError");
    assert!(killed, "{ran:?}");
    assert_eq!(sh(&sandbox, "echo still here").await.out, "still here\n");
}

async fn memory_of_many() {
    let ground = ground().await;
    let sandbox = ground.sandbox_with(|spec| spec.memory_bytes = 128 << 20).await;
    // Each keeps what it has until enough are killed: else they might take turns.
    let program = r#"
import os, time
held = set()
for _ in range(8):
    child = os.fork()
    if child == 0:
        a = bytearray(60 << 20)
        for i in range(0, len(a), 4096): a[i] = 1
        time.sleep(20); os._exit(0)
    held.add(child)
killed = 0
while held and killed < 5:
    child, status = os.wait()
    held.discard(child)
    killed += status != 0
for child in held: os.kill(child, 9)
print('killed', killed)
"#;
    let ran = python(&sandbox, program).await;
    let killed: u32 = ran
        .out
        .trim()
        .strip_prefix("killed ")
        .and_then(|text| text.parse().ok())
        .unwrap_or(8);
    assert!(killed >= 5, "60 MiB in each of 8 do not fit into 128: {ran:?}");
    assert_eq!(sh(&sandbox, "echo still here").await.out, "still here\n");
}

async fn processes() {
    let ground = ground().await;
    let sandbox = ground.sandbox_with(|spec| spec.processes = 64).await;
    let program = r#"
import os, time
n = 0
try:
    while n < 1000:
        if os.fork() == 0: time.sleep(60)
        n += 1
except OSError as error:
    print('forked', n, error.strerror, flush=True)
time.sleep(60)
"#;
    let process = start(&sandbox, &["python3", "-c", program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    let line = crate::kit::read_line(&mut out).await;
    let forked: u32 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(
        (55..=68).contains(&forked) && line.contains("temporarily unavailable"),
        "{line}"
    );
    let ended = sandbox.end_tree(&[process.pid], Duration::ZERO).await.unwrap();
    assert!(ended.ended >= forked && ended.left == 0, "{ended:?}");
    assert_eq!(sh(&sandbox, "echo still here").await.out, "still here\n");
}

async fn disk() {
    let ground = ground().await;
    let sandbox = ground.sandbox_with(|spec| spec.disk_bytes = 20 << 20).await;
    for place in ["/home/daytona", "/tmp", "/var/tmp", "/dev/shm"] {
        let script = format!(
            "dd if=/dev/zero of={place}/big bs=1M count=64 2>&1 | tail -1; stat -c %s {place}/big; rm {place}/big"
        );
        let ran = sh(&sandbox, &script).await;
        let size: u64 = ran.out.lines().last().unwrap().parse().unwrap();
        assert!(size <= 20 << 20, "{place}: {}", ran.out);
    }
    // More disk than memory: the disk says it is full before memory runs out.
    let sandbox = ground.sandbox_with(|spec| spec.memory_bytes = 64 << 20).await;
    let ran = sh(
        &sandbox,
        "dd if=/dev/zero of=big bs=1M count=128 2>&1 | head -1; stat -c %s big",
    )
    .await;
    assert!(ran.out.contains("No space left"), "{}", ran.out);
    assert_eq!(sh(&sandbox, "rm big; echo still here").await.out, "still here\n");
}

async fn inodes() {
    let ground = ground().await;
    let sandbox = ground.sandbox_with(|spec| spec.inodes = 2000).await;
    let program = "import os\nn=0\ntry:\n while n<100000: open(f'f{n}','w').close(); n+=1\nexcept OSError as e: print(n, e.strerror)";
    let ran = python(&sandbox, program).await;
    let made: u32 = ran.out.split_whitespace().next().unwrap().parse().unwrap();
    assert!((1000..2000).contains(&made), "{}", ran.out);
    let ran = python(&sandbox, &program.replace("f'f{n}'", "f'/dev/shm/{n}'")).await;
    assert!(ran.out.starts_with("0 "), "{}", ran.out);
}

async fn cpu() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = "import os,time\nfor _ in range(3): os.fork()\nt=time.time()\nwhile time.time()-t<1: pass\nprint('done')";
    let asked = Instant::now();
    let ran = python(&sandbox, program).await;
    assert_eq!(ran.out.matches("done").count(), 8, "{}", ran.out);
    let wall = asked.elapsed().as_secs_f64();
    let used = sandbox.usage().await.cpu_micros;
    if ground.host.isolation().cpu != Enforcer::Priority && used > 0 {
        let share = used as f64 / 1e6 / wall;
        assert!(share < 1.25, "{share:.2} processors of 1");
    }
}

async fn files() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = "import os\nl=[]\ntry:\n while True: l.append(os.open('/dev/null',0))\nexcept OSError as e: print(len(l), e.strerror)";
    let ran = python(&sandbox, program).await;
    assert!(ran.out.ends_with("Too many open files\n"), "{}", ran.out);
    assert!(ran.out.split_whitespace().next().unwrap().parse::<u32>().unwrap() <= 1024);
    let sandbox = ground.sandbox_with(|spec| spec.disk_bytes = 1 << 20).await;
    let ran = sh(&sandbox, "truncate -s 1G sparse; echo $?; ulimit -c").await;
    assert!(
        !ran.out.starts_with("0\n"),
        "a sparse file is bounded too: {}",
        ran.out
    );
    assert!(ran.out.ends_with("0\n"));
}

async fn usage() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let before = sandbox.usage().await;
    assert_eq!(before.processes, 0, "{before:?}");
    let program = "import time;open('f','wb').write(b'x'*(5<<20));a=bytearray(40<<20);print('up',flush=True);time.sleep(60)";
    let process = start(&sandbox, &["python3", "-c", program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(crate::kit::read_line(&mut out).await, "up");
    let during = sandbox.usage().await;
    assert_eq!(during.processes, 1);
    assert!(during.memory_bytes > 40 << 20, "{during:?}");
    assert!((5 << 20..8 << 20).contains(&during.disk_bytes), "{during:?}");
}
