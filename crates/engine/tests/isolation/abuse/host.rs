//! Attacks on the host: its files, processes, services, devices, executables.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Child, Command};

use super::{has_namespaces, held, still_here};
use crate::kit::{Ground, sh, spawn, until};

/// A process of the host that has nothing to do with sandboxes.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        let mut command = Command::new("/usr/bin/sleep");
        Self(
            command
                .arg("60")
                .env("BYSTANDERS_SECRET", "seen-by-nobody")
                .spawn()
                .unwrap(),
        )
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        // It may have ended already, which the test then said.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes a file of the host that everyone may read and write.
fn open_file(path: &std::path::Path, content: &str) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o666)).unwrap();
}

pub async fn files(ground: Ground) {
    let secret = ground.data.path().join("secret");
    open_file(&secret, "of the host");
    let sandbox = ground.sandbox().await;
    let program = format!(
        r#"
secret = '{secret}'
os.symlink(secret, 'link'); os.symlink('/', 'root')
for path in (secret, 'link', 'root' + secret, '../' * 20 + secret, '/proc/self/root' + secret, '/proc/1/root' + secret,
             '/proc/self/cwd/' + '../' * 20 + secret, '/etc/shadow', '/root/.bashrc', '/var/log/dpkg.log', '{engine}'):
    attempt(path, lambda: open(path, 'rb').read(10))
def besides(folder):
    # The way to this Python's own folder is there, and nothing on it but that.
    own = os.path.relpath(sys.base_prefix, folder).split('/')[0]
    return [name for name in os.listdir(folder) if name != own]
for folder in ('{data}', '/root', '/var/log', '/boot'):
    attempt('list ' + folder, lambda: something(besides(folder)))
"#,
        secret = secret.display(),
        data = ground.data.path().display(),
        engine = std::env::current_exe().unwrap().display(),
    );
    held(&sandbox, 15, &program).await;
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "of the host");
}

pub async fn processes(ground: Ground) {
    let mut bystander = Bystander::start();
    let sandbox = ground.sandbox().await;
    let program = format!(
        r#"
for pid in ({bystander}, {sandboxd}, {engine}):
    attempt(f'signal {{pid}}', lambda: os.kill(pid, 9))
    attempt(f'group {{pid}}', lambda: os.killpg(pid, 9))
    attempt(f'status of {{pid}}', lambda: open(f'/proc/{{pid}}/status').read())
    attempt(f'pidfd of {{pid}}', lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9))
    attempt(f'priority of {{pid}}', lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
attempt('pid 1', lambda: signal.pidfd_send_signal(os.pidfd_open(1), 19) or open('/proc/1/stat').read().index(') T'))
"#,
        bystander = bystander.0.id(),
        sandboxd = ground.host.sandboxd_pid().unwrap(),
        engine = std::process::id(),
    );
    held(&sandbox, 16, &program).await;
    let script = "kill -9 -1; kill -STOP -1";
    if has_namespaces(&ground) {
        sh(&sandbox, script).await;
        still_here(&ground, &sandbox).await;
    } else {
        // Without a namespace of processes a program can end its own sandbox,
        // and with it the answer that it was started.
        let _ = sandbox.spawn(spawn(&sandbox, &["sh", "-c", script])).await;
        let ended = sandbox.ended();
        until(30, "it has ended itself", || ended.borrow().is_some()).await;
    }
    assert!(bystander.lives(), "a process of the host was ended");
}

pub async fn services(ground: Ground) {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_nonblocking(true).unwrap();
    let name = format!("pitlane-abuse-{}", crate::kit::unique());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let path = ground.data.path().join("service");
    let _path = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    let sandbox = ground.sandbox().await;
    let program = format!(
        r#"
attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {tcp}), 2))
attempt('all addresses', lambda: socket.create_connection(('0.0.0.0', {tcp}), 2))
attempt('abstract', lambda: socket.socket(socket.AF_UNIX).connect('\0{name}'))
for path in ('{path}', '/run/dbus/system_bus_socket', '/var/run/docker.sock', '/dev/log'):
    attempt(path, lambda: socket.socket(socket.AF_UNIX).connect(path))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, 22)))
attempt('packets', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))
except OSError:
    pass
"#,
        tcp = tcp.local_addr().unwrap().port(),
        udp = udp.local_addr().unwrap().port(),
        path = path.display(),
    );
    held(&sandbox, 9, &program).await;
    assert!(udp.recv(&mut [0; 8]).is_err(), "a datagram arrived");
}

pub async fn metadata_addresses(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for address in ('169.254.169.254', '169.254.170.2', '100.100.100.200', '10.0.0.1', '192.168.0.1', '1.1.1.1'):
    attempt(address, lambda: socket.create_connection((address, 80), 2))
for address in ('fd00:ec2::254', '::1', '::ffff:169.254.169.254'):
    attempt(address, lambda: socket.create_connection((address, 80), 2))
"#;
    held(&sandbox, 9, program).await;
}

