//! The values given to statements, as both databases take them.

use model::Millis;
use std::borrow::Cow;

/// A value given to a statement. Each has the type its column has, also when
/// it is null: PostgreSQL wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'v> {
    Text(Option<&'v str>),
    Number(Option<i64>),
    Flag(bool),
    Bytes(&'v [u8]),
}

/// PostgreSQL's text holds no NUL. A replacement character in its place is
/// legible where it is kept, and finds nothing where it is looked for.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The values of a statement: `values![id, now, None::<&str>]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::value::Value::from($value)),*] };
}
pub(crate) use values;

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(Some(i64::from(number)))
    }
}

impl From<u64> for Value<'_> {
    /// Sizes and offsets; none comes near what does not fit.
    fn from(number: u64) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<Option<i32>> for Value<'_> {
    fn from(number: Option<i32>) -> Self {
        Self::Number(number.map(i64::from))
    }
}

impl From<Millis> for Value<'_> {
    fn from(at: Millis) -> Self {
        Self::Number(Some(at.0))
    }
}

impl From<Option<Millis>> for Value<'_> {
    fn from(at: Option<Millis>) -> Self {
        Self::Number(at.map(|at| at.0))
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'v> From<Option<&'v str>> for Value<'v> {
    fn from(text: Option<&'v str>) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

/// Ids and paths are stored as the text they are.
macro_rules! text_value {
    ($($name:ident),*) => {$(
        impl<'v> From<&'v model::$name> for Value<'v> {
            fn from(value: &'v model::$name) -> Self {
                Self::Text(Some(value.as_str()))
            }
        }
    )*};
}
text_value!(
    AgentId,
    FilePath,
    HookId,
    InvitationId,
    InterpreterId,
    RevisionId,
    RunId,
    SandboxId,
    ScheduleId,
    SecretId,
    SessionId,
    TargetId,
    TeamId,
    TokenId,
    UserId
);
