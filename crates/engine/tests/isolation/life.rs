//! How sandboxes come and go, and that nothing of them stays.

use std::path::PathBuf;
use std::time::Duration;

use engine::sandbox::{EndReason, SandboxSpec, Spawn, StdinKind};
use libtest_mimic::Trial;

use crate::kit::{
    ground, ground_with, groups_of, groups_of_sandboxes, has_spare, host_processes, is_root, seconds, sh,
    start, trial, unique, until,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("life::destroy_leaves_nothing", leaves_nothing),
        trial("life::dropping_the_last_handle_ends_it", dropped),
        trial(
            "life::the_death_of_sandboxd_ends_all_and_is_mended",
            sandboxd_dies,
        ),
        trial("life::the_end_of_the_engine_ends_all", engine_ends),
        trial("life::a_killed_engine_ends_all", engine_killed),
        trial("life::fifty_rounds_leave_no_descriptor", fifty),
        trial("life::a_ready_one_takes_on_name_environment_and_limits", adopted),
        trial("life::what_cannot_start_says_why", not_started),
        trial("life::input_reaches_a_program", input),
        trial("life::a_wrong_id_is_refused", wrong_id),
    ]
}

async fn leaves_nothing() {
    let ground = ground().await;
    let time = seconds(4141);
    let pid = ground.host.sandboxd_pid().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let sandbox = ground.sandbox().await;
    start(
        &sandbox,
        &[
            "sh",
            "-c",
            &format!("trap '' TERM; setsid sleep {time} & (setsid sleep {time} &) ; sleep {time}"),
        ],
    )
    .await;
    until(30, "they run", || host_processes(&time).len() >= 3).await;
    if is_root() {
        assert!(!groups_of_sandboxes(pid).is_empty());
    }
    let mut ended = sandbox.ended();
    let destroyed = sandbox.destroy().await.unwrap();
    assert!(destroyed.took < Duration::from_secs(1), "{destroyed:?}");
    // At once, not after a while.
    assert_eq!(host_processes(&time), Vec::<u32>::new());
    assert_eq!(groups_of_sandboxes(pid), Vec::<PathBuf>::new());
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    assert_eq!(
        std::fs::read_dir(ground.data.path().join("homes"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(
        *ended.wait_for(Option::is_some).await.unwrap(),
        Some(EndReason::Destroyed)
    );
    sandbox.destroy().await.unwrap();
    let refused = sandbox.spawn(spawn(&["true"])).await.unwrap_err();
    assert_eq!(refused.to_string(), "The sandbox has ended: it was destroyed.");
    // Nothing, no zombie either, but the one process that waits for the next sandbox.
    until(30, "no child is left", || {
        children_of(pid).split_whitespace().count() == usize::from(has_spare(pid))
    })
    .await;
}

fn children_of(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap()
}

fn spawn(argv: &[&str]) -> Spawn {
    Spawn {
        argv: argv.iter().map(ToString::to_string).collect(),
        env: vec![("PATH".into(), "/usr/bin".into())],
        cwd: "/home/daytona".into(),
        stdin: StdinKind::Null,
        merge_stderr: false,
    }
}

async fn dropped() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let time = seconds(4242);
    start(&sandbox, &["sleep", &time]).await;
    until(30, "it runs", || host_processes(&time).len() == 1).await;
    drop(sandbox);
    until(30, "it ended", || host_processes(&time).is_empty()).await;
}

async fn sandboxd_dies() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let time = seconds(4343);
    let script = format!("setsid sleep {time} & sleep {time}");
    let mut process = start(&sandbox, &["sh", "-c", &script]).await;
    until(30, "they run", || host_processes(&time).len() >= 2).await;
    let pid = ground.host.sandboxd_pid().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    until(30, "all ended", || host_processes(&time).is_empty()).await;
    let mut ended = sandbox.ended();
    assert_eq!(
        *ended.wait_for(Option::is_some).await.unwrap(),
        Some(EndReason::HostLost)
    );
    assert!(
        process.exit.wait_for(Option::is_some).await.is_err(),
        "its end was not seen"
    );
    assert!(sandbox.destroy().await.is_ok());
    let again = ground.sandbox().await;
    assert_eq!(sh(&again, "echo again").await.out, "again\n");
    // The new one swept up what the dead one could not.
    until(30, "the old groups are gone", || {
        groups_of(pid.as_raw_nonzero().get().unsigned_abs()).is_empty()
    })
    .await;
}

async fn engine_ends() {
    let ground = ground_with(|config| config.warm = 1).await;
    let sandbox = ground.sandbox().await;
    let time = seconds(4444);
    start(&sandbox, &["sleep", &time]).await;
    until(30, "it runs", || host_processes(&time).len() == 1).await;
    let pid = ground.host.sandboxd_pid().unwrap();
    ground.host.shutdown().await;
    assert!(host_processes(&time).is_empty());
    assert!(groups_of(pid).is_empty());
    assert_eq!(*sandbox.ended().borrow(), Some(EndReason::Destroyed));
    assert!(
        ground
            .host
            .create(SandboxSpec {
                id: unique(),
                ..SandboxSpec::default()
            })
            .await
            .is_err()
    );
}

/// The argument with which this executable is an engine that only waits.
pub const HOLD: &str = "hold";

/// Holds a sandbox in which a program runs, until it is killed.
pub fn hold() -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let ground = ground_with(|config| config.warm = 1).await;
        let sandbox = ground.sandbox().await;
        let time = seconds(4646);
        let script = format!("trap '' TERM HUP; setsid sleep {time} & sleep {time}");
        start(&sandbox, &["sh", "-c", &script]).await;
        let line = format!("{}\n", ground.host.sandboxd_pid().unwrap());
        std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).unwrap();
        std::future::pending().await
    })
}

