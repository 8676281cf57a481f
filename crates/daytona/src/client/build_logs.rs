//! The words of a build, while it goes on.

use super::transport::network_error;
use super::{Client, Error, call::Call};
use crate::Address;
use bytes::Bytes;
use http::Method;
use reqwest::Response;
use std::time::Duration;

/// How long a build may be silent; the network is told to be dead after it.
const SILENCE: Duration = Duration::from_secs(1800);

/// A build's log as it comes. Dropping it closes the connection.
#[derive(Debug)]
pub struct BuildLogs {
    call: Call,
    response: Response,
}

impl BuildLogs {
    /// The next piece; none at the end of the build. A piece may end within a
    /// line, and within a character.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        tokio::time::timeout(SILENCE, self.response.chunk())
            .await
            .map_err(|_| Error::TimedOut {
                call: self.call.label.clone(),
                after: SILENCE,
            })?
            .map_err(|error| network_error(&self.call, &error))
    }

    /// All of it, as text.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn text(mut self) -> Result<String, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(String::from_utf8_lossy(&whole).into_owned())
    }
}

impl Client {
    /// Follows the build of a sandbox that is made from an image.
    ///
    /// # Errors
    /// 404 when there is no such sandbox, or no build.
    pub async fn sandbox_build_logs(&self, id_or_name: &str) -> Result<BuildLogs, Error> {
        self.build_logs(self.call(Method::GET, &["sandbox", id_or_name, "build-logs-url"])?)
            .await
    }

    /// Follows the build of a snapshot.
    ///
    /// # Errors
    /// 404 when there is no such snapshot, or no build.
    pub async fn snapshot_build_logs(&self, id: &str) -> Result<BuildLogs, Error> {
        self.build_logs(self.call(Method::GET, &["snapshots", id, "build-logs-url"])?)
            .await
    }

    async fn build_logs(&self, question: Call) -> Result<BuildLogs, Error> {
        let address: Address = self.fetch(question).await?;
        let call = Call::at(Method::GET, &address.url)?.query("follow", "true");
        let response = self.stream(&call).await?;
        Ok(BuildLogs { call, response })
    }
}
