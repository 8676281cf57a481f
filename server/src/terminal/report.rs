//! What is said beside the program's own output, on standard error: progress
//! to a person, one JSON object to a program.

use super::follow::Ending;
use crate::{command_line::RunFlags, output};
use model::{EventKind, RunEvent, RunState, phase::Phase, time::duration_words};
use std::{io::IsTerminal, time::Duration};

/// Says what happens before the program runs, when a person is looking.
pub struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shown in a terminal, unless it is not wanted.
    pub fn new(flags: &RunFlags) -> Self {
        Self {
            is_shown: is_shown(flags),
        }
    }

    /// Says which phases ended.
    pub fn events(&mut self, events: &[RunEvent]) {
        for event in events {
            if let EventKind::PhaseEnded {
                phase,
                took,
                detail,
                failed,
            } = &event.kind
                && self.is_shown
                && (*failed || matches!(phase, Phase::Sandbox | Phase::Files | Phase::Packages))
            {
                let detail = detail
                    .as_ref()
                    .map(|detail| format!(", {detail}"))
                    .unwrap_or_default();
                dim(&format!("{} {}{detail}", phase.name(), duration_words(*took)));
            }
        }
    }
}

fn is_shown(flags: &RunFlags) -> bool {
    !flags.quiet && !flags.json && std::io::stderr().is_terminal()
}

fn dim(text: &str) {
    if std::env::var_os("NO_COLOR").is_some() {
        output::error_line(text);
    } else {
        output::error_line(&format!("\u{1b}[2m{text}\u{1b}[0m"));
    }
}

/// Says how it ended.
pub fn end(ending: &Ending, flags: &RunFlags, took: Duration) {
    if ending.is_mid_line && (flags.json || is_shown(flags)) {
        output::error_line("");
    }
    let run = &ending.run;
    let is_own_words = match run.state {
        RunState::Succeeded | RunState::Stopped => false,
        RunState::Failed => run.exit_code.is_none(),
        _ => true,
    };
    if is_own_words {
        let reason = run.reason.clone().unwrap_or_else(|| run.summary().words());
        output::error_line(&format!("pitlane: {reason}"));
    } else if is_shown(flags) {
        dim(&end_words(ending));
    }
    if flags.json {
        output::error_line(&json(ending, took).to_string());
    }
}

fn end_words(ending: &Ending) -> String {
    let run = &ending.run;
    let ran = run
        .phases
        .iter()
        .find(|phase| phase.phase == Phase::Run)
        .and_then(|phase| phase.took);
    let after = ran
        .map(|took| format!(" after {}", duration_words(took)))
        .unwrap_or_default();
    match (&run.stop, run.exit_code) {
        (Some(proof), _) => {
            let ended = proof
                .ended
                .map(|count| {
                    format!(
                        ": {count} {} ended",
                        if count == 1 { "process" } else { "processes" }
                    )
                })
                .unwrap_or_default();
            let left = if proof.left == 0 {
                "none left".to_owned()
            } else {
                format!("{} left", proof.left)
            };
            format!("Stopped{after}{ended}, {left} ({})", duration_words(proof.took))
        }
        (None, Some(code)) => format!("Exited with code {code}{after}"),
        (None, None) => run.summary().words(),
    }
}

fn json(ending: &Ending, took: Duration) -> serde_json::Value {
    let run = &ending.run;
    let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let phases: serde_json::Map<String, serde_json::Value> = run
        .phases
        .iter()
        .filter_map(|record| {
            Some((
                serde_json::to_value(record.phase).ok()?.as_str()?.to_owned(),
                record.took.into(),
            ))
        })
        .collect();
    serde_json::json!({
        "run": run.id,
        "state": run.state,
        "exit_code": run.exit_code,
        "reason": run.reason,
        "phases_ms": phases,
        "first_output_ms": ending.first_output.map(milliseconds),
        "total_ms": milliseconds(took),
        "bytes": run.log_bytes,
        "lines": run.log_lines,
        "sandbox": run.sandbox,
        "provider": run.provider,
        "language": run.language,
        "entrypoint": run.entrypoint,
        "stop": run.stop,
    })
}
