//! What programs reach, by a network device of their own and by the proxy. The
//! servers are this host's, listed by the operator.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;

use engine::sandbox::{Sandbox, Wiring};
use engine::{NetworkBound, NetworkWish};
use libtest_mimic::Trial;

use crate::kit::{Ground, ground_with, may_administer, python, read_line, sh, start, trial, until};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("network::a_program_reaches_what_is_listed", carries),
        trial("network::what_is_not_allowed_is_refused_at_once", refuses),
        trial("network::names_are_answered_and_only_allowed_ones", names),
        trial("network::datagrams_are_carried", datagrams),
        trial("network::a_change_of_the_rules_acts_at_once", changes),
        trial(
            "network::connections_are_bounded_and_end_with_the_sandbox",
            bounded,
        ),
        trial("network::a_ready_sandbox_gets_its_own_rules", ready),
        trial("network::strange_packets_harm_nothing", strange),
        trial(
            "network::the_proxy_reaches_what_is_listed_and_nothing_else",
            proxy,
        ),
    ]
}

fn bound(text: &str) -> NetworkBound {
    text.parse().unwrap()
}

/// A host whose sandboxes reach what the text lists, by a device; `None` where
/// this user may open none.
async fn device_ground(text: &str) -> Option<Ground> {
    let ground = ground_with(|config| config.network = bound(text)).await;
    if ground.host.wiring() == Wiring::Tun {
        return Some(ground);
    }
    // Then there is a reason, and the proxy instead. Without root's privileges
    // a sandbox is an ordinary user when it opens the device.
    let node = std::fs::metadata("/dev/net/tun");
    let may = node.is_ok_and(|node| may_administer() || node.mode() & 0o006 == 0o006);
    assert!(!may && std::env::var_os("NETWORK_DEVICE").is_none());
    assert_eq!(ground.host.wiring(), Wiring::Proxy);
    let reason = ground.host.no_device().unwrap();
    assert!(reason.contains("open /dev/net/tun"), "{reason}");
    None
}

/// A server that sends back what it is sent, until the end of that.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..length]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// A host with devices, a sandbox of it, and the port of an echo on the host
/// that it may reach.
async fn beside_an_echo() -> Option<(u16, Ground, Sandbox)> {
    let port = echo();
    let ground = device_ground(&format!("127.0.0.1:{port}")).await?;
    let sandbox = ground.sandbox().await;
    Some((port, ground, sandbox))
}

const SETTINGS: &str =
    "import socket, struct, sys, hashlib, threading, time, errno, os\nsocket.setdefaulttimeout(20)\n";

async fn run(sandbox: &Sandbox, program: &str) -> String {
    python(sandbox, &format!("{SETTINGS}{program}")).await.out
}

async fn carries() {
    let Some((port, _ground, sandbox)) = beside_an_echo().await else {
        return;
    };
    let program = format!(
        r"
data = os.urandom(1 << 20) * 9 + b'the end'
for part in range(3):
    s = socket.create_connection(('10.0.2.2', {port}))
    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    seen = hashlib.sha256()
    length = 0
    while True:
        piece = s.recv(1 << 16)
        if not piece: break
        seen.update(piece)
        length += len(piece)
    sender.join()
    print(length == len(data), seen.digest() == hashlib.sha256(data).digest())
print(open('/etc/resolv.conf').read().strip(), 'HTTPS_PROXY' in os.environ)
"
    );
    let said = run(&sandbox, &program).await;
    assert_eq!(
        said,
        "True True\nTrue True\nTrue True\nnameserver 10.0.2.3 False\n"
    );
    sandbox.destroy().await.unwrap();
}

async fn refuses() {
    let (port, other) = (echo(), echo());
    // Bound, so that nobody else takes it, and refusing, because nobody listens.
    let refusing = tokio::net::TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = refusing.local_addr().unwrap().port();
    let Some(ground) = device_ground(&format!("127.0.0.1:{port},127.0.0.1:{closed},192.0.2.0/24")).await
    else {
        return;
    };
    let sandbox = ground.sandbox().await;
    let program = format!(
        r"
began = time.monotonic()
for address in (('10.0.2.2', {other}), ('10.0.2.2', {closed}), ('169.254.169.254', 80), ('10.0.2.3', 80),
                ('10.0.0.1', 22), ('192.168.0.1', 80), ('1.1.1.1', 443), ('127.0.0.1', {port}), ('0.0.0.0', {port}),
                ('fd00::1', 80), ('::ffff:127.0.0.1', {port})):
    s = socket.socket(socket.AF_INET6 if ':' in address[0] else socket.AF_INET)
    try:
        s.connect(address)
        print('REACHED', address)
    except OSError as error:
        print(errno.errorcode[error.errno])
print(time.monotonic() - began < 10)
"
    );
    let said = run(&sandbox, &program).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 12, "{said}");
    assert!(lines[..9].iter().all(|line| *line == "ECONNREFUSED"), "{said}");
    let elsewhere = ["ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL"];
    assert!(lines[9..11].iter().all(|line| elsewhere.contains(line)), "{said}");
    assert_eq!(lines[11], "True", "refusals take long");
    sandbox.destroy().await.unwrap();
}

