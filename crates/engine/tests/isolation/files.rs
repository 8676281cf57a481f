//! File operations, and the traps an agent can set for them.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use engine::sandbox::{FileFault, FileKind, Sandbox};
use libtest_mimic::Trial;

use crate::kit::{ground, ground_with, python, sh, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("files::what_is_written_is_read", round_trip),
        trial("files::traps_do_not_block_or_leak", traps),
        trial("files::folders_are_listed_made_moved_and_removed", folders),
        trial("files::deep_and_wide_trees_are_removed", trees),
        trial("files::named_pipes_serve_a_running_shell", pipes),
        trial("files::a_kept_home_is_there_again", kept),
    ]
}

fn contents(file: OwnedFd) -> String {
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text).unwrap();
    text
}

async fn write(sandbox: &Sandbox, path: &str, text: &str) {
    let file = sandbox.open_write(path, 0o644, true).await.unwrap();
    std::fs::File::from(file).write_all(text.as_bytes()).unwrap();
}

async fn fault<T>(result: impl Future<Output = Result<T, engine::sandbox::FileError>>) -> Option<FileFault> {
    result.await.err().and_then(|error| error.fault())
}

async fn round_trip() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    write(&sandbox, "/home/daytona/a/b/ö 1.txt", "first and longer").await;
    write(&sandbox, "a/b/ö 1.txt", "second").await;
    let (file, stat) = sandbox.open_read("a/b/ö 1.txt").await.unwrap();
    assert_eq!(
        (contents(file).as_str(), stat.size, stat.kind),
        ("second", 6, FileKind::File)
    );
    assert_eq!(
        sh(&sandbox, "stat -c '%U %a' 'a/b/ö 1.txt'").await.out,
        "daytona 644\n"
    );
    sandbox.set_permissions("a/b/ö 1.txt", 0o4755).await.unwrap();
    assert_eq!(sandbox.stat("a/b/ö 1.txt").await.unwrap().mode, 0o4755);
    sh(&sandbox, "ln -s 'b/ö 1.txt' a/link").await;
    let (file, _) = sandbox.open_read("a/link").await.unwrap();
    assert_eq!(contents(file), "second", "links inside the sandbox are followed");
}

async fn traps() {
    let ground = ground().await;
    let secret = ground.data.path().join("secret");
    std::fs::write(&secret, "of the host").unwrap();
    let sandbox = ground.sandbox().await;
    let script = format!(
        "mkfifo fifo; ln -s fifo to-fifo; ln -s {0} out; ln -s /proc/1/root/{0} out2; ln -s loop loop; ln -s /dev/zero zero; \
         ln -s /proc/self/exe exe; mkdir sub; ln -s / root; ln -s /proc/1/fd/3 control; python3 -c \"import socket;socket.socket(1).bind('sock')\"",
        secret.display()
    );
    sh(&sandbox, &script).await;
    let asked = Instant::now();
    let not_regular = Some(FileFault::NotRegular);
    for path in [
        "fifo",
        "to-fifo",
        "zero",
        "/dev/random",
        "/dev/tty",
        "sock",
        "/dev/null",
    ] {
        assert_eq!(fault(sandbox.open_read(path)).await, not_regular, "read {path}");
        assert_eq!(
            fault(sandbox.open_write(path, 0o644, false)).await,
            not_regular,
            "write {path}"
        );
    }
    assert_eq!(fault(sandbox.open_read("out")).await, Some(FileFault::NotFound));
    assert!(sandbox.open_read("out2").await.is_err() && sandbox.open_read("exe").await.is_err());
    assert!(
        sandbox.open_read("/proc/self/exe").await.is_err(),
        "the engine's executable"
    );
    assert!(sandbox.open_write("/proc/self/exe", 0o755, false).await.is_err());
    assert!(
        sandbox.open_read("control").await.is_err() && sandbox.open_read("/proc/self/fd/3").await.is_err()
    );
    assert!(
        sandbox.open_read("/proc/self/environ").await.is_err()
            || ground.host.isolation().memory != engine::sandbox::Enforcer::CgroupV2
    );
    assert_eq!(fault(sandbox.open_read("loop")).await, Some(FileFault::BadPath));
    assert_eq!(fault(sandbox.open_read("sub")).await, Some(FileFault::IsFolder));
    assert_eq!(
        fault(sandbox.open_read("root/etc/shadow")).await,
        Some(FileFault::NotFound)
    );
    for path in ["", "a\0b", &"x/".repeat(3000)] {
        assert_eq!(
            fault(sandbox.open_read(path)).await,
            Some(FileFault::BadPath),
            "{path:?}"
        );
    }
    for path in ["/usr/bin/x", "/etc/x", "/x"] {
        let fault = fault(sandbox.open_write(path, 0o644, false)).await;
        assert!(
            matches!(fault, Some(FileFault::ReadOnly | FileFault::Denied)),
            "{path}: {fault:?}"
        );
    }
    assert!(asked.elapsed() < Duration::from_secs(2), "nothing blocked");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "of the host");
}

