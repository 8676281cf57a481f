//! `POST /process/execute`: one shell text, its output in one piece.
//!
//! As Daytona's daemon does it: the text goes to the standard input of a shell
//! that is neither a login nor an interactive one, and a command that fails is
//! a success of the call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::response::Response;
use daytona::ExecuteRequest;

use super::run::RunFault;
use super::{Program, run};
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::SandboxError;
use crate::toolbox::log_json::{self, Field};

pub(in crate::toolbox) async fn execute(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<ExecuteRequest>,
) -> Result<Response, Fault> {
    if request.command.trim().is_empty() {
        return Err(Fault::bad_request("The command is empty."));
    }
    let program = Program {
        argv: vec![live.shell().to_owned()],
        env: environment(&live, request.envs.as_ref())?,
        cwd: live.resolve(request.cwd.as_deref().unwrap_or("")),
        input: request.command.into_bytes(),
        limit: limit(request.timeout),
    };
    finish(run(&live, program).await, None)
}

/// The answer of both calls that run a program to its end.
pub(super) fn finish(
    outcome: Result<super::Finished, RunFault>,
    artifacts: Option<serde_json::Value>,
) -> Result<Response, Fault> {
    match outcome {
        Ok(finished) => {
            let exit_code = Field::Value("exitCode", finished.exit_code.into());
            let artifacts = artifacts.map(|found| Field::Value("artifacts", found));
            let fields = [exit_code, Field::Merged("result")].into_iter().chain(artifacts);
            Ok(log_json::respond(&finished.spool, fields.collect()))
        }
        // Daytona answers a program that cannot be started as one that failed.
        Err(RunFault::Start(SandboxError::Spawn(reason))) => Ok(axum::response::IntoResponse::into_response(
            axum::Json(daytona::ExecuteResponse {
                exit_code: -1,
                result: reason,
            }),
        )),
        Err(fault) => Err(fault.into()),
    }
}

/// No limit when none or zero was asked for.
pub(super) fn limit(seconds: Option<u64>) -> Option<Duration> {
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// The sandbox's environment with the request's variables over it.
pub(in crate::toolbox) fn environment(
    live: &Live,
    own: Option<&BTreeMap<String, String>>,
) -> Result<Vec<(String, String)>, Fault> {
    let mut all: BTreeMap<String, String> = live.environment().into_iter().collect();
    for (name, value) in own.into_iter().flatten() {
        let mut letters = name.chars();
        let valid = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !value.contains('\0');
        if !valid {
            return Err(Fault::bad_request(format!(
                "The environment variable {name:?} cannot be set: names are letters, digits and underscores, and values have no NUL."
            )));
        }
        all.insert(name.clone(), value.clone());
    }
    Ok(all.into_iter().collect())
}
