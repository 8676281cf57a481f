//! Every Python and Node.js of this machine: which one sandboxes get, and why
//! not the others.

use super::Finding;
use crate::configuration::EngineSettings;
use engine::sandbox::{FoundInterpreter, Pip, Survey, Verdict};

/// What was found of both.
pub(super) fn findings(settings: &EngineSettings, survey: &Survey) -> [Finding; 2] {
    let mut python = finding(
        "Python",
        &survey.python,
        !settings.python.is_empty(),
        "apt-get install python3",
    );
    if python.is_well {
        let pip = match survey.pip {
            Pip::Own => "Its own pip installs packages.".to_owned(),
            Pip::Carried(version) => {
                format!("It has no pip, so sandboxes get the one that Pitlane carries ({version}).")
            }
            Pip::None => "It has no pip and is too old for the one that Pitlane carries. Get it with: \
                          apt-get install python3-pip"
                .to_owned(),
        };
        python.sentences.insert(1, pip);
    }
    let node = finding(
        "Node.js",
        &survey.node,
        !settings.node.is_empty(),
        "apt-get install nodejs",
    );
    [python, node]
}

fn finding(name: &'static str, all: &[FoundInterpreter], is_configured: bool, remedy: &str) -> Finding {
    let chosen = all.iter().find(|found| found.verdict == Verdict::Chosen);
    let first = match chosen {
        Some(found) => format!("Sandboxes have {}.", shown(found)),
        None if is_configured => {
            "What is configured cannot be used, so the engine does not start. Name another, or none."
                .to_owned()
        }
        None => format!(
            "There is none that sandboxes can use, so programs that need it cannot run. Get it with: {remedy}"
        ),
    };
    let others = all.iter().filter_map(|found| match &found.verdict {
        Verdict::Chosen => None,
        Verdict::Passed(reason) => Some(format!("Not {}: {reason}.", shown(found))),
        Verdict::Refused(reason) => Some(format!("Not usable, {}: {reason}.", shown(found))),
    });
    Finding {
        name,
        is_well: chosen.is_some(),
        is_needed: is_configured,
        sentences: std::iter::once(first).chain(others).collect(),
    }
}

/// Where it is, with what could look like something else in a terminal made plain.
fn shown(found: &FoundInterpreter) -> String {
    let path = found.path.to_string_lossy();
    let path: String = path.chars().flat_map(plain).collect();
    match &found.version {
        Some(version) => format!("{path} ({version})"),
        None => path,
    }
}

fn plain(letter: char) -> Vec<char> {
    if letter.is_control() {
        letter.escape_default().collect()
    } else {
        vec![letter]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, version: Option<&str>, verdict: Verdict) -> FoundInterpreter {
        FoundInterpreter {
            path: path.into(),
            version: version.map(str::to_owned),
            verdict,
        }
    }

    #[test]
    fn each_is_told_with_its_reason() {
        let all = [
            at(
                "/usr/bin/python3",
                Some("3.11.2"),
                Verdict::Passed("3.13.0 is newer".into()),
            ),
            at("/opt/python/bin/python3", Some("3.13.0"), Verdict::Chosen),
            at(
                "/opt/\u{1b}[2J/bin/python3",
                None,
                Verdict::Refused("it is no program".into()),
            ),
        ];
        let told = finding("Python", &all, false, "x");
        assert!(told.is_well && !told.is_needed);
        assert_eq!(
            told.sentences,
            [
                "Sandboxes have /opt/python/bin/python3 (3.13.0).",
                "Not /usr/bin/python3 (3.11.2): 3.13.0 is newer.",
                "Not usable, /opt/\\u{1b}[2J/bin/python3: it is no program.",
            ]
        );
        let none = finding("Python", &all[2..], false, "apt-get install python3");
        assert!(!none.is_well && none.sentences[0].ends_with("apt-get install python3"));
        let configured = finding("Python", &all[2..], true, "x");
        assert!(!configured.is_well && configured.is_needed);
    }
}
