//! Ports of a sandbox, as browsers reach them: at another origin than ours, by
//! an address that says itself who may.

use crate::{Runs, RunsError};
use model::{Invalid, SandboxName, SandboxPort};
use std::time::Duration;

/// The longest that an address of a port is good, in seconds (a day).
const LONGEST_PREVIEW_SECONDS: u32 = 86_400;

impl Runs {
    /// An address of a port of a sandbox, good for so many seconds.
    ///
    /// # Errors
    /// When there is no such sandbox, or the time is none an address can be good for.
    pub async fn preview_port(
        &self,
        name: &SandboxName,
        port: u16,
        seconds: u32,
    ) -> Result<SandboxPort, RunsError> {
        if !(1..=LONGEST_PREVIEW_SECONDS).contains(&seconds) {
            return Err(Invalid(format!(
                "An address of a port is good for 1 to {LONGEST_PREVIEW_SECONDS} seconds, not {seconds}."
            ))
            .into());
        }
        let sandbox = self.provided(name).await?;
        let time = Duration::from_secs(u64::from(seconds));
        let signed = self
            .context
            .client
            .signed_preview(&sandbox.id, port, Some(time))
            .await;
        let signed = signed.map_err(|error| self.told(error))?;
        Ok(SandboxPort {
            port,
            url: signed.url,
        })
    }
}
