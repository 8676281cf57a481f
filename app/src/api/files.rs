//! The files of an agent.

use crate::UiError;
use leptos::prelude::*;
use model::{AgentId, FileContent, FileEntry, FilePath, SaveOutcome};
use server_fn::codec::Json;

/// An agent's files as they are saved now.
#[server(prefix = "/fn", endpoint = "list_files", input = Json)]
pub async fn list_files(agent: AgentId) -> Result<Vec<FileEntry>, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?.store.list_files(&agent).await?)
}

/// A file with its text.
#[server(prefix = "/fn", endpoint = "read_file", input = Json)]
pub async fn read_file(agent: AgentId, path: FilePath) -> Result<FileContent, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?
        .store
        .read_file(&agent, &path)
        .await?)
}

/// Saves a file. `base` is the version it is based on; none when it is new.
#[server(prefix = "/fn", endpoint = "save_file", input = Json)]
pub async fn save_file(
    agent: AgentId,
    path: FilePath,
    text: String,
    base: Option<i64>,
) -> Result<SaveOutcome, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    super::words::save(&agent, &path, text.as_bytes(), base).await
}

/// Saves a file of any bytes, given in base64: what was dropped onto the tree.
#[server(prefix = "/fn", endpoint = "upload_file", input = Json)]
pub async fn upload_file(
    agent: AgentId,
    path: FilePath,
    base64: String,
    base: Option<i64>,
) -> Result<SaveOutcome, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let bytes = super::words::from_base64(&base64)?;
    super::words::save(&agent, &path, &bytes, base).await
}

/// Renames or moves a file.
#[server(prefix = "/fn", endpoint = "rename_file", input = Json)]
pub async fn rename_file(agent: AgentId, from: FilePath, to: FilePath) -> Result<FileEntry, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let services = crate::services::services()?;
    let entry = services.store.rename_file(&agent, &from, &to).await?;
    services.runs.files_changed(&agent);
    Ok(entry)
}

/// Deletes a file, and answers with its bytes in base64 so that it can be put back.
#[server(prefix = "/fn", endpoint = "delete_file", input = Json)]
pub async fn delete_file(agent: AgentId, path: FilePath, version: i64) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Edit).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let services = crate::services::services()?;
    let bytes = services.store.file_bytes(&agent, &path).await?;
    services.store.delete_file(&agent, &path, Some(version)).await?;
    services.runs.files_changed(&agent);
    Ok(super::words::to_base64(&bytes))
}

/// A file's bytes in base64, to download.
#[server(prefix = "/fn", endpoint = "file_bytes", input = Json)]
pub async fn file_bytes(agent: AgentId, path: FilePath) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let bytes = crate::services::services()?
        .store
        .file_bytes(&agent, &path)
        .await?;
    Ok(super::words::to_base64(&bytes))
}
