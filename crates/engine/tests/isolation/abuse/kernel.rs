//! Attacks on the kernel's interfaces: calls, namespaces, privileges, limits.

use super::{has_namespaces, held};
use crate::kit::{Ground, python, sh};

/// Calls by their numbers on x86-64, each with arguments under which the kernel
/// would otherwise do something, or say more than "not permitted".
const CALLS: &str = r#"
for name, number, *arguments in (
    ('acct', 163, 0), ('add_key', 248, b'user', b'x', b'y', 1, -3), ('bpf', 321, 0, 0, 0), ('chroot', 161, b'/'),
    ('clock_settime', 227, 0, 0), ('delete_module', 176, b'x', 0), ('fanotify_init', 300, 0, 0), ('fsopen', 430, b'tmpfs', 0),
    ('init_module', 175, 0, 0, b''), ('io_uring_enter', 426, 0, 0, 0, 0), ('io_uring_register', 427, 0, 0, 0, 0),
    ('io_uring_setup', 425, 1, 0), ('ioperm', 173, 0x70, 1, 1), ('iopl', 172, 3), ('kcmp', 312, 1, 1, 0, 0, 0),
    ('kexec_load', 246, 0, 0, 0, 0), ('keyctl', 250, 0, -3, 0), ('lookup_dcookie', 212, 0, 0, 0), ('mbind', 237, 0, 0, 0, 0, 0, 0),
    ('modify_ldt', 154, 0, 0, 0), ('mount', 165, b'none', b'/tmp', b'tmpfs', 0, 0), ('mount_setattr', 442, -100, b'/', 0, 0, 0),
    ('move_mount', 429, -100, b'/', -100, b'/tmp', 0), ('move_pages', 279, 1, 0, 0, 0, 0, 0), ('name_to_handle_at', 303, -100, b'/', 0, 0, 0),
    ('open_by_handle_at', 304, -100, 0, 0), ('open_tree', 428, -100, b'/', 1), ('perf_event_open', 298, 0, 0, -1, -1, 0),
    ('personality', 135, 0x0040000), ('pidfd_getfd', 438, 0, 0, 0), ('pivot_root', 155, b'/', b'/'), ('quotactl', 179, 0, 0, 0, 0),
    ('reboot', 169, 0xfee1dead, 672274793, 0, 0), ('request_key', 249, b'user', b'x', 0, 0), ('set_mempolicy', 238, 0, 0, 0),
    ('sethostname', 170, b'x', 1), ('settimeofday', 164, 0, 0), ('swapon', 167, b'/tmp/x', 0), ('syslog', 103, 3, 0, 0),
    ('umount2', 166, b'/tmp', 2), ('userfaultfd', 323, 0), ('vhangup', 153), ('newer than any known', 463, 0), ('no call', 6000, 0),
):
    attempt(name, lambda: call(number, *arguments))
for family, kind, protocol in ((40, 1, 0), (16, 3, 15), (16, 3, 9), (17, 3, 3), (2, 3, 1), (38, 5, 0), (44, 3, 0), (31, 3, 0), (9, 2, 0)):
    attempt(f'socket {family} {kind} {protocol}', lambda: socket.socket(family, kind, protocol))
import fcntl, termios
attempt('type for the terminal', lambda: fcntl.ioctl(0, termios.TIOCSTI, b'x'))
attempt('paste for the console', lambda: fcntl.ioctl(0, 0x541C, b'\x03'))
"#;

pub async fn calls(ground: Ground) {
    let sandbox = ground.sandbox().await;
    held(&sandbox, 44 + 9 + 2, CALLS).await;
    // Of another architecture: not refused but ended, whatever the number.
    let program = "import ctypes\nctypes.CDLL(None).syscall(0x40000000 | 39)\nprint('REACHED')";
    let ran = python(&sandbox, program).await;
    assert!(ran.exit.signal == Some(31) && ran.out.is_empty(), "{ran:?}");
}

pub async fn namespaces(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for name, flag in (('user', 0x10000000), ('mount', 0x20000), ('pid', 0x20000000), ('net', 0x40000000), ('ipc', 0x8000000),
                   ('uts', 0x4000000), ('cgroup', 0x2000000), ('user and mount', 0x10020000)):
    attempt('unshare ' + name, lambda: call(272, flag))
    attempt('clone ' + name, lambda: call(56, flag | 17, 0, 0, 0, 0))
attempt('clone3', lambda: call(435, ctypes.create_string_buffer(88), 88))
attempt('setns', lambda: call(308, os.open('/', os.O_RDONLY), 0))
for command in (['unshare', '-Ur', 'true'], ['nsenter', '-t', '1', '-m', 'true'], ['chroot', '/', 'true']):
    attempt(' '.join(command), lambda: subprocess.run(command, check=True, stderr=subprocess.PIPE))
"#;
    held(&sandbox, 21, program).await;
}

