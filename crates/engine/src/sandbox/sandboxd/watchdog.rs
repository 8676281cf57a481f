//! Memory without a memory cgroup: looks many times a second at what a
//! sandbox's processes really hold and ends the largest when it is too much.

use std::fs;

/// Looks over the limit before the whole sandbox is ended: what was killed
/// takes a moment to be gone.
const STRIKES: u32 = 6;

/// What one sandbox was seen to hold.
#[derive(Debug, Default)]
pub(super) struct Watch {
    strikes: u32,
}

/// What is to be done about a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// End these processes.
    End(Vec<i32>),
    /// Ending processes did not help.
    EndAll,
}

impl Watch {
    /// Compares what the processes below `first` hold with the limit. Without
    /// namespaces `/tmp` is the host's, and what lies there is not the sandbox's.
    pub(super) fn look(&mut self, first: i32, has_namespaces: bool, limit: u64) -> Verdict {
        let mut processes = tree(first);
        processes.retain(|(pid, _)| *pid != first);
        let files = if has_namespaces { files_in_memory(first) } else { 0 };
        self.judge(processes, files + memory(first), limit)
    }

    /// The largest processes go until the rest fits.
    fn judge(&mut self, mut processes: Vec<(i32, u64)>, besides: u64, limit: u64) -> Verdict {
        let mut held = besides + processes.iter().map(|(_, bytes)| bytes).sum::<u64>();
        if held <= limit {
            self.strikes = 0;
            return Verdict::Fine;
        }
        self.strikes += 1;
        if processes.is_empty() || self.strikes > STRIKES {
            return Verdict::EndAll;
        }
        processes.sort_unstable_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let mut too_many = Vec::new();
        for (pid, bytes) in processes {
            if held <= limit {
                break;
            }
            held = held.saturating_sub(bytes);
            too_many.push(pid);
        }
        Verdict::End(too_many)
    }
}

/// What the processes hold, without a cgroup's count.
pub(super) fn measure(first: i32, has_namespaces: bool) -> (u64, u32) {
    let processes = tree(first);
    let files = if has_namespaces { files_in_memory(first) } else { 0 };
    let bytes = processes.iter().map(|(_, bytes)| bytes).sum::<u64>() + files;
    (
        bytes,
        u32::try_from(processes.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(1),
    )
}

/// Every process from `first` down, with the memory it holds.
fn tree(first: i32) -> Vec<(i32, u64)> {
    descendants(first)
        .into_iter()
        .map(|pid| (pid, memory(pid)))
        .collect()
}

/// `first` and everything below it.
pub(super) fn descendants(first: i32) -> Vec<i32> {
    let mut found = vec![first];
    let mut at = 0;
    while let Some(pid) = found.get(at).copied() {
        at += 1;
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(
                children
                    .split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<i32>().ok()),
            );
        }
    }
    found
}

/// The processes whose parent is this one.
pub(super) fn children_of_self() -> Vec<i32> {
    let pid = std::process::id();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    children
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// What a process holds, shared pages counted in part: after a fork they are
/// not there twice.
fn memory(pid: i32) -> u64 {
    let parts = ["Pss_Anon:", "Pss_Shmem:"];
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kibibytes: u64 = text
        .lines()
        .filter(|line| parts.iter().any(|part| line.starts_with(part)))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    kibibytes * 1024
}

/// Bytes in the sandbox's file system in memory. All its writable places are
/// the same one, so one look is enough.
fn files_in_memory(first: i32) -> u64 {
    const TMPFS: i64 = 0x0102_1994;
    let Ok(known) = rustix::fs::statfs(format!("/proc/{first}/root/tmp")) else {
        return 0;
    };
    if known.f_type != TMPFS {
        return 0;
    }
    known.f_blocks.saturating_sub(known.f_bfree) * u64::try_from(known.f_bsize).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_of_the_largest_end_as_are_too_many() {
        let mut watch = Watch::default();
        let processes = vec![(10, 30), (11, 60), (12, 50)];
        assert_eq!(watch.judge(processes.clone(), 10, 150), Verdict::Fine);
        assert_eq!(watch.judge(processes.clone(), 10, 100), Verdict::End(vec![11]));
        assert_eq!(watch.judge(processes, 10, 60), Verdict::End(vec![11, 12]));
    }

    #[test]
    fn what_does_not_shrink_ends_as_a_whole() {
        let mut watch = Watch::default();
        for _ in 0..STRIKES {
            assert_eq!(watch.judge(vec![(10, 5)], 200, 100), Verdict::End(vec![10]));
        }
        assert_eq!(watch.judge(vec![(10, 5)], 200, 100), Verdict::EndAll);
        assert_eq!(Watch::default().judge(Vec::new(), 200, 100), Verdict::EndAll);
    }
}
