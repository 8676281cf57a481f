//! `POST /git/credentials`: from now on git signs in by itself, also when a
//! program in the sandbox runs it.
//!
//! Daytona writes the password into a file of the home folder. Here git's own
//! cache keeps it, a process in the sandbox, until the sandbox stops: a home
//! folder outlives its sandbox, and is copied into snapshots.

use std::sync::Arc;

use axum::Extension;
use axum::http::StatusCode;
use daytona::GitCredentials;

use super::command::Git;
use super::config;
use super::credentials::Credentials;
use super::words::word;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

/// For as long as any sandbox lives.
const HELPER: &str = "cache --timeout=315360000";

pub(super) async fn authenticate(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<GitCredentials>,
) -> Result<StatusCode, Fault> {
    let username = word("username", &request.username)?;
    if request.password.is_empty() {
        return Err(Fault::bad_request("password is required"));
    }
    let Credentials { username, password } = Credentials::new(username, &request.password)?;
    let given = |value: &Option<String>, usual: &str| {
        let value = value.clone().filter(|value| !value.is_empty());
        value.unwrap_or_else(|| usual.to_owned())
    };
    let host = given(&request.host, "github.com");
    let protocol = given(&request.protocol, "https");
    let place = format!(
        "protocol={}\nhost={}\n",
        word("protocol", &protocol)?,
        word("host", &host)?
    );

    let home = live.sandbox.home().to_owned();
    config::set(&live, &home, "--global", "credential.helper", HELPER).await?;
    Git::new(&live, &home, &["credential", "approve"])
        .input(format!("{place}username={username}\npassword={password}\n\n"))
        .run()
        .await?;
    // Git does not say whether its helper kept it, so it is asked for.
    let kept = Git::new(&live, &home, &["credential", "fill"])
        .input(format!("{place}username={username}\n\n"))
        .outcome()
        .await?;
    let expected = format!("password={password}");
    let printed = kept.success().unwrap_or_default();
    if String::from_utf8_lossy(&printed)
        .lines()
        .any(|line| line == expected)
    {
        return Ok(StatusCode::OK);
    }
    Err(Fault::internal(
        "git's cache for passwords does not run in this sandbox. Give the user name and password with each call instead.",
    ))
}
