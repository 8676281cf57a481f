//! What a sandbox can see and do that it should not.

use engine::sandbox::Level;
use libtest_mimic::Trial;

use crate::kit::{ground, may_administer, python, run, sh, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("basics::a_program_runs_as_its_own_user", own_user),
        trial("basics::nothing_of_the_host_is_seen", host_unseen),
        trial("basics::no_environment_or_descriptor_leaks_in", nothing_leaks),
        trial("basics::dangerous_calls_are_denied", calls_denied),
        trial("basics::the_kernel_cannot_be_configured", kernel_closed),
        trial("basics::the_network_is_off", network_off),
        trial("basics::python_and_node_are_found", interpreters),
        trial("basics::a_python_outside_usr_is_shown", other_python),
        trial("basics::sandboxes_do_not_see_each_other", apart),
    ]
}

async fn own_user() {
    let ground = ground().await;
    let level = ground.host.isolation().level;
    let best = if may_administer() {
        Level::NamespacesRoot
    } else {
        Level::NamespacesUser
    };
    assert_eq!(level, best);
    let sandbox = ground.sandbox().await;
    let ran = sh(
        &sandbox,
        "id -u; id -un; echo $HOME; pwd; cat /proc/self/uid_map; grep Cap /proc/self/status",
    )
    .await;
    assert_eq!(ran.exit.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    let uid: u32 = lines[0].parse().unwrap();
    assert!(uid >= 200_000);
    assert_eq!(lines[1..4], ["daytona", "/home/daytona", "/home/daytona"]);
    if level == Level::NamespacesUser {
        assert_eq!(
            lines[4].split_whitespace().next(),
            Some(lines[0]),
            "only its own uid is mapped"
        );
    }
    assert!(
        lines[5..].iter().all(|line| line.ends_with("0000000000000000")),
        "{lines:?}"
    );
    // And on the host, too.
    let time = crate::kit::seconds(31);
    let process = crate::kit::start(&sandbox, &["sleep", &time]).await;
    crate::kit::until(30, "the program is seen", || {
        !crate::kit::host_processes(&time).is_empty()
    })
    .await;
    let pid = crate::kit::host_processes(&time)[0];
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let outside = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    assert!(outside.split_whitespace().all(|uid| uid != "0"), "{outside}");
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"));
    drop(process);
}

async fn host_unseen() {
    let ground = ground().await;
    let secret = ground.data.path().join("secret");
    std::fs::write(&secret, "of the host").unwrap();
    let sandbox = ground.sandbox().await;
    let path = secret.display();
    let ran = sh(
        &sandbox,
        &format!(
            "cat {path} 2>&1; ls / | tr '\\n' ' '; echo; ls /proc | grep -c '^[0-9]'; ls /root /home; cat /etc/shadow 2>&1; ls /sys | wc -l; hostname"
        ),
    )
    .await;
    assert!(ran.out.contains("No such file"), "{}", ran.out);
    assert!(!ran.out.contains("of the host"));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        !lines[1].contains("work") && !lines[1].contains("boot"),
        "{}",
        lines[1]
    );
    assert!(lines[2].parse::<u32>().unwrap() <= 5, "processes: {}", lines[2]);
    assert_eq!(ran.out.lines().last(), Some("sandbox"));
    let ran = sh(
        &sandbox,
        "touch /usr/x /etc/x /x /dev/x /opt/x /run/x /proc/x 2>&1 | grep -vc cannot; mount | grep -c data",
    )
    .await;
    assert_eq!(ran.out, "0\n0\n", "nothing outside home and tmp can be written");
    let ran = sh(
        &sandbox,
        "for f in /tmp /var/tmp /dev/shm ~; do touch $f/x && rm $f/x && echo $f; done",
    )
    .await;
    assert_eq!(ran.out.lines().count(), 4, "{}", ran.out);
}

