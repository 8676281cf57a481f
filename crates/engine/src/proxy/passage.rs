//! What has to last as long as an exchange with a program, and ends with it:
//! the connection into the sandbox, and the note that the sandbox is used.

use std::sync::Arc;

use axum::body::Body;
use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::registry::Live;
use crate::registry::Use;
use crate::sandbox::Sandbox;

/// One exchange. When it is dropped, its connection into the sandbox closes.
pub(super) struct Passage {
    sandbox: Sandbox,
    over: CancellationToken,
    held: Held,
}

struct Held {
    _closes: DropGuard,
    _use: Option<Use>,
}

impl Passage {
    pub(super) fn new(live: &Arc<Live>, counts: bool) -> Self {
        let over = CancellationToken::new();
        Self {
            sandbox: live.sandbox.clone(),
            held: Held {
                _closes: over.clone().drop_guard(),
                _use: counts.then(|| live.activity.enter()),
            },
            over,
        }
    }

    /// Moves the connection's bytes until the exchange or the sandbox is over.
    /// A socket that stayed open would keep the sandbox's network.
    pub(super) fn drive<E: std::fmt::Display>(
        &self,
        connection: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let (over, mut ended) = (self.over.clone(), self.sandbox.ended());
        tokio::spawn(async move {
            tokio::select! {
                result = connection => if let Err(error) = result {
                    tracing::debug!(%error, "a connection into a sandbox broke off");
                },
                () = over.cancelled() => {}
                _ = ended.wait_for(Option::is_some) => {}
            }
        });
    }

    /// The body, with everything that it needs.
    pub(super) fn hold<B>(self, body: B) -> Body
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let held = self.held;
        Body::new(body.map_frame(move |frame| {
            let _held = &held;
            frame
        }))
    }

    /// Joins the client's connection and the program's until both have ended.
    pub(super) fn join(self, outer: OnUpgrade, inner: OnUpgrade) {
        let Self { sandbox, over, held } = self;
        tokio::spawn(async move {
            let _held = (held, over);
            let mut ended = sandbox.ended();
            drop(sandbox);
            let joined = async {
                let (outer, inner) = tokio::try_join!(outer, inner).map_err(std::io::Error::other)?;
                let (mut outer, mut inner) = (TokioIo::new(outer), TokioIo::new(inner));
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await
            };
            tokio::select! {
                result = joined => if let Err(error) = result {
                    tracing::debug!(%error, "a joined connection broke off");
                },
                _ = ended.wait_for(Option::is_some) => {}
            }
        });
    }
}
