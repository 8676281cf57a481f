//! `pitlane doctor`: what works on this machine, found out by doing it, and
//! what to do about the rest. Exit code 0 when programs can be run in
//! isolation, else 1.

mod interpreters;
mod provider;
mod sandboxes;
mod storage;

use crate::{configuration::Configuration, failure::Failure, output};
use std::process::ExitCode;

/// What was found of one thing.
struct Finding {
    name: &'static str,
    is_well: bool,
    /// Whether runs are impossible, or not isolated, without.
    is_needed: bool,
    sentences: Vec<String>,
}

impl Finding {
    fn print(&self) {
        let mark = match (self.is_well, self.is_needed) {
            (true, _) => "ok  ",
            (false, true) => "FAIL",
            (false, false) => "note",
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
pub fn run(configuration: &Configuration) -> Result<ExitCode, Failure> {
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
    findings.iter().for_each(Finding::print);
    let is_well = findings
        .iter()
        .all(|finding| finding.is_well || !finding.is_needed);
    output::line(if is_well {
        "Programs can be run."
    } else {
        "Nothing should be run until what failed is mended."
    });
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
