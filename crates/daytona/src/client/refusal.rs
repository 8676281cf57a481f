//! Reads an answer that is not a success, whichever of Daytona's parts wrote
//! it, or a gateway in between.

use super::Refusal;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use std::time::Duration;

/// The most of an error's text that is shown when it is not JSON.
const SHOWN_TEXT: usize = 500;

/// Puts an error answer into our terms: the message is `message` (a text, or
/// several, as validation has them), else `errors` (of uploads), else `error`,
/// else the body's text, else the status in words.
pub(super) fn read_refusal(call: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refusal {
    let envelope: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| match envelope.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        _ => None,
    };
    let message = text("message")
        .or_else(|| text("errors"))
        .or_else(|| text("error"));
    Refusal {
        call: call.to_owned(),
        status: status.as_u16(),
        code: text("code"),
        message: message.unwrap_or_else(|| plain_text(status, body)),
        source: text("source"),
        retry_after: retry_after(headers),
    }
}

fn plain_text(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let shown: String = text.trim().chars().take(SHOWN_TEXT).collect();
    if shown.is_empty() {
        status.canonical_reason().unwrap_or("no reason given").to_owned()
    } else {
        shown
    }
}

/// `Retry-After`, or `Retry-After-{throttler}` of whichever of Daytona's limits
/// it was; the longest of them, in whole seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str() == "retry-after" || name.as_str().starts_with("retry-after-"))
        .filter_map(|(_, value)| value.to_str().ok()?.trim().parse().ok())
        .max()
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        let status = StatusCode::from_u16(status).expect("a status");
        read_refusal("GET /x", status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn every_shape_of_error_gives_its_message() {
        let control = r#"{"path":"/api/sandbox/x","timestamp":"2026-11-22T21:07:33Z","statusCode":404,"error":"Not Found","message":"Sandbox with ID or name x not found","source":"DAYTONA_API"}"#;
        let read = refusal(404, control);
        assert_eq!(read.message, "Sandbox with ID or name x not found");
        assert_eq!(read.source.as_deref(), Some("DAYTONA_API"));
        let validation = r#"{"statusCode":400,"message":["name must be a string","cpu must be positive"]}"#;
        assert_eq!(
            refusal(400, validation).message,
            "name must be a string, cpu must be positive"
        );
        let upload = r#"{"errors":["/a: is a directory"],"files":[]}"#;
        assert_eq!(refusal(400, upload).message, "/a: is a directory");
        assert_eq!(refusal(502, "").message, "Bad Gateway");
        assert_eq!(refusal(502, "<html>bad</html>\n").message, "<html>bad</html>");
        assert_eq!(
            refusal(500, r#"["not","an","object"]"#).message,
            r#"["not","an","object"]"#
        );
    }

    #[test]
    fn the_longest_retry_after_counts() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "2".parse().expect("a value"));
        headers.insert("retry-after-sandbox-create", "7".parse().expect("a value"));
        headers.insert("retry-after-other", "soon".parse().expect("a value"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