async fn folders() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    sandbox.create_folder("x/y/z", 0o755).await.unwrap();
    sandbox.create_folder("x/y/z", 0o755).await.unwrap();
    write(&sandbox, "x/f", "1").await;
    sh(&sandbox, "ln -s nowhere x/dangling; mkfifo x/pipe").await;
    let entries = sandbox.list("x").await.unwrap();
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.stat.kind))
        .collect();
    let expected = [
        ("dangling", FileKind::Link),
        ("f", FileKind::File),
        ("pipe", FileKind::Special),
        ("y", FileKind::Folder),
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        fault(sandbox.create_folder("x/f", 0o755)).await,
        Some(FileFault::NotFolder)
    );
    assert_eq!(fault(sandbox.list("x/f")).await, Some(FileFault::NotFolder));
    sandbox.rename("x/f", "x/y/g").await.unwrap();
    assert_eq!(fault(sandbox.stat("x/f")).await, Some(FileFault::NotFound));
    assert_eq!(fault(sandbox.remove("x", false)).await, Some(FileFault::NotEmpty));
    sandbox.remove("x/dangling", false).await.unwrap();
    sandbox.remove("x", true).await.unwrap();
    assert_eq!(fault(sandbox.stat("x")).await, Some(FileFault::NotFound));
    assert!(sandbox.remove("/usr", true).await.is_err());
}

async fn trees() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = "import os\nfor i in range(5000): open(f'wide-{i:05}-'+'é'*100,'w').close()\nos.mkdir('deep');os.chdir('deep')\nfor i in range(3000): os.mkdir('d'*50); os.chdir('d'*50)\nopen('end','w').close()";
    sh(&sandbox, "mkdir w").await;
    let ran = python(&sandbox, &format!("import os;os.chdir('w')\n{program}")).await;
    assert_eq!(ran.exit.code, Some(0), "{}", ran.out);
    let entries = sandbox.list("w").await.unwrap();
    assert_eq!(entries.len(), 5001);
    assert!(entries.is_sorted_by(|a, b| a.name <= b.name));
    sandbox.remove("w", true).await.unwrap();
    assert!(sandbox.list(".").await.unwrap().is_empty());
}

async fn pipes() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let pipes = sandbox.create_pipes("/tmp/p").await.unwrap();
    std::fs::File::from(pipes.stdin).write_all(b"in\n").unwrap();
    assert_eq!(
        fault(sandbox.create_pipes("/tmp/p")).await,
        Some(FileFault::Exists)
    );
    let (out, err) = (pipes.stdout, pipes.stderr);
    let keep = sandbox.create_pipes("/tmp/q").await.unwrap();
    std::fs::File::from(keep.stdin.try_clone().unwrap())
        .write_all(b"in\n")
        .unwrap();
    drop((out, err));
    let ran = sh(
        &sandbox,
        "read line < /tmp/q/in; echo got $line > /tmp/q/out & cat /dev/null; wait; ls -l /tmp/q | grep -c ^p",
    )
    .await;
    assert_eq!(ran.out, "3\n", "{ran:?}");
    let mut text = [0u8; 7];
    std::fs::File::from(keep.stdout)
        .read_exact(&mut text)
        .unwrap_or(());
    sandbox.remove_pipes("/tmp/q").await.unwrap();
    assert!(sandbox.remove_pipes("/tmp/q").await.is_err());
}

async fn kept() {
    let ground = ground_with(|_| {}).await;
    let id = crate::kit::unique();
    let order = |spec: &mut engine::sandbox::SandboxSpec| {
        spec.id.clone_from(&id);
        spec.keep_home = true;
        spec.disk_bytes = 32 << 20;
        spec.inodes = 1000;
    };
    let sandbox = ground.sandbox_with(order).await;
    let ran = sh(&sandbox, "echo kept > file; mkdir folder; touch folder/x; ls -A").await;
    assert_eq!(ran.out, "file\nfolder\n");
    if ground.host.isolation().level == engine::sandbox::Level::NamespacesRoot {
        let ran = sh(
            &sandbox,
            "dd if=/dev/zero of=big bs=1M count=64 2>&1 | head -1; rm big",
        )
        .await;
        assert!(ran.out.contains("No space left"), "{}", ran.out);
        let ran = python(&sandbox, "n=0\ntry:\n while n<5000: open(f'folder/{n}','w').close(); n+=1\nexcept OSError as e: print(n,e.strerror)").await;
        assert!(ran.out.contains("No space left"), "{}", ran.out);
    }
    sandbox.destroy().await.unwrap();
    let again = ground.sandbox_with(order).await;
    let ran = sh(&again, "cat file; echo more >> file; cat file").await;
    assert_eq!(ran.out, "kept\nkept\nmore\n");
    again.destroy().await.unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&id));
    assert!(ground.data.path().join("homes").join(&id).exists());
}
