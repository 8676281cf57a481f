//! Ways into a sandbox from outside: its ports, its files, SSH.

use super::{Client, Error};
use crate::{PortPreview, Sandbox, SignedPortPreview, SshAccess, SshAccessValidation};
use http::Method;
use std::time::Duration;

impl Client {
    /// The address of a port, and the token that has to come with each request
    /// unless the sandbox is public.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn preview(&self, id_or_name: &str, port: u16) -> Result<PortPreview, Error> {
        let port = port.to_string();
        self.fetch(self.call(
            Method::GET,
            &["sandbox", id_or_name, "ports", &port, "preview-url"],
        )?)
        .await
    }

    /// An address of a port that needs nothing else, for a time of at most a
    /// day; the provider's own (60 s) when not given.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn signed_preview(
        &self,
        id_or_name: &str,
        port: u16,
        valid_for: Option<Duration>,
    ) -> Result<SignedPortPreview, Error> {
        let port = port.to_string();
        let path = ["sandbox", id_or_name, "ports", &port, "signed-preview-url"];
        let mut call = self.call(Method::GET, &path)?;
        if let Some(time) = valid_for {
            call = call.query("expiresInSeconds", &time.as_secs().to_string());
        }
        self.fetch(call).await
    }

    /// Ends a signed address before its time.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn expire_signed_preview(&self, id_or_name: &str, port: u16, token: &str) -> Result<(), Error> {
        let port = port.to_string();
        let path = [
            "sandbox",
            id_or_name,
            "ports",
            &port,
            "signed-preview-url",
            token,
            "expire",
        ];
        self.perform(self.call(Method::POST, &path)?).await
    }

    /// The key that addresses of files are signed with; see
    /// [`crate::Toolbox::download_url`].
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn signing_key(&self, id: &str) -> Result<String, Error> {
        self.fetch(self.call(Method::GET, &["sandbox", id, "signing-key"])?)
            .await
    }

    /// Makes a new such key; addresses signed before end with it.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn rotate_signing_key(&self, id: &str) -> Result<String, Error> {
        self.fetch(self.call(Method::POST, &["sandbox", id, "signing-key", "rotate"])?)
            .await
    }

    /// Lets somebody in by SSH, for the provider's own time (60 min) when none
    /// is given. Whoever was let in before is not any more.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn create_ssh_access(
        &self,
        id_or_name: &str,
        valid_for: Option<Duration>,
    ) -> Result<SshAccess, Error> {
        let mut call = self.call(Method::POST, &["sandbox", id_or_name, "ssh-access"])?;
        if let Some(time) = valid_for {
            let minutes = time.as_secs().div_ceil(60);
            call = call.query("expiresInMinutes", &minutes.to_string());
        }
        self.fetch(call).await
    }

    /// Ends one access by SSH, or all.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn revoke_ssh_access(&self, id_or_name: &str, token: Option<&str>) -> Result<Sandbox, Error> {
        let mut call = self.call(Method::DELETE, &["sandbox", id_or_name, "ssh-access"])?;
        if let Some(token) = token {
            call = call.query("token", token);
        }
        self.fetch(call).await
    }

    /// Whether a token lets in by SSH, and where.
    ///
    /// # Errors
    /// As every call.
    pub async fn validate_ssh_access(&self, token: &str) -> Result<SshAccessValidation, Error> {
        let call = self.call(Method::GET, &["sandbox", "ssh-access", "validate"])?;
        self.fetch(call.query("token", token)).await
    }
}
