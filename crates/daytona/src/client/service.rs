//! What the service says about itself.

use super::{Client, Error};
use crate::{Health, ServiceConfig};
use http::Method;
use std::time::Duration;

/// A service that is well answers at once.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Client {
    /// Whether the service is up. Servers that answer without content are well.
    ///
    /// # Errors
    /// When it is not, or not reached within 5 s.
    pub async fn health(&self) -> Result<Health, Error> {
        let call = self.call(Method::GET, &["health"])?.timeout(Some(TIMEOUT));
        let reply = self.exchange(&call).await?;
        Ok(serde_json::from_slice(&reply.body).unwrap_or_else(|_| Health {
            status: "ok".to_owned(),
            ..Health::default()
        }))
    }

    /// The service's settings, as far as it shows them.
    ///
    /// # Errors
    /// As every call.
    pub async fn service_config(&self) -> Result<ServiceConfig, Error> {
        self.fetch(self.call(Method::GET, &["config"])?).await
    }
}
