//! Files of an agent: their paths and the limits on them.

use crate::{Invalid, Millis, time::byte_words};
use serde::{Deserialize, Serialize};

/// The largest file an agent may hold, in bytes. Monaco stays fluent to about
/// this size; data beyond it belongs in the sandbox, not in the editor.
pub const MAX_FILE_BYTES: u64 = 5_000_000;
/// The most that all files of an agent may hold together, in bytes.
pub const MAX_AGENT_BYTES: u64 = 50_000_000;
/// The most files an agent may have.
pub const MAX_FILES: usize = 1_000;
/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 512;
/// The longest name between two slashes, in bytes: that of Linux file systems.
pub const MAX_NAME_BYTES: usize = 255;

/// What [`FilePath::parse`] takes, as a regular expression for clients; lengths count characters there.
#[cfg(feature = "schema")]
const PATTERN: &str = r"^(?!(.*/)?\.{1,2}(/|$))(?!(.*/)?\s)(?!.*\s(/|$))[^/\\\x00-\x1f\x7f-\x9f]{1,255}(/[^/\\\x00-\x1f\x7f-\x9f]{1,255})*$";

/// A path below an agent's folder: relative, with `/` between names, in its
/// one plain form. It can name nothing outside that folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

impl FilePath {
    /// Reads a path as a client gives it.
    ///
    /// # Errors
    /// When it is empty, too long, absolute, leaves the agent's folder, or
    /// holds a character no file name may have.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: &str| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            Err(Invalid(format!(
                "The file name \u{201c}{shown}\u{201d} cannot be used: {why}."
            )))
        };
        if text.is_empty() {
            return Err(Invalid("A file needs a name.".to_owned()));
        }
        if text.len() > MAX_PATH_BYTES {
            return wrong(&format!(
                "it is {} bytes long, and {MAX_PATH_BYTES} is the limit",
                text.len()
            ));
        }
        if text.starts_with('/') {
            return wrong("it starts with a slash, and files live below the agent\u{2019}s folder");
        }
        if text.ends_with('/') {
            return wrong("it ends with a slash, so that the file has no name");
        }
        for name in text.split('/') {
            if name.is_empty() {
                return wrong("it has two slashes in a row");
            }
            if name == "." || name == ".." {
                return wrong("\u{201c}.\u{201d} and \u{201c}..\u{201d} are not names of files");
            }
            if name.len() > MAX_NAME_BYTES {
                return wrong(&format!(
                    "one of its names is {} bytes long, and {MAX_NAME_BYTES} is the limit",
                    name.len()
                ));
            }
            if name != name.trim() {
                return wrong("one of its names starts or ends with a space");
            }
        }
        if text.chars().any(|c| c.is_control() || c == '\\') {
            return wrong("it holds a backslash, a line break, a NUL or another control character");
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder it is in, without a slash at the end; none at the top.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(folder, _)| folder)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for FilePath {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::text("A path below the agent's folder, with `/` between names.")
            .min_length(Some(1))
            .max_length(Some(MAX_PATH_BYTES))
            .pattern(Some(PATTERN))
            .examples(["tools/search.py"])
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for FilePath {}

impl TryFrom<String> for FilePath {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> String {
        path.0
    }
}

impl std::fmt::Display for FilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a file's size before it is stored.
///
/// # Errors
/// When it is over [`MAX_FILE_BYTES`], with its size and the limit.
pub fn check_size(path: &FilePath, bytes: u64) -> Result<(), Invalid> {
    if bytes > MAX_FILE_BYTES {
        return Err(Invalid(format!(
            "{path} is {}, and a file may have {} at most. Keep large data out of the agent and fetch it in the sandbox.",
            byte_words(bytes),
            byte_words(MAX_FILE_BYTES)
        )));
    }
    Ok(())
}

/// A file as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileEntry {
    /// Where it is in the agent.
    pub path: FilePath,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Counts its saves from 1; a save names the version it is based on.
    pub version: i64,
    /// When it was last saved.
    pub updated_at: Millis,
}

