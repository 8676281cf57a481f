//! The toolbox of one sandbox: what happens inside it.

mod channel;
mod decoder;
mod files;
mod follow;
mod git;
mod interpreter;
mod liveness;
mod lsp;
mod place;
mod process;
mod pty;
mod sessions;
pub(super) mod socket;
mod streams;
mod transfer;

pub use follow::{LogFollow, LogPiece};
pub use interpreter::{CodeRun, CodeRunOutcome};
pub use pty::{Pty, PtyInput, PtyOutput};
pub use sessions::SessionEnd;
pub use streams::FileDownload;

use super::{Client, Error, call::Call};
use http::Method;
use reqwest::Url;

/// The toolbox of one sandbox. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Toolbox {
    client: Client,
    base: Url,
    sandbox_id: String,
}

impl Toolbox {
    pub(super) fn new(client: Client, proxy_url: &str, sandbox_id: &str) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Malformed {
            call: format!("The toolbox address of sandbox {sandbox_id}"),
            reason,
        };
        let mut base = Url::parse(proxy_url).map_err(|error| unusable(format!("{proxy_url:?}: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || matches!(sandbox_id, "" | "." | "..") {
            return Err(unusable(format!("{proxy_url:?} with the id {sandbox_id:?}")));
        }
        base.path_segments_mut()
            .map_err(|()| unusable(format!("{proxy_url:?} cannot have paths")))?
            .pop_if_empty()
            .push(sandbox_id);
        Ok(Self {
            client,
            base,
            sandbox_id: sandbox_id.to_owned(),
        })
    }

    /// The sandbox.
    #[must_use]
    pub fn sandbox_id(&self) -> &str {
        &self.sandbox_id
    }

    fn call(&self, method: Method, segments: &[&str]) -> Result<Call, Error> {
        Call::new(method, &self.base, segments)
    }
}
