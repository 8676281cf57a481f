//! Changes to files that move no content: folders, removal, permissions.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::codes;

use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{FileKind, USER};

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
    // A link to a folder is a link: what it leads to stays.
    let kind = live.sandbox.stat_link(&path).await?.kind;
    if kind == FileKind::Folder && !query.recursive {
        return Err(
            Fault::bad_request("cannot delete directory without recursive flag")
                .code(codes::INVALID_FILE_PATH),
        );
    }
    live.sandbox.remove(&path, query.recursive).await?;
    Ok(StatusCode::NO_CONTENT)
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
