//! Contents of files: many up in one request, many down in one answer.

use super::Toolbox;
use crate::client::Error;
use crate::client::refusal::read_refusal;
use crate::client::transport::Reply;
use crate::{BulkDownloadRequest, BulkUploadResponse, ErrorBody, UploadedFile};
use bytes::{Bytes, BytesMut};
use futures::stream;
use http::{HeaderMap, Method, StatusCode, header};
use multer::{Field, Multipart};
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// How long a transfer may take, as in the official SDKs.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(1800);
/// The most bytes that one download may bring.
const DOWNLOAD_LIMIT: usize = 512 * 1024 * 1024;

impl Toolbox {
    /// Writes files, all in one request. Paths are absolute or start from the
    /// work directory; missing directories are made, files that exist are
    /// overwritten. The contents are shared, not copied.
    ///
    /// # Errors
    /// 400 with a message per file that could not be written; the others were.
    pub async fn upload(&self, files: Vec<(String, Bytes)>) -> Result<Vec<UploadedFile>, Error> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.call(Method::POST, &["files", "bulk-upload"])?.files(files);
        let answer: BulkUploadResponse = self.client.fetch(call.timeout(Some(TRANSFER_TIMEOUT))).await?;
        Ok(answer.files)
    }

    /// A file's content.
    ///
    /// # Errors
    /// 404 when there is none; [`Error::TooLarge`] past 512 MiB.
    pub async fn download(&self, path: &str) -> Result<Bytes, Error> {
        let mut parts = self.download_parts(vec![path.to_owned()]).await?;
        match parts.pop() {
            Some((_, content)) if parts.is_empty() => content,
            _ => Err(Error::Malformed {
                call: "POST /files/bulk-download".to_owned(),
                reason: format!("not one part for the one file {path:?}"),
            }),
        }
    }

    /// The contents of files, in the order of `paths`; a file that cannot be
    /// read has its own error.
    ///
    /// # Errors
    /// As every call; also when the answer leaves a file out.
    pub async fn download_many(&self, paths: &[String]) -> Result<Vec<Result<Bytes, Error>>, Error> {
        let mut parts = self.download_parts(paths.to_vec()).await?;
        let mut contents = Vec::with_capacity(paths.len());
        for path in paths {
            let Some(place) = parts.iter().position(|(name, _)| name == path) else {
                return Err(Error::Malformed {
                    call: "POST /files/bulk-download".to_owned(),
                    reason: format!("no part for {path:?}"),
                });
            };
            contents.push(parts.swap_remove(place).1);
        }
        Ok(contents)
    }

    async fn download_parts(&self, paths: Vec<String>) -> Result<Vec<(String, Result<Bytes, Error>)>, Error> {
        let call = self
            .call(Method::POST, &["files", "bulk-download"])?
            .json(&BulkDownloadRequest { paths })?
            .accept("multipart/form-data")
            .timeout(Some(TRANSFER_TIMEOUT))
            .limit(DOWNLOAD_LIMIT);
        let reply = self.client.exchange(&call).await?;
        read_parts(reply, &call.label)
            .await
            .map_err(|reason| Error::Malformed {
                call: call.label.clone(),
                reason,
            })
    }
}

/// Takes the answer apart: parts named `file` hold a content, parts named
/// `error` say why there is none.
async fn read_parts(reply: Reply, label: &str) -> Result<Vec<(String, Result<Bytes, Error>)>, String> {
    let media_type = reply
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary =
        multer::parse_boundary(media_type.unwrap_or_default()).map_err(|error| error.to_string())?;
    let body = reply.body;
    let mut multipart = Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(body)]), boundary);
    let mut parts = Vec::new();
    while let Some(mut field) = multipart.next_field().await.map_err(|error| error.to_string())? {
        let path = requested_path(&field);
        let is_error = field.name() == Some("error");
        let mut content = BytesMut::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| error.to_string())? {
            content.extend_from_slice(&chunk);
        }
        let content = content.freeze();
        parts.push((
            path,
            if is_error {
                Err(part_error(label, &content))
            } else {
                Ok(content)
            },
        ));
    }
    Ok(parts)
}

fn part_error(label: &str, content: &[u8]) -> Error {
    let body: ErrorBody = serde_json::from_slice(content).unwrap_or_default();
    let status = StatusCode::from_u16(body.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Error::Refused(Box::new(read_refusal(label, status, &HeaderMap::new(), content)))
}

/// The path a part is for: `filename*` where it is given, which carries every
/// character, else `filename`.
fn requested_path(field: &Field<'_>) -> String {
    let disposition = field
        .headers()
        .get(header::CONTENT_DISPOSITION)
        .map(|value| value.as_bytes());
    let disposition = String::from_utf8_lossy(disposition.unwrap_or_default());
    let extended = disposition.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        let (charset, rest) = name
            .eq_ignore_ascii_case("filename*")
            .then(|| value.split_once('\''))??;
        let (_language, encoded) = rest.split_once('\'')?;
        let decoded = percent_decode_str(encoded).decode_utf8_lossy().into_owned();
        charset.eq_ignore_ascii_case("utf-8").then_some(decoded)
    });
    extended.unwrap_or_else(|| field.file_name().unwrap_or_default().to_owned())
}
