//! `pitlane doctor` as root, as an ordinary user, and with user namespaces
//! switched off: what it says is what an engine finds that is started the same
//! way.

use super::{folder, pitlane, stderr, stdout};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Command, Output, Stdio},
};

/// A user and a group whom no other suite runs as: where there are no namespaces,
/// all of a user's sandboxes share how many processes that user may have.
const ORDINARY: u32 = 65_532;
/// Among the capabilities in `/proc/self/status`.
const SYS_ADMIN: u64 = 1 << 21;
const KEY: &str = "dtn_0123456789abcdef0123456789abcdef";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn may_administer() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = u64::from_str_radix(line.expect("capabilities").trim(), 16).expect("a number");
    is_root() && held & SYS_ADMIN != 0
}

/// Where an ordinary user can go, with a copy of the program that it may start.
fn open_folder() -> tempfile::TempDir {
    let folder = folder();
    let program = folder.path().join("pitlane");
    // It is large; on another file system it has to be copied.
    std::fs::hard_link(env!("CARGO_BIN_EXE_pitlane"), &program)
        .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_pitlane"), &program).map(drop))
        .expect("the program");
    for (path, mode) in [
        (folder.path().to_owned(), 0o777),
        (folder.path().join("tmp"), 0o777),
        (program, 0o755),
    ] {
        let made = std::fs::create_dir(&path);
        assert!(made.is_ok() || path.exists());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("opened");
    }
    folder
}

/// A program in a folder of its own, started by who is no root.
fn ordinary(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let usual = pitlane(folder);
    command.env_clear().current_dir(folder);
    command.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if is_root() {
        command.uid(ORDINARY).gid(ORDINARY);
    }
    command
}

/// `pitlane` as an ordinary user.
fn as_ordinary(folder: &Path) -> Command {
    ordinary(folder, folder.join("pitlane").to_str().expect("a path"))
}

/// `pitlane` as an ordinary user who may make no user namespaces: in one whose
/// own bound on them is 0, so that the machine's is left alone.
fn without_user_namespaces(folder: &Path) -> Command {
    let bound = "/proc/sys/user/max_user_namespaces";
    if std::fs::read_to_string(bound).is_ok_and(|text| text.trim() == "0") {
        return as_ordinary(folder);
    }
    let mut command = ordinary(folder, "unshare");
    command.args(["--user", "--map-root-user", "sh", "-c"]);
    command.args([
        &format!("echo 0 > {bound} && exec \"$0\" \"$@\""),
        folder.join("pitlane").to_str().expect("a path"),
    ]);
    command
}

/// What is said of one thing, and how it is marked.
fn said<'a>(output: &'a str, of: &str) -> (&'a str, String) {
    let mut lines = output
        .lines()
        .skip_while(|line| line.get(6..6 + of.len()) != Some(of));
    let first = lines
        .next()
        .unwrap_or_else(|| panic!("nothing of {of}: {output}"));
    let more = lines.take_while(|line| line.starts_with("     "));
    let text: Vec<&str> = std::iter::once(&first[17..]).chain(more.map(str::trim)).collect();
    (first[..4].trim(), text.join("\n"))
}

fn run(mut command: Command, arguments: &[&str]) -> (Output, String) {
    let output = command.args(arguments).output().expect("started");
    assert_eq!(stderr(&output), "", "{}", stdout(&output));
    let text = stdout(&output);
    (output, text)
}

/// What an engine started the same way says of itself; its refusal when there
/// is none.
fn health(mut command: Command, arguments: &[&str]) -> Result<serde_json::Value, String> {
    let mut engine = command
        .args(["engine", "--addr", "127.0.0.1:0", "--warm", "0", "--api-key", KEY])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(engine.stdout.take().expect("its output"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let address = line
        .trim()
        .rsplit_once("http://")
        .map(|(_, rest)| rest.trim_end_matches("/api"));
    let address = address.unwrap_or_else(|| panic!("{line}"));
    let answer = ask(address);
    if answer.is_some() {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&engine),
            rustix::process::Signal::TERM,
        )
        .expect("told");
    }
    let ended = engine.wait_with_output().expect("ended");
    answer.ok_or_else(|| stderr(&ended))
}

/// The answer to a health check; none when the engine went without one.
fn ask(address: &str) -> Option<serde_json::Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET /api/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

/// The doctor's words for an engine's own account of itself.
fn agree(output: &str, health: &serde_json::Value) {
    let (_, isolation) = said(output, "Isolation");
    let level = health["isolation"].as_str().expect("a level");
    assert!(
        isolation.starts_with(&format!("Sandboxes are kept apart by {level}.")),
        "{isolation}"
    );
    let (_, limits) = said(output, "Limits");
    let words = |enforcer: &serde_json::Value| match enforcer.as_str().expect("an enforcer") {
        "cgroup-v2" => "control groups, version 2",
        "cgroup-v1" => "control groups, version 1",
        "rlimit" => "a limit of the kernel on each process",
        "watchdog" => "a watchdog that looks",
        "file-system" => "the size of the sandbox\u{2019}s file system",
        "priority" => "a low priority, which is no hard bound",
        other => panic!("{other}"),
    };
    for (name, what) in [
        ("memory", "Memory"),
        ("processes", "processes"),
        ("cpu", "processor"),
        ("disk", "disk"),
    ] {
        let words = words(&health["limits"][name]);
        assert!(limits.contains(&format!("{what}: {words}")), "{name}: {limits}");
    }
    let refused = health["refused"].as_array().expect("refusals");
    assert_eq!(isolation.matches("does not work here").count(), refused.len());
    for refusal in refused {
        let remedy = refusal["remedy"].as_str().expect("a remedy");
        assert!(isolation.contains(remedy), "{isolation}");
    }
    let (_, network) = said(output, "Network");
    let wiring = match health["network"]["wiring"].as_str().expect("a wiring") {
        "tun" => "Each has a network device of its own",
        "proxy" => "Their programs get out by a proxy",
        "off" if health["network"]["reach"] == "off" => "Sandboxes reach nothing.",
        "off" => "They have no network all the same.",
        other => panic!("{other}"),
    };
    assert!(network.contains(wiring), "{network}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is not tried says so")]
