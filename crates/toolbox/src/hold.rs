//! Holds every program of the sandbox where it is, and lets all go on.
//!
//! A stopped process keeps its memory and descriptors and takes no processor
//! time. SIGSTOP cannot be refused; to every process at once it also misses
//! none that forks.

use std::collections::HashMap;

use rustix::process::Signal;

use crate::ending::{signal, signal_all};
use crate::processes;
use crate::supervise::Supervisor;

impl Supervisor {
    /// Stops everything in the sandbox but pid 1 and its helpers, or lets it go
    /// on; `false` where processes of others could be meant.
    pub(crate) fn hold(&self, still: bool) -> bool {
        if self.pid != 1 && !self.surroundings.own_uid {
            return false;
        }
        if still {
            signal_all(libc::SIGSTOP);
        } else {
            self.let_go();
        }
        // They are parts of pid 1 with work of the engine to finish.
        for helper in &self.helpers {
            signal(helper.pid, Signal::CONT);
        }
        true
    }

    /// Children before their parents, where `/proc` tells: a shell that goes on
    /// first would see its job stopped and say so.
    fn let_go(&self) {
        let mut all = processes::below(self.pid, |_| ());
        let parents: HashMap<i32, i32> = all.iter().map(|process| (process.pid, process.parent)).collect();
        all.sort_by_cached_key(|process| std::cmp::Reverse(depth(&parents, process.pid)));
        for process in &all {
            signal(process.pid, Signal::CONT);
        }
        signal_all(libc::SIGCONT);
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
