//! `pitlane run`: the main job in a terminal, in real sandboxes.

use super::{folder, pitlane, stderr, stdout};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

fn run(folder: &Path, name: &str, program: &str, arguments: &[&str]) -> Output {
    std::fs::write(folder.join(name), program).expect("written");
    pitlane(folder)
        .args(["run", name])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("started")
}

/// No process, no mount and no file of the run is left.
fn assert_nothing_remains(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder.join("tmp")).expect("readable").collect();
    assert!(left.is_empty(), "{left:?}");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("readable");
    let here = folder.display().to_string();
    assert!(!mounts.contains(&here), "{mounts}");
    let mine = std::process::id();
    for process in std::fs::read_dir("/proc").expect("readable").flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).into_owned();
        assert!(
            pid == mine || !command.contains(&here),
            "{pid} is left: {command}"
        );
    }
    assert!(!folder.join("pitlane-data").exists(), "no data folder is made");
}

#[test]
fn hello_world() {
    let folder = folder();
    let output = run(folder.path(), "hello.py", "print('hello, world')\n", &[]);
    assert_eq!(
        (stdout(&output).as_str(), stderr(&output).as_str()),
        ("hello, world\n", "")
    );
    assert_eq!(output.status.code(), Some(0));
    assert_nothing_remains(folder.path());
}

#[test]
fn the_two_streams_stay_apart_and_every_byte_is_passed_through() {
    let folder = folder();
    let program = "import sys\nsys.stdout.buffer.write(bytes(range(256)))\nsys.stdout.flush()\nsys.stderr.write('apart')\nsys.exit(3)\n";
    let output = run(folder.path(), "bytes.py", program, &[]);
    assert_eq!(output.stdout, (0..=255).collect::<Vec<u8>>());
    assert_eq!(stderr(&output), "apart");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_folder_with_arguments_in_every_language() {
    for (files, wanted) in [
        (
            vec![
                ("main.py", "import sys, tools.a\nprint(tools.a.x, sys.argv[1:])\n"),
                ("tools/a.py", "x = 1\n"),
                ("tools/__init__.py", ""),
            ],
            "1 ['--flag', 'a b']\n",
        ),
        (
            vec![
                (
                    "agent.ts",
                    "import { x } from './tools.ts';\nconst y: number = x;\nconsole.log(y, process.argv.slice(2).join('|'));\n",
                ),
                ("tools.ts", "export const x: number = 2;\n"),
            ],
            "2 --flag|a b\n",
        ),
        (
            vec![("index.js", "console.log(3, process.argv.slice(2).join('|'));\n")],
            "3 --flag|a b\n",
        ),
    ] {
        let folder = folder();
        let program = folder.path().join("program");
        for (name, text) in files {
            let path = program.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let output = pitlane(folder.path())
            .args(["run", "program", "--", "--flag", "a b"])
            .stdin(Stdio::null())
            .output()
            .expect("started");
        assert_eq!(stdout(&output), wanted, "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn signals_and_time_have_their_exit_codes() {
    let folder = folder();
    let killed = run(
        folder.path(),
        "killed.py",
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
        &[],
    );
    assert_eq!(killed.status.code(), Some(137), "{}", stderr(&killed));
    let began = Instant::now();
    let late = run(
        folder.path(),
        "late.py",
        "import time\nprint('begun', flush=True)\ntime.sleep(100)\n",
        // Long enough to begin within it.
        &["--timeout", "5"],
    );
    assert_eq!(late.status.code(), Some(124), "{}", stderr(&late));
    assert_eq!(stdout(&late), "begun\n");
    assert!(stderr(&late).starts_with("pitlane: "), "{}", stderr(&late));
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_nothing_remains(folder.path());
}

#[test]
fn standard_input_reaches_the_program_and_ends_there() {
    let folder = folder();
    std::fs::write(
        folder.path().join("echo.py"),
        "import sys\nfor line in sys.stdin: print('got', line.strip())\nprint('end')\n",
    )
    .expect("written");
    let mut process = pitlane(folder.path())
        .args(["run", "echo.py"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    process
        .stdin
        .take()
        .expect("its input")
        .write_all(b"one\ntwo\n")
        .expect("written");
    let output = process.wait_with_output().expect("ended");
    assert_eq!(stdout(&output), "got one\ngot two\nend\n");
}

#[test]
fn an_interrupt_stops_the_program_and_cleans_up() {
    let folder = folder();
    let program = "import signal, subprocess, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint('ready', flush=True)\ntime.sleep(1000)\n";
    std::fs::write(folder.path().join("stubborn.py"), program).expect("written");
    let mut process = pitlane(folder.path())
        .args(["run", "stubborn.py"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a line");
    assert_eq!(line, "ready\n");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&process),
        rustix::process::Signal::INT,
    )
    .expect("told");
    let began = Instant::now();
    assert_eq!(process.wait().expect("ended").code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_nothing_remains(folder.path());
}

#[test]
fn the_report_is_the_last_line_of_standard_error() {
    let folder = folder();
    let output = run(
        folder.path(),
        "report.py",
        "import sys\nprint('out')\nsys.stderr.write('no line break')\n",
        &["--json"],
    );
    assert_eq!(stdout(&output), "out\n");
    let said = stderr(&output);
    let report: serde_json::Value = serde_json::from_str(said.lines().last().expect("a line")).expect("JSON");
    assert_eq!(report["state"], "succeeded");
    assert_eq!(
        (&report["exit_code"], &report["bytes"], &report["provider"]),
        (&0.into(), &17.into(), &"embedded".into())
    );
    assert!(
        report["phases_ms"]["sandbox"].is_u64() && report["sandbox"].is_string(),
        "{report}"
    );
    assert!(said.starts_with("no line break\n"), "{said}");
}
