//! The rungs below the best one.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use engine::sandbox::{Enforcer, IsolationChoice, Level, SandboxHost, Verdict, Wiring};
use libtest_mimic::{Failed, Trial};

use crate::kit::{
    config, ground, ground_with, host_processes, is_root, landlock_ground, may_administer, python, seconds,
    sh, start, trial, until,
};

/// Nobody: what the suite is run as once more when it is run by root.
const ORDINARY: u32 = 65_534;
/// Who runs its network's part. No two suites share a user: where there are no
/// namespaces, all of a user's sandboxes share how many processes that user may have.
const ORDINARY_WITH_DEVICES: u32 = 65_531;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("rungs::landlock_holds_what_it_promises", landlock),
        trial("rungs::landlock_ends_trees_and_sandboxes", landlock_ends),
        trial("rungs::without_walls_only_its_own_processes_end", no_walls),
        trial("rungs::no_rung_means_no_engine", refused),
        trial("rungs::the_doctor_says_the_same", doctor),
    ];
    if may_administer() {
        trials.push(Trial::test(
            "rungs::all_of_this_as_an_ordinary_user",
            as_ordinary_user,
        ));
        trials.push(Trial::test(
            "rungs::most_of_this_as_a_containers_root",
            as_containers_root,
        ));
        trials.push(Trial::test(
            "rungs::the_network_as_an_ordinary_user_with_devices",
            as_ordinary_user_with_devices,
        ));
    }
    trials
}

async fn landlock() {
    let ground = landlock_ground().await;
    assert_eq!(ground.host.isolation().level, Level::Landlock);
    assert_eq!(ground.host.isolation().disk, Enforcer::Watchdog);
    let secret = ground.data.path().join("secret");
    std::fs::write(&secret, "of the host").unwrap();
    let sandbox = ground.sandbox().await;
    let script = format!(
        "cat {} /etc/passwd /proc/1/environ 2>&1 | grep -v denied; touch /tmp/x /var/tmp/x /dev/shm/x 2>&1 | grep -vc denied; \
         pwd; echo kept > file; cat file; ls {} 2>&1 | grep -c denied; touch $TMPDIR/x && echo tmp; id -u",
        secret.display(),
        ground.data.path().display()
    );
    let ran = sh(&sandbox, &script).await;
    let expected = format!("0\n{}\nkept\n1\ntmp\n", sandbox.home());
    assert!(ran.out.starts_with(&expected), "{}", ran.out);
    assert_ne!(ran.out.lines().last(), Some("0"));
    let program = "import socket,os\nfor f in (socket.AF_INET,socket.AF_UNIX,socket.AF_NETLINK):\n try: socket.socket(f); print('ALLOWED')\n except OSError as e: print(e.errno)\ntry: os.kill(1,0); print('ALLOWED')\nexcept OSError as e: print(e.errno)";
    let ran = python(&sandbox, program).await;
    assert_eq!(ran.out, "1\n1\n1\n1\n");
    let (file, _) = sandbox.open_read("/home/daytona/file").await.unwrap();
    assert_eq!(
        std::io::read_to_string(std::fs::File::from(file)).unwrap(),
        "kept\n"
    );
    assert!(sandbox.open_read("/etc/shadow").await.is_err());
    assert!(sandbox.open_read(secret.to_str().unwrap()).await.is_err());
}

async fn landlock_ends() {
    let ground = landlock_ground().await;
    let sandbox = ground.sandbox().await;
    let time = seconds(4545);
    let process = start(
        &sandbox,
        &[
            "sh",
            "-c",
            &format!("trap '' TERM; setsid sleep {time} & sleep {time}"),
        ],
    )
    .await;
    until(30, "they run", || host_processes(&time).len() >= 2).await;
    let ended = sandbox
        .end_tree(&[process.pid], Duration::from_millis(50))
        .await
        .unwrap();
    assert_eq!(ended.left, 0);
    if is_root() {
        assert!(
            host_processes(&time).is_empty(),
            "all of the uid's processes are its own"
        );
    }
    let time = seconds(4546);
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
    let home = sandbox.home().to_owned();
    sandbox.destroy().await.unwrap();
    until(30, "all ended", || host_processes(&time).is_empty()).await;
    assert!(!Path::new(&home).exists());
    assert_eq!(
        ground.host.wiring(),
        Wiring::Off,
        "without namespaces no network can be its own"
    );
}

