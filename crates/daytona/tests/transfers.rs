//! Files up and down: one request for many, contents to the byte.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use daytona::*;
use serde_json::json;
use std::sync::{Arc, Mutex};

type Uploads = Arc<Mutex<Vec<Vec<(String, Bytes)>>>>;

async fn serve(router: Router) -> Toolbox {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = Config {
        api_url: format!("http://{address}/api"),
        ..Config::new("key")
    };
    let toolbox_proxy_url = format!("http://{address}/toolbox");
    let sandbox = Sandbox {
        id: "s1".into(),
        toolbox_proxy_url,
        ..Sandbox::default()
    };
    Client::new(config)
        .expect("a client")
        .toolbox(&sandbox)
        .await
        .expect("a toolbox")
}

async fn take_upload(State(uploads): State<Uploads>, headers: HeaderMap, mut form: Multipart) -> Response {
    assert!(
        headers.contains_key(header::CONTENT_LENGTH),
        "the length is known beforehand"
    );
    let mut files = Vec::new();
    let mut path = None;
    while let Some(field) = form.next_field().await.expect("a field") {
        let name = field.name().expect("a name").to_owned();
        if name == format!("files[{}].path", files.len()) {
            path = Some(field.text().await.expect("a path"));
        } else {
            assert_eq!(name, format!("files[{}].file", files.len()));
            assert!(field.file_name().is_some(), "servers tell files from texts by it");
            files.push((
                path.take().expect("the path comes first"),
                field.bytes().await.expect("a content"),
            ));
        }
    }
    if files.iter().any(|(path, _)| path == "/forbidden") {
        let body = json!({ "errors": ["/forbidden: permission denied"], "files": [] });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let written: Vec<_> = files
        .iter()
        .map(|(path, content)| json!({ "path": path, "bytes": content.len() }))
        .collect();
    uploads.lock().expect("one at a time").push(files);
    Json(json!({ "files": written })).into_response()
}

async fn upload_server() -> (Toolbox, Uploads) {
    let uploads = Uploads::default();
    let router = Router::new()
        .route("/toolbox/s1/files/bulk-upload", post(take_upload))
        .layer(DefaultBodyLimit::disable())
        .with_state(uploads.clone());
    (serve(router).await, uploads)
}

#[tokio::test]
async fn many_files_go_up_in_one_request() {
    let (toolbox, uploads) = upload_server().await;
    let mut files: Vec<(String, Bytes)> = (0..200)
        .map(|index| {
            (
                format!("src/module_{index}.py"),
                Bytes::from(vec![index as u8; index * 10]),
            )
        })
        .collect();
    files.push((
        "weird \"name\"; ü\r\n😀.txt".into(),
        Bytes::from_static(b"\0\xff\r\n--boundary"),
    ));
    files.push(("/abs/empty".into(), Bytes::new()));
    files.push(("large.bin".into(), vec![7; 20 * 1024 * 1024].into()));
    let written = toolbox.upload(files.clone()).await.expect("written");
    assert_eq!(written.len(), files.len());
    assert_eq!(*uploads.lock().expect("one at a time"), [files]);
}

#[tokio::test]
async fn no_files_are_no_request() {
    let (toolbox, uploads) = upload_server().await;
    assert_eq!(toolbox.upload(Vec::new()).await.expect("nothing to do"), []);
    assert!(uploads.lock().expect("one at a time").is_empty());
}

#[tokio::test]
async fn files_that_cannot_be_written_are_named() {
    let (toolbox, _) = upload_server().await;
    let error = toolbox
        .upload(vec![("/forbidden".into(), "x".into())])
        .await
        .expect_err("refused");
    assert_eq!(
        (error.status(), error.message()),
        (Some(400), Some("/forbidden: permission denied"))
    );
}

/// The answer as Daytona's own server gives it.
fn part(kind: &str, path: &str, encoded: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!(
        "--DAYTONA-FILE-BOUNDARY\r\nContent-Disposition: form-data; name=\"{kind}\"; filename=\"{path}\"; \
         filename*=utf-8''{encoded}\r\nContent-Length: {}\r\nContent-Type: application/octet-stream\r\n\r\n",
        content.len()
    )
    .into_bytes();
    part.extend_from_slice(content);
    part.extend_from_slice(b"\r\n");
    part
}

const MISSING: &str = r#"{"statusCode":404,"message":"file not found: /d/no","code":"FILE_NOT_FOUND","source":"DAYTONA_DAEMON","path":"/d/no","method":"POST"}"#;

async fn download_server(parts: Vec<Vec<u8>>, end: &'static str) -> Toolbox {
    let answer = move |headers: HeaderMap| async move {
        assert_eq!(headers[header::ACCEPT], "multipart/form-data");
        let mut body = parts.concat();
        body.extend_from_slice(end.as_bytes());
        (
            [(
                header::CONTENT_TYPE,
                "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY",
            )],
            Body::from(body),
        )
    };
    serve(Router::new().route("/toolbox/s1/files/bulk-download", post(answer))).await
}

const END: &str = "--DAYTONA-FILE-BOUNDARY--\r\n";

#[tokio::test]
async fn files_come_down_to_the_byte() {
    let content = b"\0\xff\r\n--DAYTONA-FILE-BOUNDAR\r\n\x01";
    let parts = vec![
        part("file", "/d/b", "%2Fd%2Fb", b""),
        part("error", "/d/no", "%2Fd%2Fno", MISSING.as_bytes()),
        part("file", "/d/?.txt", "%2Fd%2F%C3%BC%20%22.txt", content),
    ];
    let toolbox = download_server(parts, END).await;
    let paths = ["/d/\u{fc} \".txt", "/d/no", "/d/b"].map(str::to_owned);
    let mut contents = toolbox
        .download_many(&paths)
        .await
        .expect("an answer")
        .into_iter();
    assert_eq!(contents.next().expect("three").expect("a file"), &content[..]);
    let error = contents.next().expect("three").expect_err("missing");
    assert_eq!(
        (error.status(), error.code()),
        (Some(404), Some(codes::FILE_NOT_FOUND))
    );
    assert_eq!(contents.next().expect("three").expect("a file"), Bytes::new());
    let error = toolbox
        .download_many(&["/d/other".to_owned()])
        .await
        .expect_err("left out");
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn one_file_is_one_content_or_one_error() {
    let toolbox = download_server(vec![part("file", "/d/a", "%2Fd%2Fa", b"hello")], END).await;
    assert_eq!(toolbox.download("/d/a").await.expect("a file"), "hello");
    let toolbox = download_server(vec![part("error", "/d/no", "%2Fd%2Fno", MISSING.as_bytes())], END).await;
    assert!(
        toolbox
            .download("/d/no")
            .await
            .expect_err("missing")
            .is_not_found()
    );
}

#[tokio::test]
async fn an_answer_cut_short_is_not_taken_for_a_file() {
    let toolbox = download_server(vec![part("file", "/d/a", "%2Fd%2Fa", b"hello")], "").await;
    let error = toolbox.download("/d/a").await.expect_err("no closing boundary");
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let toolbox = download_server(Vec::new(), END).await;
    assert!(toolbox.download("/d/a").await.is_err());
}
