//! `pitlane doctor`: what works on this machine, found out by doing it, and
//! what to do about the rest. Exit code 0 when programs can be run in
//! isolation, else 1.

mod interpreters;
mod provider;
mod sandboxes;
mod storage;

use crate::{command_line::DoctorFlags, configuration::Configuration, failure::Failure, output};
use serde::Serialize;
use std::process::ExitCode;

/// What was found of one thing.
#[derive(Debug)]
struct Finding {
    name: &'static str,
    is_well: bool,
    /// Whether runs are impossible, or not isolated, without.
    is_needed: bool,
    sentences: Vec<String>,
}

/// All of it as an object, for programs. Fields are only ever added.
#[derive(Debug, Serialize)]
struct Report<'f> {
    /// Whether programs can be run: what the exit code says.
    ok: bool,
    /// Of this program.
    version: &'static str,
    findings: Vec<Reported<'f>>,
}

#[derive(Debug, Serialize)]
struct Reported<'f> {
    /// What it is about: `data`, `database`, `isolation` and so on.
    name: String,
    /// `ok`, `note` or `fail`.
    status: &'static str,
    /// What was found and what to do about it, the most important first.
    sentences: &'f [String],
}

impl Finding {
    const fn status(&self) -> &'static str {
        match (self.is_well, self.is_needed) {
            (true, _) => "ok",
            (false, true) => "fail",
            (false, false) => "note",
        }
    }

    fn reported(&self) -> Reported<'_> {
        Reported {
            name: self.name.to_lowercase().replace(['.', ' '], ""),
            status: self.status(),
            sentences: &self.sentences,
        }
    }

    fn print(&self) {
        let mark = match self.status() {
            "ok" => "ok  ",
            "fail" => "FAIL",
            _ => "note",
        };
        for (index, sentence) in self.sentences.iter().enumerate() {
            let (mark, name) = if index == 0 {
                (mark, self.name)
            } else {
                ("    ", "")
            };
            output::line(&format!("{mark}  {name:<10} {sentence}"));
        }
    }
}

/// Looks, and says.
///
/// # Errors
/// When no thread can be started.
pub fn run(configuration: &Configuration, flags: &DoctorFlags) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    let mut findings = vec![storage::data(configuration)];
    findings.push(runtime.block_on(storage::database(configuration)));
    match &configuration.cloud {
        Some(cloud) => findings.push(runtime.block_on(provider::cloud(cloud))),
        None => {
            findings.extend(sandboxes::findings(configuration));
            findings.push(provider::engine(configuration));
        }
    }
    let is_well = findings
        .iter()
        .all(|finding| finding.is_well || !finding.is_needed);
    if flags.json {
        let report = Report {
            ok: is_well,
            version: env!("CARGO_PKG_VERSION"),
            findings: findings.iter().map(Finding::reported).collect(),
        };
        let text = serde_json::to_string(&report)
            .map_err(|error| Failure::new(format!("The report cannot be written: {error}.")))?;
        output::line(&text);
    } else {
        findings.iter().for_each(Finding::print);
        output::line(if is_well {
            "Programs can be run."
        } else {
            "Nothing should be run until what failed is mended."
        });
    }
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