async fn no_walls() {
    let ground = ground_with(|config| config.isolation = IsolationChoice::UnsafeNone).await;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(ground.data.path(), open).unwrap();
    assert_eq!(ground.host.isolation().level, Level::UnsafeNone);
    let mut bystander = Command::new("/usr/bin/sleep").arg("60").spawn().unwrap();
    let sandbox = ground.sandbox().await;
    let time = seconds(4747);
    let script = format!("trap '' TERM; setsid sleep {time} & (setsid sleep {time} &) ; sleep {time}");
    let process = start(&sandbox, &["sh", "-c", &script]).await;
    until(30, "they run", || host_processes(&time).len() >= 3).await;
    let ended = sandbox
        .end_tree(&[process.pid], Duration::from_millis(50))
        .await
        .unwrap();
    assert_eq!((ended.left, host_processes(&time).len()), (0, 0), "{ended:?}");
    start(&sandbox, &["sh", "-c", &script]).await;
    until(30, "they run", || host_processes(&time).len() >= 3).await;
    sandbox.destroy().await.unwrap();
    until(30, "all ended", || host_processes(&time).is_empty()).await;
    assert!(
        bystander.try_wait().unwrap().is_none(),
        "somebody else's process was ended"
    );
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

async fn refused() {
    let data = tempfile::tempdir().unwrap();
    let mut relative = config(&data);
    relative.data_dir = "relative".into();
    let error = SandboxHost::start(relative).await.unwrap_err().to_string();
    assert!(error.contains("not an absolute path"), "{error}");
    let mut program = config(&data);
    program.program = Some("/usr/bin/false".into());
    let error = SandboxHost::start(program).await.unwrap_err().to_string();
    assert!(error.contains("No way to isolate a sandbox works"), "{error}");
    assert!(
        error.contains("namespaces-root: ") && error.contains("landlock: "),
        "{error}"
    );
}

async fn doctor() {
    let ground = ground().await;
    let names = || -> Vec<_> {
        let all = std::fs::read_dir(ground.data.path()).unwrap().flatten();
        all.map(|entry| entry.file_name()).collect()
    };
    let before = names();
    let look = engine::sandbox::outlook(config(&ground.data));
    assert_eq!(names(), before, "a look leaves nothing behind");
    let diagnosis = look.diagnosis;
    let found = diagnosis.isolation.as_ref().unwrap();
    assert_eq!(found, ground.host.isolation());
    let chosen = look
        .interpreters
        .python
        .iter()
        .find(|found| found.verdict == Verdict::Chosen);
    let version = chosen.and_then(|found| found.version.as_deref());
    assert!(
        version.is_some_and(|version| version.starts_with("3.")),
        "{:?}",
        look.interpreters
    );
    let mut none = config(&ground.data);
    none.program = Some("/usr/bin/false".into());
    let look = engine::sandbox::outlook(none);
    assert_eq!(look.diagnosis.isolation, None);
    assert!(
        look.diagnosis
            .refused
            .iter()
            .all(|refusal| !refusal.remedy.is_empty())
    );
    if !is_root() {
        assert_eq!(diagnosis.refused[0].level, Level::NamespacesRoot);
        assert!(
            diagnosis
                .to_string()
                .contains("does not run as root. Run the engine as root, as a systemd service does."),
            "{diagnosis}"
        );
    }
}

/// Runs this suite again without root, which takes another rung.
fn as_ordinary_user() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let program = folder.path().join("isolation");
    own_program(&program)?;
    let mut command = Command::new(&program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", folder.path())
        .current_dir(folder.path());
    // One at a time: what fills this user's processes would keep its neighbour from starting any.
    command
        .args(["--test-threads=1", "--skip", "bench::"])
        .uid(ORDINARY)
        .gid(ORDINARY);
    succeed(&mut command)
}

/// Runs the network's part again as a user who may open network devices, which
/// on some hosts only root may.
fn as_ordinary_user_with_devices() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let program = folder.path().join("isolation");
    own_program(&program)?;
    let script = format!(
        "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && \
         exec setpriv --reuid {ORDINARY_WITH_DEVICES} --regid {ORDINARY_WITH_DEVICES} --clear-groups --bounding-set=-all \"$0\" \
         --test-threads=1 network::"
    );
    let mut command = Command::new("unshare");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("TMPDIR", folder.path())
        .env("NETWORK_DEVICE", "needed")
        .current_dir(folder.path());
    command.args(["--mount", "sh", "-c", &script]).arg(&program);
    succeed(&mut command)
}

/// Runs the important parts again as root without the privilege to make
/// namespaces, as in many containers: each sandbox then takes its uid first.
fn as_containers_root() -> Result<(), Failed> {
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
        .arg(std::env::current_exe()?);
    command.args([
        "--test-threads=1",
        "--skip",
        "bench::",
        "--skip",
        "limits::",
        "--skip",
        "rungs::",
    ]);
    succeed(&mut command)
}

/// This program, where everybody can reach it.
fn own_program(to: &Path) -> std::io::Result<()> {
    let own = std::env::current_exe()?;
    // It is large; on another file system it has to be copied.
    std::fs::hard_link(&own, to).or_else(|_| std::fs::copy(&own, to).map(drop))
}

fn succeed(command: &mut Command) -> Result<(), Failed> {
    // A test beside this one may have forked while the copy was written, and
    // holds it open until it has started its program.
    let output = loop {
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => break done?,
        }
    };
    if output.status.success() {
        return Ok(());
    }
    Err(Failed::from(String::from_utf8_lossy(&output.stdout).into_owned()))
}
