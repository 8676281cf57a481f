//! `POST /files/move`: another name, or another place.
//!
//! Inside a sandbox, the home folder and `/tmp` are file systems of their own.
//! Between them a move is a copy; the sandbox's own `cp` makes it.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::http::StatusCode;
use daytona::codes;

use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::FileFault;
use crate::toolbox::log_json;
use crate::toolbox::process::{Program, run};

/// How long a copy to another file system may take.
const COPY_TIME: Duration = Duration::from_secs(1800);
/// Bytes of what `cp` says that are passed on.
const SHOWN: usize = 1000;

#[derive(serde::Deserialize)]
pub(super) struct MoveQuery {
    source: String,
    destination: String,
}

pub(super) async fn rename(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<MoveQuery>,
) -> Result<StatusCode, Fault> {
    if query.source.is_empty() || query.destination.is_empty() {
        return Err(Fault::bad_request("source and destination are required"));
    }
    let (source, destination) = (live.resolve(&query.source), live.resolve(&query.destination));
    // Says which of the two is missing.
    live.sandbox.stat_link(&source).await?;
    let moved = live.sandbox.rename(&source, &destination).await;
    let Err(error) = moved else {
        return Ok(StatusCode::OK);
    };
    match error.fault() {
        Some(FileFault::Exists | FileFault::NotEmpty) => Err(taken(&destination)),
        Some(FileFault::OtherFileSystem) => copy(&live, &source, &destination).await,
        Some(FileFault::NotFound) => Err(Fault::not_found(format!(
            "{destination}: the directory it is to be in does not exist"
        ))
        .code(codes::FILE_NOT_FOUND)),
        _ => Err(error.into()),
    }
}

fn taken(destination: &str) -> Fault {
    Fault::conflict(format!("destination already exists: {destination}"))
}

/// Copies to a name of its own, takes the destination's name when all is there,
/// and removes the source last: whatever fails, one of the two is whole.
async fn copy(live: &Arc<Live>, source: &str, destination: &str) -> Result<StatusCode, Fault> {
    let (folder, _) = destination
        .trim_end_matches('/')
        .rsplit_once('/')
        .unwrap_or_default();
    let half = format!("{folder}/.moving-{}", uuid::Uuid::new_v4().simple());
    let mut environment = live.environment();
    environment.push(("LC_ALL".to_owned(), "C".to_owned()));
    let program = Program {
        argv: [
            "cp",
            "--archive",
            "--no-target-directory",
            "--",
            source,
            half.as_str(),
        ]
        .map(str::to_owned)
        .to_vec(),
        env: environment,
        cwd: live.sandbox.home().to_owned(),
        input: Vec::new(),
        limit: Some(COPY_TIME),
    };
    let running = Arc::clone(live);
    // A client that leaves must not leave a copy without its time limit.
    let copied = tokio::spawn(async move { run(&running, program).await })
        .await
        .map_err(|error| Fault::internal(format!("The move was lost: {error}.")))?;
    let named = match copied {
        Ok(finished) if finished.exit_code == 0 => match live.sandbox.rename(&half, destination).await {
            Ok(()) => Ok(()),
            Err(error) if error.fault() == Some(FileFault::Exists) => Err(taken(destination)),
            Err(error) => Err(error.into()),
        },
        Ok(finished) => Err(failed(source, &log_json::text(&finished.spool, SHOWN))),
        Err(fault) => Err(fault.into()),
    };
    if let Err(fault) = named {
        if let Err(error) = live.sandbox.remove(&half, true).await {
            tracing::debug!(%error, "half a copy could not be removed");
        }
        return Err(fault);
    }
    live.sandbox.remove(source, true).await?;
    Ok(StatusCode::OK)
}

fn failed(source: &str, said: &str) -> Fault {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let message = format!("{source} could not be moved: {}", said.trim());
    if says(&["No space left", "quota exceeded"]) {
        Fault::new(StatusCode::INSUFFICIENT_STORAGE, message)
    } else if says(&["Read-only file system", "Permission denied", "not permitted"]) {
        Fault::new(StatusCode::FORBIDDEN, message).code(codes::FILE_ACCESS_DENIED)
    } else {
        Fault::bad_request(message)
    }
}
