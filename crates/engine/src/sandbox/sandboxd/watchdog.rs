//! Memory without a memory cgroup: looks many times a second at what a
//! sandbox's processes really hold and ends the largest when it is too much.

use std::fs;

/// Looks over the limit before the whole sandbox is ended.
const STRIKES: u32 = 4;

/// What one sandbox was seen to hold.
#[derive(Debug, Default)]
pub(super) struct Watch {
    strikes: u32,
}

/// What is to be done about a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// End this process.
    EndProcess(i32),
    /// Ending processes did not help.
    EndAll,
}

impl Watch {
    /// Compares what the processes below `first` hold with the limit.
    pub(super) fn look(&mut self, first: i32, limit: u64) -> Verdict {
        let processes = tree(first);
        let held: u64 = processes.iter().map(|(_, bytes)| bytes).sum::<u64>() + files_in_memory(first);
        if held <= limit {
            self.strikes = 0;
            return Verdict::Fine;
        }
        self.strikes += 1;
        let largest = processes
            .iter()
            .filter(|(pid, _)| *pid != first)
            .max_by_key(|(_, bytes)| *bytes);
        match largest {
            Some((pid, _)) if self.strikes <= STRIKES => Verdict::EndProcess(*pid),
            _ => Verdict::EndAll,
        }
    }
}

/// What the processes hold, without a cgroup's count.
pub(super) fn measure(first: i32) -> (u64, u32) {
    let processes = tree(first);
    let bytes = processes.iter().map(|(_, bytes)| bytes).sum::<u64>() + files_in_memory(first);
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
    if known.f_type as i64 != TMPFS {
        return 0;
    }
    known.f_blocks.saturating_sub(known.f_bfree) * u64::try_from(known.f_bsize).unwrap_or(0)
}
