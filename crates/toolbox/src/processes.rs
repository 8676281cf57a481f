//! Which processes there are, read from `/proc`, and which command each
//! belongs to.

use std::collections::HashMap;
use std::io::Read;

use crate::commands::Commands;
use crate::mark::Mark;

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

impl Process {
    /// Tells it from every other, also of the same number.
    pub(crate) fn key(&self) -> (i32, u64) {
        (self.pid, self.started)
    }
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

/// Every living process below `supervisor`, itself not included. `child` is
/// called with each child of it at once, while what is known of it is new.
pub(crate) fn below(supervisor: i32, mut child: impl FnMut(&Process)) -> Vec<Process> {
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
            if process.parent == supervisor {
                child(&process);
            }
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

/// What is known of the processes of a tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// Those that belong to it.
    pub(crate) certain: Vec<Process>,
    /// Those that another look will tell: in the middle of `execve`.
    pub(crate) changing: Vec<Process>,
    /// Those that another look will tell: on their way out, or below such a one.
    pub(crate) leaving: Vec<Process>,
}

#[derive(Clone, Copy)]
enum Owner {
    Command(i32),
    Nobody,
    Changing,
    Leaving,
}

/// The processes that belong to the commands `targets`; `mark` reads what a
/// process's environment says.
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
    mark: impl Fn(&Process) -> Mark,
) -> Members {
    let parents = parents(all);
    let mut orphans: HashMap<i32, Owner> = HashMap::new();
    let session_owner = |session: i32| commands.known(session).then_some(Owner::Command(session));
    let mut members = Members::default();
    // Where no other command ever was, there is nothing to tell apart.
    let everything = commands.all_in(targets);
    for process in all {
        let Some(top) = top(&parents, process.pid, supervisor) else {
            continue;
        };
        if helpers.contains(&top) {
            continue;
        }
        let owner = if everything {
            Owner::Nobody
        } else if commands.alive(top) {
            Owner::Command(top)
        } else {
            session_owner(process.session).unwrap_or_else(|| {
                *orphans.entry(top).or_insert_with(|| {
                    let Some(top) = all.iter().find(|candidate| candidate.pid == top) else {
                        return Owner::Leaving;
                    };
                    session_owner(top.session).unwrap_or_else(|| match mark(top) {
                        Mark::Of(marker) => commands.of_marker(&marker).map_or(Owner::Nobody, Owner::Command),
                        Mark::Hidden => Owner::Nobody,
                        Mark::Changing => Owner::Changing,
                        Mark::Leaving => Owner::Leaving,
                    })
                })
            })
        };
        match owner {
            Owner::Command(pid) if !targets.contains(&pid) => {}
            Owner::Command(_) | Owner::Nobody => members.certain.push(*process),
            Owner::Changing => members.changing.push(*process),
            Owner::Leaving => members.leaving.push(*process),
        }
    }
    members
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
            let members = members(&all, &commands, &[], targets, 1, |_| Mark::Hidden);
            assert_eq!((members.changing, members.leaving), (vec![], vec![]));
            members.certain.iter().map(|process| process.pid).collect()
        };
        assert_eq!(pids(&[first]), [first, 900_011, 900_012, 900_040]);
        assert_eq!(pids(&[second]), [second, 900_021, 900_040]);
        assert_eq!(pids(&[gone]), [900_031, 900_040]);
    }

    #[test]
    fn between_two_programs_nothing_is_decided() {
        let process = |pid, parent| Process {
            pid,
            parent,
            group: pid,
            session: pid,
            started: 0,
        };
        let mut commands = Commands::default();
        let markers: Vec<String> = [900_010, 900_020]
            .map(|pid| {
                let marker = commands.next_marker();
                commands.started(pid, marker.clone());
                marker
            })
            .into();
        let all = [
            process(900_010, 1),
            process(900_020, 1),
            process(900_030, 1),
            process(900_031, 900_030),
        ];
        let with = |mark: Mark| members(&all, &commands, &[], &[900_010], 1, |_| mark.clone());
        let (own, orphan, child) = (all[0], all[2], all[3]);
        let of = |certain: &[Process], changing: &[Process], leaving: &[Process]| Members {
            certain: certain.to_vec(),
            changing: changing.to_vec(),
            leaving: leaving.to_vec(),
        };
        assert_eq!(with(Mark::Changing), of(&[own], &[orphan, child], &[]));
        assert_eq!(with(Mark::Leaving), of(&[own], &[], &[orphan, child]));
        assert_eq!(with(Mark::Hidden), of(&[own, orphan, child], &[], &[]));
        assert_eq!(
            with(Mark::Of(markers[0].clone())),
            of(&[own, orphan, child], &[], &[])
        );
        assert_eq!(with(Mark::Of(markers[1].clone())), of(&[own], &[], &[]));
        // Of all commands at once, everything is meant.
        let everything = members(&all, &commands, &[], &[900_010, 900_020], 1, |_| Mark::Leaving);
        assert_eq!(everything, of(&all, &[], &[]));
    }
}
