//! A host uid of its own for each sandbox.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;

/// The range sandboxes take their uids from; nobody else's, as a rule.
pub(crate) const FIRST: u32 = 200_000;
const COUNT: u32 = 65_536;

/// The uids in use.
#[derive(Debug)]
pub(super) struct Uids {
    next: u32,
    used: HashSet<u32>,
}

impl Uids {
    /// Each sandboxd starts somewhere else in the range, so that two on one
    /// host seldom meet.
    pub(super) fn new() -> Self {
        Self {
            next: std::process::id().wrapping_mul(64) % COUNT,
            used: HashSet::new(),
        }
    }

    /// Takes `wanted`, or a free one; `None` when it is in use.
    pub(super) fn take(&mut self, wanted: Option<u32>, must_be_idle: bool) -> Option<u32> {
        if let Some(uid) = wanted {
            return self.used.insert(uid).then_some(uid);
        }
        let busy = if must_be_idle {
            uids_of_processes()
        } else {
            HashSet::new()
        };
        for _ in 0..COUNT {
            let uid = FIRST + self.next;
            self.next = (self.next + 1) % COUNT;
            if !busy.contains(&uid) && self.used.insert(uid) {
                return Some(uid);
            }
        }
        None
    }

    pub(super) fn give_back(&mut self, uid: u32) {
        self.used.remove(&uid);
    }
}

/// The uids of all living processes.
fn uids_of_processes() -> HashSet<u32> {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    folders
        .filter_map(|entry| entry.metadata().ok())
        .map(|known| known.uid())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_uid_is_given_twice_and_none_is_lost() {
        let mut uids = Uids {
            next: COUNT - 1,
            used: HashSet::new(),
        };
        assert_eq!(uids.take(None, false), Some(FIRST + COUNT - 1));
        assert_eq!(uids.take(None, false), Some(FIRST));
        assert_eq!(uids.take(Some(FIRST), false), None);
        uids.give_back(FIRST);
        assert_eq!(uids.take(Some(FIRST), false), Some(FIRST));
    }
}
