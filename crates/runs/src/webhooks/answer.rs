//! What an answer to a message means.

use model::{Attempt, Millis};
use reqwest::header::HeaderMap;
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// What came of sending a message.
#[derive(Debug)]
pub struct Outcome {
    /// For the log.
    pub attempt: Attempt,
    /// How long the address wants to be left alone.
    pub asked: Option<Duration>,
}

impl Outcome {
    /// Whether the message was taken.
    pub fn is_taken(&self) -> bool {
        self.attempt
            .status
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the address says that it is gone for ever.
    pub fn is_gone(&self) -> bool {
        self.attempt.status == Some(410)
    }
}

/// How long `Retry-After` asks to wait: seconds, or a date.
pub fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    // RFC 9110's dates are RFC 2822's but for the name of the zone.
    let date = OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()?;
    let at = i64::try_from(date.unix_timestamp_nanos() / 1_000_000).ok()?;
    Some(Duration::from_millis(Millis(at).since(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_to_be_left_alone() {
        let wish = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", text.parse().expect("a value"));
            retry_after(&headers, Millis(1_700_000_000_000))
        };
        assert_eq!(wish("120"), Some(Duration::from_secs(120)));
        assert_eq!(wish(" 0 "), Some(Duration::ZERO));
        // 60 s later.
        assert_eq!(
            wish("Tue, 14 Nov 2023 22:14:20 GMT"),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wish("Tue, 14 Nov 2000 22:14:20 GMT"), Some(Duration::ZERO));
        for odd in ["", "soon", "-5", "1e9"] {
            assert_eq!(wish(odd), None, "{odd}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Millis(0)), None);
    }
}
