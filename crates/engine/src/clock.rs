//! The time of day, as milliseconds and in the one text form Daytona uses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const INSTANT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const CLIENTS: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]][offset_hour sign:mandatory][optional [:]][offset_minute]"
);
const GO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:9] +0000 UTC");

/// Milliseconds since 1970, UTC.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn moment(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The moment as RFC 3339 with milliseconds, such as `2026-11-22T21:07:33.053Z`.
pub(crate) fn rfc3339(ms: i64) -> String {
    moment(ms).format(INSTANT).unwrap_or_default()
}

/// Reads a moment as clients write it: RFC 3339, also without the colon in its
/// offset (Python's SDK), and with the plus sign lost in a query.
pub(crate) fn read(text: &str) -> Option<i64> {
    let text = match text.strip_suffix(['Z', 'z']) {
        Some(utc) => format!("{utc}+00:00"),
        None => text.replace(' ', "+"),
    };
    let moment = OffsetDateTime::parse(&text, CLIENTS).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
}

/// The moment as Go prints it: the form of the deprecated `modTime`.
pub(crate) fn go_time(ms: i64) -> String {
    moment(ms).format(GO).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_daytona_writes_them() {
        assert_eq!(rfc3339(1_795_382_853_053), "2026-11-22T21:27:33.053Z");
        for text in [
            "2026-11-22T21:27:33.053Z",
            "2026-11-22T21:27:33.053000+0000",
            "2026-11-22T21:27:33.053000 0000",
            "2026-11-22T23:27:33.053+02:00",
        ] {
            assert_eq!(read(text), Some(1_795_382_853_053), "{text}");
        }
        assert_eq!(read("1970-01-01T00:00:01Z"), Some(1000));
        for odd in [
            "",
            "Z",
            "now",
            "2026-11-22",
            "2026-13-01T00:00:00Z",
            "2026-11-22T21:27:33",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
        assert_eq!(go_time(53), "1970-01-01 00:00:00.053000000 +0000 UTC");
    }
}