async fn nothing_leaks() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let ran = sh(&sandbox, "env | cut -d= -f1 | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; cat /proc/1/environ 2>&1 | wc -c; ls -l /proc/1/exe /proc/1/fd 2>&1 | grep -c denied").await;
    assert!(
        !ran.out.contains("CARGO") && ran.out.contains("PITLANE_COMMAND"),
        "{}",
        ran.out
    );
    let ran = run(
        &sandbox,
        &[
            "python3",
            "-c",
            "import os;print(sorted(map(int,os.listdir('/proc/self/fd'))))",
        ],
    )
    .await;
    assert_eq!(ran.out.trim(), "[0, 1, 2, 3]", "3 is the listing itself");
    let ran = sh(
        &sandbox,
        "cat /proc/1/environ /proc/1/maps; readlink /proc/1/exe; kill -9 1; echo alive",
    )
    .await;
    assert!(
        ran.out.contains("ermission denied") && ran.out.ends_with("alive\n"),
        "{}",
        ran.out
    );
    assert!(
        !ran.out.contains("target/"),
        "the engine's executable is named: {}",
        ran.out
    );
    assert!(sandbox.ended().borrow().is_none());
}

async fn calls_denied() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = r#"
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *args):
    result = libc.syscall(number, *args)
    print(name, 'ALLOWED' if result >= 0 else os.strerror(ctypes.get_errno()).split()[0])
call('unshare', 272, 0x10000000)
call('mount', 165, b'none', b'/tmp', b'tmpfs', 0, 0)
call('ptrace', 101, 16, 1, 0, 0)
call('keyctl', 250, 0, -3, 0)
call('add_key', 248, b'user', b'x', b'y', 1, -3)
call('bpf', 321, 0, 0, 0)
call('userfaultfd', 323, 0)
call('perf_event_open', 298, 0, 0, -1, -1, 0)
call('io_uring_setup', 425, 1, 0)
call('clone3', 435, 0, 0)
call('setns', 308, 0, 0)
call('open_tree', 428, -100, b'/', 1)
call('pivot_root', 155, b'/', b'/')
call('process_vm_readv', 310, 1, 0, 0, 0, 0, 0)
call('kexec', 246, 0, 0, 0, 0)
call('newest', 463, 0)
call('x', 600, 0)
call('clone_newuser', 56, 0x10000000 | 17, 0, 0, 0, 0)
call('setuid0', 105, 0)
for family, kind in ((40, 1), (16, 3), (17, 3), (2, 3), (38, 5)):
    try:
        socket.socket(family, kind, 15 if family == 16 else 0); print('socket', family, 'ALLOWED')
    except OSError as error:
        print('socket', family, 'refused')
import fcntl, termios
try:
    fcntl.ioctl(0, termios.TIOCSTI, b'x'); print('tiocsti ALLOWED')
except OSError as error:
    print('tiocsti', error.strerror)
"#;
    let ran = python(&sandbox, program).await;
    assert_eq!(ran.exit.code, Some(0), "{}", ran.out);
    assert!(!ran.out.contains("ALLOWED"), "{}", ran.out);
    assert!(ran.out.contains("tiocsti Operation not permitted"), "{}", ran.out);
    assert_eq!(ran.out.lines().count(), 25);
}

async fn kernel_closed() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let ran = sh(
        &sandbox,
        "for f in /proc/sys/kernel/core_pattern /proc/sys/vm/overcommit_memory /proc/sysrq-trigger /proc/sys/net/ipv4/ip_forward; \
         do (echo x > $f) 2>/dev/null && echo WROTE $f; done; cat /proc/kallsyms /proc/keys /proc/cmdline | wc -c; \
         ls /proc/driver /proc/acpi 2>/dev/null | grep -v : | wc -w; su root -c id 2>&1 | head -1; ls -l /dev | grep -c ^b",
    )
    .await;
    assert!(
        !ran.out.contains("WROTE") && !ran.out.contains("uid=0"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.lines().next(), Some("0"), "{}", ran.out);
    let ran = sh(
        &sandbox,
        "echo 4294967296 > /proc/self/oom_score_adj; ulimit -n 999999; ulimit -u 999999",
    )
    .await;
    assert!(ran.exit.code != Some(0), "limits cannot be raised: {}", ran.out);
}

