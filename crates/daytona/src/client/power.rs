//! Sandboxes brought from one state into another.

use super::{Client, Error};
use crate::{CreateSandboxSnapshot, ForkSandbox, ResizeSandbox, Sandbox};
use http::Method;

impl Client {
    /// Starts a stopped sandbox.
    ///
    /// # Errors
    /// 409 in the middle of a change of state.
    pub async fn start(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.change(id_or_name, "start").await
    }

    /// Stops a sandbox; an ephemeral one is destroyed by it.
    ///
    /// # Errors
    /// 400 when it is not in a state that can be stopped.
    pub async fn stop(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.stop_with(id_or_name, false).await
    }

    /// The same without time for its processes to end by themselves.
    ///
    /// # Errors
    /// As of [`Client::stop`].
    pub async fn force_stop(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.stop_with(id_or_name, true).await
    }

    async fn stop_with(&self, id_or_name: &str, force: bool) -> Result<Sandbox, Error> {
        let call = self.call(Method::POST, &["sandbox", id_or_name, "stop"])?;
        self.fetch(call.query("force", if force { "true" } else { "false" }))
            .await
    }

    /// Holds a sandbox of a virtual machine as it is.
    ///
    /// # Errors
    /// 422 for a container.
    pub async fn pause(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.change(id_or_name, "pause").await
    }

    /// Puts a stopped sandbox away, from where starting it takes longer.
    ///
    /// # Errors
    /// 400 when it is not stopped, or ephemeral.
    pub async fn archive(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.change(id_or_name, "archive").await
    }

    /// Brings a sandbox back from an error it can be brought back from; with
    /// `skip_start` it stays stopped.
    ///
    /// # Errors
    /// 400 when it has none.
    pub async fn recover(&self, id_or_name: &str, skip_start: bool) -> Result<Sandbox, Error> {
        let mut call = self.call(Method::POST, &["sandbox", id_or_name, "recover"])?;
        if skip_start {
            call = call.query("skipStart", "true");
        }
        self.fetch(call).await
    }

    /// Gives a sandbox more of what it may use; disk only while it is stopped.
    ///
    /// # Errors
    /// 400 for what cannot shrink or grow now.
    pub async fn resize(&self, id_or_name: &str, size: &ResizeSandbox) -> Result<Sandbox, Error> {
        let call = self.call(Method::POST, &["sandbox", id_or_name, "resize"])?;
        self.fetch(call.json(size)?).await
    }

    /// Makes a second sandbox as this one is now.
    ///
    /// # Errors
    /// 409 when the name is taken, 422 where that is not possible.
    pub async fn fork(&self, id_or_name: &str, name: Option<&str>) -> Result<Sandbox, Error> {
        let call = self.call(Method::POST, &["sandbox", id_or_name, "fork"])?;
        let name = name.map(str::to_owned);
        self.fetch(call.json(&ForkSandbox { name })?).await
    }

    /// The sandboxes that were forked from this one.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn forks(&self, id_or_name: &str, include_destroyed: bool) -> Result<Vec<Sandbox>, Error> {
        let mut call = self.call(Method::GET, &["sandbox", id_or_name, "forks"])?;
        if include_destroyed {
            call = call.query("includeDestroyed", "true");
        }
        self.fetch(call).await
    }

    /// The sandbox this one was forked from.
    ///
    /// # Errors
    /// 404 when it was not forked.
    pub async fn fork_parent(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.fetch(self.call(Method::GET, &["sandbox", id_or_name, "parent"])?)
            .await
    }

    /// The sandbox this one was forked from, the one that was forked from, and so on.
    ///
    /// # Errors
    /// 404 when there is no such sandbox.
    pub async fn fork_ancestors(&self, id_or_name: &str) -> Result<Vec<Sandbox>, Error> {
        self.fetch(self.call(Method::GET, &["sandbox", id_or_name, "ancestors"])?)
            .await
    }

    /// Makes a snapshot of a sandbox. The answer may be `snapshotting`:
    /// [`Client::wait`] for what it was before.
    ///
    /// # Errors
    /// 409 when the name is taken.
    pub async fn create_sandbox_snapshot(
        &self,
        id_or_name: &str,
        request: &CreateSandboxSnapshot,
    ) -> Result<Sandbox, Error> {
        let call = self.call(Method::POST, &["sandbox", id_or_name, "snapshot"])?;
        self.fetch(call.json(request)?).await
    }

    /// Asks for a backup of a sandbox.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_backup(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.change(id_or_name, "backup").await
    }

    async fn change(&self, id_or_name: &str, verb: &str) -> Result<Sandbox, Error> {
        self.fetch(self.call(Method::POST, &["sandbox", id_or_name, verb])?)
            .await
    }
}