pub async fn other_processes_memory(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
child = os.fork()
if child == 0:
    time.sleep(30)
for pid in (1, child):
    for request in (16, 0x4206):
        attempt(f'ptrace {request} of {pid}', lambda: call(101, request, pid, 0, 0))
    attempt(f'read {pid}', lambda: call(310, pid, ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0))
    attempt(f'write {pid}', lambda: call(311, pid, ctypes.create_string_buffer(16), 1, ctypes.create_string_buffer(16), 1, 0))
attempt('memory of pid 1', lambda: open('/proc/1/mem', 'rb'))
attempt('trace me', lambda: call(101, 0, 0, 0, 0))
os.kill(child, 9)
"#;
    held(&sandbox, 10, program).await;
}

pub async fn privileges(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for name, action in (('setuid', os.setuid), ('setgid', os.setgid), ('seteuid', os.seteuid)):
    attempt(name, lambda: action(0))
attempt('setresuid', lambda: os.setresuid(0, 0, 0))
attempt('setgroups', lambda: os.setgroups([0]))
attempt('capset', lambda: call(126, ctypes.create_string_buffer(b'\x22\x05\x08\x20' + bytes(4)), ctypes.create_string_buffer(b'\xff' * 24)))
attempt('bounding set', lambda: call(157, 24, 0) and 'dropped from it')
attempt('new privileges', lambda: call(157, 38, 0, 0, 0, 0))
attempt('owner of a file', lambda: (open('own', 'w').close(), os.chown('own', 0, 0)))
for command in (['su', '-c', 'id -u'], ['sudo', '-n', 'id', '-u'], ['mount', '-t', 'tmpfs', 'x', '/tmp'], ['newgrp', 'root'], ['pkexec', 'id']):
    attempt(' '.join(command), lambda: subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout)
import shutil
shutil.copyfile('/usr/bin/id', 'copied'); os.fchmod(os.open('copied', os.O_RDONLY), 0o6755)
"#;
    held(&sandbox, 14, program).await;
    let ran = sh(
        &sandbox,
        "grep -h -E '^(Cap|NoNewPrivs)' /proc/self/status 2>/dev/null; ./copied -u; id -u",
    )
    .await;
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines
            .iter()
            .all(|line| !line.starts_with("Cap") || line.ends_with("0000000000000000")),
        "{ran:?}"
    );
    assert_eq!(lines[lines.len() - 2], lines[lines.len() - 1]);
    assert_ne!(lines[lines.len() - 1], "0");
}

pub async fn own_limits(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for name in ('CORE', 'NOFILE', 'FSIZE', 'MEMLOCK', 'MSGQUEUE', 'SIGPENDING', 'NPROC'):
    kind = getattr(resource, 'RLIMIT_' + name, {'MSGQUEUE': 12, 'SIGPENDING': 11}.get(name))
    attempt('raise ' + name, lambda: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
attempt('limits of pid 1', lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (10, 10)))
attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
attempt('real time', lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
attempt('never the victim', lambda: put('/proc/self/oom_score_adj', b'-1000'))
attempt('lock memory', lambda: call(151, 3))
attempt('files of the kernel', lambda: open('/proc/sys/fs/file-max', 'w'))
"#;
    held(&sandbox, 13, program).await;
}

pub async fn proc_and_sys(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for path in ('kernel/core_pattern', 'kernel/modprobe', 'kernel/hostname', 'kernel/yama/ptrace_scope', 'vm/overcommit_memory', 'vm/drop_caches',
             'net/ipv4/ip_forward', 'fs/suid_dumpable', 'user/max_user_namespaces'):
    attempt(path, lambda: put('/proc/sys/' + path, b'x'))
attempt('sysrq', lambda: put('/proc/sysrq-trigger', b'b'))
for name in ('kcore', 'kallsyms', 'keys', 'key-users', 'timer_list', 'cmdline', 'config.gz', 'modules', 'diskstats', 'partitions', 'interrupts'):
    attempt(name, lambda: something(open('/proc/' + name, 'rb').read(100)))
for path in ('kernel', 'kernel/debug', 'kernel/security', 'firmware', 'block', 'class/net', 'fs/cgroup'):
    attempt('/sys/' + path, lambda: something(os.listdir('/sys/' + path)))
attempt('hotplug', lambda: open('/sys/kernel/uevent_helper', 'w'))
for folder in ('acpi', 'scsi'):
    attempt(folder, lambda: something(os.listdir('/proc/' + folder)))
"#;
    held(&sandbox, 9 + 1 + 11 + 7 + 3, program).await;
}

pub async fn control_groups(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for folder in ('/sys/fs/cgroup', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/unified'):
    attempt('leave to ' + folder, lambda: put(folder + '/cgroup.procs', str(os.getpid()).encode()))
    attempt('make in ' + folder, lambda: os.mkdir(folder + '/mine'))
    attempt('notify in ' + folder, lambda: put(folder + '/release_agent', b'/tmp/x'))
os.makedirs('cgroup', exist_ok=True)
for kind in (b'cgroup', b'cgroup2'):
    attempt('mount', lambda: call(165, b'none', b'cgroup', kind, 0, 0))
attempt('a namespace of them', lambda: call(272, 0x2000000))
"#;
    held(&sandbox, 4 * 3 + 3, program).await;
    if has_namespaces(&ground) {
        let ran = sh(&sandbox, "cut -d: -f3 /proc/self/cgroup | sort -u").await;
        assert_eq!(ran.out.trim(), "/", "where the host keeps it is not shown");
    }
}
