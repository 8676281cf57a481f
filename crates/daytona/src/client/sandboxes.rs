//! Sandboxes: made, found and deleted.

use super::{Client, Error, toolbox::Toolbox};
use crate::{CreateSandbox, ListSandboxes, Sandbox, SandboxPage, ToolboxProxyUrl};
use http::Method;
use std::collections::BTreeMap;

/// The page size used when all sandboxes are listed; the most there is.
const PAGE_SIZE: u32 = 200;

impl Client {
    /// Asks for a sandbox. It may be answered before it is started:
    /// [`Client::wait`] for that.
    ///
    /// Sent once: if the connection breaks, a sandbox may exist all the same,
    /// and is found by its labels.
    ///
    /// # Errors
    /// Among others: 400 for an unknown snapshot or over a quota, 409 for a
    /// name that is taken.
    pub async fn create(&self, request: &CreateSandbox) -> Result<Sandbox, Error> {
        let call = self.call(Method::POST, &["sandbox"])?;
        let call = match (&request.target, &self.inner.target) {
            (None, Some(target)) => call.json(&CreateSandbox {
                target: Some(target.clone()),
                ..request.clone()
            })?,
            _ => call.json(request)?,
        };
        self.fetch(call).await
    }

    /// A sandbox by id or name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn get(&self, id_or_name: &str) -> Result<Sandbox, Error> {
        self.fetch(self.call(Method::GET, &["sandbox", id_or_name])?)
            .await
    }

    /// One page of sandboxes, those last used first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list(&self, wanted: &ListSandboxes) -> Result<SandboxPage, Error> {
        let mut call = self.call(Method::GET, &["sandbox"])?;
        if !wanted.labels.is_empty() {
            let labels = serde_json::to_string(&wanted.labels)
                .map_err(|error| Error::Config(format!("The labels cannot be written as JSON: {error}.")))?;
            call = call.query("labels", &labels);
        }
        for (name, value) in wanted.query() {
            call = call.query(name, &value);
        }
        self.fetch(call).await
    }

    /// All sandboxes that have these labels.
    ///
    /// # Errors
    /// As every call; also when the provider's cursor does not move on.
    pub async fn list_all(&self, labels: &BTreeMap<String, String>) -> Result<Vec<Sandbox>, Error> {
        let mut wanted = ListSandboxes {
            labels: labels.clone(),
            limit: Some(PAGE_SIZE),
            ..ListSandboxes::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.list(&wanted).await?;
            all.extend(page.items);
            let next = page.next_cursor.filter(|cursor| !cursor.is_empty());
            if next.is_none() {
                return Ok(all);
            }
            if next == wanted.cursor {
                return Err(Error::Malformed {
                    call: "GET /sandbox".to_owned(),
                    reason: "the next page's cursor is this page's".to_owned(),
                });
            }
            wanted.cursor = next;
        }
    }

    /// Deletes a sandbox. It may be answered before it is gone:
    /// [`Client::wait`] for [`crate::SandboxState::Destroyed`].
    ///
    /// # Errors
    /// 404 when there is none, 409 in the middle of a change of state.
    pub async fn delete(&self, id_or_name: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["sandbox", id_or_name])?)
            .await
    }

    /// The way into a sandbox: its processes and files. Costs a call only when
    /// the provider left the address out.
    ///
    /// # Errors
    /// When the address is missing or cannot be used.
    pub async fn toolbox(&self, sandbox: &Sandbox) -> Result<Toolbox, Error> {
        if !sandbox.toolbox_proxy_url.is_empty() {
            return Toolbox::new(self.clone(), &sandbox.toolbox_proxy_url, &sandbox.id);
        }
        let call = self.call(Method::GET, &["sandbox", &sandbox.id, "toolbox-proxy-url"])?;
        let address: ToolboxProxyUrl = self.fetch(call).await?;
        Toolbox::new(self.clone(), &address.url, &sandbox.id)
    }
}