async fn engine_killed() {
    let mut engine = std::process::Command::new(std::env::current_exe().unwrap())
        .arg(HOLD)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let time = format!("4646.{}", engine.id());
    let mut line = String::new();
    let out = engine.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    let sandboxd: u32 = line.trim().parse().unwrap();
    until(30, "they run", || host_processes(&time).len() >= 2).await;
    engine.kill().unwrap();
    engine.wait().unwrap();
    until(30, "all ended", || host_processes(&time).is_empty()).await;
    until(30, "sandboxd ended", || {
        !std::path::Path::new(&format!("/proc/{sandboxd}")).exists()
    })
    .await;
    assert!(groups_of(sandboxd).is_empty());
}

async fn fifty() {
    let ground = ground().await;
    let open = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    // The process that waits for the next sandbox holds one.
    let open_in = |sandboxd: u32| open(sandboxd) - usize::from(has_spare(sandboxd));
    let (own, sandboxd) = (std::process::id(), ground.host.sandboxd_pid().unwrap());
    let mut before = (0, 0);
    for round in 0..50 {
        let sandbox = ground.sandbox().await;
        assert_eq!(sh(&sandbox, "echo x").await.out, "x\n");
        let _ = sandbox.open_read("/etc/passwd").await.unwrap();
        sandbox.destroy().await.unwrap();
        drop(sandbox);
        if round == 0 {
            // Two looks that agree: a process that waits may come between the two parts of one.
            let mut first = open_in(sandboxd);
            until(30, "the descriptors are told apart", || {
                let again = open_in(sandboxd);
                std::mem::replace(&mut first, again) == again
            })
            .await;
            before = (open(own), first);
        }
    }
    // Other tests of this executable may run beside this one.
    until(30, "the descriptors are back", || open_in(sandboxd) <= before.1).await;
    assert!(
        open(own) < before.0 + 40,
        "{} before, {} after",
        before.0,
        open(own)
    );
    assert_eq!(groups_of_sandboxes(sandboxd), Vec::<PathBuf>::new());
}

async fn adopted() {
    let ground = ground_with(|config| config.warm = 1).await;
    let becomes_it = ground.host.isolation().processes != engine::sandbox::Enforcer::Rlimit;
    if becomes_it {
        until(30, "one is ready", || ground.host.ready("own").count == 1).await;
    }
    let env = [
        ("MINE".to_owned(), "1".to_owned()),
        ("LANG".to_owned(), "C".to_owned()),
    ]
    .into();
    let spec = SandboxSpec {
        id: unique(),
        processes: 40,
        env,
        ..SandboxSpec::default()
    };
    let sandbox = ground.host.create(spec.clone()).await.unwrap();
    if becomes_it {
        assert!(sandbox.warm());
    }
    assert_eq!(sandbox.id(), spec.id);
    let ran = sh(&sandbox, "echo $MINE $LANG").await;
    assert_eq!(ran.out, "1 C\n");
    let program = "import os,time\nn=0\ntry:\n while n<1000:\n  if os.fork()==0: time.sleep(5); os._exit(0)\n  n+=1\nexcept OSError: print(n)";
    let ran = crate::kit::run(&sandbox, &["timeout", "20", "python3", "-c", program]).await;
    let forked: u32 = ran.out.trim().parse().unwrap_or(0);
    assert!((30..=44).contains(&forked), "{ran:?}");
    let kept = SandboxSpec {
        id: unique(),
        disk_bytes: 10 << 20,
        ..SandboxSpec::default()
    };
    assert!(
        !ground.host.create(kept).await.unwrap().warm(),
        "another disk needs another sandbox"
    );
}

async fn not_started() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    sh(&sandbox, "echo text > text; chmod 755 text; echo x > plain").await;
    let cases: [(Spawn, &str); 6] = [
        (
            spawn(&["no-such-program"]),
            "there is no program no-such-program in the sandbox",
        ),
        (spawn(&["/home/daytona/plain"]), "may not be run"),
        (
            spawn(&["/home/daytona/text"]),
            "needs a first line such as #!/bin/sh",
        ),
        (spawn(&[]), "no program"),
        (spawn(&["true", "a\0b"]), "NUL byte"),
        (
            Spawn {
                cwd: "/nowhere".into(),
                ..spawn(&["true"])
            },
            "cannot start in the folder /nowhere",
        ),
    ];
    for (order, expected) in cases {
        let error = sandbox.spawn(order).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let huge = sandbox
        .spawn(spawn(&["true", &"x".repeat(200_000)]))
        .await
        .unwrap_err()
        .to_string();
    assert!(huge.contains("too much"), "{huge}");
    while sandbox.usage().await.processes > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn input() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let mut process = sandbox
        .spawn(Spawn {
            stdin: StdinKind::Pipe,
            ..spawn(&["cat"])
        })
        .await
        .unwrap();
    assert!(process.stderr.is_some());
    let mut stdin = tokio::net::unix::pipe::Sender::from_owned_fd(process.stdin.take().unwrap()).unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, b"hello")
        .await
        .unwrap();
    drop(stdin);
    assert_eq!(crate::kit::read(process.stdout).await, "hello");
    let exit = *process.exit.wait_for(Option::is_some).await.unwrap();
    assert_eq!(exit.map(engine::sandbox::Exit::shell_code), Some(0));
}

async fn wrong_id() {
    let ground = ground().await;
    for id in ["../x", "", "a b"] {
        let refused = ground
            .host
            .create(SandboxSpec {
                id: id.into(),
                ..SandboxSpec::default()
            })
            .await;
        assert!(refused.is_err_and(|error| error.to_string().contains("cannot be its id")));
    }
}
