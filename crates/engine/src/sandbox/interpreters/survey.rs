//! All interpreters of a host, for `pitlane doctor`: each with whether it is
//! what sandboxes get, and why not.

use std::path::PathBuf;

use super::places::{self, Places};
use super::{Audience, Interpreter, Language, Search, offered};
use crate::sandbox::Level;

/// What is on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Each Python, in the order of the search.
    pub python: Vec<FoundInterpreter>,
    /// Each Node.js.
    pub node: Vec<FoundInterpreter>,
    /// What installs packages for the Python that sandboxes get.
    pub pip: Pip,
}

/// A program, or a folder that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundInterpreter {
    /// Where it is.
    pub path: PathBuf,
    /// Its version, when it could be asked.
    pub version: Option<String>,
    /// Whether sandboxes get it.
    pub verdict: Verdict,
}

/// Whether sandboxes get an interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do.
    Chosen,
    /// It could be used, and another is taken, for this reason.
    Passed(String),
    /// It cannot be used, for this reason.
    Refused(String),
}

/// Which pip sandboxes have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pip {
    /// Their Python's own.
    Own,
    /// The one this program carries, of this version.
    Carried(&'static str),
    /// None: there is no Python, or it is too old for the one this program
    /// carries.
    #[default]
    None,
}

/// Looks for everything and asks it, for sandboxes with such walls.
pub(in crate::sandbox) async fn survey(python: &[PathBuf], node: &[PathBuf], level: Level) -> Survey {
    let places = Places::of_this_process();
    let audience = Audience::of(level);
    let (mut python, mut node) = (
        Search::new(Language::Python, &places, python, audience),
        Search::new(Language::Node, &places, node, audience),
    );
    let (pythons, nodes) = tokio::join!(python.list(), node.list());
    Survey {
        python: pythons,
        node: nodes,
        pip: match python.chosen() {
            Some(chosen) if chosen.has_pip => Pip::Own,
            Some(chosen) if offered::takes_pip(chosen) => Pip::Carried(offered::PIP_VERSION),
            _ => Pip::None,
        },
    }
}

impl Search<'_> {
    /// Chooses, and then asks the others too.
    pub(super) async fn list(&mut self) -> Vec<FoundInterpreter> {
        self.choose().await;
        for index in 0..self.found.len() {
            self.ask(index).await;
        }
        let chosen = self.chosen();
        let all = self.found.iter().enumerate();
        all.map(|(index, (candidate, outcome))| match outcome {
            Some(Ok(found)) => FoundInterpreter {
                path: found.path.clone().into(),
                version: Some(found.version.clone()),
                verdict: match chosen {
                    Some(_) if self.chosen == Some(index) => Verdict::Chosen,
                    Some(chosen) => Verdict::Passed(self.passed(found, chosen)),
                    None => Verdict::Passed("another is configured".into()),
                },
            },
            Some(Err(reason)) => FoundInterpreter {
                path: candidate.path.clone(),
                version: None,
                verdict: Verdict::Refused(reason.clone()),
            },
            None => FoundInterpreter {
                path: candidate.path.clone(),
                version: None,
                verdict: Verdict::Refused("it was not asked".into()),
            },
        })
        .collect()
    }

    /// Why another is taken than one that can be used.
    fn passed(&self, found: &Interpreter, chosen: &Interpreter) -> String {
        if self.is_configured() {
            return "another is configured".into();
        }
        if let Some(odd) = &found.odd {
            return odd.clone();
        }
        let [own, best] = [found, chosen].map(|one| places::numbers(&one.version));
        match own.cmp(&best) {
            std::cmp::Ordering::Less => format!("{} is newer", chosen.version),
            std::cmp::Ordering::Equal => format!("{} is the same version and was found first", chosen.path),
            // By its place it was taken for an older one, and not asked in time.
            std::cmp::Ordering::Greater => "its path tells an older version; name it to have it".into(),
        }
    }
}
