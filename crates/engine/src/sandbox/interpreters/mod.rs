//! The Python and Node.js that sandboxes get: real executables with what they
//! need, not version managers' stand-ins, which start many times slower.
//!
//! What the operator named is taken in that order, and nothing else instead.
//! Otherwise everything is looked for that is usual on a host (`places`), asked
//! what it is (`question`), and judged (`fitness`); of those that can be used
//! the newest wins. One that is not below `/usr` is seen in sandboxes at its own
//! path, so that whatever was built into it holds, and nothing beside it.

mod fitness;
mod offered;
mod places;
mod question;
mod survey;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(super) use offered::Offered;
use places::{Candidate, Places};
pub(super) use survey::survey;
pub use survey::{FoundInterpreter, Pip, Survey, Verdict};

use super::sandboxd::orders::Bind;
use super::{Level, SandboxError, Standing};
use fitness::SHARED;

/// Whose programs an interpreter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Node,
}

impl Language {
    /// As people call its interpreter.
    fn name(self) -> &'static str {
        match self {
            Self::Python => "Python 3",
            Self::Node => "Node.js",
        }
    }

    /// What its interpreter is called on `PATH`.
    fn program(self) -> &'static str {
        match self {
            Self::Python => "python3",
            Self::Node => "node",
        }
    }

    /// How the names of its interpreters begin.
    fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    /// The oldest that the engine's own programs in sandboxes run on. Older
    /// Node.js refuses the option that gives it TypeScript.
    fn oldest(self) -> &'static str {
        match self {
            Self::Python => "3.8",
            Self::Node => "18.19",
        }
    }
}

/// An interpreter as programs inside find it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// Its executable, the same path inside as outside.
    pub(super) path: String,
    /// Such as `3.11.2`.
    pub(super) version: String,
    /// The folder that has to be visible for it, if `/usr` is not enough.
    pub(super) prefix: Option<PathBuf>,
    /// Whether it brings the installer of packages.
    pub(super) has_pip: bool,
    /// Why another is better.
    pub(super) odd: Option<String>,
}

/// The interpreters of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interpreters {
    pub(super) python: Option<Interpreter>,
    pub(super) node: Option<Interpreter>,
    /// What the engine adds to them.
    pub(super) offered: Option<Offered>,
}

/// Who has to be able to read an interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// The engine's own user, or one that its user namespaces map to it.
    Own,
    /// Users made up for sandboxes; the engine is the superuser.
    Others {
        /// The superuser takes the folder itself and gives it to them, so the
        /// way to it does not matter.
        given: bool,
    },
}

impl Audience {
    fn of(level: Level) -> Self {
        match level {
            Level::UnsafeNone => Self::Own,
            _ if !Standing::find().is_root() => Self::Own,
            _ => Self::Others {
                given: level == Level::NamespacesRoot,
            },
        }
    }
}

impl Interpreters {
    /// Looks for both at the same time. What is configured goes first, and is
    /// not replaced by something else when it cannot be used.
    ///
    /// # Errors
    /// The sentence that says why nothing of what is configured can be used.
    pub(super) async fn find(python: &[PathBuf], node: &[PathBuf], level: Level) -> Result<Self, String> {
        let places = Places::of_this_process();
        let audience = Audience::of(level);
        let (mut python, mut node) = (
            Search::new(Language::Python, &places, python, audience),
            Search::new(Language::Node, &places, node, audience),
        );
        tokio::join!(python.choose(), node.choose());
        for search in [&python, &node] {
            if let Some(sentence) = search.unusable() {
                return Err(sentence);
            }
        }
        Ok(Self {
            python: python.chosen().cloned(),
            node: node.chosen().cloned(),
            offered: None,
        })
    }

    /// Whether the same interpreters can be used on two rungs.
    pub(super) fn are_alike(one: Level, other: Level) -> bool {
        Audience::of(one) == Audience::of(other)
    }

    /// Those of an image, whatever it has: found by name on its own `PATH`.
    pub(super) fn of_image() -> Self {
        let named = |language: Language| {
            Some(Interpreter {
                path: language.program().to_owned(),
                ..Interpreter::default()
            })
        };
        Self {
            python: named(Language::Python),
            node: named(Language::Node),
            offered: None,
        }
    }

    /// Adds what sandboxes need besides, at a place in the data folder.
    pub(super) async fn complete(&mut self, data_dir: &Path, level: Level) -> Result<(), SandboxError> {
        self.offered = Offered::prepare(self, data_dir, level).await?;
        Ok(())
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        let mut prefixes: Vec<&PathBuf> = [&self.python, &self.node]
            .into_iter()
            .flatten()
            .filter_map(|found| found.prefix.as_ref())
            .collect();
        // One that holds the other shows it too.
        prefixes.sort();
        let mut binds: Vec<Bind> = Vec::new();
        for prefix in prefixes {
            if !binds.iter().any(|bind| prefix.starts_with(&bind.source)) {
                binds.push(Bind {
                    source: prefix.clone(),
                    target: prefix.clone(),
                });
            }
        }
        binds.extend(self.offered.as_ref().map(Offered::bind));
        binds
    }

    /// Folders of programs besides the system's own, first come first.
    pub(super) fn folders(&self) -> Vec<String> {
        let offered = self.offered.iter().map(Offered::programs);
        let own = [&self.python, &self.node]
            .into_iter()
            .flatten()
            .filter(|found| found.prefix.is_some())
            .filter_map(|found| Some(Path::new(&found.path).parent()?.to_string_lossy().into_owned()));
        offered.chain(own).collect()
    }
}