/// Asks the name server in its own bytes, by datagram and by connection.
const ASK: &str = r"
def ask(name, kind=1, stream=False):
    labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.'))
    question = struct.pack('>HHHHHH', 7, 0x100, 1, 0, 0, 0) + labels + b'\0' + struct.pack('>HH', kind, 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    s.connect(('10.0.2.3', 53))
    if stream:
        s.sendall(struct.pack('>H', len(question)) + question)
        length = struct.unpack('>H', s.recv(2, socket.MSG_WAITALL))[0]
        answer = s.recv(length, socket.MSG_WAITALL)
    else:
        s.send(question)
        answer = s.recv(65535)
    number, flags, _, count = struct.unpack('>HHHH', answer[:8])
    assert number == 7 and flags & 0x8000
    return flags & 15, count, '.'.join(str(byte) for byte in answer[-4:]) if count and kind == 1 else ''
";

async fn names() {
    let Some((port, ground, sandbox)) = beside_an_echo().await else {
        return;
    };
    let program = format!(
        r"{ASK}
print(*ask('localhost'))
print(*ask('LOCALHOST', stream=True))
print(*ask('localhost', kind=16))
print(*ask('.'.join(['x' * 60] * 5)))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('10.0.2.3', 53))
for junk in (b'', b'\0', b'\xff' * 500, os.urandom(2000)): s.send(junk)
print(*ask('localhost'))
try: socket.getaddrinfo('no-such-name.invalid', 80); print('FOUND')
except socket.gaierror as error: print('not found')
"
    );
    let said = run(&sandbox, &program).await;
    assert_eq!(
        said,
        "0 1 10.0.2.2\n0 1 10.0.2.2\n4 0 \n3 0 \n0 1 10.0.2.2\nnot found\n"
    );
    // A list of domains opens what they lead to, once it was looked up.
    let fresh = ground.sandbox().await;
    fresh.set_network(NetworkWish::parse(false, None, Some("localhost")).unwrap());
    let program = format!(
        r"{ASK}
print(errno.errorcode.get(socket.socket().connect_ex(('10.0.2.2', {port}))))
print(ask('other.example')[0], ask('localhost')[0])
print(socket.socket().connect_ex(('10.0.2.2', {port})))
"
    );
    assert_eq!(run(&fresh, &program).await, "ECONNREFUSED\n3 0\n0\n");
    sandbox.destroy().await.unwrap();
}

async fn datagrams() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], from);
        }
    });
    let Some(ground) = device_ground(&format!("127.0.0.1:{port}")).await else {
        return;
    };
    let sandbox = ground.sandbox().await;
    let program = format!(
        r"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for length in (0, 1, 1400, 60000):
    data = os.urandom(length)
    s.sendto(data, ('10.0.2.2', {port}))
    print(s.recvfrom(65535) == (data, ('10.0.2.2', {port})))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('169.254.169.254', 123))
s.send(b'x')
try: s.recv(1); print('ANSWERED')
except OSError as error: print(errno.errorcode[error.errno])
"
    );
    let said = run(&sandbox, &program).await;
    assert_eq!(said, "True\nTrue\nTrue\nTrue\nEHOSTUNREACH\n");
    sandbox.destroy().await.unwrap();
}