fn as_root() {
    if !is_root() {
        eprintln!("Not tried: only root can see what the doctor says to root.");
        return;
    }
    let folder = folder();
    let (output, text) = run(pitlane(folder.path()), &["doctor", "--network", "open"]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.ends_with("Programs can be run.\n"), "{text}");
    assert!(
        !folder.path().join("pitlane-data").exists(),
        "a look makes nothing"
    );
    assert_eq!(
        std::fs::read_dir(folder.path().join("tmp"))
            .expect("a folder")
            .count(),
        0,
        "and leaves nothing"
    );
    if may_administer() {
        let (mark, isolation) = said(&text, "Isolation");
        assert_eq!(
            (mark, isolation.as_str()),
            ("ok", "Sandboxes are kept apart by namespaces-root.")
        );
    }
    agree(
        &text,
        &health(pitlane(folder.path()), &["--network", "open"]).expect("an engine"),
    );
}

#[test]
fn as_an_ordinary_user() {
    let folder = open_folder();
    let (output, text) = run(
        as_ordinary(folder.path()),
        &["doctor", "--network", "example.com"],
    );
    let health = health(as_ordinary(folder.path()), &["--network", "example.com"]);
    let (_, isolation) = said(&text, "Isolation");
    assert!(
        isolation.contains(
            "namespaces-root does not work here: the engine does not run as root. Run the engine as root, as a \
             systemd service does."
        ),
        "{isolation}"
    );
    let (_, network) = said(&text, "Network");
    assert!(
        network.starts_with("Sandboxes reach what PITLANE_NETWORK lists, and nothing else: example.com."),
        "{network}"
    );
    assert_eq!(output.status.success(), health.is_ok(), "{text}");
    if let Ok(health) = health {
        agree(&text, &health);
    }
}

#[test]
fn with_user_namespaces_switched_off() {
    let folder = open_folder();
    let (output, text) = run(without_user_namespaces(folder.path()), &["doctor"]);
    let (mark, isolation) = said(&text, "Isolation");
    assert!(
        isolation.contains("namespaces-user does not work here: no user namespace may be made: ")
            && isolation
                .contains("Allow user namespaces, as root: sysctl -w user.max_user_namespaces=15000."),
        "{isolation}"
    );
    match health(without_user_namespaces(folder.path()), &[]) {
        // With Landlock there is something left.
        Ok(health) => {
            assert_eq!((output.status.code(), mark), (Some(0), "note"), "{text}");
            agree(&text, &health);
        }
        Err(sentence) => {
            assert_eq!((output.status.code(), mark), (Some(1), "FAIL"), "{text}");
            assert!(
                sentence.contains("No way to isolate a sandbox works"),
                "{sentence}"
            );
        }
    }
}

#[test]
fn with_no_isolation_to_be_had() {
    let folder = open_folder();
    let choice = ["--isolation", "namespaces"];
    let (output, text) = run(
        without_user_namespaces(folder.path()),
        &["doctor", choice[0], choice[1]],
    );
    let (mark, isolation) = said(&text, "Isolation");
    assert_eq!((output.status.code(), mark), (Some(1), "FAIL"), "{text}");
    assert!(
        isolation
            .starts_with("No way to isolate a sandbox that PITLANE_ISOLATION allows works on this machine"),
        "{isolation}"
    );
    assert_eq!(isolation.matches("does not work here").count(), 3, "{isolation}");
    assert!(
        text.ends_with("Nothing should be run until what failed is mended.\n"),
        "{text}"
    );
    let refused = health(without_user_namespaces(folder.path()), &choice).expect_err("no engine");
    assert!(
        refused.contains("No way to isolate a sandbox works") && refused.contains("sysctl -w user."),
        "{refused}"
    );
}

#[test]
fn with_no_isolation_wanted() {
    let folder = folder();
    let (output, text) = run(pitlane(folder.path()), &["doctor", "--isolation", "unsafe-none"]);
    let (mark, isolation) = said(&text, "Isolation");
    assert_eq!((output.status.code(), mark), (Some(1), "FAIL"), "{text}");
    assert!(
        isolation.starts_with("Sandboxes are not isolated, as PITLANE_ISOLATION=unsafe-none asks for."),
        "{isolation}"
    );
    assert!(isolation.contains("PITLANE_ISOLATION=auto") || isolation.contains("does not work here"));
}

#[test]
fn where_nothing_can_be_kept() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").expect("written");
    let (output, text) = run(pitlane(folder.path()), &["doctor", "--data", "file/below"]);
    let (mark, data) = said(&text, "Data");
    assert_eq!((output.status.code(), mark), (Some(1), "FAIL"), "{text}");
    assert!(data.contains("Choose another with --data"), "{data}");
}
