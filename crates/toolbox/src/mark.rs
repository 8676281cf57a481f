//! What a process's environment says about the command it comes from, read while
//! the process may change or end.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::protocol::MARKER;

/// The most of a process's environment that is searched for the marker.
const MAX_ENVIRONMENT: u64 = 4 * 1024 * 1024;

/// What a process's environment says about where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The marker of a command.
    Of(String),
    /// No marker is there, or none can be read.
    Hidden,
    /// Nothing yet: the process has left its old program, and not yet got the
    /// environment of the new one.
    Changing,
    /// Nothing any more: the process has ended, or is on its way out.
    Leaving,
}

/// Reads what the environment of `pid` says.
///
/// Between taking the new program's memory and writing its environment there,
/// `execve` leaves a process with none: `/proc/<pid>/environ` is empty then, which
/// `tells_exec` says can be told here from a program without an environment. A
/// process that ends has given its memory back before it is a zombie. Where the
/// main thread has ended and others go on, those have the environment.
pub(crate) fn mark(pid: i32, tells_exec: bool) -> Mark {
    let own = PathBuf::from(format!("/proc/{pid}"));
    let Some(state) = State::read(&own) else {
        return Mark::Leaving;
    };
    if !state.ended {
        return mark_of(&own, tells_exec);
    }
    let Ok(threads) = std::fs::read_dir(own.join("task")) else {
        return Mark::Leaving;
    };
    let mut found = Mark::Leaving;
    for thread in threads.flatten() {
        match mark_of(&thread.path(), tells_exec) {
            Mark::Of(marker) => return Mark::Of(marker),
            Mark::Leaving => {}
            other => found = other,
        }
    }
    found
}

/// The same of a process or a thread, by its folder.
fn mark_of(folder: &Path, tells_exec: bool) -> Mark {
    let prefix = format!("{MARKER}=");
    let mut before = None;
    // Another `execve` may begin between a look at the environment and one at
    // where it ends; then the end is another one.
    for _ in 0..4 {
        let environment = environment(folder);
        if let Ok(environment) = &environment
            && !environment.is_empty()
        {
            return environment
                .split(|byte| *byte == 0)
                .find_map(|entry| entry.strip_prefix(prefix.as_bytes()))
                .and_then(|value| String::from_utf8(value.to_vec()).ok())
                .map_or(Mark::Hidden, Mark::Of);
        }
        match State::read(folder) {
            None => return Mark::Leaving,
            Some(state) if state.ended || state.exiting => return Mark::Leaving,
            // What may not be read is what has made itself unreadable.
            Some(_) if environment.is_err() => return Mark::Hidden,
            Some(state) if tells_exec && state.environment_end == 0 => return Mark::Changing,
            Some(state) if before == Some(state.environment_end) => return Mark::Hidden,
            Some(state) => before = Some(state.environment_end),
        }
    }
    // No program that means no harm moves its environment so often.
    Mark::Hidden
}

fn environment(folder: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(folder.join("environ"))?;
    let mut bytes = Vec::new();
    file.take(MAX_ENVIRONMENT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether `/proc` shows where a program's environment ends, as it does of the
/// process `own` that asks: some kernels show 0 for all.
pub(crate) fn tells_exec(own: i32) -> bool {
    State::read(Path::new(&format!("/proc/{own}"))).is_some_and(|state| state.environment_end != 0)
}

/// How far a process or thread is, from its `stat` (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// A zombie.
    ended: bool,
    /// Has `PF_EXITING` among its flags (field 9): it is on its way out.
    exiting: bool,
    /// The address at which its environment ends (field 51), also of an empty
    /// one; 0 while `execve` has not written it, and without memory.
    environment_end: u64,
}

impl State {
    /// `None` when there is no such process any more.
    fn read(folder: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(folder.join("stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        const PF_EXITING: u64 = 4;
        let mut fields = stat.get(stat.rfind(')')? + 2..)?.split_ascii_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X" | "x");
        let flags: u64 = fields.nth(5)?.parse().ok()?;
        Some(Self {
            ended,
            exiting: flags & PF_EXITING != 0,
            environment_end: fields.nth(41).and_then(|end| end.parse().ok()).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mark of a program, once it has its environment.
    fn settled(pid: i32) -> Mark {
        loop {
            match mark(pid, true) {
                Mark::Changing | Mark::Leaving => std::thread::yield_now(),
                mark => return mark,
            }
        }
    }

    fn number(child: &std::process::Child) -> i32 {
        i32::try_from(child.id()).expect("a number")
    }

    #[test]
    fn an_environment_is_read_whole_or_known_to_be_on_its_way() {
        assert!(tells_exec(i32::try_from(std::process::id()).expect("a number")));
        let cases: [(&[(&str, &str)], Mark); 3] = [
            (&[(MARKER, "7"), ("A", "b")], Mark::Of("7".to_owned())),
            (&[("A", "b")], Mark::Hidden),
            (&[], Mark::Hidden),
        ];
        for (environment, expected) in cases {
            let mut child = std::process::Command::new("/bin/sleep")
                .arg("60")
                .env_clear()
                .envs(environment.iter().copied())
                .spawn()
                .expect("a program");
            assert_eq!(settled(number(&child)), expected);
            child.kill().expect("its end");
            child.wait().expect("its status");
            assert_eq!(mark(number(&child), true), Mark::Leaving, "there is none");
        }
    }

    #[test]
    fn a_program_whose_main_thread_has_ended_has_its_environment() {
        let script = "import ctypes,os,threading,time\nthreading.Thread(target=time.sleep,args=(60,)).start()\nos.write(1,b'.')\nctypes.CDLL(None).pthread_exit(None)";
        let mut child = std::process::Command::new("/usr/bin/env")
            .args(["python3", "-c", script])
            .env(MARKER, "7")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a program");
        let mut out = child.stdout.take().expect("its output");
        out.read_exact(&mut [0]).expect("that it is up");
        let pid = number(&child);
        let own = PathBuf::from(format!("/proc/{pid}"));
        while State::read(&own).is_some_and(|state| !state.ended) {
            std::thread::yield_now();
        }
        assert_eq!(mark(pid, true), Mark::Of("7".to_owned()));
        child.kill().expect("its end");
        child.wait().expect("its status");
    }

    #[test]
    fn a_state_is_read_from_its_fields() {
        let stat = |state: &str, flags: u32, end: &str| {
            let line = format!("7 (a) b) {state} 1 1 1 0 -1 {flags} {}{end} 0", "1 ".repeat(41));
            State::parse(&line)
        };
        let state = |ended, exiting, environment_end| {
            Some(State {
                ended,
                exiting,
                environment_end,
            })
        };
        let (running, leaving) = (4_194_304, 4_194_316);
        assert_eq!(stat("R", running, "0"), state(false, false, 0));
        assert_eq!(
            stat("S", running, "140727220101101"),
            state(false, false, 140_727_220_101_101)
        );
        assert_eq!(stat("R", leaving, "0"), state(false, true, 0));
        assert_eq!(stat("Z", leaving, "0"), state(true, true, 0));
        assert_eq!(State::parse("7 (a) R 1 0"), None);
        assert_eq!(State::parse(""), None);
    }
}
