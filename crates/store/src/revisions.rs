//! Revisions: the files of an agent as they were at one moment.

use crate::{Result, Store};
use model::{AgentId, FileEntry, FilePath, Millis, RevisionId};

/// An agent's files at one moment; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub id: RevisionId,
    /// Whose.
    pub agent: AgentId,
    /// Counts the agent's revisions from 1.
    pub number: i64,
    /// When it was made.
    pub created_at: Millis,
    /// Its files, in order of path.
    pub files: Vec<FileEntry>,
}

impl Store {
    /// Makes a revision of the agent's files; the newest one again when nothing changed since.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent.
    pub async fn snapshot(&self, agent: &AgentId) -> Result<Revision> {
        todo!()
    }

    /// The revision of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn revision(&self, id: &RevisionId) -> Result<Revision> {
        todo!()
    }

    /// The files of a revision with their bytes, in order of path.
    ///
    /// # Errors
    /// `NotFound` when there is no such revision.
    pub async fn revision_files(&self, id: &RevisionId) -> Result<Vec<(FilePath, Vec<u8>)>> {
        todo!()
    }
}
