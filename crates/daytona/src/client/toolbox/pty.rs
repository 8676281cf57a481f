//! Terminals.

use super::channel::{Channel, ChannelSender, Received};
use super::{Toolbox, socket};
use crate::client::{Error, call::Call};
use crate::{PtyControl, PtyCreate, PtyCreated, PtyExit, PtyResize, PtySession, PtySessions, PtyStatus};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Says that we understand how a terminal's end is told.
const EXIT_CONTROL: &str = "X-Daytona-Pty-Exit-Control";
/// Before the variables, which have no place in the address.
const ENVS: &str = "X-Daytona-Pty-Envs~";
/// How long a terminal may take to say that it is there.
const WELCOME: Duration = Duration::from_secs(10);

/// What a terminal gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PtyOutput {
    /// Bytes of its screen.
    Bytes(Bytes),
    /// Its shell has ended; nothing follows.
    Exited(PtyExit),
}

/// A connection to a terminal. Dropping it leaves the terminal running:
/// [`Toolbox::connect_pty`] comes back to it, [`Toolbox::delete_pty`] ends it.
#[derive(Debug)]
pub struct Pty {
    toolbox: Toolbox,
    id: String,
    channel: Channel,
    over: bool,
}

/// Types into a terminal; may be cloned and used while its output is awaited.
#[derive(Clone, Debug)]
pub struct PtyInput(ChannelSender);

impl PtyInput {
    /// Types bytes, as a keyboard would.
    ///
    /// # Errors
    /// When the connection is gone, or nothing reads for a minute.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.0.send(Message::Binary(bytes.into())).await
    }
}

impl Pty {
    async fn open(toolbox: Toolbox, id: String, call: Call, protocols: &str) -> Result<Self, Error> {
        let label = call.label.clone();
        let protocols = HeaderValue::try_from(protocols)
            .map_err(|error| Error::Config(format!("{label} cannot be sent: {error}.")))?;
        let headers = HeaderMap::from_iter([(header::SEC_WEBSOCKET_PROTOCOL, protocols)]);
        let (socket, _) = socket::open(&toolbox.client, call, headers).await?;
        let mut pty = Self {
            toolbox,
            id,
            channel: Channel::new(label.clone(), socket),
            over: false,
        };
        let welcome = tokio::time::timeout(WELCOME, pty.welcome()).await;
        welcome.map_err(|_| Error::TimedOut {
            call: label,
            after: WELCOME,
        })??;
        Ok(pty)
    }

    /// Waits for the word that it is there, which comes before all output.
    async fn welcome(&mut self) -> Result<(), Error> {
        let malformed = |reason: &str| Error::Malformed {
            call: self.channel.label().to_owned(),
            reason: reason.to_owned(),
        };
        let wrong = malformed("the terminal began with something else than that it is connected");
        match self.channel.next().await? {
            Received::Text(text) => match control(&text) {
                Some(PtyStatus::Connected) => Ok(()),
                Some(PtyStatus::Error { error }) => Err(self.closed(0, error)),
                _ => Err(wrong),
            },
            Received::Closed { code, reason } => Err(self.closed(code, reason)),
            Received::Binary(_) => Err(wrong),
        }
    }

    fn closed(&self, code: u16, reason: String) -> Error {
        Error::SocketClosed {
            call: self.channel.label().to_owned(),
            code,
            reason,
        }
    }

    /// The terminal's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The way to type.
    #[must_use]
    pub fn input(&self) -> PtyInput {
        PtyInput(self.channel.sender())
    }

