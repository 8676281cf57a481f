//! Drafts: texts that are not saved yet, kept by this browser so that they
//! outlive a crash of either side.

use crate::browser::storage;
use model::AgentId;

/// A text that was not saved, and the version it is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// None for a file the server did not have.
    pub base: Option<i64>,
    /// The text.
    pub text: String,
}

fn key(agent: &AgentId, path: &str) -> String {
    format!("pitlane.draft:{agent}:{path}")
}

/// Keeps a draft, and says whether the browser did.
pub fn keep(agent: &AgentId, path: &str, draft: &Draft) -> bool {
    storage::write(&key(agent, path), &write(draft))
}

/// The draft of a file, if one is kept.
#[must_use]
pub fn kept(agent: &AgentId, path: &str) -> Option<Draft> {
    read(&storage::read(&key(agent, path))?)
}

/// Forgets the draft of a file.
pub fn forget(agent: &AgentId, path: &str) {
    storage::remove(&key(agent, path));
}

fn write(draft: &Draft) -> String {
    match draft.base {
        Some(base) => format!("{base}\n{}", draft.text),
        None => format!("new\n{}", draft.text),
    }
}

fn read(kept: &str) -> Option<Draft> {
    let (base, text) = kept.split_once('\n')?;
    let base = match base {
        "new" => None,
        version => Some(version.parse().ok()?),
    };
    Some(Draft {
        base,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for base in [None, Some(7)] {
            for text in ["", "a\nb\n", "\n"] {
                let draft = Draft {
                    base,
                    text: text.to_owned(),
                };
                assert_eq!(read(&write(&draft)), Some(draft));
            }
        }
        assert_eq!(read("nonsense"), None);
        assert_eq!(read("x\ny"), None);
    }
}
