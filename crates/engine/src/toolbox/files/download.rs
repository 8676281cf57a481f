//! `GET /files/download`: one file, whole or a range of it.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::io::AsyncSeekExt;

use super::{PathQuery, transfer};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::{Live, counts_as_use};

pub(super) async fn download(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<PathQuery>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let path = live.resolve(&query.path);
    let (descriptor, stat) = live.sandbox.open_read(&path).await?;
    let mut file = transfer::file(descriptor);
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, start, length) = match asked.map(|range| read_range(range, stat.size)) {
        Some(Asked::Part(start, end)) => (StatusCode::PARTIAL_CONTENT, start, end - start + 1),
        Some(Asked::Outside) => {
            let fault = Fault::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                format!("{path} has {} bytes.", stat.size),
            );
            let mut response = fault.into_response();
            response
                .headers_mut()
                .insert(header::CONTENT_RANGE, value(format!("bytes */{}", stat.size)));
            return Ok(response);
        }
        Some(Asked::Whole) | None => (StatusCode::OK, 0, stat.size),
    };
    if start > 0 {
        let sought = file.seek(SeekFrom::Start(start)).await;
        sought.map_err(|error| Fault::internal(format!("{path} could not be read: {error}.")))?;
    }
    let used = counts_as_use(&headers).then(|| Arc::clone(&live.activity));
    // A file that grows meanwhile is given as long as it was.
    let body = Body::from_stream(transfer::pieces(&live, file, length, used));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let answer = response.headers_mut();
    answer.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {start}-{}/{}", start + length - 1, stat.size);
        answer.insert(header::CONTENT_RANGE, value(range));
    }
    Ok(response)
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("numbers and ASCII words make a header")
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// First and last byte.
    Part(u64, u64),
    /// Nothing of the file.
    Outside,
    /// A form that may be ignored: several ranges, other units.
    Whole,
}

fn read_range(range: &str, size: u64) -> Asked {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Whole;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Ok(first), Err(_)) if last.is_empty() => (first, size.saturating_sub(1)),
        (Err(_), Ok(0)) if first.is_empty() => return Asked::Outside,
        (Err(_), Ok(tail)) if first.is_empty() => (size.saturating_sub(tail), size.saturating_sub(1)),
        _ => return Asked::Whole,
    };
    if range.0 >= size {
        Asked::Outside
    } else {
        Asked::Part(range.0, range.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_says() {
        assert_eq!(read_range("bytes=0-0", 10), Asked::Part(0, 0));
        assert_eq!(read_range("bytes=5-", 10), Asked::Part(5, 9));
        assert_eq!(read_range("bytes=-3", 10), Asked::Part(7, 9));
        assert_eq!(read_range("bytes=-30", 10), Asked::Part(0, 9));
        assert_eq!(read_range("bytes=8-100", 10), Asked::Part(8, 9));
        assert_eq!(read_range("bytes=10-", 10), Asked::Outside);
        assert_eq!(read_range("bytes=0-", 0), Asked::Outside);
        for ignored in ["bytes=3-1", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b"] {
            assert_eq!(read_range(ignored, 10), Asked::Whole, "{ignored}");
        }
    }
}