    /// Types bytes; see [`Pty::input`].
    ///
    /// # Errors
    /// As of [`PtyInput::send`].
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.input().send(bytes).await
    }

    /// Sets the size.
    ///
    /// # Errors
    /// 410 when it has ended.
    pub async fn resize(&self, cols: u16, rows: u16) -> Result<PtySession, Error> {
        self.toolbox.resize_pty(&self.id, cols, rows).await
    }

    /// What comes next; none after the end or an error. May be dropped at any
    /// time without loss. Also keeps the connection alive, so it should be
    /// waited on all the time.
    pub async fn next(&mut self) -> Option<Result<PtyOutput, Error>> {
        if self.over {
            return None;
        }
        let next = self.receive().await;
        self.over = !matches!(next, Ok(PtyOutput::Bytes(_)));
        Some(next)
    }

    async fn receive(&mut self) -> Result<PtyOutput, Error> {
        loop {
            match self.channel.next().await? {
                Received::Binary(bytes) => return Ok(PtyOutput::Bytes(bytes)),
                Received::Text(text) => match control(&text) {
                    None => return Ok(PtyOutput::Bytes(text)),
                    Some(PtyStatus::Connected) => {}
                    Some(PtyStatus::Error { error }) => return Err(self.closed(0, error)),
                    Some(PtyStatus::Exited(exit)) => return Ok(PtyOutput::Exited(exit)),
                },
                // Servers that do not tell the end in a message tell it so.
                Received::Closed { code, reason } => {
                    return match serde_json::from_str::<PtyExit>(&reason) {
                        Ok(exit) => Ok(PtyOutput::Exited(exit)),
                        Err(_) => Err(self.closed(code, reason)),
                    };
                }
            }
        }
    }
}

/// What a text is about, when it is about the terminal.
fn control(text: &[u8]) -> Option<PtyStatus> {
    let control: PtyControl = serde_json::from_slice(text).ok()?;
    (control.kind == "control").then_some(control.status)
}

impl Toolbox {
    /// Makes a terminal and connects to it. Its id, when not given, is one of a
    /// kind.
    ///
    /// # Errors
    /// 409 when there is one with this id.
    pub async fn create_pty(&self, request: &PtyCreate) -> Result<Pty, Error> {
        let id = request.id.clone().unwrap_or_else(unique);
        let mut call = self.call(Method::GET, &["process", "pty", "create-connect"])?;
        call = call.query("id", &id);
        for (name, value) in [("cols", request.cols), ("rows", request.rows)] {
            if let Some(value) = value {
                call = call.query(name, &value.to_string());
            }
        }
        if let Some(cwd) = &request.cwd {
            call = call.query("cwd", cwd);
        }
        let mut protocols = EXIT_CONTROL.to_owned();
        if let Some(envs) = &request.envs {
            let json = serde_json::to_vec(envs).map_err(|error| {
                Error::Config(format!("The variables cannot be written as JSON: {error}."))
            })?;
            protocols = format!("{protocols}, {ENVS}{}", URL_SAFE_NO_PAD.encode(json));
        }
        Pty::open(self.clone(), id, call, &protocols).await
    }

    /// Makes a terminal without connecting to it; answers its id.
    ///
    /// # Errors
    /// 409 when there is one with this id.
    pub async fn create_detached_pty(&self, request: &PtyCreate) -> Result<String, Error> {
        let call = self.call(Method::POST, &["process", "pty"])?.json(request)?;
        let created: PtyCreated = self.client.fetch(call).await?;
        Ok(created.session_id)
    }

    /// Connects to a terminal. Several may; each gets all output from now on.
    ///
    /// # Errors
    /// When there is none.
    pub async fn connect_pty(&self, id: &str) -> Result<Pty, Error> {
        let call = self.call(Method::GET, &["process", "pty", id, "connect"])?;
        Pty::open(self.clone(), id.to_owned(), call, EXIT_CONTROL).await
    }

    /// All terminals.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_ptys(&self) -> Result<Vec<PtySession>, Error> {
        let call = self.call(Method::GET, &["process", "pty"])?;
        let answer: PtySessions = self.client.fetch(call).await?;
        Ok(answer.sessions)
    }

    /// A terminal.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn pty(&self, id: &str) -> Result<PtySession, Error> {
        self.client
            .fetch(self.call(Method::GET, &["process", "pty", id])?)
            .await
    }

    /// Sets a terminal's size.
    ///
    /// # Errors
    /// 404 when there is none, 410 when it has ended.
    pub async fn resize_pty(&self, id: &str, cols: u16, rows: u16) -> Result<PtySession, Error> {
        let call = self.call(Method::POST, &["process", "pty", id, "resize"])?;
        self.client.fetch(call.json(&PtyResize { cols, rows })?).await
    }

    /// Ends a terminal with everything that runs in it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_pty(&self, id: &str) -> Result<(), Error> {
        self.client
            .perform(self.call(Method::DELETE, &["process", "pty", id])?)
            .await
    }
}

/// An id that nobody else thinks of.
fn unique() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // A new RandomState is keyed by the operating system's randomness.
    let random = || RandomState::new().build_hasher().finish();
    format!("pty-{:016x}{:016x}", random(), random())
}
