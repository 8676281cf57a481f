//! The languages an agent may be written in, and how its entrypoint is found.

use crate::{FilePath, Invalid};
use serde::{Deserialize, Serialize};

/// A language an agent may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python 3.
    Python,
    /// TypeScript, run by Node.js with its types stripped.
    TypeScript,
    /// JavaScript, run by Node.js.
    JavaScript,
}

impl Language {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::Python, Self::TypeScript, Self::JavaScript];

    /// The word stored and sent: also the value of Daytona's label
    /// `code-toolbox-language`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::JavaScript => "javascript",
        }
    }

    /// The name people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
            Self::JavaScript => "JavaScript",
        }
    }

    /// The ending of its files, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Python => "py",
            Self::TypeScript => "ts",
            Self::JavaScript => "js",
        }
    }

    /// Reads the stored word.
    ///
    /// # Errors
    /// When it names no language we run.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|language| language.as_str() == word).ok_or_else(|| {
            Invalid(format!("\u{201c}{word}\u{201d} is not a language Pitlane runs. Choose python, typescript or javascript."))
        })
    }

    /// The language a file's ending tells, `.mjs`, `.cjs`, `.mts` and `.cts` included.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "py" => Some(Self::Python),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "js" | "mjs" | "cjs" => Some(Self::JavaScript),
            _ => None,
        }
    }

    /// The files that are run when an agent's settings name none, best first.
    #[must_use]
    pub fn entrypoints(self) -> [String; 3] {
        ["agent", "main", "index"].map(|stem| format!("{stem}.{}", self.extension()))
    }

    /// The program and its options that run a file of this language. Python is
    /// told not to buffer, so that a line is seen when it is printed.
    #[must_use]
    pub const fn interpreter(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python3", "-u"],
            Self::TypeScript | Self::JavaScript => &["node"],
        }
    }
}

/// Which file of an agent is run: the one its settings name, else the first of
/// `agent.*`, `main.*`, `index.*` of its language that exists.
///
/// # Errors
/// When the named file does not exist, or none of the usual names does.
pub fn entrypoint<'a>(
    language: Language,
    named: Option<&str>,
    files: impl IntoIterator<Item = &'a FilePath> + Clone,
) -> Result<FilePath, Invalid> {
    let find = |name: &str| {
        files
            .clone()
            .into_iter()
            .find(|path| path.as_str() == name)
            .cloned()
    };
    if let Some(named) = named {
        return find(named).ok_or_else(|| {
            Invalid(format!("The entrypoint {named} does not exist. Create it, or name another file in the agent's settings."))
        });
    }
    let usual = language.entrypoints();
    usual.iter().find_map(|name| find(name)).ok_or_else(|| {
        Invalid(format!(
            "There is no file to run: none of {} exists. Create one, or name the entrypoint in the agent's settings.",
            usual.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<FilePath> {
        names
            .iter()
            .map(|name| FilePath::parse(name).expect("a path"))
            .collect()
    }

    #[test]
    fn the_named_file_wins_and_must_exist() {
        let files = paths(&["agent.py", "tools/other.py"]);
        let run = |named| entrypoint(Language::Python, named, &files).map(|path| path.to_string());
        assert_eq!(run(None).expect("found"), "agent.py");
        assert_eq!(run(Some("tools/other.py")).expect("found"), "tools/other.py");
        assert!(run(Some("gone.py")).expect_err("missing").0.contains("gone.py"));
    }

    #[test]
    fn usual_names_in_their_order() {
        let files = paths(&["index.ts", "main.ts", "agent.py"]);
        assert_eq!(
            entrypoint(Language::TypeScript, None, &files)
                .expect("found")
                .as_str(),
            "main.ts"
        );
        assert!(entrypoint(Language::JavaScript, None, &files).is_err());
    }
}
