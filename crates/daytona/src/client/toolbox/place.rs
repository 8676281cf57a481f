//! The sandbox as a whole: where programs run, what they use, their
//! environment, and the ports they listen on.

use super::Toolbox;
use crate::client::Error;
use crate::{Directory, PortInUse, PortList, SystemMetrics, ToolboxVersion, UpdateEnv};
use http::Method;

impl Toolbox {
    /// The directory that relative paths start from.
    ///
    /// # Errors
    /// As every call.
    pub async fn work_dir(&self) -> Result<String, Error> {
        let answer: Directory = self.client.fetch(self.call(Method::GET, &["work-dir"])?).await?;
        Ok(answer.dir)
    }

    /// The home directory of the sandbox's user.
    ///
    /// # Errors
    /// As every call.
    pub async fn home_dir(&self) -> Result<String, Error> {
        let call = self.call(Method::GET, &["user-home-dir"])?;
        let answer: Directory = self.client.fetch(call).await?;
        Ok(answer.dir)
    }

    /// The toolbox's own version.
    ///
    /// # Errors
    /// As every call.
    pub async fn version(&self) -> Result<String, Error> {
        let answer: ToolboxVersion = self.client.fetch(self.call(Method::GET, &["version"])?).await?;
        Ok(answer.version)
    }

    /// What the sandbox uses now.
    ///
    /// # Errors
    /// As every call.
    pub async fn metrics(&self) -> Result<SystemMetrics, Error> {
        self.client
            .fetch(self.call(Method::GET, &["system", "metrics"])?)
            .await
    }

    /// Changes the environment of programs started from now on.
    ///
    /// # Errors
    /// 400 for names that cannot be.
    pub async fn update_env(&self, change: &UpdateEnv) -> Result<(), Error> {
        self.client
            .perform(self.call(Method::POST, &["env"])?.json(change)?)
            .await
    }

    /// The TCP ports that programs in the sandbox listen on.
    ///
    /// # Errors
    /// As every call.
    pub async fn ports(&self) -> Result<Vec<u16>, Error> {
        let answer: PortList = self.client.fetch(self.call(Method::GET, &["port"])?).await?;
        Ok(answer.ports)
    }

    /// Whether a program in the sandbox listens on a port.
    ///
    /// # Errors
    /// 400 for a port outside of 3000 to 9999.
    pub async fn is_port_in_use(&self, port: u16) -> Result<bool, Error> {
        let port = port.to_string();
        let call = self.call(Method::GET, &["port", &port, "in-use"])?;
        let answer: PortInUse = self.client.fetch(call).await?;
        Ok(answer.is_in_use)
    }

    /// The address at which a port of the sandbox answers, for those who send
    /// the key with each request; others use [`crate::Client::preview`].
    ///
    /// # Errors
    /// Never for an address that this toolbox was made with.
    pub fn proxy_url(&self, port: u16) -> Result<String, Error> {
        let port = port.to_string();
        let call = self.call(Method::GET, &["proxy", &port])?.folder();
        Ok(call.url().to_string())
    }
}
