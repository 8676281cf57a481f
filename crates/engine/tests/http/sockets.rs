//! WebSockets of the tests, with the key and subprotocols.

use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Engine, KEY};

pub type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Connects with the key and with more headers.
pub async fn open(
    engine: &Engine,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<(Socket, Response), tungstenite::Error> {
    let url = format!("{}{path}", engine.url.replace("http", "ws"));
    let mut request = url.into_client_request().unwrap();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    tokio_tungstenite::connect_async(request).await
}

/// The status with which a connection was refused.
pub fn refusal(result: Result<(Socket, Response), tungstenite::Error>) -> u16 {
    match result {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

/// A terminal as a client sees it.
pub struct Screen {
    pub sink: SplitSink<Socket, Message>,
    stream: SplitStream<Socket>,
    /// All output so far.
    pub text: String,
    /// The text messages so far.
    pub controls: Vec<String>,
    /// The code and reason of the close frame.
    pub closed: Option<(u16, String)>,
}

impl Screen {
    pub fn new(socket: Socket) -> Self {
        let (sink, stream) = socket.split();
        Self {
            sink,
            stream,
            text: String::new(),
            controls: Vec::new(),
            closed: None,
        }
    }

    pub async fn type_in(&mut self, keys: impl Into<Vec<u8>>) {
        let keys: Vec<u8> = keys.into();
        self.sink.send(Message::Binary(keys.into())).await.unwrap();
    }

    async fn hear(&mut self) {
        let message = tokio::time::timeout(Duration::from_secs(30), self.stream.next()).await;
        let message = message.unwrap_or_else(|_| panic!("nothing more comes after {:?}", self.text));
        match message {
            Some(Ok(Message::Binary(bytes))) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
            Some(Ok(Message::Text(text))) => self.controls.push(text.to_string()),
            Some(Ok(Message::Close(frame))) => {
                let frame = frame.expect("a close frame says why");
                self.closed = Some((frame.code.into(), frame.reason.to_string()));
            }
            Some(Ok(_)) => {}
            other => panic!("the connection broke off with {other:?} after {:?}", self.text),
        }
    }

    /// Waits until the output has a part.
    pub async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            assert_eq!(self.closed, None, "no {part:?} in {:?}", self.text);
            self.hear().await;
        }
    }

    /// The same, and forgets what came before.
    pub async fn skip_until(&mut self, part: &str) {
        while !self.text.contains(part) {
            let mut forgotten = self.text.len().saturating_sub(2 * part.len());
            while !self.text.is_char_boundary(forgotten) {
                forgotten -= 1;
            }
            self.text.drain(..forgotten);
            self.hear().await;
        }
    }

    /// Types much while it reads what is printed meanwhile.
    pub async fn type_until(&mut self, keys: String, part: &str) {
        let Self {
            sink, stream, text, ..
        } = self;
        let reading = async {
            while !text.contains(part) {
                match stream.next().await {
                    Some(Ok(Message::Binary(bytes))) => text.push_str(&String::from_utf8_lossy(&bytes)),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("the connection broke off with {other:?}"),
                }
            }
        };
        let both = async { tokio::join!(sink.send(Message::Binary(keys.into())), reading) };
        let (sent, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
        sent.unwrap();
    }

    /// Waits for the close frame.
    pub async fn until_closed(&mut self) -> (u16, String) {
        while self.closed.is_none() {
            self.hear().await;
        }
        self.closed.clone().unwrap()
    }
}
