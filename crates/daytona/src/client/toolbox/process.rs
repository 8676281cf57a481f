//! One-off processes.

use super::Toolbox;
use crate::client::Error;
use crate::{CodeRunRequest, CodeRunResponse, ExecuteRequest, ExecuteResponse};
use http::Method;
use std::time::Duration;

/// How much longer than the process its call may take.
const MARGIN: Duration = Duration::from_secs(15);
/// The largest output that is taken; the answer holds it whole.
const OUTPUT_LIMIT: usize = 64 * 1024 * 1024;

impl Toolbox {
    /// Runs a command to its end. Its exit code is part of the answer; a
    /// command that fails is not an error of the call.
    ///
    /// # Errors
    /// 408 when its time was over, see [`Error::is_execution_timeout`].
    pub async fn execute(&self, request: ExecuteRequest) -> Result<ExecuteResponse, Error> {
        let call = self.call(Method::POST, &["process", "execute"])?.json(&request)?;
        self.client
            .fetch(call.timeout(patience(request.timeout)).limit(OUTPUT_LIMIT))
            .await
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// 400 for an unknown language, 408 when its time was over.
    pub async fn code_run(&self, request: CodeRunRequest) -> Result<CodeRunResponse, Error> {
        let call = self
            .call(Method::POST, &["process", "code-run"])?
            .json(&request)?;
        self.client
            .fetch(call.timeout(patience(request.timeout)).limit(OUTPUT_LIMIT))
            .await
    }
}

/// How long to wait for a process that is killed after `seconds`; one without
/// a limit is waited for until the caller gives up.
fn patience(seconds: Option<u64>) -> Option<Duration> {
    seconds
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(seconds).saturating_add(MARGIN))
}
