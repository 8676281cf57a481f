//! `POST /files/replace`: a text for another in named files.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::{ReplaceRequest, ReplaceResult};

use super::transfer;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

/// Files larger than this, before or after, are refused.
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
    match replaced(&content, pattern.as_bytes(), value.as_bytes()) {
        Ok(None) => Ok(()),
        Ok(Some(changed)) => transfer::write(live, path, &changed).await,
        Err(TooLarge) => Err(Fault::bad_request(format!(
            "{path} would become larger than {} MiB.",
            LARGEST >> 20
        ))),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct TooLarge;

/// The content with every occurrence replaced; `None` when there is none. Of
/// bytes, so that the rest of a file that is not UTF-8 stays as it is.
fn replaced(content: &[u8], pattern: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, TooLarge> {
    let finder = memchr::memmem::Finder::new(pattern);
    let count = finder.find_iter(content).count();
    if count == 0 {
        return Ok(None);
    }
    let length = content.len() - count * pattern.len() + count.saturating_mul(value.len());
    if length as u64 > LARGEST {
        return Err(TooLarge);
    }
    let mut changed = Vec::with_capacity(length);
    let mut rest = 0;
    for at in finder.find_iter(content) {
        changed.extend_from_slice(&content[rest..at]);
        changed.extend_from_slice(value);
        rest = at + pattern.len();
    }
    changed.extend_from_slice(&content[rest..]);
    Ok(Some(changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_around_are_kept_and_growth_is_bounded() {
        assert_eq!(
            replaced(b"\xffab\xfe", b"ab", b"c"),
            Ok(Some(b"\xffc\xfe".to_vec()))
        );
        assert_eq!(replaced(b"x", b"y", b"z"), Ok(None));
        assert_eq!(replaced(&[b'a'; 1 << 20], b"a", &[0; 1 << 10]), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn it_does_what_text_does(content in "[abc]{0,40}", pattern in "[abc]{1,3}", value in "[a-d]{0,4}") {
            let expected = content.replace(&pattern, &value);
            let changed = replaced(content.as_bytes(), pattern.as_bytes(), value.as_bytes()).unwrap();
            prop_assert_eq!(changed.unwrap_or_else(|| content.clone().into_bytes()), expected.into_bytes());
        }
    }
}
