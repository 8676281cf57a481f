//! Files of a sandbox, seen and moved. Paths are absolute or start from the
//! sandbox's work folder; they name nothing of the host.

use super::check_text;
use crate::{Runs, RunsError};
use bytes::Bytes;
use futures::Stream;
use model::{SandboxFile, SandboxName};

/// The longest path, in bytes: that of Linux.
const LONGEST: usize = 4096;

impl Runs {
    /// What is in a folder of a sandbox, in order of name.
    ///
    /// # Errors
    /// When there is no such sandbox or folder, or it may not be read.
    pub async fn sandbox_files(
        &self,
        name: &SandboxName,
        folder: &str,
    ) -> Result<Vec<SandboxFile>, RunsError> {
        check_text("The path", folder, LONGEST)?;
        let found = self.reach(name).await?.list_files(folder).await;
        let found = found.map_err(|error| self.told(error))?;
        let mut files: Vec<_> = found
            .into_iter()
            .map(|file| SandboxFile {
                name: file.name,
                is_folder: file.is_dir,
                size: file.size,
                mode: file.mode,
                modified_at: file.modified_at,
            })
            .collect();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    /// The content of a file of a sandbox, as it comes.
    ///
    /// # Errors
    /// When there is no such sandbox or file, or it may not be read.
    pub async fn sandbox_file(
        &self,
        name: &SandboxName,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, daytona::Error>> + Send + use<>, RunsError> {
        check_text("The path", path, LONGEST)?;
        let content = self.reach(name).await?.download_stream(path, 0).await;
        Ok(content.map_err(|error| self.told(error))?.into_stream())
    }

    /// Writes a file of a sandbox from a stream; folders that are missing are made.
    ///
    /// # Errors
    /// When there is no such sandbox, or the file may not be written.
    pub async fn write_sandbox_file<S, E>(
        &self,
        name: &SandboxName,
        path: &str,
        content: S,
    ) -> Result<(), RunsError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
    {
        check_text("The path", path, LONGEST)?;
        let written = self.reach(name).await?.upload_stream(path, content).await;
        written.map_err(|error| self.told(error))
    }

    /// Deletes a file of a sandbox, or a folder with all that is in it.
    ///
    /// # Errors
    /// When there is no such sandbox or file, or it may not be deleted.
    pub async fn delete_sandbox_file(&self, name: &SandboxName, path: &str) -> Result<(), RunsError> {
        check_text("The path", path, LONGEST)?;
        let deleted = self.reach(name).await?.delete_file(path, true).await;
        deleted.map_err(|error| self.told(error))
    }
}