/// One language's interpreters: what there is, and what came of asking.
struct Search<'a> {
    language: Language,
    places: &'a Places,
    audience: Audience,
    /// In the order they were found, with what they are once they were asked.
    found: Vec<(Candidate, Option<Result<Interpreter, String>>)>,
    chosen: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(language: Language, places: &'a Places, configured: &[PathBuf], audience: Audience) -> Self {
        let found = places.candidates(language, configured);
        Self {
            language,
            places,
            audience,
            found: found.into_iter().map(|candidate| (candidate, None)).collect(),
            chosen: None,
        }
    }

    fn is_configured(&self) -> bool {
        self.found.iter().any(|(candidate, _)| candidate.configured)
    }

    fn chosen(&self) -> Option<&Interpreter> {
        self.asked(self.chosen?)
    }

    fn asked(&self, index: usize) -> Option<&Interpreter> {
        self.found.get(index)?.1.as_ref()?.as_ref().ok()
    }

    /// Asks as few as are needed to know which one it is.
    async fn choose(&mut self) {
        if self.is_configured() {
            for index in 0..self.found.len() {
                if self.found[index].0.configured && self.chosen.is_none() {
                    self.ask(index).await;
                    self.chosen = self.asked(index).map(|_| index);
                }
            }
            return;
        }
        let hints: Vec<Option<Vec<u32>>> = self
            .found
            .iter()
            .map(|(found, _)| places::hint(&found.path))
            .collect();
        let mut order: Vec<usize> = (0..self.found.len()).collect();
        // Those that tell nothing could be the newest.
        order.sort_by_key(|index| hints[*index].clone().map(std::cmp::Reverse));
        for index in order {
            let best = self.chosen().filter(|best| best.odd.is_none());
            let could_win = best.zip(hints[index].as_ref()).is_none_or(|(best, hint)| {
                hint.iter()
                    .ge(places::numbers(&best.version).iter().take(hint.len()))
            });
            if could_win {
                self.ask(index).await;
                if self.is_better(index) {
                    self.chosen = Some(index);
                }
            }
        }
    }

    /// Whether this one is to be taken instead of the one chosen until now.
    fn is_better(&self, index: usize) -> bool {
        let rank = |index: usize| {
            let found = self.asked(index)?;
            // The first of two that are alike.
            Some((
                found.odd.is_none(),
                places::numbers(&found.version),
                std::cmp::Reverse(index),
            ))
        };
        rank(index).is_some_and(|own| self.chosen.and_then(rank).is_none_or(|best| own > best))
    }

    async fn ask(&mut self, index: usize) {
        if self.found[index].1.is_none() {
            let outcome = self.examine(&self.found[index].0).await;
            self.found[index].1 = Some(outcome);
        }
    }

    /// What a candidate is, or why it cannot be used.
    async fn examine(&self, candidate: &Candidate) -> Result<Interpreter, String> {
        if let Some(reason) = &candidate.refused {
            return Err(reason.clone());
        }
        let is_superuser = self.audience != Audience::Own;
        if is_superuser
            && !candidate.configured
            && let Some(reason) = fitness::distrusted(&candidate.path)
        {
            return Err(reason);
        }
        let home = self.places.home.as_deref();
        let facts = question::ask(
            self.language,
            &candidate.path,
            home.filter(|_| candidate.configured),
        )
        .await?;
        let gone = |path: &Path| format!("{} is not there", path.display());
        let real = |path: &Path| std::fs::canonicalize(path).map_err(|_| gone(path));
        let (prefix, needed) = (real(&facts.prefix)?, real(&facts.needed)?);
        let (executable, path) = places::resolve(&facts.executable, self.language.program())
            .map_err(|reason| reason.unwrap_or_else(|| gone(&facts.executable)))?;
        let shown = |path: &Path| path.starts_with(&prefix) || path.starts_with(SHARED);
        if let Some(path) = [&executable, &needed].into_iter().find(|path| !shown(path)) {
            return Err(format!(
                "{} lies outside its folder {}",
                path.display(),
                prefix.display()
            ));
        }
        let oldest = self.language.oldest();
        if places::numbers(&facts.version) < places::numbers(oldest) {
            return Err(format!(
                "{} is too old, {oldest} or newer is needed",
                facts.version
            ));
        }
        let shared = prefix.starts_with(SHARED);
        if !shared && fitness::too_much(&prefix, home) {
            return Err(format!(
                "{} holds more than an interpreter, and is not shown to sandboxes",
                prefix.display()
            ));
        }
        if let Audience::Others { given } = self.audience {
            let closed = fitness::closed_to_others(&prefix, &executable, &needed);
            let closed = closed.or_else(|| fitness::closed_way(&prefix).filter(|_| !given));
            closed.map_or(Ok(()), Err)?;
        }
        let path = path.to_str().ok_or("its path is not UTF-8")?.to_owned();
        Ok(Interpreter {
            path,
            version: facts.version,
            prefix: (!shared).then_some(prefix),
            has_pip: facts.has_pip,
            odd: facts.odd,
        })
    }

    /// Why nothing of what the operator named can be used, when it is so.
    fn unusable(&self) -> Option<String> {
        let reasons: Vec<String> = self
            .found
            .iter()
            .filter(|(candidate, _)| candidate.configured)
            .filter_map(|(candidate, outcome)| {
                let reason = outcome.as_ref()?.as_ref().err()?;
                Some(format!("{}: {reason}", candidate.path.display()))
            })
            .collect();
        (self.is_configured() && self.chosen.is_none()).then(|| {
            format!(
                "The {} that is configured cannot be used in sandboxes. {}.",
                self.language.name(),
                reasons.join("; ")
            )
        })
    }
}
