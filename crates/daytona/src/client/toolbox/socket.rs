//! Opens a WebSocket to the toolbox. The handshake is an ordinary call of the
//! HTTP client, so that it has the same headers, certificates, proxies,
//! repeats and errors as every other.

use crate::client::{Client, Error, call::Call};
use http::{HeaderMap, HeaderValue, header};
use reqwest::Upgraded;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// How long the handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest message taken; Daytona's are of 1 KiB and our engine's of 256 KiB.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;
/// Read buffer: a message of our engine fits it.
const READ_BUFFER: usize = 256 * 1024;

pub(in crate::client) type Socket = WebSocketStream<Upgraded>;

/// Opens the socket; answers also the headers of the 101.
pub(in crate::client) async fn open(
    client: &Client,
    call: Call,
    mut headers: HeaderMap,
) -> Result<(Socket, HeaderMap), Error> {
    let call = call.timeout(Some(HANDSHAKE_TIMEOUT));
    let key = generate_key();
    let malformed = |reason: &str| Error::Malformed {
        call: call.label.clone(),
        reason: reason.to_owned(),
    };
    let key_header = HeaderValue::from_str(&key).map_err(|_| malformed("no key for the handshake"))?;
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::SEC_WEBSOCKET_KEY, key_header);
    let response = client.upgrade(&call, &headers).await?;
    let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    if accepted.is_none_or(|accept| accept.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(malformed("the handshake was not confirmed with our key"));
    }
    let headers = response.headers().clone();
    let upgraded = response
        .upgrade()
        .await
        .map_err(|error| crate::client::transport::network_error(&call, &error))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    Ok((
        WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await,
        headers,
    ))
}