async fn network_off() {
    let ground = ground().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sandbox = ground.sandbox().await;
    let program = format!(
        "import socket\nfor address in (('127.0.0.1',{port}),('169.254.169.254',80),('10.0.0.1',80),('1.1.1.1',53)):\n try:\n  socket.create_connection(address,2);print('CONNECTED',address)\n except OSError as e: print(e.errno)\ns=socket.socket();s.bind(('127.0.0.1',8000));s.listen();socket.create_connection(('127.0.0.1',8000));print('own loopback')\nimport os;print(os.listdir('/sys'), open('/proc/net/dev').read().count(':'))"
    );
    let ran = python(&sandbox, &program).await;
    assert!(!ran.out.contains("CONNECTED"), "{}", ran.out);
    assert!(ran.out.ends_with("own loopback\n[] 1\n"), "{}", ran.out);
    // Abstract sockets of the host are not there either.
    let name = format!("pitlane-test-{}", std::process::id());
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
            .unwrap();
    let _listener = std::os::unix::net::UnixListener::bind_addr(&address).unwrap();
    let ran = python(
        &sandbox,
        &format!("import socket;socket.socket(socket.AF_UNIX).connect('\\0{name}')"),
    )
    .await;
    assert!(ran.out.contains("ConnectionRefused"), "{}", ran.out);
}

async fn interpreters() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let ran = run(
        &sandbox,
        &[
            "python3",
            "-c",
            "import sys, ssl, json, sqlite3; print(sys.version.split()[0])",
        ],
    )
    .await;
    assert_eq!(Some(ran.out.trim()), sandbox.python_version(), "{ran:?}");
    assert!(!sandbox.python().unwrap().contains("shims"));
    let ran = run(&sandbox, &["node", "-p", "process.versions.node"]).await;
    assert_eq!(Some(ran.out.trim()), sandbox.node_version(), "{ran:?}");
    let script = "echo to stdout > /dev/stdout; echo to stderr > /dev/stderr; cat <(echo substituted)";
    let ran = run(&sandbox, &["bash", "-c", script]).await;
    assert_eq!(ran.out, "to stdout\nto stderr\nsubstituted\n");
}

/// A Python with a prefix of its own: the host's, seen through links.
async fn other_python() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever runs in the sandbox reads it under its own uid.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let prefix = folder.path().join("prefix");
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    std::fs::create_dir_all(prefix.join("lib")).unwrap();
    let real = std::fs::canonicalize("/usr/bin/python3").unwrap();
    let name = real.file_name().unwrap();
    std::fs::copy(&real, prefix.join("bin/python3")).unwrap();
    let library = std::path::Path::new("/usr/lib").join(name);
    std::os::unix::fs::symlink(&library, prefix.join("lib").join(name)).unwrap();
    let chosen = prefix.join("bin/python3");
    let ground = crate::kit::ground_with(|config| config.python = vec![chosen.clone()]).await;
    let sandbox = ground.sandbox().await;
    assert_eq!(sandbox.python(), chosen.to_str());
    let ran = run(
        &sandbox,
        &[
            "python3",
            "-c",
            "import sys, json; print(sys.executable, sys.base_prefix)",
        ],
    )
    .await;
    assert_eq!(
        ran.out.trim(),
        format!("{} {}", chosen.display(), prefix.display())
    );
    let ran = sh(
        &sandbox,
        &format!(
            "touch {}/x 2>&1; ls {}",
            prefix.display(),
            folder.path().display()
        ),
    )
    .await;
    assert!(
        ran.out.contains("Read-only") && ran.out.ends_with("prefix\n"),
        "{}",
        ran.out
    );
}

async fn apart() {
    let ground = ground().await;
    let (first, second) = tokio::join!(ground.sandbox(), ground.sandbox());
    let program = "import socket,time;s=socket.socket();s.bind(('127.0.0.1',7777));s.listen();open('/tmp/mine','w').write('x');open('/dev/shm/mine','w').write('x');print('up',flush=True);time.sleep(60)";
    let running = crate::kit::start(&first, &["python3", "-c", program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(running.stdout).unwrap();
    assert_eq!(crate::kit::read_line(&mut out).await, "up");
    let ran = python(&second, "import socket,os\nprint(os.path.exists('/tmp/mine'), os.path.exists('/dev/shm/mine'))\nsocket.create_connection(('127.0.0.1',7777))").await;
    assert!(
        ran.out.contains("False False") && ran.out.contains("ConnectionRefused"),
        "{}",
        ran.out
    );
    let (one, two) = (sh(&first, "id -u").await.out, sh(&second, "id -u").await.out);
    assert_ne!(one, two, "each has a uid of its own");
    let ran = sh(&second, "ipcmk -M 4096 >/dev/null && ipcs -m | grep -c 4096").await;
    assert_eq!(ran.out.trim(), "1");
    assert_eq!(sh(&first, "ipcs -m | grep -c 4096").await.out.trim(), "0");
}
