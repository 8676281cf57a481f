//! The connection that events come by.

use super::packet::{self, Packet};
use super::{Event, Hub};
use crate::client::toolbox::socket::{self, Socket};
use crate::client::{Client, Error, SDK_VERSION, SOURCE};
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, Method};
use secrecy::ExposeSecret;
use std::sync::Arc;
use tokio::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// How long after the last listener it stays.
const IDLE: Duration = Duration::from_secs(30);
/// How often it is seen whether somebody listens.
const LOOK: Duration = Duration::from_secs(5);
/// How long coming in may take.
const WELCOME: Duration = Duration::from_secs(10);
/// The first wait before it is made again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The wait after a provider said that it has no events, or none for us.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// Why a connection ended.
enum End {
    /// Nobody listens.
    Idle,
    /// It broke.
    Broken,
    /// The provider does not want it.
    Refused,
}

/// Keeps a connection for as long as somebody listens.
pub(super) async fn keep(client: Client, hub: Arc<Hub>) {
    let mut idle_since = None;
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        let end = match open(&client).await {
            Ok(socket) => listen(socket, &client, &hub, &mut idle_since).await,
            Err(error) => {
                tracing::debug!(%error, "the provider's events cannot be had");
                match error {
                    Error::Refused(_) | Error::Malformed { .. } | Error::Config(_) => End::Refused,
                    _ => End::Broken,
                }
            }
        };
        hub.set_connected(false);
        let wait = match end {
            End::Idle => return,
            End::Refused => REFUSED_PAUSE,
            End::Broken => {
                if started.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                let wait = pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait
            }
        };
        let next = Instant::now() + wait;
        while Instant::now() < next {
            if is_idle(&hub, &mut idle_since) {
                return;
            }
            tokio::time::sleep_until(next.min(Instant::now() + LOOK)).await;
        }
    }
}

/// Whether nobody has listened for long enough.
fn is_idle(hub: &Hub, since: &mut Option<Instant>) -> bool {
    if hub.listeners.receiver_count() > 0 {
        *since = None;
        return false;
    }
    since.get_or_insert_with(Instant::now).elapsed() >= IDLE
}

async fn open(client: &Client) -> Result<Socket, Error> {
    let mut call = client
        .call(Method::GET, &["socket.io"])?
        .folder()
        .query("EIO", "4")
        .query("transport", "websocket")
        .query("source", SOURCE)
        .query("sdkVersion", SDK_VERSION);
    if let Some(organization) = &client.inner.organization_id {
        call = call.query("organizationId", organization);
    }
    let (socket, _) = socket::open(client, call, HeaderMap::new()).await?;
    Ok(socket)
}

async fn listen(mut socket: Socket, client: &Client, hub: &Hub, idle_since: &mut Option<Instant>) -> End {
    let mut quiet = WELCOME;
    let mut deadline = Instant::now() + quiet;
    loop {
        if is_idle(hub, idle_since) {
            // A courtesy: the server notices anyway.
            let _gone = socket.send(Message::text("41")).await;
            return End::Idle;
        }
        let until = deadline.min(Instant::now() + LOOK);
        let text = match tokio::time::timeout_at(until, socket.next()).await {
            Err(_) if Instant::now() >= deadline => return End::Broken,
            Err(_) => continue,
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return End::Broken,
            Ok(Some(Ok(_))) => continue,
        };
        let answer = match packet::read(&text) {
            Some(Packet::Open { quiet: announced }) => {
                quiet = announced;
                let token = client.inner.api_key.expose_secret();
                Some(format!("40{}", serde_json::json!({ "token": token })))
            }
            Some(Packet::Ping(letters)) => Some(format!("3{letters}")),
            Some(Packet::Connected) => {
                hub.set_connected(true);
                None
            }
            Some(Packet::Event { name, data }) => {
                hub.tell(Event::new(name, data));
                None
            }
            Some(Packet::Refused(reason)) => {
                tracing::debug!(reason, "the provider tells us no events");
                return End::Refused;
            }
            Some(Packet::Leave) => return End::Broken,
            Some(Packet::Other) | None => None,
        };
        deadline = Instant::now() + quiet;
        if let Some(answer) = answer {
            let sent = tokio::time::timeout(WELCOME, socket.send(Message::text(answer))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return End::Broken;
            }
        }
    }
}
