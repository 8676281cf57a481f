//! Points in time and how durations are said.

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Now, by the machine's clock. Not in the browser, whose clock is asked
    /// for through JavaScript.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds from `earlier` to this point; none when clocks went back.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// A duration as people read it: `0 ms`, `940 ms`, `1.8 s`, `2 min 5 s`, `3 h 20 min`.
#[must_use]
pub fn duration_words(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{} s", seconds, milliseconds % 1000 / 100),
        60_000..3_600_000 => match seconds % 60 {
            0 => format!("{} min", seconds / 60),
            rest => format!("{} min {rest} s", seconds / 60),
        },
        _ => match seconds / 60 % 60 {
            0 => format!("{} h", seconds / 3600),
            rest => format!("{} h {rest} min", seconds / 3600),
        },
    }
}

/// A duration without its part of a second, for words that tick: `34 s`, not `34.2 s`. From two days on
/// whole days, the nearest.
#[must_use]
pub fn countdown_words(milliseconds: u64) -> String {
    match milliseconds.div_ceil(1000) {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 172_800.. => format!("{} days", (seconds + 43_200) / 86_400),
        seconds => duration_words(seconds * 1000),
    }
}

/// How old something is, roughly: `34 s`, `5 min`, `3 h 20 min`, `2 days`.
#[must_use]
pub fn age_words(milliseconds: u64) -> String {
    match milliseconds / 60_000 {
        0 => format!("{} s", milliseconds / 1000),
        minutes @ 1..60 => format!("{minutes} min"),
        minutes @ 60..2880 => duration_words(minutes * 60_000),
        minutes => format!("{} days", minutes / 1440),
    }
}

/// How long ago, roughly, as people read it: `just now`, `6 min ago`, `2 h ago`, `3 days ago`.
#[must_use]
pub fn ago_words(milliseconds: u64) -> String {
    match milliseconds / 60_000 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min ago"),
        minutes @ 60..1440 => format!("{} h ago", minutes / 60),
        minutes @ 1440..2880 => format!("{} day ago", minutes / 1440),
        minutes => format!("{} days ago", minutes / 1440),
    }
}

/// A number of bytes as people read it: `0 B`, `812 B`, `12.4 KB`, `3.0 MB` (powers of 1000).
#[must_use]
pub fn byte_words(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A count with thousands apart: `1,284`.
#[must_use]
pub fn count_words(count: u64) -> String {
    let digits = count.to_string();
    let mut words = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let said: Vec<_> = [0, 940, 1000, 1850, 59_999, 60_000, 125_000, 3_600_000, 12_000_000]
            .into_iter()
            .map(duration_words)
            .collect();
        assert_eq!(
            said,
            [
                "0 ms",
                "940 ms",
                "1.0 s",
                "1.8 s",
                "59.9 s",
                "1 min",
                "2 min 5 s",
                "1 h",
                "3 h 20 min"
            ]
        );
    }

    #[test]
    fn ages() {
        assert_eq!(
            [0, 34_900, 359_000, 12_000_000, 259_200_000].map(age_words),
            ["0 s", "34 s", "5 min", "3 h 20 min", "3 days"]
        );
    }

    #[test]
    fn countdowns_tick_by_the_second() {
        assert_eq!(
            [0, 1, 33_200, 59_001, 119_500, 2_591_999_000].map(countdown_words),
            ["0 s", "1 s", "34 s", "1 min", "2 min", "30 days"]
        );
    }

    #[test]
    fn bytes_and_counts() {
        assert_eq!(
            [0, 999, 1000, 12_440, 3_000_000, 20_971_520].map(byte_words),
            ["0 B", "999 B", "1.0 KB", "12.4 KB", "3.0 MB", "20.9 MB"]
        );
        assert_eq!(
            [0, 999, 1284, 1_000_000].map(count_words),
            ["0", "999", "1,284", "1,000,000"]
        );
    }

    #[test]
    fn how_long_ago() {
        assert_eq!(
            [0, 360_000, 7_200_000, 86_400_000, 259_200_000].map(ago_words),
            ["just now", "6 min ago", "2 h ago", "1 day ago", "3 days ago"]
        );
    }
}
