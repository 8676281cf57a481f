//! Follows a command's log.
//!
//! With Pitlane's engine the log comes as exact records, and a connection that
//! breaks is taken up again at the byte where it broke. Daytona's own format
//! always starts at the beginning and may lose bytes when it breaks; then the
//! caller is told, and makes up for it by reading the whole log.

use super::liveness::{Liveness, Step};
use super::socket::{self, Socket};
use super::{Toolbox, decoder::Decoder};
use crate::client::{Error, retry::back_off};
use crate::extension::{LOG_FRAMES_V1, LOG_HEADER, LOG_OFFSET, log_end};
use crate::wire::Stream;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method};
use tokio::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};

/// How long a broken connection may fail to come back before we give up.
const RECONNECT_PATIENCE: Duration = Duration::from_secs(15);
/// How long answering a close may take.
const CLOSE_COURTESY: Duration = Duration::from_millis(100);
/// The close code of a log that was delivered to its end.
const COMPLETE: u16 = 1000;
/// The close code of a connection closed without one.
const NO_CODE: u16 = 1005;

/// A piece of a followed log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPiece {
    /// Bytes of the program.
    Output {
        /// Offset of the first one in the command's merged output.
        offset: u64,
        /// When the provider read them, in milliseconds since 1970; Daytona does not say.
        at_ms: Option<i64>,
        /// Which stream they were written to.
        stream: Stream,
        /// The bytes.
        bytes: Bytes,
    },
    /// Bytes that the provider did not keep.
    Gap {
        /// Offset of the first one in the command's merged output.
        offset: u64,
        /// When, in milliseconds since 1970; none when the gap was not announced.
        at_ms: Option<i64>,
        /// How many.
        missing: u64,
    },
}

/// A command's log as it comes. Dropping it closes the connection; a call of
/// [`LogFollow::next`] may be dropped at any time without loss.
#[derive(Debug)]
pub struct LogFollow {
    source: Source,
    exact: bool,
    proved: bool,
    decoder: Decoder,
    connection: Connection,
}

/// What is followed.
#[derive(Debug)]
struct Source {
    toolbox: Toolbox,
    session: String,
    command: String,
}

#[derive(Debug)]
enum Connection {
    Open {
        socket: Box<Socket>,
        liveness: Liveness,
        /// When the breaks began that this connection is to mend; forgotten at
        /// the first sign of life.
        broken_since: Option<Instant>,
        failures: u32,
    },
    Broken {
        since: Instant,
        /// When to try again.
        next: Instant,
        failures: u32,
    },
    /// The end was told; there is no more.
    Over,
}

impl LogFollow {
    pub(super) async fn open(
        toolbox: Toolbox,
        session: &str,
        command: &str,
        from: u64,
    ) -> Result<Self, Error> {
        let source = Source {
            toolbox,
            session: session.to_owned(),
            command: command.to_owned(),
        };
        let (socket, exact) = source.connect(from).await?;
        let decoder = if exact {
            Decoder::frames(from)
        } else {
            Decoder::markers(from)
        };
        let connection = Connection::open(socket, None, 0);
        Ok(Self {
            source,
            exact,
            proved: false,
            decoder,
            connection,
        })
    }

    /// Whether every byte comes as the program wrote it. Else the provider may
    /// add a last line break and drop NULs, and a marker that the program
    /// prints misleads.
    #[must_use]
    pub fn exact(&self) -> bool {
        self.exact
    }

    /// Whether the provider itself said where the log ends, and all until there was delivered. Else a
    /// good end is only that somebody closed the connection politely.
    #[must_use]
    pub fn proved(&self) -> bool {
        self.proved
    }

