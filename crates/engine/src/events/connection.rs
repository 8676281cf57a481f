//! One client: Engine.IO version 4 over a WebSocket, and Socket.IO in it.
//!
//! ```text
//! engine  0{"sid":…,"pingInterval":…,"pingTimeout":…}
//! client  40{"token":"dtn_…"}          within ten seconds
//! engine  40{"sid":…}                  or 44{"message":…} and the end
//! engine  42["sandbox.state.updated",{…}]
//! engine  2        client  3           or the end
//! ```

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};

use super::packet::{self, LONGEST, Packet};
use crate::auth;
use crate::body::Query;
use crate::control::Base;
use crate::fault::Fault;
use crate::state::SharedEngine;
use crate::throttle::Peer;

/// A client that has not said who it is by then is left.
const PATIENCE: Duration = Duration::from_secs(10);
/// A client that has not taken a packet by then is too slow.
const SEND: Duration = Duration::from_secs(10);
/// The most packets of a client between two pings: it has little to say.
const CHATTER: u32 = 256;

#[derive(Deserialize)]
pub(crate) struct Handshake {
    #[serde(rename = "EIO")]
    version: Option<String>,
    transport: Option<String>,
}

/// `GET /socket.io/`: who it is comes in the first packet, not in a header.
pub(crate) async fn connect(
    State(engine): State<SharedEngine>,
    base: Base,
    peer: Peer,
    Query(handshake): Query<Handshake>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    if handshake.version.as_deref() != Some("4") || handshake.transport.as_deref() != Some("websocket") {
        return Err(Fault::bad_request(
            "Events are served by Engine.IO version 4 over a WebSocket only: connect with EIO=4&transport=websocket.",
        ));
    }
    let upgrade = upgrade.map_err(|_| Fault::bad_request("This address takes a WebSocket upgrade."))?;
    Ok(upgrade
        .max_message_size(LONGEST)
        .max_frame_size(LONGEST)
        .on_upgrade(async move |socket| {
            let mut client = Client {
                socket,
                engine,
                base,
                peer,
            };
            let end = client.serve().await;
            client.close(end).await;
        }))
}

/// Why a connection ends: what the close frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client went, or was told why already.
    Left,
    /// It is not what it should be.
    Refused(&'static str),
    /// The engine goes.
    Going,
}

struct Client {
    socket: WebSocket,
    engine: SharedEngine,
    base: Base,
    peer: Peer,
}

impl Client {
    async fn serve(&mut self) -> End {
        match self.converse().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn converse(&mut self) -> Result<std::convert::Infallible, End> {
        let beat = self.engine.timings.heartbeat;
        // Shorter than the beat, as Daytona's is.
        let patience = beat * 4 / 5;
        let open = json!({
            "sid": identifier(),
            "upgrades": [],
            "pingInterval": millis(beat),
            "pingTimeout": millis(patience),
            "maxPayload": LONGEST,
        });
        self.send(format!("0{open}")).await?;
        let token = self.first_packet().await?;
        let shown = std::iter::once(token.as_str());
        let Some(caller) = auth::caller(&self.engine, &self.peer, shown) else {
            let why = match self.engine.throttle.failed(&self.peer) {
                Some(_) => "Rate limit exceeded",
                None => "Unauthorized",
            };
            return self.reject("/", why).await;
        };
        let Some(mut events) = self.engine.events.listen(caller.organization()) else {
            return self.reject("/", "Too many listeners").await;
        };
        let sid = json!({"sid": identifier()});
        self.send(format!("40{sid}")).await?;

        let (mut due, mut asked, mut said) = (Instant::now() + beat, false, 0);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => {
                        let packet = event.packet(&self.base);
                        self.send(packet).await?;
                    }
                    Err(RecvError::Lagged(_)) => return Err(End::Refused("too slow")),
                    Err(RecvError::Closed) => return Err(End::Going),
                },
                packet = next(&mut self.socket) => {
                    said += 1;
                    if said > CHATTER {
                        return Err(End::Refused("too many packets"));
                    }
                    match packet? {
                        Packet::Pong if asked => (due, asked, said) = (Instant::now() + beat, false, 0),
                        Packet::Ping(letters) => self.send(format!("3{letters}")).await?,
                        Packet::Leave => return Err(End::Left),
                        _ => {}
                    }
                }
                () = sleep_until(due) => {
                    if asked {
                        return Err(End::Refused("no pong"));
                    }
                    // A key that ended or was taken back hears no more.
                    if self.engine.identity.caller(&token).is_none() {
                        return Err(End::Refused("the key is not valid any more"));
                    }
                    self.engine.seen();
                    self.send("2".to_owned()).await?;
                    (due, asked) = (Instant::now() + patience, true);
                }
            }
        }
    }

    /// The token of the packet by which a client says who it is.
    async fn first_packet(&mut self) -> Result<String, End> {
        let first = async {
            loop {
                match next(&mut self.socket).await? {
                    Packet::Connect { namespace, token } => return Ok((namespace, token)),
                    Packet::Pong => {}
                    _ => return Err(End::Refused("connect first")),
                }
            }
        };
        let (namespace, token) = timeout(PATIENCE, first)
            .await
            .map_err(|_| End::Refused("connect first"))??;
        if namespace != "/" {
            return self.reject(&namespace, "Invalid namespace").await;
        }
        match token {
            Some(token) => Ok(token),
            None => self.reject("/", "Unauthorized").await,
        }
    }

    async fn reject<T>(&mut self, namespace: &str, why: &str) -> Result<T, End> {
        let place = match namespace {
            "/" => String::new(),
            other => format!("{other},"),
        };
        self.send(format!("44{place}{}", json!({"message": why}))).await?;
        Err(End::Left)
    }

    async fn send(&mut self, packet: String) -> Result<(), End> {
        match timeout(SEND, self.socket.send(Message::text(packet))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Left),
            Err(_) => Err(End::Refused("too slow")),
        }
    }

    async fn close(mut self, end: End) {
        let (code, reason) = match end {
            End::Left => (1000, ""),
            End::Refused(reason) => (1008, reason),
            End::Going => (1001, "the engine ends"),
        };
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // The client may be gone already, or not take it: either way it ends.
        let _ = timeout(SEND, self.socket.send(Message::Close(Some(frame)))).await;
    }
}

/// The next packet of a client.
async fn next(socket: &mut WebSocket) -> Result<Packet, End> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                return packet::read(&text).ok_or(End::Refused("that is no packet"));
            }
            Some(Ok(Message::Binary(_))) => return Err(End::Refused("that is no packet")),
            // WebSocket pings are answered below this.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Left),
        }
    }
}

fn identifier() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
