//! Which processes there are, read from `/proc`, and which command each
//! belongs to.

use std::collections::HashMap;
use std::io::Read;

use crate::commands::Commands;
use crate::protocol::MARKER;

/// The most of a process's environment that is searched for the marker.
const MAX_ENVIRONMENT: u64 = 4 * 1024 * 1024;

/// One living process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// In clock ticks since boot: tells a reused number from the old one.
    pub(crate) started: u64,
}

/// Reads `/proc/<pid>/stat`; `None` for something that is no living process.
///
/// A main thread that ended while others run also shows as a zombie, so a
/// zombie with more than one thread is alive.
pub(crate) fn parse_stat(text: &str) -> Option<Process> {
    let pid = text.split(' ').next()?.parse().ok()?;
    // The name may hold spaces and parentheses: the last one closes it.
    let mut fields = text.get(text.rfind(')')? + 2..)?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let threads: u32 = fields.nth(13)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    let dead = matches!(state, "Z" | "X" | "x") && threads <= 1;
    (!dead).then_some(Process {
        pid,
        parent,
        group,
        session,
        started,
    })
}

/// Every living process below `supervisor`, itself not included.
pub(crate) fn below(supervisor: i32) -> Vec<Process> {
    let Ok(folder) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut text = String::new();
    for entry in folder.flatten() {
        let name = entry.file_name();
        let Some(name) = name
            .to_str()
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            continue;
        };
        text.clear();
        let read = std::fs::File::open(format!("/proc/{name}/stat"))
            .and_then(|mut file| file.read_to_string(&mut text));
        if read.is_ok()
            && let Some(process) = parse_stat(&text)
        {
            all.push(process);
        }
    }
    let parents = parents(&all);
    all.retain(|process| process.pid != supervisor && top(&parents, process.pid, supervisor).is_some());
    all
}

fn parents(all: &[Process]) -> HashMap<i32, i32> {
    all.iter().map(|process| (process.pid, process.parent)).collect()
}

/// The ancestor of `pid` (or itself) that is a child of `supervisor`.
fn top(parents: &HashMap<i32, i32>, pid: i32, supervisor: i32) -> Option<i32> {
    let mut at = pid;
    for _ in 0..=parents.len() {
        match parents.get(&at) {
            Some(&parent) if parent == supervisor => return Some(at),
            Some(&parent) if parent > 0 => at = parent,
            _ => return None,
        }
    }
    None
}

/// The processes that belong to the commands `targets`.
///
/// Descent decides while the parent lives, then the session, then the marker in
/// the environment. A process that hides all three belongs to whatever is being
/// ended: better one too many than one that stays.
pub(crate) fn members(
    all: &[Process],
    commands: &Commands,
    helpers: &[i32],
    targets: &[i32],
    supervisor: i32,
) -> Vec<Process> {
    let parents = parents(all);
    let mut orphans: HashMap<i32, Option<i32>> = HashMap::new();
    let session_owner = |session: i32| commands.known(session).then_some(session);
    all.iter()
        .filter(|process| {
            let Some(top) = top(&parents, process.pid, supervisor) else {
                return false;
            };
            if helpers.contains(&top) {
                return false;
            }
            let owner = if commands.alive(top) {
                Some(top)
            } else {
                session_owner(process.session).or_else(|| {
                    *orphans.entry(top).or_insert_with(|| {
                        all.iter()
                            .find(|candidate| candidate.pid == top)
                            .and_then(|candidate| session_owner(candidate.session))
                            .or_else(|| marker(top).and_then(|marker| commands.of_marker(&marker)))
                    })
                })
            };
            owner.is_none_or(|owner| targets.contains(&owner))
        })
        .copied()
        .collect()
}

/// The marker in a process's environment.
fn marker(pid: i32) -> Option<String> {
    let file = std::fs::File::open(format!("/proc/{pid}/environ")).ok()?;
    let mut bytes = Vec::new();
    file.take(MAX_ENVIRONMENT).read_to_end(&mut bytes).ok()?;
    let prefix = format!("{MARKER}=");
    let value = bytes
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(prefix.as_bytes()))?;
    String::from_utf8(value.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: i32, name: &str, state: &str, parent: i32, session: i32, threads: u32) -> String {
        format!(
            "{pid} ({name}) {state} {parent} {session} {session} 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 77 0"
        )
    }

    #[test]
    fn a_name_with_parentheses_does_not_mislead() {
        let process = parse_stat(&stat(7, "a) R 1 (b", "S", 3, 5, 1)).expect("a process");
        assert_eq!(
            process,
            Process {
                pid: 7,
                parent: 3,
                group: 5,
                session: 5,
                started: 77
            }
        );
    }

    #[test]
    fn only_a_zombie_without_threads_is_dead() {
        assert_eq!(parse_stat(&stat(7, "a", "Z", 3, 5, 1)), None);
        assert!(parse_stat(&stat(7, "a", "Z", 3, 5, 2)).is_some());
    }

    #[test]
    fn broken_lines_are_not_processes() {
        for text in ["", "7", "7 (a", "7 (a)", "7 (a) ", "7 (a) S 1 2", "x (a) S 1 2 3"] {
            assert_eq!(parse_stat(text), None, "{text:?}");
        }
    }

    #[test]
    fn descent_session_and_doubt_decide_who_belongs() {
        let process = |pid, parent, session| Process {
            pid,
            parent,
            group: session,
            session,
            started: 0,
        };
        let mut commands = Commands::default();
        let (first, second, gone) = (900_010, 900_020, 900_030);
        for pid in [first, second, gone] {
            let marker = commands.next_marker();
            commands.started(pid, marker);
        }
        commands.exited(gone);
        let all = [
            process(first, 1, first),
            process(900_011, first, 900_011), // called setsid, parent lives
            process(900_012, 1, first),       // orphan in the session
            process(second, 1, second),
            process(900_021, second, second),
            process(900_031, 1, gone),    // daemon of a command that ended
            process(900_040, 1, 900_040), // hides everything
        ];
        let pids = |targets: &[i32]| -> Vec<i32> {
            members(&all, &commands, &[], targets, 1)
                .iter()
                .map(|process| process.pid)
                .collect()
        };
        assert_eq!(pids(&[first]), [first, 900_011, 900_012, 900_040]);
        assert_eq!(pids(&[second]), [second, 900_021, 900_040]);
        assert_eq!(pids(&[gone]), [900_031, 900_040]);
    }
}
