//! `POST /files/bulk-upload`: many files in one form, written while they come.
//!
//! The parts are `files[N].path` (text) and `files[N].file` (content). Daytona's
//! synchronous Python SDK sends all paths first, the others path and file in
//! turn. A file that cannot be written does not stop the others, and the body
//! is read to its end in any case: a client still sending would see a broken
//! connection instead of the answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use daytona::{BulkUploadErrors, BulkUploadResponse, UploadedFile};
use multer::{Field, Multipart};

use super::transfer;
use crate::fault::Fault;
use crate::registry::Live;

/// Files in one form.
const MOST: usize = 10_000;
/// Bytes of a path.
const LONGEST_PATH: usize = 4096;

pub(super) async fn bulk_upload(
    Extension(live): Extension<Arc<Live>>,
    request: Request<Body>,
) -> Result<Response, Fault> {
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = form
        .and_then(|form| multer::parse_boundary(form).ok())
        .ok_or_else(|| Fault::bad_request("The request is not a multipart form."))?;
    let mut form = Multipart::new(request.into_body().into_data_stream(), boundary);
    let mut upload = Upload {
        live: &live,
        paths: BTreeMap::new(),
        errors: Vec::new(),
        files: Vec::new(),
    };
    loop {
        match form.next_field().await {
            Ok(Some(field)) => upload.part(field).await,
            Ok(None) => break,
            Err(error) => {
                upload.errors.push(format!("The form cannot be read: {error}."));
                break;
            }
        }
    }
    Ok(upload.answer())
}

struct Upload<'a> {
    live: &'a Live,
    paths: BTreeMap<usize, String>,
    errors: Vec<String>,
    files: Vec<UploadedFile>,
}

impl Upload<'_> {
    async fn part(&mut self, mut field: Field<'_>) {
        let taken = match field.name().and_then(number_and_kind) {
            Some((number, Kind::Path)) => self.path(number, &mut field).await,
            Some((number, Kind::File)) => self.file(number, &mut field).await,
            None => Ok(()),
        };
        if let Err(sentence) = taken {
            self.errors.push(sentence);
            // What is left of a part that was refused is read and dropped.
            while let Ok(Some(_)) = field.chunk().await {}
        }
    }

    async fn path(&mut self, number: usize, field: &mut Field<'_>) -> Result<(), String> {
        let mut path = Vec::new();
        while let Some(bytes) = field.chunk().await.map_err(|error| error.to_string())? {
            path.extend_from_slice(&bytes);
            if path.len() > LONGEST_PATH {
                return Err(format!(
                    "The path of file {number} is longer than {LONGEST_PATH} bytes."
                ));
            }
        }
        if self.paths.len() >= MOST {
            return Err(format!("More than {MOST} files in one upload."));
        }
        let path = String::from_utf8(path).map_err(|_| format!("The path of file {number} is not UTF-8."))?;
        self.paths.insert(number, path);
        Ok(())
    }

    async fn file(&mut self, number: usize, field: &mut Field<'_>) -> Result<(), String> {
        let asked = self.paths.get(&number).filter(|path| !path.is_empty());
        let asked = asked
            .ok_or_else(|| format!("File {number} came without its path before it."))?
            .clone();
        let path = self.live.resolve(&asked);
        match transfer::write_stream(self.live, &path, field).await {
            Ok(bytes) => {
                self.files.push(UploadedFile { path: asked, bytes });
                Ok(())
            }
            Err(fault) => Err(fault.message().to_owned()),
        }
    }

    fn answer(self) -> Response {
        if self.errors.is_empty() {
            return Answer(BulkUploadResponse { files: self.files }).into_response();
        }
        let body = BulkUploadErrors {
            errors: self.errors,
            files: self.files,
        };
        (StatusCode::BAD_REQUEST, Answer(body)).into_response()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Path,
    File,
}

fn number_and_kind(name: &str) -> Option<(usize, Kind)> {
    let (number, kind) = name.strip_prefix("files[")?.split_once(']')?;
    let kind = match kind {
        ".path" => Kind::Path,
        ".file" => Kind::File,
        _ => return None,
    };
    Some((number.parse().ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_their_names() {
        assert_eq!(number_and_kind("files[12].path"), Some((12, Kind::Path)));
        assert_eq!(number_and_kind("files[0].file"), Some((0, Kind::File)));
        for other in [
            "files[].path",
            "files[1].name",
            "file",
            "files[-1].path",
            "files[1]",
        ] {
            assert_eq!(number_and_kind(other), None, "{other}");
        }
    }
}
