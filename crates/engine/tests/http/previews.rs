//! Programs of sandboxes under host names of their own: who may see them, and
//! what they are never shown.

use libtest_mimic::Trial;

use daytona::{CreateSandbox, PortPreview, Sandbox, SignedPortPreview};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::ports::{seen, serve, served};
use crate::support::{Engine, KEY, ephemeral, eventually};

mod admission;
mod browsers;
mod life;
mod passage;
mod signed;

pub fn trials() -> Vec<Trial> {
    let groups = [
        admission::trials(),
        browsers::trials(),
        life::trials(),
        passage::trials(),
        signed::trials(),
    ];
    groups.into_iter().flatten().collect()
}

/// A client without a key that follows nothing.
fn stranger() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A request to the engine under another host name.
fn at(engine: &Engine, url: &str) -> reqwest::RequestBuilder {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    stranger()
        .get(format!("{}/{path}", engine.url))
        .header("host", host)
}

async fn control<T: serde::de::DeserializeOwned>(engine: &Engine, path: &str) -> T {
    let answer = engine
        .http()
        .get(format!("{}/api{path}", engine.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn address(engine: &Engine, sandbox: &Sandbox, port: u16) -> PortPreview {
    control(
        engine,
        &format!("/sandbox/{}/ports/{port}/preview-url", sandbox.id),
    )
    .await
}

async fn signed(engine: &Engine, sandbox: &Sandbox, port: u16, seconds: u32) -> SignedPortPreview {
    let path = format!(
        "/sandbox/{}/ports/{port}/signed-preview-url?expiresInSeconds={seconds}",
        sandbox.id
    );
    control(engine, &path).await
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// A WebSocket to the engine under another host name.
async fn socket(
    engine: &Engine,
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<crate::sockets::Socket, tungstenite::Error> {
    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let address = format!("{}/{path}", engine.url.replace("http", "ws"));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("host", host.parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    tokio_tungstenite::connect_async(request)
        .await
        .map(|(socket, _)| socket)
}
