//! The programs pid 1 was asked to start, alive or not.

use std::collections::HashMap;

/// Ended commands are remembered, so that a daemon they left can be told from
/// one of another command; beyond this many the oldest are forgotten.
const REMEMBERED: usize = 1024;

#[derive(Debug)]
struct Command {
    marker: String,
    alive: bool,
    number: u64,
}

/// The programs by their process number.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    by_pid: HashMap<i32, Command>,
    count: u64,
}

impl Commands {
    /// A marker no other command of this sandbox has.
    pub(crate) fn next_marker(&mut self) -> String {
        self.count += 1;
        self.count.to_string()
    }

    pub(crate) fn started(&mut self, pid: i32, marker: String) {
        if self.by_pid.len() >= REMEMBERED {
            let oldest = self.by_pid.iter().filter(|(_, command)| !command.alive);
            if let Some(pid) = oldest
                .min_by_key(|(_, command)| command.number)
                .map(|(pid, _)| *pid)
            {
                self.by_pid.remove(&pid);
            }
        }
        self.by_pid.insert(
            pid,
            Command {
                marker,
                alive: true,
                number: self.count,
            },
        );
    }

    /// Notes the end of a command; `false` when `pid` is none.
    pub(crate) fn exited(&mut self, pid: i32) -> bool {
        match self.by_pid.get_mut(&pid) {
            Some(command) if command.alive => {
                command.alive = false;
                true
            }
            _ => false,
        }
    }

    /// Takes back a command whose program could not be started.
    pub(crate) fn forget(&mut self, pid: i32) {
        self.by_pid.remove(&pid);
    }

    pub(crate) fn known(&self, pid: i32) -> bool {
        self.by_pid.contains_key(&pid)
    }

    pub(crate) fn alive(&self, pid: i32) -> bool {
        self.by_pid.get(&pid).is_some_and(|command| command.alive)
    }

    pub(crate) fn of_marker(&self, marker: &str) -> Option<i32> {
        self.by_pid
            .iter()
            .find(|(_, command)| command.marker == marker)
            .map(|(pid, _)| *pid)
    }

    /// Whether `targets` are all the commands there ever were, so that
    /// everything in the sandbox belongs to them.
    pub(crate) fn all_in(&self, targets: &[i32]) -> bool {
        self.by_pid.keys().all(|pid| targets.contains(pid))
    }
}