    /// Offset in the command's merged output of the next byte to be delivered.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.decoder.offset()
    }

    /// The next piece; none when the command has ended and everything was
    /// delivered. After an error there is no more.
    ///
    /// Also keeps the connection alive, so it should be waited on all the time.
    pub async fn next(&mut self) -> Option<Result<LogPiece, Error>> {
        loop {
            match self.decoder.next_piece() {
                Ok(Some(piece)) => return Some(Ok(piece)),
                Ok(None) => {}
                Err(reason) => {
                    let error = Error::Malformed {
                        call: self.source.label(),
                        reason,
                    };
                    return self.fail(error);
                }
            }
            match &mut self.connection {
                Connection::Over => return None,
                Connection::Broken {
                    since,
                    next,
                    failures,
                } => {
                    let (since, next, failures) = (*since, *next, *failures);
                    tokio::time::sleep_until(next).await;
                    match self.source.connect(self.decoder.offset()).await {
                        Ok((socket, true)) => {
                            self.connection = Connection::open(socket, Some(since), failures)
                        }
                        Ok((_, false)) => {
                            let reason =
                                "the log was exact before the connection broke, and is not now".to_owned();
                            let error = Error::Malformed {
                                call: self.source.label(),
                                reason,
                            };
                            return self.fail(error);
                        }
                        Err(error) if error.is_retryable() && since.elapsed() < RECONNECT_PATIENCE => {
                            self.connection = Connection::broken(since, failures + 1);
                        }
                        Err(error) => return self.fail(error),
                    }
                }
                Connection::Open { .. } => {
                    if let Err(error) = self.receive().await {
                        return self.fail(error);
                    }
                }
            }
        }
    }

    fn fail(&mut self, error: Error) -> Option<Result<LogPiece, Error>> {
        self.connection = Connection::Over;
        self.decoder.discard();
        Some(Err(error))
    }

    /// Takes one message, or notes that the connection ended or broke.
    async fn receive(&mut self) -> Result<(), Error> {
        let Connection::Open {
            socket,
            liveness,
            broken_since,
            failures,
        } = &mut self.connection
        else {
            return Ok(());
        };
        let (until, step) = liveness.next_step();
        let reason = match tokio::time::timeout_at(until, socket.next()).await {
            Ok(Some(Ok(Message::Close(frame)))) => return self.closed(frame).await,
            Ok(Some(Ok(message))) => {
                liveness.sign();
                (*broken_since, *failures) = (None, 0);
                match message {
                    Message::Binary(bytes) => self.decoder.push(bytes),
                    // Some of Daytona's parts send text; its bytes are the log's.
                    Message::Text(text) => self.decoder.push(text.into()),
                    _ => {}
                }
                return Ok(());
            }
            Ok(Some(Err(tungstenite::Error::Capacity(error)))) => {
                return Err(Error::Malformed {
                    call: self.source.label(),
                    reason: error.to_string(),
                });
            }
            Ok(Some(Err(error))) => error.to_string(),
            Ok(None) => "the connection was closed".to_owned(),
            Err(_) if step == Step::GiveUp => "the provider has gone quiet".to_owned(),
            Err(_) => {
                liveness.pinged();
                match socket.send(Message::Ping(Bytes::new())).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error.to_string(),
                }
            }
        };
        let (since, failures) = (broken_since.unwrap_or_else(Instant::now), *failures);
        self.broke(since, failures, reason)
    }

    async fn closed(&mut self, frame: Option<CloseFrame>) -> Result<(), Error> {
        let (code, reason) = frame.map_or((NO_CODE, String::new()), |frame| {
            (frame.code.into(), frame.reason.to_string())
        });
        if code != COMPLETE {
            return Err(Error::LogClosed { code, reason });
        }
        self.decoder.finish();
        if let Some(end) = log_end(&reason).filter(|_| self.exact) {
            let offset = self.decoder.offset();
            if end > offset {
                let reason = format!("it ends at byte {end}, and {offset} came");
                return self.broke(Instant::now(), 0, reason);
            }
            self.proved = true;
        }
        // Answering the close is a courtesy: the log is complete whether or not it arrives.
        if let Connection::Open { mut socket, .. } = std::mem::replace(&mut self.connection, Connection::Over)
        {
            let _courtesy = tokio::time::timeout(CLOSE_COURTESY, socket.flush()).await;
        }
        Ok(())
    }

    fn broke(&mut self, since: Instant, failures: u32, reason: String) -> Result<(), Error> {
        if !self.exact {
            return Err(Error::LogBroken {
                offset: self.decoder.offset(),
                reason,
            });
        }
        if since.elapsed() >= RECONNECT_PATIENCE {
            return Err(Error::Interrupted {
                call: self.source.label(),
                reason,
            });
        }
        tracing::debug!(
            reason,
            offset = self.decoder.offset(),
            "a followed log broke off and is taken up again"
        );
        self.connection = Connection::broken(since, failures);
        Ok(())
    }
}

impl Connection {
    fn open(socket: Socket, broken_since: Option<Instant>, failures: u32) -> Self {
        let failures = if broken_since.is_some() { failures + 1 } else { 0 };
        Self::Open {
            socket: Box::new(socket),
            liveness: Liveness::new(),
            broken_since,
            failures,
        }
    }

    fn broken(since: Instant, failures: u32) -> Self {
        // The first attempt is made at once: most breaks are a moment's.
        let pause = if failures == 0 {
            Duration::ZERO
        } else {
            back_off(failures - 1)
        };
        Self::Broken {
            since,
            next: Instant::now() + pause,
            failures,
        }
    }
}

impl Source {
    fn label(&self) -> String {
        format!(
            "GET /process/session/{}/command/{}/logs",
            self.session, self.command
        )
    }

    /// Opens the socket, and answers whether the provider sends exact records.
    async fn connect(&self, offset: u64) -> Result<(Socket, bool), Error> {
        let path = [
            "process",
            "session",
            &self.session,
            "command",
            &self.command,
            "logs",
        ];
        let call = self.toolbox.call(Method::GET, &path)?;
        let call = call
            .query("follow", "true")
            .query(LOG_OFFSET, &offset.to_string());
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(LOG_HEADER),
            HeaderValue::from_static(LOG_FRAMES_V1),
        )]);
        let (socket, answered) = socket::open(&self.toolbox.client, call, headers).await?;
        let exact = answered
            .get(LOG_HEADER)
            .is_some_and(|value| value.as_bytes() == LOG_FRAMES_V1.as_bytes());
        Ok((socket, exact))
    }
}
