//! `POST /files/bulk-download`: many files as one form.
//!
//! The names in the parts are the requested paths byte for byte; a file that
//! cannot be given is a part named `error` with the refusal. Each part says its
//! length, and a file that fails in the middle cuts the whole answer off, which
//! clients tell from its missing last boundary.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use daytona::BulkDownloadRequest;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::transfer;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

type Sender = mpsc::Sender<std::io::Result<Bytes>>;

pub(super) async fn bulk_download(
    Extension(live): Extension<Arc<Live>>,
    OriginalUri(uri): OriginalUri,
    Json(request): Json<BulkDownloadRequest>,
) -> Result<Response, Fault> {
    if request.paths.is_empty() {
        return Err(Fault::bad_request("paths must hold at least one path"));
    }
    let boundary = format!("DAYTONA-FILE-BOUNDARY-{}", uuid::Uuid::new_v4().simple());
    let form = format!("multipart/form-data; boundary={boundary}");
    let (sender, receiver) = mpsc::channel(4);
    let route = uri.path().to_owned();
    tokio::spawn(async move {
        let _use = live.activity.enter();
        // An error means that the client left or that a file broke; both end it.
        let _ = send_all(&live, request.paths, &boundary, &route, &sender).await;
    });
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let form = HeaderValue::try_from(form).expect("a boundary of ASCII letters makes a header");
    response.headers_mut().insert(header::CONTENT_TYPE, form);
    Ok(response)
}

async fn send_all(
    live: &Live,
    paths: Vec<String>,
    boundary: &str,
    route: &str,
    to: &Sender,
) -> Result<(), Cut> {
    for path in paths {
        match live.sandbox.open_read(&live.resolve(&path)).await {
            Ok((descriptor, stat)) => {
                let head = head(
                    boundary,
                    "file",
                    &path,
                    "application/octet-stream",
                    Some(stat.size),
                );
                send(to, head.into()).await?;
                let mut pieces = transfer::pieces(live, transfer::file(descriptor), stat.size, None);
                let mut given = 0;
                while let Some(piece) = pieces.next().await {
                    given += piece.as_ref().map_or(0, Bytes::len) as u64;
                    to.send(piece).await.map_err(|_| Cut)?;
                }
                if given != stat.size {
                    let shrunk = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file shrank");
                    // Cuts the connection: the part was announced longer.
                    let _ = to.send(Err(shrunk)).await;
                    return Err(Cut);
                }
            }
            Err(error) => {
                let mut body = Fault::file(&error).body("POST", route);
                body.path.clone_from(&path);
                let body = serde_json::to_string(&body).unwrap_or_default();
                let head = head(boundary, "error", &path, "application/json; charset=utf-8", None);
                send(to, format!("{head}{body}").into()).await?;
            }
        }
        send(to, Bytes::from_static(b"\r\n")).await?;
    }
    send(to, format!("--{boundary}--\r\n").into()).await
}

/// The answer goes no further.
struct Cut;

async fn send(to: &Sender, bytes: Bytes) -> Result<(), Cut> {
    to.send(Ok(bytes)).await.map_err(|_| Cut)
}

fn head(boundary: &str, name: &str, path: &str, kind: &str, length: Option<u64>) -> String {
    let length = length.map_or(String::new(), |length| format!("Content-Length: {length}\r\n"));
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{}\"; filename*=utf-8''{}\r\n{length}Content-Type: {kind}\r\n\r\n",
        quoted(path),
        percent(path),
    )
}

/// The path inside quotes; what would end the line or the quotes is escaped.
fn quoted(path: &str) -> String {
    path.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(['\r', '\n'], "_")
}

/// The path in the form of RFC 5987, which clients prefer.
fn percent(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_names_the_path_as_it_was_asked_for() {
        let head = head("B", "file", "/d/a \"ü\".txt", "text/plain", Some(3));
        assert!(head.starts_with(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"/d/a \\\"ü\\\".txt\"; "
        ));
        assert!(head.contains("filename*=utf-8''%2Fd%2Fa%20%22%C3%BC%22.txt\r\nContent-Length: 3\r\n"));
        assert!(head.ends_with("\r\n\r\n"));
    }
}
