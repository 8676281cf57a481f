//! `/git/config`: settings of one repository or of all.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use daytona::{GitConfigValue, GitSetConfig, GitUser};

use super::command::Git;
use super::repository;
use super::words::{line, word};
use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::registry::Live;

#[derive(serde::Deserialize)]
pub(super) struct ReadQuery {
    #[serde(default)]
    key: String,
    scope: Option<String>,
    path: Option<String>,
}

pub(super) async fn read(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<ReadQuery>,
) -> Result<Answer<GitConfigValue>, Fault> {
    let (scope, folder) = place(&live, query.scope.as_deref(), query.path.as_deref()).await?;
    let key = key(&query.key)?;
    let value = value(&live, &folder, scope, key).await?;
    Ok(Answer(GitConfigValue { value }))
}

pub(super) async fn write(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitSetConfig>,
) -> Result<StatusCode, Fault> {
    let (scope, folder) = place(&live, request.scope.as_deref(), request.path.as_deref()).await?;
    set(&live, &folder, scope, key(&request.key)?, &request.value).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn user(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitUser>,
) -> Result<StatusCode, Fault> {
    let (scope, folder) = place(&live, request.scope.as_deref(), request.path.as_deref()).await?;
    let (name, email) = (line("name", &request.name)?, line("email", &request.email)?);
    set(&live, &folder, scope, "user.name", name).await?;
    set(&live, &folder, scope, "user.email", email).await?;
    Ok(StatusCode::OK)
}

/// The option of a scope, and the folder where it means what it says.
async fn place(
    live: &Arc<Live>,
    scope: Option<&str>,
    path: Option<&str>,
) -> Result<(&'static str, String), Fault> {
    let home = || live.sandbox.home().to_owned();
    match scope.filter(|scope| !scope.is_empty()).unwrap_or("global") {
        "global" => Ok(("--global", home())),
        "system" => Ok(("--system", home())),
        "local" => {
            let path = path
                .filter(|path| !path.is_empty())
                .ok_or_else(|| Fault::bad_request("local config scope requires a repository path"))?;
            let folder = repository(live, path).await?;
            // Without a repository, git would say that a file is missing.
            super::branches::current(live, &folder).await?;
            Ok(("--local", folder))
        }
        other => Err(Fault::bad_request(format!(
            "unsupported config scope {other:?} (supported: global, local, system)"
        ))),
    }
}

fn key(key: &str) -> Result<&str, Fault> {
    let key = word("key", key)?;
    let has_parts = key
        .split_once('.')
        .is_some_and(|(section, rest)| !section.is_empty() && !rest.ends_with('.') && !rest.is_empty());
    if has_parts {
        return Ok(key);
    }
    Err(Fault::bad_request(format!(
        "invalid config key {key:?} (expected section.name or section.subsection.name)"
    )))
}

/// A setting as it is now; with an empty scope, as git itself would use it.
pub(super) async fn value(
    live: &Arc<Live>,
    folder: &str,
    scope: &str,
    key: &str,
) -> Result<Option<String>, Fault> {
    let outcome = Git::new(live, folder, &["config", "--null"])
        .when(!scope.is_empty(), scope)
        .argument("--get")
        .argument(key)
        .outcome()
        .await?;
    // So it says that it is not set.
    if outcome.exit_code == 1 && outcome.messages.is_empty() {
        return Ok(None);
    }
    let printed = outcome.success()?;
    let value = printed.strip_suffix(b"\0").unwrap_or(&printed);
    Ok(Some(String::from_utf8_lossy(value).into_owned()))
}

/// Sets a setting. Git reads no options after the key.
pub(super) async fn set(
    live: &Arc<Live>,
    folder: &str,
    scope: &str,
    key: &str,
    value: &str,
) -> Result<(), Fault> {
    if value.contains('\0') || value.len() > 64 << 10 {
        return Err(Fault::bad_request(
            "This value cannot be set: it holds NUL, or is too long.",
        ));
    }
    Git::new(live, folder, &["config", scope, "--replace-all", key, value])
        .run()
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_section_and_a_name() {
        for good in ["user.name", "remote.origin.url", "url.https://h/.insteadOf"] {
            assert_eq!(key(good).unwrap(), good);
        }
        for bad in ["", "x", ".x", "x.", "-x.y", "a\n.b"] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }
}
