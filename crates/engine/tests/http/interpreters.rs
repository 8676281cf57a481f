//! A Python that is not the system's: found in a home that is closed to
//! everybody, with nothing else of that home in sight; without a pip; under
//! another name. Run once more as an ordinary user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use daytona::{CodeRunRequest, ExecuteRequest, Toolbox};
use libtest_mimic::{Failed, Trial};

use crate::packages::{Registry, install, list};
use crate::support::Engine;

/// A user whom no other suite runs as: where there are no namespaces, all of a
/// user's sandboxes share how many processes that user may have.
const ORDINARY: u32 = 65_533;
/// Set in the second run: a home of root's that this user may not read.
const CLOSED_HOME: &str = "INTERPRETERS_CLOSED_HOME";

pub fn trials() -> Vec<Trial> {
    let mut trials = trials![
        a_python_in_a_closed_home_works_and_nothing_else_of_it_is_seen,
        nothing_is_seen_beside_the_interpreters_that_are_found,
        a_python_without_pip_installs_packages,
        a_python_of_another_name_is_python3,
        one_that_is_named_and_cannot_be_used_stops_the_start,
    ];
    if rustix::process::geteuid().is_root() {
        trials.extend(trials![packages_are_installed_without_a_pip_of_the_hosts]);
        let ordinary = "http::interpreters::all_of_this_as_an_ordinary_user";
        trials.push(Trial::test(ordinary, as_ordinary_user));
    }
    if std::env::var_os(CLOSED_HOME).is_some() {
        trials.extend(trials![a_home_that_may_not_be_read_is_passed_over]);
    }
    trials
}

