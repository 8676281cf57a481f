//! Reaching another sandbox, or staying when one's own is gone.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{has_namespaces, held};
use crate::kit::{Ground, host_processes, is_root, python, read_line, seconds, sh, start, until};

pub async fn daemons(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let time = seconds(6161);
    let script = format!(
        "trap '' TERM HUP INT; setsid sleep {time} & (setsid nohup sleep {time} >/dev/null 2>&1 &); \
         python3 -c \"import os; os.setsid(); os.fork() and os._exit(0); os.execve('/usr/bin/sleep', ['sleep', '{time}'], {{}})\"; sleep {time}"
    );
    start(&sandbox, &["sh", "-c", &script]).await;
    until(30, "they run", || host_processes(&time).len() >= 4).await;
    sandbox.destroy().await.unwrap();
    until(30, "all ended", || host_processes(&time).is_empty()).await;
}

/// Segments, queues and semaphores of the host that everyone may use.
struct SystemV(Vec<(&'static str, String)>);

impl SystemV {
    fn make() -> Self {
        let make = |arguments: &[&str]| {
            let made = Command::new("ipcmk")
                .args(arguments)
                .args(["-p", "0666"])
                .output()
                .unwrap();
            let text = String::from_utf8(made.stdout).unwrap();
            text.rsplit(' ').next().unwrap().trim().to_owned()
        };
        Self(vec![
            ("-m", make(&["-M", "4096"])),
            ("-q", make(&["-Q"])),
            ("-s", make(&["-S", "1"])),
        ])
    }
}

impl Drop for SystemV {
    fn drop(&mut self) {
        for (kind, id) in &self.0 {
            let _ = Command::new("ipcrm").args([kind, id.as_str()]).status();
        }
    }
}

pub async fn system_v_ipc(ground: Ground) {
    let made = SystemV::make();
    let [(_, memory), (_, queue), (_, semaphore)] = &made.0[..] else {
        panic!("three were made")
    };
    let sandbox = ground.sandbox().await;
    let program = format!(
        r#"
attempt('memory', lambda: call(30, {memory}, 0, 0))
attempt('its state', lambda: call(31, {memory}, 2, ctypes.create_string_buffer(256)))
attempt('queue', lambda: call(71, {queue}, 2, ctypes.create_string_buffer(256)))
attempt('message', lambda: call(69, {queue}, ctypes.create_string_buffer(b'\1' + bytes(15)), 4, 0o4000))
attempt('semaphore', lambda: call(66, {semaphore}, 0, 12, 0))
attempt('raise it', lambda: call(65, {semaphore}, ctypes.create_string_buffer(b'\0\0\1\0\0\0'), 1))
"#
    );
    held(&sandbox, 6, &program).await;
}

pub async fn posix_ipc(ground: Ground) {
    let name = crate::kit::unique();
    let segment = std::path::PathBuf::from(format!("/dev/shm/{name}"));
    std::fs::write(&segment, "of the host").unwrap();
    std::fs::set_permissions(&segment, PermissionsExt::from_mode(0o666)).unwrap();
    // A queue stays while its maker holds it, and has no other name in the file system.
    let maker = format!(
        "import ctypes,os,sys; os.umask(0); q=ctypes.CDLL('librt.so.1').mq_open(b'/{name}',0o102,0o666,None); print(q,flush=True); sys.stdin.read(); \
         ctypes.CDLL('librt.so.1').mq_unlink(b'/{name}')"
    );
    let mut maker = Command::new("/usr/bin/python3")
        .args(["-c", &maker])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(maker.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    assert!(!line.starts_with('-'), "the host itself has no queues");
    let sandbox = ground.sandbox().await;
    let program = format!(
        r#"
attempt('segment', lambda: open('/dev/shm/{name}', 'r+').read())
attempt('queue', lambda: call(240, b'{name}', os.O_RDWR, 0, 0))
attempt('remove the queue', lambda: call(241, b'{name}'))
"#
    );
    held(&sandbox, 3, &program).await;
    drop(maker.stdin.take());
    maker.wait().unwrap();
    assert_eq!(std::fs::read_to_string(&segment).unwrap(), "of the host");
    std::fs::remove_file(segment).unwrap();
}

pub async fn another_sandbox(ground: Ground) {
    let (victim, attacker) = tokio::join!(ground.sandbox(), ground.sandbox());
    let time = seconds(6262);
    let program = format!(
        "import os,time\nopen('secret','w').write('of the other')\n[os.fchmod(os.open(name,os.O_RDONLY),0o777) for name in ('secret','.')]\n\
         if os.fork()==0: os.execv('/usr/bin/sleep',['sleep','{time}'])\nprint(os.getcwd(),flush=True)\ntime.sleep(60)"
    );
    let running = start(&victim, &["python3", "-c", &program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(running.stdout).unwrap();
    let home = read_line(&mut out).await;
    until(30, "it runs", || {
        host_processes(&time).iter().any(|pid| *pid != 0)
    })
    .await;
    let pid = *host_processes(&time).last().unwrap();
    let outside = ground.data.path().join("homes").join(victim.id());
    let program = format!(
        r#"
for path in ('{home}/secret', '{outside}/secret', '/proc/{pid}/cwd/secret', '/proc/{pid}/root{home}/secret'):
    attempt('read ' + path, lambda: open(path).read())
    attempt('write ' + path, lambda: put(path, b'x'))
attempt('list', lambda: something([name for name in os.listdir('{outside}/..') if name == '{id}']))
attempt('signal', lambda: os.kill({pid}, 9))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, {pid}, 19))
attempt('trace', lambda: call(101, 0x4206, {pid}, 0, 0))
attempt('memory', lambda: open('/proc/{pid}/mem', 'rb'))
attempt('environment', lambda: open('/proc/{pid}/environ', 'rb').read())
"#,
        outside = outside.display(),
        id = victim.id(),
    );
    held(&attacker, 14, &program).await;
    assert!(
        host_processes(&time).contains(&pid),
        "the other's program was ended"
    );
    assert_eq!(sh(&victim, "cat secret").await.out, "of the other");
    if is_root() || has_namespaces(&ground) {
        let users = (sh(&victim, "id -u").await.out, sh(&attacker, "id -u").await.out);
        assert_ne!(users.0, users.1, "each has a user of its own");
    }
}

pub async fn file_calls(ground: Ground) {
    let secret = ground.data.path().join("secret");
    std::fs::write(&secret, "of the host").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o666)).unwrap();
    let sandbox = ground.sandbox().await;
    let script = format!(
        "mkfifo fifo; ln -s {0} out; ln -s / root; ln -s loop loop; ln -s /dev/zero zero; ln -s /proc/self/exe exe; ln -s /proc/1/mem mem; mkdir folder",
        secret.display()
    );
    sh(&sandbox, &script).await;
    let below_root = format!("root{}", secret.display());
    let asked = std::time::Instant::now();
    for path in [
        "fifo",
        "out",
        &below_root,
        "loop",
        "zero",
        "exe",
        "mem",
        "folder",
        "/proc/self/environ",
        "/dev/tty",
        "../../../etc/shadow",
    ] {
        if path != "/proc/self/environ" {
            assert!(sandbox.open_read(path).await.is_err(), "read {path}");
        }
        assert!(
            sandbox.open_write(path, 0o644, false).await.is_err(),
            "write {path}"
        );
    }
    assert!(
        sandbox.remove("out", false).await.is_ok(),
        "the link goes, not what it points to"
    );
    assert!(sandbox.set_permissions(&below_root, 0o777).await.is_err());
    assert!(
        sandbox.set_permissions("folder", 0o700).await.is_ok(),
        "its own may be changed"
    );
    assert!(sandbox.rename(&below_root, "mine").await.is_err());
    assert!(sandbox.remove("root/usr", true).await.is_err());
    assert!(
        asked.elapsed() < std::time::Duration::from_secs(5),
        "nothing waits for a trap"
    );
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "of the host");
    let ran = python(&sandbox, "import os; print(sorted(os.listdir('.')))").await;
    assert!(
        ran.out.contains("'folder'") && ran.out.contains("'root'"),
        "{}",
        ran.out
    );
}
