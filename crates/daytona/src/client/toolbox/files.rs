//! Files looked at, moved and removed; their contents travel in `transfer.rs`.

use super::Toolbox;
use crate::client::Error;
use crate::{FileInfo, FoundMatch, ReplaceRequest, ReplaceResult, SearchResponse};
use http::Method;

/// The largest answer: a hundred thousand files.
const ANSWER_LIMIT: usize = 128 * 1024 * 1024;

impl Toolbox {
    /// The entries of a directory.
    ///
    /// # Errors
    /// 404 when there is none, 403 when it may not be read.
    pub async fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, Error> {
        let call = self.call(Method::GET, &["files"])?.query("path", path);
        self.client.fetch(call.limit(ANSWER_LIMIT)).await
    }

    /// The entries of a directory, and those of the directories in it, down to
    /// so many levels; 1 is the directory alone.
    ///
    /// # Errors
    /// As of [`Toolbox::list_files`].
    pub async fn list_files_to(&self, path: &str, depth: u32) -> Result<Vec<FileInfo>, Error> {
        let call = self.call(Method::GET, &["files"])?.query("path", path);
        let call = call.query("depth", &depth.to_string());
        self.client.fetch(call.limit(ANSWER_LIMIT)).await
    }

    /// A file or directory.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn file_info(&self, path: &str) -> Result<FileInfo, Error> {
        self.client
            .fetch(self.call(Method::GET, &["files", "info"])?.query("path", path))
            .await
    }

    /// Removes a file, or with `recursive` a directory and all that is in it.
    ///
    /// # Errors
    /// 404 when there is none, 400 for a directory without `recursive`.
    pub async fn delete_file(&self, path: &str, recursive: bool) -> Result<(), Error> {
        let call = self.call(Method::DELETE, &["files"])?.query("path", path);
        self.client
            .perform(call.query("recursive", if recursive { "true" } else { "false" }))
            .await
    }

    /// Makes a directory and those above it. `mode` is octal, such as `755`.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_folder(&self, path: &str, mode: &str) -> Result<(), Error> {
        let call = self.call(Method::POST, &["files", "folder"])?;
        self.client
            .perform(call.query("path", path).query("mode", mode))
            .await
    }

    /// Moves or renames; the directory moved into must exist.
    ///
    /// # Errors
    /// 404 when there is no source, 409 when the destination exists.
    pub async fn move_file(&self, source: &str, destination: &str) -> Result<(), Error> {
        let call = self.call(Method::POST, &["files", "move"])?;
        self.client
            .perform(call.query("source", source).query("destination", destination))
            .await
    }

    /// Sets permissions, owner and group, each when given. `mode` is octal.
    ///
    /// # Errors
    /// 404 when there is no such file.
    pub async fn set_permissions(
        &self,
        path: &str,
        mode: Option<&str>,
        owner: Option<&str>,
        group: Option<&str>,
    ) -> Result<(), Error> {
        let mut call = self
            .call(Method::POST, &["files", "permissions"])?
            .query("path", path);
        for (name, value) in [("mode", mode), ("owner", owner), ("group", group)] {
            if let Some(value) = value {
                call = call.query(name, value);
            }
        }
        self.client.perform(call).await
    }

    /// The lines that contain a text, in all files below a directory.
    ///
    /// # Errors
    /// As every call.
    pub async fn find_in_files(&self, path: &str, text: &str) -> Result<Vec<FoundMatch>, Error> {
        let call = self.call(Method::GET, &["files", "find"])?;
        self.client
            .fetch(
                call.query("path", path)
                    .query("pattern", text)
                    .limit(ANSWER_LIMIT),
            )
            .await
    }

    /// The files and directories below a directory whose name matches a shell pattern.
    ///
    /// # Errors
    /// As every call.
    pub async fn search_files(&self, path: &str, pattern: &str) -> Result<Vec<String>, Error> {
        let call = self.call(Method::GET, &["files", "search"])?;
        let found: SearchResponse = self
            .client
            .fetch(
                call.query("path", path)
                    .query("pattern", pattern)
                    .limit(ANSWER_LIMIT),
            )
            .await?;
        Ok(found.files)
    }

    /// Replaces a text in files, literally and everywhere.
    ///
    /// # Errors
    /// As every call; what became of each file is in the answer.
    pub async fn replace_in_files(&self, request: ReplaceRequest) -> Result<Vec<ReplaceResult>, Error> {
        self.client
            .fetch(self.call(Method::POST, &["files", "replace"])?.json(&request)?)
            .await
    }
}
