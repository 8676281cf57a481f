//! Holds every program of the sandbox where it is, and lets all go on.
//!
//! A stopped process keeps its memory and descriptors and takes no processor
//! time. SIGSTOP cannot be refused; to every process at once it also misses
//! none that forks.

use std::collections::{HashMap, HashSet};

use rustix::process::Signal;

use crate::ending::{signal, signal_all};
use crate::processes::{self, Process};
use crate::supervise::Supervisor;

/// Looks until no new process is found; one that forks fast needs a few.
const ROUNDS: usize = 64;

impl Supervisor {
    /// Stops everything in the sandbox but pid 1 and its helpers, or lets it go on.
    pub(crate) fn hold(&self, still: bool) {
        let owns_all = self.pid == 1 || self.surroundings.own_uid;
        match (still, owns_all) {
            (true, true) => signal_all(libc::SIGSTOP),
            (true, false) => self.stop_one_by_one(),
            (false, _) => self.let_go(owns_all),
        }
        // They are parts of pid 1 with work of the engine to finish.
        for helper in &self.helpers {
            signal(helper.pid, Signal::CONT);
        }
    }

    fn others(&self) -> Vec<Process> {
        let helpers: HashSet<i32> = self.helpers.iter().map(|helper| helper.pid).collect();
        let mut all = processes::below(self.pid);
        all.retain(|process| !helpers.contains(&process.pid));
        all
    }

    fn stop_one_by_one(&self) {
        let mut known = HashSet::new();
        for _ in 0..ROUNDS {
            let mut grew = false;
            for process in self.others() {
                if known.insert((process.pid, process.started)) {
                    grew = true;
                    signal(process.pid, Signal::STOP);
                }
            }
            if !grew {
                return;
            }
        }
    }

    /// Children before their parents: a shell that goes on first would see its
    /// job stopped and say so.
    fn let_go(&self, owns_all: bool) {
        let mut all = self.others();
        let parents: HashMap<i32, i32> = all.iter().map(|process| (process.pid, process.parent)).collect();
        all.sort_by_cached_key(|process| std::cmp::Reverse(depth(&parents, process.pid)));
        for process in &all {
            signal(process.pid, Signal::CONT);
        }
        if owns_all {
            signal_all(libc::SIGCONT);
        }
    }
}

/// How many ancestors a process has among those known.
fn depth(parents: &HashMap<i32, i32>, pid: i32) -> usize {
    let mut at = pid;
    let mut depth = 0;
    while let Some(parent) = parents.get(&at) {
        depth += 1;
        // A table read while processes end can hold a circle.
        if depth > parents.len() {
            break;
        }
        at = *parent;
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_deeper_than_its_parent_and_a_circle_has_an_end() {
        let parents = HashMap::from([(2, 1), (3, 2), (4, 3), (8, 9), (9, 8)]);
        assert_eq!(depth(&parents, 2), 1);
        assert!(depth(&parents, 4) > depth(&parents, 3));
        assert_eq!(depth(&parents, 8), 5 + 1);
    }
}
