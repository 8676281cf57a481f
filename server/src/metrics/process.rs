//! What the process takes of the machine, under the names that every program
//! has for it. Source: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use std::{
    sync::atomic::AtomicU64,
    time::{SystemTime, UNIX_EPOCH},
};

/// How many of the ticks in which Linux tells processor time are a second, on every machine we run on.
const TICKS: f64 = 100.0;

/// The figures of this process.
#[derive(Debug)]
pub struct Process {
    memory: Gauge,
    files: Gauge,
    processor: Counter<f64, AtomicU64>,
}

impl Process {
    /// Adds them to those that are told.
    pub fn register(registry: &mut Registry) -> Self {
        let started = Gauge::<f64, AtomicU64>::default();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        started.set(now.as_secs_f64());
        registry.register(
            "process_start_time_seconds",
            "When the process began, in seconds since 1970",
            started,
        );
        let process = Self {
            memory: Gauge::default(),
            files: Gauge::default(),
            processor: Counter::default(),
        };
        registry.register(
            "process_resident_memory_bytes",
            "Memory of the process",
            process.memory.clone(),
        );
        registry.register(
            "process_open_fds",
            "Files and connections the process has open",
            process.files.clone(),
        );
        registry.register(
            "process_cpu_seconds",
            "Processor time of the process so far, in seconds",
            process.processor.clone(),
        );
        process
    }

    /// Reads them anew. What this system does not say stays as it was.
    pub fn look(&self) {
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            self.files.set(i64::try_from(open.count()).unwrap_or(i64::MAX));
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        if let Some(kib) = resident.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<i64>().ok()) {
            self.memory.set(kib.saturating_mul(1024));
        }
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(seconds) = processor_seconds(&stat) {
            self.processor.inc_by((seconds - self.processor.get()).max(0.0));
        }
    }
}

/// User and system time: the fields 14 and 15 of proc(5), counted from behind the program's name, which
/// may hold blanks.
fn processor_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok().map(f64::from);
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(processor_seconds(stat), Some(2.0));
        assert_eq!(processor_seconds("7 (pitlane"), None);
    }
}
