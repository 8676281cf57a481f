//! Whole numbers that may arrive as `1.0`: JavaScript servers have one number
//! type, and a resource figure that went through arithmetic can carry a point.

use serde::{Deserialize, Deserializer, de::Error};

/// Reads a whole number, also when it is written with a fraction of zero.
pub(super) fn whole<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let number = serde_json::Number::deserialize(deserializer)?;
    from_number(&number).ok_or_else(|| D::Error::custom(format!("{number} is not a whole number in range")))
}

/// The same for a field that may be null.
pub(super) fn optional_whole<'de, D, N>(deserializer: D) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<i64>,
{
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    from_number(&number)
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("{number} is not a whole number in range")))
}

fn from_number<N: TryFrom<i64>>(number: &serde_json::Number) -> Option<N> {
    if let Some(whole) = number.as_i64() {
        return N::try_from(whole).ok();
    }
    let float = number.as_f64()?;
    // Past 2^53 a float does not name one whole number.
    let exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    exact.then(|| N::try_from(float as i64).ok()).flatten()
}
