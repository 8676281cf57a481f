//! `POST /files/replace`: a text for another in named files.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::{ReplaceRequest, ReplaceResult};

use super::transfer;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

/// Files larger than this are refused.
const LARGEST: u64 = 64 << 20;

pub(super) async fn replace(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<ReplaceRequest>,
) -> Result<Answer<Vec<ReplaceResult>>, Fault> {
    if request.pattern.is_empty() {
        return Err(Fault::bad_request("The pattern is empty."));
    }
    let mut results = Vec::with_capacity(request.files.len());
    for file in request.files {
        let done = one(&live, &live.resolve(&file), &request.pattern, &request.new_value).await;
        results.push(ReplaceResult {
            file,
            success: done.is_ok(),
            error: done.err().map(|fault| fault.message().to_owned()),
        });
    }
    Ok(Answer(results))
}

async fn one(live: &Live, path: &str, pattern: &str, value: &str) -> Result<(), Fault> {
    let content = transfer::read(live, path, LARGEST).await?;
    let text = String::from_utf8(content)
        .map_err(|_| Fault::bad_request(format!("{path} is not text: it holds bytes that are not UTF-8.")))?;
    if text.contains(pattern) {
        transfer::write(live, path, text.replace(pattern, value).as_bytes()).await?;
    }
    Ok(())
}
