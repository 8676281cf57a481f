//! The site's built files, at addresses that change when any of them does, so
//! that browsers keep them for ever. A release binary carries them; a debug
//! binary reads them from `target/site/debug`.

use super::refusal::Refusal;
use crate::failure::Failure;
use app::ErrorCode;
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use rust_embed::RustEmbed;
use std::path::{Path as FilePath, PathBuf};

#[derive(RustEmbed)]
#[cfg_attr(debug_assertions, folder = "../target/site/debug")]
#[cfg_attr(not(debug_assertions), folder = "../target/site/release")]
struct Files;

/// Sixteen digits over all files; none when the site was never built.
fn hash() -> Option<String> {
    let file = Files::get("hash.txt")?;
    let text = String::from_utf8_lossy(&file.data).trim().to_owned();
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

/// The path before each file's name.
pub fn base() -> String {
    let hash = hash().unwrap_or_else(|| {
        tracing::warn!(
            "The site's files are not built, so pages have neither style nor script. Run `cargo xtask build`."
        );
        "unbuilt".to_owned()
    });
    format!("/assets/{hash}")
}

/// `GET /assets/{hash}/{*path}`. Another hash is of another version: its
/// pages are told so by a 404, and reload.
pub async fn serve(
    Path((hash, path)): Path<(String, String)>,
    headers: HeaderMap,
    current: &str,
) -> Response {
    let missing = || {
        Refusal::new(
            ErrorCode::Outdated,
            "This file belongs to another version of the site. Reload the page.",
        )
    };
    if hash != current {
        return (http::StatusCode::NOT_FOUND, missing()).into_response();
    }
    let accepts_brotli = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| matches!(coding.trim().split_once(';').unwrap_or((coding.trim(), "")), ("br", weight) if weight.trim() != "q=0"));
    let compressed = if accepts_brotli {
        Files::get(&format!("{path}.br"))
    } else {
        None
    };
    let is_compressed = compressed.is_some();
    let Some(file) = compressed.or_else(|| Files::get(&path)) else {
        return (http::StatusCode::NOT_FOUND, missing()).into_response();
    };
    let mut response = axum::body::Body::from(bytes_of(file.data)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type(&path));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime()));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

/// Files of the binary are sent from where they lie, without a copy.
fn bytes_of(data: std::borrow::Cow<'static, [u8]>) -> bytes::Bytes {
    match data {
        std::borrow::Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    }
}

/// A debug build's files may change under an unchanged hash.
const fn lifetime() -> &'static str {
    if cfg!(debug_assertions) {
        "no-cache"
    } else {
        "public, max-age=31536000, immutable"
    }
}

fn content_type(path: &str) -> HeaderValue {
    let guessed = mime_guess::from_path(path).first_or_octet_stream();
    let is_text = guessed.type_() == "text" || matches!(guessed.subtype().as_str(), "javascript" | "json");
    let text = if is_text {
        format!("{}; charset=utf-8", guessed.essence_str())
    } else {
        guessed.essence_str().to_owned()
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// The folder that is bound into sandboxes: the TypeScript loader. A release
/// binary writes its copy below `data` first.
///
/// # Errors
/// When the copy cannot be written.
pub fn runtime_folder(data: &FilePath) -> Result<Option<PathBuf>, Failure> {
    let mut names = Files::iter()
        .filter(|name| name.starts_with("runtime/") && !name.ends_with(".br"))
        .peekable();
    if names.peek().is_none() {
        return Ok(None);
    }
    if cfg!(debug_assertions) {
        let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../target/site/debug/runtime");
        return Ok(folder.canonicalize().ok());
    }
    let folder = data.join(format!("runtime-{}", hash().unwrap_or_default()));
    for name in names {
        let to = folder.join(name.trim_start_matches("runtime/"));
        let Some(file) = Files::get(&name) else { continue };
        if std::fs::read(&to).is_ok_and(|now| now == *file.data) {
            continue;
        }
        to.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&to, &file.data))
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}.", to.display())))?;
    }
    Ok(Some(folder))
}
