//! Reading stored values back into the model's types. What the database holds
//! was checked when it was written, so a value that cannot be read means a
//! damaged database or one that another version wrote, and is said as that.

use crate::{Result, StoreError};
use model::Millis;
use serde::{Serialize, de::DeserializeOwned};

fn unreadable(what: &str, stored: &str) -> StoreError {
    let shown: String = stored.chars().take(60).collect();
    StoreError::Unavailable {
        sentence: format!(
            "The database holds \u{201c}{shown}\u{201d} as {what}, which this version of Pitlane cannot read. \
             Was it changed by hand or by another version?"
        ),
        cause: None,
    }
}

/// An id, a path: text with a rule.
pub(crate) fn text<T: TryFrom<String>>(what: &str, stored: String) -> Result<T> {
    T::try_from(stored.clone()).map_err(|_| unreadable(what, &stored))
}

/// A word that stands for a variant.
pub(crate) fn word<T>(what: &str, stored: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    parse(stored).ok_or_else(|| unreadable(what, stored))
}

/// A record kept as JSON.
pub(crate) fn json<T: DeserializeOwned>(what: &str, stored: &str) -> Result<T> {
    serde_json::from_str(stored).map_err(|_| unreadable(what, stored))
}

/// A record as JSON.
pub(crate) fn to_json(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("the model's records have text keys and no failing parts")
}

/// A size or an offset; never negative.
pub(crate) fn size(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A small count or setting.
pub(crate) fn count(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(if stored < 0 { 0 } else { u32::MAX })
}

/// A point in time.
pub(crate) fn time(stored: Option<i64>) -> Option<Millis> {
    stored.map(Millis)
}

/// A program's exit code.
pub(crate) fn exit_code(stored: Option<i64>) -> Option<i32> {
    stored.and_then(|code| i32::try_from(code).ok())
}
