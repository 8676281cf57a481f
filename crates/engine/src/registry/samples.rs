//! What a sandbox used, looked at again and again while it runs: the last few
//! hours, in a ring that does not grow.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Limits;
use crate::sandbox::Usage;

/// The most samples of a sandbox: four hours of one every ten seconds.
const MOST: usize = 1440;

/// What it used at one moment, and what it might.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    pub at_ms: i64,
    /// Percent of its processors since the sample before; none on the first
    /// one after a start, and where processor time cannot be measured.
    pub cpu_percent: Option<f32>,
    pub memory_bytes: u64,
    pub cache_bytes: u64,
    pub disk_bytes: u64,
    pub limits: Limits,
}

#[derive(Debug, Default)]
struct Ring {
    samples: VecDeque<Sample>,
    last: Option<(Instant, u64)>,
}

/// The samples of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<Ring>);

impl Samples {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what it uses now.
    pub(crate) fn add(&self, at_ms: i64, now: Instant, usage: Usage, limits: Limits) {
        let mut ring = self.ring();
        let before = ring.last.replace((now, usage.cpu_micros));
        // A start begins the counter anew; zero is no measure at all.
        let before = before.filter(|(_, micros)| *micros > 0 && *micros <= usage.cpu_micros);
        let cpu_percent = before.map(|(since, micros)| {
            let passed = now.duration_since(since).as_micros().max(1) as f64;
            let spent = (usage.cpu_micros - micros) as f64;
            let share = spent / (passed * f64::from(limits.cpu.max(1)));
            (share * 100.0).clamp(0.0, 100.0) as f32
        });
        if ring.samples.len() == MOST {
            ring.samples.pop_front();
        }
        ring.samples.push_back(Sample {
            at_ms,
            cpu_percent,
            memory_bytes: usage.memory_bytes,
            cache_bytes: usage.cache_bytes,
            disk_bytes: usage.disk_bytes,
            limits,
        });
    }

    /// Those of a span of time, oldest first.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> Vec<Sample> {
        let ring = self.ring();
        let within = |sample: &&Sample| (from_ms..=to_ms).contains(&sample.at_ms);
        ring.samples.iter().filter(within).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMITS: Limits = Limits {
        cpu: 2,
        memory_bytes: 1 << 30,
        disk_bytes: 3 << 30,
    };

    fn used(cpu_micros: u64) -> Usage {
        Usage {
            cpu_micros,
            ..Usage::default()
        }
    }

    #[test]
    fn processors_are_a_share_of_what_it_may_use_since_the_sample_before() {
        let samples = Samples::default();
        let start = Instant::now();
        for (second, micros) in [(0, 1_000_000), (10, 11_000_000), (20, 11_000_000), (30, 500)] {
            let now = start + Duration::from_secs(second);
            samples.add(i64::try_from(second).unwrap(), now, used(micros), LIMITS);
        }
        let shares: Vec<_> = samples
            .between(0, 99)
            .iter()
            .map(|sample| sample.cpu_percent)
            .collect();
        assert_eq!(shares, [None, Some(50.0), Some(0.0), None]);
    }

    #[test]
    fn a_rung_that_cannot_measure_claims_nothing() {
        let samples = Samples::default();
        for at in 0..2 {
            samples.add(at, Instant::now(), used(0), LIMITS);
        }
        assert!(
            samples
                .between(0, 9)
                .iter()
                .all(|sample| sample.cpu_percent.is_none())
        );
    }

    #[test]
    fn the_ring_keeps_the_newest() {
        let samples = Samples::default();
        let count = i64::try_from(MOST).unwrap() + 5;
        for at in 0..count {
            samples.add(at, Instant::now(), used(1), LIMITS);
        }
        let kept = samples.between(i64::MIN, i64::MAX);
        assert_eq!((kept.len(), kept[0].at_ms), (MOST, 5));
        assert_eq!(samples.between(7, 8).len(), 2);
        assert!(samples.between(8, 7).is_empty());
    }
}