/// A file with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// The file.
    pub entry: FileEntry,
    /// Its text; none when it is not UTF-8 and so cannot be edited.
    pub text: Option<String>,
}

/// What became of a save.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", try_from = "OutcomeFields")]
pub enum SaveOutcome {
    /// It is saved; this is the file now.
    Saved(FileEntry),
    /// Somebody else saved first, nothing was changed; this is the file now.
    Conflict(FileContent),
}

/// An outcome as it is read: field by field, so that the browser needs no code that gathers values
/// into a tree before it knows what they are.
#[derive(Deserialize)]
struct OutcomeFields {
    outcome: OutcomeName,
    #[serde(default)]
    path: Option<FilePath>,
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    version: Option<i64>,
    #[serde(default)]
    updated_at: Option<Millis>,
    #[serde(default)]
    entry: Option<FileEntry>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    Saved,
    Conflict,
}

impl TryFrom<OutcomeFields> for SaveOutcome {
    type Error = Invalid;

    fn try_from(fields: OutcomeFields) -> Result<Self, Invalid> {
        let lacking = || Invalid("The outcome of a save lacks the file.".to_owned());
        match fields.outcome {
            OutcomeName::Saved => Ok(Self::Saved(FileEntry {
                path: fields.path.ok_or_else(lacking)?,
                sha256: fields.sha256.ok_or_else(lacking)?,
                size: fields.size.ok_or_else(lacking)?,
                version: fields.version.ok_or_else(lacking)?,
                updated_at: fields.updated_at.ok_or_else(lacking)?,
            })),
            OutcomeName::Conflict => Ok(Self::Conflict(FileContent {
                entry: fields.entry.ok_or_else(lacking)?,
                text: fields.text,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outcomes_are_read_as_they_are_written() {
        let entry = FileEntry {
            path: FilePath::parse("agent.py").expect("a path"),
            sha256: "00".to_owned(),
            size: 3,
            version: 2,
            updated_at: Millis(7),
        };
        for outcome in [
            SaveOutcome::Saved(entry.clone()),
            SaveOutcome::Conflict(FileContent {
                entry: entry.clone(),
                text: Some("x".to_owned()),
            }),
            SaveOutcome::Conflict(FileContent { entry, text: None }),
        ] {
            let json = serde_json::to_string(&outcome).expect("JSON");
            assert_eq!(
                serde_json::from_str::<SaveOutcome>(&json).expect("an outcome"),
                outcome
            );
        }
        assert!(serde_json::from_str::<SaveOutcome>(r#"{"outcome":"saved"}"#).is_err());
    }

    #[test]
    fn names_people_use() {
        for good in [
            "agent.py",
            "tools/search.py",
            ".env.example",
            "a b.txt",
            "\u{1f680}.py",
            "d/\u{e9}t\u{e9}.md",
            "...",
        ] {
            assert_eq!(FilePath::parse(good).expect(good).as_str(), good);
        }
    }

    #[test]
    fn names_nobody_may_use() {
        let long = "x".repeat(300);
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "a\0b",
            "a\nb",
            "a\\b",
            " a",
            "a ",
            &long,
            &"a/".repeat(300),
        ] {
            assert!(FilePath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_told_its_size_and_the_limit() {
        let path = FilePath::parse("big.bin").expect("a path");
        let error = check_size(&path, 20_000_000).expect_err("too large");
        assert!(
            error.0.contains("20.0 MB") && error.0.contains("5.0 MB"),
            "{error}"
        );
        assert!(check_size(&path, MAX_FILE_BYTES).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_inside(text in "\\PC{0,40}|[./a\\\\]{0,12}") {
            if let Ok(path) = FilePath::parse(&text) {
                let joined = std::path::Path::new("/agent").join(path.as_str());
                prop_assert!(joined.components().all(|part| !matches!(part, std::path::Component::ParentDir)));
                prop_assert!(joined.starts_with("/agent"));
            }
        }
    }
}