/// A copy of the system's Python in a folder of its own: its executable and its
/// library, without the packages that Debian keeps apart, pip among them.
fn copy_python(prefix: &Path, program: &str) -> PathBuf {
    let asked = Command::new("/usr/bin/python3")
        .args([
            "-I",
            "-c",
            "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.dirname(os.__file__))",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8(asked.stdout).unwrap();
    let mut lines = said.lines().map(Path::new);
    let (executable, library) = (lines.next().unwrap(), lines.next().unwrap());
    let to = prefix.join("lib").join(library.file_name().unwrap());
    copy(library, &to);
    fs::create_dir_all(prefix.join("bin")).unwrap();
    let program = prefix.join("bin").join(program);
    fs::copy(executable, &program).unwrap();
    // From here on everybody can start it.
    output(Command::new(&program).args(["-I", "-B", "-c", ""])).unwrap();
    program
}

/// Runs a program that has just been copied. A test beside this one may have
/// forked while the copy was written, and holds it open until it has started
/// its program.
fn output(command: &mut Command) -> std::io::Result<Output> {
    loop {
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        let left_out = [
            "test",
            "ensurepip",
            "site-packages",
            "dist-packages",
            "idlelib",
            "tkinter",
        ];
        if left_out.iter().any(|other| name == *other) || name.as_encoded_bytes().starts_with(b"config-") {
            continue;
        }
        let target = to.join(&name);
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            kind if kind.is_symlink() => symlink(fs::read_link(entry.path()).unwrap(), target).unwrap(),
            _ => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A home that only its owner may look into, with a Python of pyenv's and
/// what nobody else is to see.
struct Home {
    _folder: tempfile::TempDir,
    path: PathBuf,
    python: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let path = fs::canonicalize(folder.path()).unwrap().join("home");
        let python = copy_python(&path.join(".pyenv/versions/3.mine"), "python3");
        for secret in [
            ".ssh/id_ed25519",
            ".pyenv/versions/3.other/secret",
            ".pyenv/secret",
            "secret",
        ] {
            let secret = path.join(secret);
            fs::create_dir_all(secret.parent().unwrap()).unwrap();
            fs::write(secret, "seen").unwrap();
        }
        let shim = path.join(".pyenv/shims/python3");
        fs::create_dir_all(shim.parent().unwrap()).unwrap();
        fs::write(&shim, "#!/bin/sh\nexit 9\n").unwrap();
        fs::set_permissions(&shim, PermissionsExt::from_mode(0o755)).unwrap();
        fs::create_dir_all(path.join(".local/bin")).unwrap();
        symlink(&python, path.join(".local/bin/python3")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        Self {
            _folder: folder,
            path,
            python,
        }
    }

    /// An engine of whoever lives in it, who named the link of a version manager.
    fn engine(&self) -> Engine {
        let at = |folder: &str| self.path.join(folder).display().to_string();
        let path = format!("{}:/usr/bin:/bin", at(".pyenv/shims"));
        Engine::start_with(&[
            ("HOME", self.path.to_str().unwrap()),
            ("PATH", &path),
            ("ENGINE_PYTHON", &at(".local/bin/python3")),
        ])
    }
}

async fn sh(toolbox: &Toolbox, command: &str) -> String {
    let done = toolbox.execute(ExecuteRequest::new(command)).await.unwrap();
    done.result
}

async fn code(toolbox: &Toolbox, program: &str) -> String {
    let run = CodeRunRequest {
        code: program.to_owned(),
        language: "python".to_owned(),
        ..CodeRunRequest::default()
    };
    toolbox.code_run(run).await.unwrap().result
}

async fn a_python_in_a_closed_home_works_and_nothing_else_of_it_is_seen() {
    let home = Home::new();
    let engine = home.engine();
    let (_, toolbox) = engine.sandbox().await;
    let prefix = home.python.parent().unwrap().parent().unwrap();
    let expected = format!("{} {}\n", home.python.display(), prefix.display());
    let program = "import sys, ssl, json, sqlite3, ctypes; print(sys.executable, sys.base_prefix)";
    assert_eq!(sh(&toolbox, &format!("python3 -c '{program}'")).await, expected);
    assert_eq!(code(&toolbox, program).await, expected);
    let (at, inside) = (home.path.display(), prefix.display());
    let seen = sh(
        &toolbox,
        &format!("cd {at}; ls -A . .pyenv .pyenv/versions; cat secret .ssh/id_ed25519 .pyenv/secret .pyenv/versions/3.other/secret 2>/dev/null"),
    )
    .await;
    assert_eq!(
        seen,
        ".:\n.pyenv\n\n.pyenv:\nversions\n\n.pyenv/versions:\n3.mine\n"
    );
    for change in [
        format!("touch {inside}/x"),
        format!("echo x > {inside}/bin/python3"),
        format!("mv {inside} {inside}2"),
        format!("chmod 777 {inside}"),
    ] {
        let said = sh(&toolbox, &format!("({change}) 2>/dev/null && echo changed")).await;
        assert_eq!(said, "", "{change}");
    }
    // What is made on the way to it is at most the sandbox's own.
    sh(
        &toolbox,
        &format!("touch {at}/x; mkdir {at}/.ssh; chmod 777 {at}"),
    )
    .await;
    assert!(!home.path.join("x").exists());
    assert_eq!(
        fs::metadata(&home.path).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert!(!prefix.join("x").exists());
}

async fn nothing_is_seen_beside_the_interpreters_that_are_found() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    for program in [
        "python3 -c 'import sys; print(sys.base_prefix)'",
        "node -p 'require(\"path\").resolve(process.execPath, \"../..\")'",
    ] {
        let said = sh(&toolbox, program).await;
        let mut folder = Path::new(said.trim_end());
        assert!(folder.is_absolute(), "{said}");
        while let Some(parent) = folder.parent().filter(|_| !folder.starts_with("/usr")) {
            if parent == Path::new("/") || parent == Path::new("/opt") {
                break;
            }
            let seen = sh(&toolbox, &format!("ls -A '{}'", parent.display())).await;
            assert_eq!(
                Some(seen.trim_end()),
                folder.file_name().and_then(|name| name.to_str())
            );
            folder = parent;
        }
    }
}

/// A wheel in the home of a sandbox.
const WHEEL: &str = r#"cd && python3 - <<'END'
import zipfile
wheel = zipfile.ZipFile("carried-1.0-py3-none-any.whl", "w")
wheel.writestr("carried.py", "def answer(): return 'carried'\n")
info = "carried-1.0.dist-info"
wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: carried\nVersion: 1.0\n")
wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
wheel.writestr(info + "/RECORD", "")
wheel.close()
END
"#;

fn without_pip() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let python = copy_python(&folder.path().join("prefix"), "python3");
    let lacks = Command::new(&python)
        .args(["-I", "-c", "import pip"])
        .output()
        .unwrap();
    assert!(!lacks.status.success(), "this Python brings a pip");
    let python = python.to_str().unwrap().to_owned();
    (folder, python)
}

async fn a_python_without_pip_installs_packages() {
    let (_folder, python) = without_pip();
    let engine = Engine::start_with(&[("ENGINE_PYTHON", &python)]);
    let (_, toolbox) = engine.sandbox().await;
    sh(&toolbox, WHEEL).await;
    for (pip, undo) in [
        ("pip", "pip uninstall -qy carried"),
        ("pip3", "python3 -m pip uninstall -qy carried"),
        ("python3 -m pip", "true"),
    ] {
        let said = sh(
            &toolbox,
            &format!("cd; {pip} install ./carried-1.0-py3-none-any.whl 2>&1"),
        )
        .await;
        assert!(said.contains("Successfully installed carried-1.0"), "{said}");
        let answer = "import carried; print(carried.answer(), carried.__file__)";
        let said = sh(&toolbox, &format!("python3 -c '{answer}'")).await;
        assert!(said.starts_with("carried /home/daytona/.local/lib/"), "{said}");
        assert_eq!(code(&toolbox, answer).await, said);
        assert_eq!(sh(&toolbox, undo).await, "");
    }
    // A program that has a path of its own still has the command.
    let said = sh(&toolbox, "PYTHONPATH=/tmp pip --version").await;
    assert!(said.starts_with("pip 26.3 from /opt/interpreters/"), "{said}");
    let said = sh(&toolbox, "cd; python3 -m venv --without-pip own && . own/bin/activate && PIP_USER=0 pip install -q ./carried-1.0-py3-none-any.whl && python3 -c 'import carried; print(carried.__file__)'").await;
    assert!(said.starts_with("/home/daytona/own/lib/"), "{said}");
    // What others use too cannot be changed.
    let said = sh(
        &toolbox,
        "touch /opt/interpreters/x /opt/interpreters/bin/pip 2>&1 | grep -c -e Read-only -e denied",
    )
    .await;
    assert_eq!(said, "2\n");
}

async fn packages_are_installed_without_a_pip_of_the_hosts() {
    let (_folder, python) = without_pip();
    let registry = Registry::start();
    registry.python_package("shelved", "from the shelf");
    let engine = registry.engine_with(&[("ENGINE_PYTHON", &python)]);
    let (_, toolbox) = engine.sandbox().await;
    let (code, log) = install(&toolbox, &list("python", "requirements.txt", "shelved\n")).await;
    assert_eq!(code, 0, "{log}");
    let said = sh(&toolbox, "python3 -c 'import shelved; print(shelved.answer())'").await;
    assert_eq!(said, "from the shelf\n");
    let (_, other) = engine.sandbox().await;
    let said = sh(&other, "pip install -q shelved 2>&1; shelved-says").await;
    assert_eq!(said, "from the shelf\n");
}

async fn a_python_of_another_name_is_python3() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let prefix = fs::canonicalize(folder.path()).unwrap().join("prefix");
    let python = copy_python(&prefix, "python-of-mine");
    let engine = Engine::start_with(&[("ENGINE_PYTHON", python.to_str().unwrap())]);
    let (_, toolbox) = engine.sandbox().await;
    let program = "import sys; print(sys.base_prefix)";
    let expected = format!("{}\n", prefix.display());
    assert_eq!(sh(&toolbox, &format!("python3 -c '{program}'")).await, expected);
    assert_eq!(code(&toolbox, program).await, expected);
}

async fn one_that_is_named_and_cannot_be_used_stops_the_start() {
    let data = tempfile::tempdir().unwrap();
    let ended = Command::new(std::env::current_exe().unwrap())
        .arg("engine")
        .env("ENGINE_KEY", "key")
        .env("ENGINE_DATA", data.path())
        .env("ENGINE_PYTHON", "/bin/true")
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("The Python 3 that is configured cannot be used in sandboxes. ")
            && said.contains("it does not answer like Python 3."),
        "{said}"
    );
}

async fn a_home_that_may_not_be_read_is_passed_over() {
    let home = std::env::var(CLOSED_HOME).unwrap();
    assert!(fs::read_dir(&home).is_err(), "this user may read it");
    let path = format!("{home}/.local/bin:/usr/bin:/bin");
    let engine = Engine::start_with(&[("HOME", &home), ("PATH", &path)]);
    let (_, toolbox) = engine.sandbox().await;
    let said = sh(&toolbox, "python3 -c 'import sys; print(sys.base_prefix)'").await;
    assert!(said.ends_with('\n') && !said.starts_with(&home), "{said}");
}

/// Runs these trials again as somebody who is not root.
fn as_ordinary_user() -> Result<(), Failed> {
    let roots = Home::new();
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777))?;
    let program = folder.path().join("http");
    let own = std::env::current_exe()?;
    // It is large; on another file system it has to be copied.
    fs::hard_link(&own, &program).or_else(|_| fs::copy(&own, &program).map(drop))?;
    let mut command = Command::new(&program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", folder.path())
        .env(CLOSED_HOME, &roots.path)
        .current_dir(folder.path())
        .args(["--test-threads=1", "interpreters::"])
        .uid(ORDINARY)
        .gid(ORDINARY);
    let output = output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && said.contains("a_home_that_may_not_be_read_is_passed_over") {
        return Ok(());
    }
    Err(Failed::from(said))
}
