//! Changes to files that move no content: folders, removal, renaming, permissions.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::codes;

use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{FileFault, FileKind, USER};

fn octal(mode: &str) -> Result<u32, Fault> {
    u32::from_str_radix(mode, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| Fault::bad_request(format!("The mode {mode:?} is not an octal number such as 755.")))
}

#[derive(serde::Deserialize)]
pub(super) struct FolderQuery {
    path: String,
    mode: Option<String>,
}

pub(super) async fn folder(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<FolderQuery>,
) -> Result<StatusCode, Fault> {
    let mode = octal(
        query
            .mode
            .as_deref()
            .filter(|mode| !mode.is_empty())
            .unwrap_or("755"),
    )?;
    live.sandbox
        .create_folder(&live.resolve(&query.path), mode)
        .await?;
    Ok(StatusCode::CREATED)
}

#[derive(serde::Deserialize)]
pub(super) struct DeleteQuery {
    path: String,
    #[serde(default)]
    recursive: bool,
}

pub(super) async fn delete(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Fault> {
    let path = live.resolve(&query.path);
    // A link whose target is gone can be removed, so "not found" is not the end here.
    let stat = live.sandbox.stat(&path).await;
    if stat.is_ok_and(|stat| stat.kind == FileKind::Folder)
        && !query.recursive
        && !is_link(&live, &path).await
    {
        return Err(
            Fault::bad_request("cannot delete directory without recursive flag")
                .code(codes::INVALID_FILE_PATH),
        );
    }
    live.sandbox.remove(&path, query.recursive).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the last part of the path is a link; told by its folder's listing.
async fn is_link(live: &Live, path: &str) -> bool {
    let Some((folder, name)) = path.trim_end_matches('/').rsplit_once('/') else {
        return false;
    };
    let folder = if folder.is_empty() { "/" } else { folder };
    let entries = live.sandbox.list(folder).await.unwrap_or_default();
    entries
        .iter()
        .any(|entry| entry.name == name && entry.stat.kind == FileKind::Link)
}

#[derive(serde::Deserialize)]
pub(super) struct MoveQuery {
    source: String,
    destination: String,
}

pub(super) async fn rename(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<MoveQuery>,
) -> Result<StatusCode, Fault> {
    let (source, destination) = (live.resolve(&query.source), live.resolve(&query.destination));
    match live.sandbox.stat(&destination).await {
        Ok(_) => {
            return Err(Fault::conflict(format!(
                "destination already exists: {destination}"
            )));
        }
        Err(error) if error.fault() == Some(FileFault::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    live.sandbox.rename(&source, &destination).await?;
    Ok(StatusCode::OK)
}

#[derive(serde::Deserialize)]
pub(super) struct PermissionsQuery {
    path: String,
    mode: Option<String>,
    owner: Option<String>,
    group: Option<String>,
}

pub(super) async fn permissions(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<PermissionsQuery>,
) -> Result<StatusCode, Fault> {
    let path = live.resolve(&query.path);
    let stat = live.sandbox.stat(&path).await?;
    for (asked, number) in [(&query.owner, stat.uid), (&query.group, stat.gid)] {
        let asked = asked.as_deref().unwrap_or("");
        // There is one user inside, so nothing can be given to another.
        if !(asked.is_empty() || asked == USER || asked == number.to_string()) {
            return Err(Fault::new(
                StatusCode::FORBIDDEN,
                format!("{path} cannot be given to {asked}: the only user of the sandbox is {USER}."),
            )
            .code(codes::FILE_ACCESS_DENIED));
        }
    }
    if let Some(mode) = query.mode.filter(|mode| !mode.is_empty()) {
        live.sandbox.set_permissions(&path, octal(&mode)?).await?;
    }
    Ok(StatusCode::OK)
}
