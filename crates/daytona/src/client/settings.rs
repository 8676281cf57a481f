//! What is set of a sandbox while it lives.

use super::{Client, Error};
use crate::{LastActivity, NetworkSettings, Sandbox, SandboxLabels, SandboxSecrets};
use http::Method;
use std::collections::BTreeMap;

impl Client {
    /// Replaces a sandbox's labels.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_labels(&self, id_or_name: &str, labels: BTreeMap<String, String>) -> Result<(), Error> {
        let call = self.call(Method::PUT, &["sandbox", id_or_name, "labels"])?;
        self.perform(call.json(&SandboxLabels { labels })?).await
    }

    /// Sets after how many minutes without activity it stops; 0 never.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_auto_stop(&self, id_or_name: &str, minutes: u32) -> Result<(), Error> {
        self.set(id_or_name, "autostop", &minutes.to_string()).await
    }

    /// Sets after how many minutes without activity it pauses; 0 never.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_auto_pause(&self, id_or_name: &str, minutes: u32) -> Result<(), Error> {
        self.set(id_or_name, "autopause", &minutes.to_string()).await
    }

    /// Sets after how many minutes stopped it is archived; 0 for the longest there is.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_auto_archive(&self, id_or_name: &str, minutes: u32) -> Result<(), Error> {
        self.set(id_or_name, "autoarchive", &minutes.to_string()).await
    }

    /// Sets after how many minutes stopped it is deleted; 0 at once, none never.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_auto_delete(&self, id_or_name: &str, minutes: Option<u32>) -> Result<(), Error> {
        let minutes = minutes.map_or("-1".to_owned(), |minutes| minutes.to_string());
        self.set(id_or_name, "autodelete", &minutes).await
    }

    /// Sets after how many minutes it is deleted in any case; 0 never.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_time_to_live(&self, id_or_name: &str, minutes: u32) -> Result<(), Error> {
        self.set(id_or_name, "ttl", &minutes.to_string()).await
    }

    /// Sets whether its previews need no token.
    ///
    /// # Errors
    /// As every call.
    pub async fn set_public(&self, id_or_name: &str, public: bool) -> Result<(), Error> {
        self.set(id_or_name, "public", if public { "true" } else { "false" })
            .await
    }

    /// Sets what it may reach.
    ///
    /// # Errors
    /// 400 for a list that cannot be read, or when nothing is given.
    pub async fn set_network(&self, id_or_name: &str, settings: &NetworkSettings) -> Result<Sandbox, Error> {
        let call = self.call(Method::POST, &["sandbox", id_or_name, "network-settings"])?;
        self.fetch(call.json(settings)?).await
    }

    /// Replaces the secrets it may use: variables' names and the secrets'.
    ///
    /// # Errors
    /// 400 or 404 for a secret there is not.
    pub async fn set_secrets(
        &self,
        id_or_name: &str,
        secrets: BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let secrets = secrets.into_iter().map(|pair| BTreeMap::from([pair])).collect();
        let call = self.call(Method::PUT, &["sandbox", id_or_name, "secrets"])?;
        self.perform(call.json(&SandboxSecrets { secrets })?).await
    }

    /// Tells the provider that the sandbox is in use, which puts off its
    /// automatic stop.
    ///
    /// # Errors
    /// As every call.
    pub async fn refresh_activity(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::POST, &["sandbox", id, "last-activity"])?)
            .await
    }

    /// The same, saying by what.
    ///
    /// # Errors
    /// As every call.
    pub async fn refresh_activity_by(&self, id: &str, activity: &str) -> Result<(), Error> {
        let activity_type = Some(activity.to_owned());
        let call = self.call(Method::POST, &["sandbox", id, "last-activity"])?;
        self.perform(call.json(&LastActivity { activity_type })?).await
    }

    async fn set(&self, id_or_name: &str, what: &str, value: &str) -> Result<(), Error> {
        self.perform(self.call(Method::POST, &["sandbox", id_or_name, what, value])?)
            .await
    }
}