pub async fn writing_elsewhere(ground: Ground) {
    let open = ground.data.path().join("open");
    open_file(&open, "of the host");
    let sandbox = ground.sandbox().await;
    let shared = if has_namespaces(&ground) {
        // Folders of its own, with a bound.
        ""
    } else {
        ", '/tmp', '/var/tmp', '/dev/shm'"
    };
    let program = format!(
        r#"
folders = ('/', '/usr', '/usr/bin', '/usr/local', '/etc', '/opt', '/srv', '/var', '/run', '/root', '/boot', '/dev', '/sys',
           '/proc', '/mnt', '/lib'{shared})
for folder in folders:
    attempt(folder, lambda: open(folder + '/pitlane-was-here', 'w'))
    attempt('folder in ' + folder, lambda: os.mkdir(folder + '/pitlane-was-here'))
    attempt('link in ' + folder, lambda: os.symlink('x', folder + '/pitlane-was-here'))
attempt('an open file', lambda: put('{open}', b'!'))
attempt('its name', lambda: os.rename('{open}', '{open}2'))
attempt('its mode', lambda: os.chmod('/usr/bin/env', 0o777))
"#,
        open = open.display(),
    );
    held(
        &sandbox,
        3 * if shared.is_empty() { 16 } else { 19 } + 3,
        &program,
    )
    .await;
    assert_eq!(std::fs::read_to_string(&open).unwrap(), "of the host");
}

pub async fn marks_on_files(ground: Ground) {
    // As an ordinary user without namespaces the file belongs to the attacker's own uid.
    let file = ground.data.path().join("marked");
    open_file(&file, "of the host");
    let before = std::fs::metadata(&file).unwrap();
    let sandbox = ground.sandbox().await;
    let program = format!(
        r#"
path = '{}'
os.symlink(path, 'link')
for name in (path, 'link'):
    attempt('mode', lambda: os.chmod(name, 0o777))
    attempt('owner', lambda: os.chown(name, os.getuid(), os.getgid()))
    attempt('times', lambda: os.utime(name, (1, 1)))
    attempt('attribute', lambda: os.setxattr(name, 'user.mark', b'x'))
    attempt('length', lambda: os.truncate(name, 1))
    attempt('by its name alone', lambda: call(452, os.open(name, os.O_PATH), b'', 0o777, 0x1000))
attempt('another name', lambda: os.link(path, 'mine'))
attempt('a watch', lambda: call(254, call(294, 0), os.path.dirname(path).encode(), 0x100))
"#,
        file.display()
    );
    held(&sandbox, 14, &program).await;
    let after = std::fs::metadata(&file).unwrap();
    assert_eq!(
        (after.mode(), after.mtime(), after.len(), after.ctime()),
        (before.mode(), before.mtime(), before.len(), before.ctime())
    );
}

pub async fn environments_and_descriptors(ground: Ground) {
    let _bystander = Bystander::start();
    let sandbox = ground.sandbox().await;
    let program = r#"
def secrets():
    found = []
    for path in glob.glob('/proc/*/environ'):
        try:
            if b'BYSTANDERS_SECRET' in open(path, 'rb').read():
                found.append(path)
        except OSError:
            pass
    return something(found)
def descriptors():
    found = []
    for number in range(3, 1024):
        try:
            found.append((number, os.fstat(number)))
        except OSError:
            pass
    return something(found)
attempt('environments', secrets)
attempt('descriptors', descriptors)
attempt('own environment', lambda: something([name for name in os.environ if name.startswith(('CARGO', 'ENGINE_', 'DAYTONA_API'))]))
for part in ('environ', 'fd/0', 'maps', 'exe', 'cwd', 'root/etc', 'mem'):
    attempt('pid 1: ' + part, lambda: os.readlink('/proc/1/' + part) if part in ('exe', 'cwd') else open('/proc/1/' + part, 'rb').read(1))
"#;
    held(&sandbox, 10, program).await;
}

pub async fn devices(ground: Ground) {
    let sandbox = ground.sandbox().await;
    let program = r#"
for name in ('mem', 'kmem', 'port', 'kvm', 'fuse', 'loop0', 'loop-control', 'sda', 'vda', 'net/tun', 'console', 'tty1', 'vhost-vsock'):
    attempt(name, lambda: os.open('/dev/' + name, os.O_RDONLY))
for kind, place in ((stat.S_IFBLK, 'block'), (stat.S_IFCHR, 'character')):
    attempt('make a ' + place, lambda: os.mknod(place, kind | 0o666, os.makedev(1, 1)))
"#;
    held(&sandbox, 15, program).await;
}

pub async fn executables(ground: Ground) {
    let exe = std::env::current_exe().unwrap();
    let before = std::fs::read(&exe).unwrap();
    let sandbox = ground.sandbox().await;
    // As in the escapes that overwrote a container's runtime: through what
    // /proc says pid 1, and whatever helper is caught, was started from.
    let program = r#"
attempt('pid 1', lambda: open('/proc/1/exe', 'r+b'))
attempt('pid 1, appended', lambda: open('/proc/1/exe', 'ab'))
attempt('map files of pid 1', lambda: os.listdir('/proc/1/map_files')[0])
attempt('own interpreter', lambda: open(os.path.realpath(sys.executable), 'r+b'))
attempt('the loader', lambda: open('/lib64/ld-linux-x86-64.so.2', 'r+b'))
for _ in range(200):
    for path in glob.glob('/proc/[0-9]*/exe'):
        try:
            descriptor = os.open(path, os.O_WRONLY)
        except OSError:
            continue
        print('REACHED', path)
"#;
    held(&sandbox, 5, program).await;
    assert!(
        std::fs::read(&exe).unwrap() == before,
        "the engine's executable was changed"
    );
}
