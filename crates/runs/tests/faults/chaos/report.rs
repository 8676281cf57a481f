//! What a storm came to.

use crate::{bench::difference, programs::Program, told::Told};
use model::{LogFrame, RunState, log::LogBody};
use std::{collections::BTreeMap, fmt};

/// Counts, and every broken promise as a sentence.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub seconds: u64,
    pub actions: BTreeMap<&'static str, u64>,
    pub injected: BTreeMap<&'static str, u64>,
    /// Runs per state they ended in.
    pub ended: BTreeMap<&'static str, u64>,
    /// Of those that ended with a code, whose log was compared whole.
    pub whole: u64,
    pub bytes: u64,
    pub frames: u64,
    /// Frames that should have been there.
    pub lost: u64,
    /// Frames that were there before.
    pub doubled: u64,
    pub created: u64,
    pub left: u64,
    pub rows_left: u64,
    pub broken: Vec<String>,
}

impl Report {
    /// Takes in how a run ended, and compares its log with what its program writes.
    pub fn run(&mut self, told: &Told, program: &Program) {
        let run = told.run();
        *self.ended.entry(run.state.as_str()).or_default() += 1;
        self.frames += told.frames.len() as u64;
        let bytes = told.bytes();
        self.bytes += bytes.len() as u64;
        let mut next = 0;
        for frame in &told.frames {
            self.lost += u64::from(frame.offset > next || matches!(frame.body, LogBody::Gap(_)));
            self.doubled += u64::from(frame.offset < next);
            next = frame.offset
                + match frame.body {
                    LogBody::Gap(bytes) => bytes,
                    _ => LogFrame::bytes(frame).len() as u64,
                };
        }
        let named = |what: String| format!("run {} ({}): {what}", run.id, program.name);
        match run.state {
            RunState::Succeeded | RunState::Failed if run.exit_code.is_some() => {
                self.whole += 1;
                if let Some(wrong) = difference(told, program) {
                    self.broken.push(named(wrong));
                }
            }
            state if state.is_end() => {
                // Cut short: what is there is how the output begins, stream by stream.
                let begins = [model::LogStream::Stdout, model::LogStream::Stderr]
                    .into_iter()
                    .all(|stream| {
                        let frames = told.frames.iter().filter(|frame| frame.stream == Some(stream));
                        let bytes: Vec<u8> = frames.flat_map(LogFrame::bytes).collect();
                        program.wrote(stream).starts_with(&bytes)
                    });
                if !begins {
                    self.broken
                        .push(named("its log is not how its output begins".to_owned()));
                }
                if run.reason.as_ref().is_none_or(|reason| reason.is_empty()) {
                    self.broken
                        .push(named(format!("it ended {state} without a reason")));
                }
                if state == RunState::Stopped && run.stop.as_ref().is_none_or(|proof| proof.left > 0) {
                    self.broken
                        .push(named("it was told stopped without proof".to_owned()));
                }
            }
            state => self.broken.push(named(format!("it is still {state}"))),
        }
    }

    /// Whether every promise held.
    pub fn held(&self) -> bool {
        self.broken.is_empty() && self.lost + self.doubled + self.left + self.rows_left == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: &BTreeMap<&str, u64>| {
            let parts: Vec<_> = counts
                .iter()
                .map(|(name, count)| format!("{count} {name}"))
                .collect();
            parts.join(", ")
        };
        writeln!(out, "seed                 {} ({} s)", self.seed, self.seconds)?;
        writeln!(out, "done                 {}", list(&self.actions))?;
        writeln!(out, "faults injected      {}", list(&self.injected))?;
        writeln!(out, "runs ended           {}", list(&self.ended))?;
        writeln!(
            out,
            "bytes compared       {} in {} frames; {} logs whole by SHA-256",
            self.bytes, self.frames, self.whole
        )?;
        writeln!(
            out,
            "sandboxes            {} created, {} deleted, {} left over, {} rows left open",
            self.created,
            self.created.saturating_sub(self.left),
            self.left,
            self.rows_left
        )?;
        writeln!(
            out,
            "frames               {} lost, {} doubled",
            self.lost, self.doubled
        )?;
        for broken in &self.broken {
            writeln!(out, "BROKEN               {broken}")?;
        }
        let verdict = if self.held() {
            "every promise held"
        } else {
            "a promise broke"
        };
        write!(out, "verdict              {verdict}")
    }
}
