//! `/api/agents/{id}/files/{path}`: a file's bytes, up and down. A save names
//! the version it is based on in `If-Match`; without that header the file must
//! not exist yet, so that nothing is overwritten unseen.

use super::{
    Site,
    permission::{Can, Edit, Read},
    pressure::{Client, no_room_for_it},
    refusal::Refusal,
};
use crate::connections::hold_until_sent;
use app::ErrorCode;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use model::{AgentId, FilePath, SaveOutcome, file::check_size};

/// GET: always as a download, never as a page of this site.
pub async fn download(
    can: Can<Read>,
    State(site): State<Site>,
    Path((agent, path)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (agent, path) = (AgentId::parse(&agent)?, FilePath::parse(&path)?);
    can.agent(&site, &agent).await?;
    let bytes = site.services.store.file_bytes(&agent, &path).await?;
    // It is in memory until the client has taken it.
    let client = Client::Person(can.user.id);
    let reserved = match site.pressure.room.reserve(&client, bytes.len() as u64) {
        Ok(reserved) => reserved,
        Err(no_room) => return Ok(no_room_for_it(no_room)),
    };
    let mut response = hold_until_sent(bytes.into_response(), reserved);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_DISPOSITION, attachment(path.name()));
    Ok(response)
}

/// PUT: the body is the file.
pub async fn upload(
    can: Can<Edit>,
    State(site): State<Site>,
    Path((agent, path)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (agent, path) = (AgentId::parse(&agent)?, FilePath::parse(&path)?);
    check_size(&path, body.len() as u64).map_err(|error| Refusal::too_large(error.0))?;
    can.agent(&site, &agent).await?;
    let outcome = site
        .services
        .store
        .save_file(&agent, &path, &body, base_version(&headers)?)
        .await?;
    Ok(match outcome {
        SaveOutcome::Saved(entry) => {
            site.services.runs.files_changed(&agent);
            (
                StatusCode::OK,
                [(header::ETAG, format!("\"{}\"", entry.version))],
                Json(entry),
            )
                .into_response()
        }
        SaveOutcome::Conflict(current) => {
            (StatusCode::PRECONDITION_FAILED, Json(current.entry)).into_response()
        }
    })
}

fn base_version(headers: &HeaderMap) -> Result<Option<i64>, Refusal> {
    let Some(text) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let version = text
        .to_str()
        .ok()
        .and_then(|text| text.trim().trim_matches('"').parse().ok());
    version.map(Some).ok_or_else(|| {
        Refusal::new(
            ErrorCode::Invalid,
            "If-Match must be the version of the file that this save is based on, such as \"3\".",
        )
    })
}

/// The name in the two forms browsers know: plain, and with every character.
pub fn attachment(name: &str) -> HeaderValue {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !"\"\\%".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let exact: String = name
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    HeaderValue::from_str(&format!(
        "attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"
    ))
    .unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads() {
        assert_eq!(
            attachment("a b\"\u{e9}.py"),
            "attachment; filename=\"a_b__.py\"; filename*=UTF-8''a%20b%22%C3%A9.py"
        );
    }
}
