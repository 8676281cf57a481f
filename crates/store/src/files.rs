//! The files of agents, as they are edited.

use crate::{Result, Store};
use model::{AgentId, FileContent, FileEntry, FilePath, SaveOutcome};

impl Store {
    /// An agent's files, in order of path.
    ///
    /// # Errors
    /// `NotFound` when there is no such agent.
    pub async fn list_files(&self, agent: &AgentId) -> Result<Vec<FileEntry>> {
        todo!()
    }

    /// A file with its text.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    pub async fn read_file(&self, agent: &AgentId, path: &FilePath) -> Result<FileContent> {
        todo!()
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// `NotFound` when there is no such file.
    pub async fn file_bytes(&self, agent: &AgentId, path: &FilePath) -> Result<Vec<u8>> {
        todo!()
    }

    /// Saves a file if its version still is `base_version`; none makes a new file. When somebody else
    /// saved in between, nothing is changed and the outcome holds the file as it is now. Saving the bytes
    /// it has already makes no new version.
    ///
    /// # Errors
    /// `Invalid` when a limit would be passed, `Conflict` when a folder has this name or a file the name
    /// of one of its folders, `NotFound` when there is no such agent, or the file was deleted meanwhile.
    pub async fn save_file(
        &self,
        agent: &AgentId,
        path: &FilePath,
        bytes: &[u8],
        base_version: Option<i64>,
    ) -> Result<SaveOutcome> {
        todo!()
    }

    /// Gives a file another path. Its version stays.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, `Conflict` when the new path is taken.
    pub async fn rename_file(&self, agent: &AgentId, from: &FilePath, to: &FilePath) -> Result<FileEntry> {
        todo!()
    }

    /// Deletes a file, if its version still is `base_version`; none deletes any version.
    ///
    /// # Errors
    /// `NotFound` when there is no such file, `Conflict` when it was saved meanwhile.
    pub async fn delete_file(
        &self,
        agent: &AgentId,
        path: &FilePath,
        base_version: Option<i64>,
    ) -> Result<()> {
        todo!()
    }
}