async fn changes() {
    let Some((port, _ground, sandbox)) = beside_an_echo().await else {
        return;
    };
    let program = format!(
        r"{SETTINGS}
s = socket.create_connection(('10.0.2.2', {port}))
s.sendall(b'x')
s.recv(1)
print('open', flush=True)
try: print('read', s.recv(1))
except OSError as error: print(errno.errorcode[error.errno])
print(errno.errorcode.get(socket.socket().connect_ex(('10.0.2.2', {port}))), flush=True)
for attempt in range(1000):
    if socket.socket().connect_ex(('10.0.2.2', {port})) == 0: break
    time.sleep(0.01)
print('again')
"
    );
    let process = start(&sandbox, &["python3", "-c", &program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(read_line(&mut out).await, "open");
    // Nothing changes for what is still allowed.
    sandbox.set_network(NetworkWish::parse(false, Some("10.0.2.2/32"), None).unwrap());
    sandbox.set_network(NetworkWish::nothing());
    assert_eq!(read_line(&mut out).await, "ECONNRESET");
    assert_eq!(read_line(&mut out).await, "ECONNREFUSED");
    sandbox.set_network(NetworkWish::default());
    assert_eq!(read_line(&mut out).await, "again");
    sandbox.destroy().await.unwrap();
}

async fn bounded() {
    let Some((port, _ground, sandbox)) = beside_an_echo().await else {
        return;
    };
    let program = format!(
        r"{SETTINGS}
held, refused = [], 0
for number in range(300):
    s = socket.socket()
    code = s.connect_ex(('10.0.2.2', {port}))
    if code == 0: held.append(s)
    elif code == errno.ECONNREFUSED: refused += 1
    else: print('odd', code)
print(len(held), refused, flush=True)
for s in held: s.close()
for attempt in range(1000):
    s = socket.socket()
    if s.connect_ex(('10.0.2.2', {port})) == 0: break
    time.sleep(0.01)
s.sendall(b'again')
print(s.recv(5).decode(), flush=True)
held = [s, socket.create_connection(('10.0.2.2', {port}))]
time.sleep(100)
"
    );
    let process = start(&sandbox, &["python3", "-c", &program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(read_line(&mut out).await, "256 44");
    assert_eq!(read_line(&mut out).await, "again");
    let connected = || {
        let own = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let server = format!("0100007F:{port:04X}");
        // Established ones whose other end is the server.
        own.lines()
            .filter(|line| line.split_whitespace().nth(2) == Some(&server))
            .filter(|line| line.split_whitespace().nth(3) == Some("01"))
            .count()
    };
    until(30, "two connections are left", || connected() == 2).await;
    sandbox.destroy().await.unwrap();
    until(30, "all connections ended", || connected() == 0).await;
}

async fn ready() {
    let port = echo();
    let ground = ground_with(|config| {
        config.network = bound(&format!("127.0.0.1:{port}"));
        config.warm = 1;
    })
    .await;
    if ground.host.wiring() != Wiring::Tun {
        return;
    }
    let connect = format!("print(socket.socket().connect_ex(('10.0.2.2', {port})) == 0)");
    for (wish, reached) in [
        (NetworkWish::nothing(), "False\n"),
        (NetworkWish::default(), "True\n"),
    ] {
        let mut sandbox = None;
        for _ in 0..500 {
            let made = ground
                .sandbox_with(|spec| {
                    spec.memory_bytes = 1 << 30;
                    spec.network = wish.clone();
                })
                .await;
            if made.warm() {
                sandbox = Some(made);
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let sandbox = sandbox.expect("none was ready");
        assert_eq!(run(&sandbox, &connect).await, reached);
    }
}

async fn strange() {
    let Some((port, _ground, sandbox)) = beside_an_echo().await else {
        return;
    };
    let program = format!(
        r"
for address in ('224.0.0.1', '255.255.255.255', '10.0.2.255', '10.0.2.2', '240.0.0.1'):
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(os.urandom(60000), (address, 9))
    except OSError: pass
for number in range(200):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(('10.0.2.2', {port}))
    if number % 3 == 0: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()
s = socket.create_connection(('10.0.2.2', {port}))
s.send(b'urgent', socket.MSG_OOB)
s.sendall(b'x' * 100000)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.close()
for attempt in range(100):
    s = socket.socket()
    if s.connect_ex(('10.0.2.2', {port})) == 0: break
    time.sleep(0.05)
s.sendall(b'fine')
print(s.recv(4, socket.MSG_WAITALL).decode())
"
    );
    assert_eq!(run(&sandbox, &program).await, "fine\n");
    let again = sh(&sandbox, "cat /proc/net/dev | grep -c net0").await;
    assert_eq!(again.out, "1\n");
    sandbox.destroy().await.unwrap();
}

async fn proxy() {
    let (port, other) = (echo(), echo());
    let ground = ground_with(|config| {
        config.network = bound(&format!("open,127.0.0.1:{port}"));
        config.network_device = false;
    })
    .await;
    assert_eq!(ground.host.wiring(), Wiring::Proxy);
    let sandbox = ground.sandbox().await;
    let program = format!(
        r"
def connect(target):
    s = socket.create_connection(('127.0.0.1', 3128))
    s.sendall(f'CONNECT {{target}} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
    head = b''
    while b'\r\n\r\n' not in head: head += s.recv(1)
    return s, head.split()[1].decode()
s, code = connect('10.0.2.2:{port}')
s.sendall(b'hello')
print(code, s.recv(5, socket.MSG_WAITALL).decode())
for target in ('localhost:{other}', '10.0.2.2:{other}', '169.254.169.254:80', '10.0.0.1:80', '[::1]:{port}', '[fd00::1]:80'):
    s, code = connect(target)
    print(code, s.recv(200).decode().strip().split(' ')[0:3] == ['Pitlane\'s', 'network', 'proxy:'])
s = socket.socket()
print(errno.errorcode[s.connect_ex(('1.1.1.1', 443))], open('/proc/net/dev').read().count(':'), os.environ['HTTPS_PROXY'])
"
    );
    let said = run(&sandbox, &program).await;
    let expected = format!(
        "200 hello\n{}ENETUNREACH 1 http://127.0.0.1:3128\n",
        "403 True\n".repeat(6)
    );
    assert_eq!(said, expected);
    sandbox.set_network(NetworkWish::nothing());
    let program = r"
s = socket.create_connection(('127.0.0.1', 3128))
s.sendall(b'GET http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n')
print(s.recv(4096).decode().rsplit('\r\n', 1)[1].strip())
";
    assert_eq!(
        run(&sandbox, program).await,
        "Pitlane's network proxy: example.com:80 cannot be reached: this sandbox's network is switched off.\n"
    );
    sandbox.destroy().await.unwrap();
}
