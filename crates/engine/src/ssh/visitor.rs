//! Who is at the gateway: lets in who has a ticket, and opens channels.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session};
use russh::{Channel, ChannelOpenFailure};
use tokio_util::sync::CancellationToken;

use super::session;
use crate::registry::{Entry, Live};
use crate::state::SharedEngine;
use crate::tickets::Opens;

/// Channels of one connection at the same time.
const CHANNELS: usize = 32;

/// One connection's client.
pub(super) struct Visitor {
    engine: SharedEngine,
    entry: Option<Arc<Entry>>,
    admitted: CancellationToken,
    channels: Arc<AtomicUsize>,
}

/// A channel that counts as open until this is dropped.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Visitor {
    pub(super) fn new(engine: SharedEngine) -> Self {
        Self {
            engine,
            entry: None,
            admitted: CancellationToken::new(),
            channels: Arc::default(),
        }
    }

    /// Cancelled when it has shown a ticket.
    pub(super) fn admitted(&self) -> CancellationToken {
        self.admitted.clone()
    }

    fn admit(&mut self, user: &str) -> Auth {
        self.entry = self.engine.tickets.find(user, Opens::Shell);
        if self.entry.is_none() {
            return Auth::reject();
        }
        self.engine.seen();
        self.admitted.cancel();
        Auth::Accept
    }

    /// The sandbox a channel is for, unless there are too many already.
    fn channel(&self) -> Option<(Arc<Live>, Open)> {
        let live = self.entry.as_ref()?.live()?;
        let open = Open(Arc::clone(&self.channels));
        let before = open.0.fetch_add(1, Ordering::Relaxed);
        (before < CHANNELS).then_some((live, open))
    }
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        Ok(self.admit(user))
    }

    /// For clients that do not try without; the password does not matter.
    async fn auth_password(&mut self, user: &str, _: &str) -> Result<Auth, Self::Error> {
        Ok(self.admit(user))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some((live, open)) = self.channel() else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        reply.accept().await;
        let handle = session.handle();
        tokio::spawn(async move {
            session::serve(channel, handle, &live).await;
            drop(open);
        });
        Ok(())
    }

    /// `ssh -L`: ports of the sandbox's own loopback device, and no others.
    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let own = matches!(host, "localhost" | "127.0.0.1" | "::1");
        let (Some((live, open)), Ok(port), true) = (self.channel(), u16::try_from(port), own) else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        tokio::spawn(async move {
            let _use = live.activity.enter();
            match live.sandbox.connect(port).await {
                Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
                Ok(mut inner) => {
                    reply.accept().await;
                    let mut ended = live.sandbox.ended();
                    let mut outer = channel.into_stream();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut outer, &mut inner) => {}
                        _ = ended.wait_for(Option::is_some) => {}
                    }
                }
            }
            drop(open);
        });
        Ok(())
    }
}
