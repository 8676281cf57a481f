//! `POST /files/upload-v2` and its elder `/files/upload`: one file, as the raw
//! body or as the part `file` of a form.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::{Extension, Json as Answer};
use futures::StreamExt;
use multer::Multipart;
use serde_json::{Value, json};

use super::{PathQuery, transfer};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;

pub(super) async fn upload(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<PathQuery>,
    request: Request<Body>,
) -> Result<Answer<Value>, Fault> {
    if query.path.is_empty() {
        return Err(Fault::bad_request("path is required"));
    }
    let path = live.resolve(&query.path);
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = form.and_then(|form| multer::parse_boundary(form).ok());
    let mut body = request.into_body().into_data_stream();
    let written = match boundary {
        None => transfer::write_stream(&live, &path, &mut body).await.map(drop),
        Some(boundary) => of_form(&live, &path, Multipart::new(&mut body, boundary)).await,
    };
    if let Err(fault) = written {
        // A client still sending would see a broken connection instead of this.
        while let Some(Ok(_)) = body.next().await {}
        return Err(fault);
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    Ok(Answer(json!({"name": name, "path": path, "type": "file"})))
}

/// Writes the part `file` of a form.
async fn of_form(live: &Live, path: &str, mut form: Multipart<'_>) -> Result<(), Fault> {
    let broken = |error: multer::Error| Fault::bad_request(format!("The form cannot be read: {error}."));
    let mut written = false;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("file") {
            transfer::write_stream(live, path, field).await?;
            written = true;
        }
    }
    if written {
        Ok(())
    } else {
        Err(Fault::bad_request("The form has no part named file."))
    }
}
