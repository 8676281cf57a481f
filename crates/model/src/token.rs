//! The tokens of programs: what is known of one, and what it may be made with.
//! Its text is known to nobody but who made it.

use crate::{Invalid, Millis, Permission, TeamId, TokenId, name};
use serde::{Deserialize, Serialize};

/// What every token begins with, so that scanners for lost secrets know one.
pub const PREFIX: &str = "plt_";
/// The longest name, in characters.
pub const LONGEST_NAME: usize = 80;
/// The most tokens of one person.
pub const MOST: usize = 100;
/// The longest a token may be used, in days; one may also be made to last until it is revoked.
pub const MOST_DAYS: u32 = 3650;
/// What a token may do when nothing else is said: run agents, and see what came of it.
pub const USUAL_SCOPES: [Permission; 2] = [Permission::Read, Permission::Run];

/// A token, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The team it acts in.
    pub team: TeamId,
    /// What its maker calls it.
    pub name: String,
    /// What it may do, as far as its maker may.
    pub scopes: Vec<Permission>,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends; none when it lasts until it is revoked.
    pub expires_at: Option<Millis>,
    /// When it was last used, to the minute.
    pub used_at: Option<Millis>,
}

impl Token {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }

    /// The scopes in words: `read, run`.
    #[must_use]
    pub fn scope_words(&self) -> String {
        let words: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        words.join(", ")
    }
}

/// What a token is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What its maker calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// How long it can be used, in days; none until it is revoked.
    pub days: Option<u32>,
}

impl NewToken {
    /// Checks it, trims the name, and puts the scopes in order.
    ///
    /// # Errors
    /// Says what cannot be.
    pub fn check(mut self) -> Result<Self, Invalid> {
        let needed = "A token needs a name that says what it is for, on one line.";
        self.name = name::one_line(&self.name, LONGEST_NAME, needed)?.to_owned();
        let named = std::mem::take(&mut self.scopes);
        let scopes = Permission::ALL.into_iter().filter(|scope| named.contains(scope));
        self.scopes = scopes.collect();
        if self.scopes.is_empty() {
            return Err(Invalid(format!(
                "A token that may do nothing is of no use. Give it one of {}.",
                Permission::all_words()
            )));
        }
        if let Some(days) = self.days
            && !(1..=MOST_DAYS).contains(&days)
        {
            return Err(Invalid(format!(
                "A token lasts 1 to {MOST_DAYS} days, not {days}, or until it is revoked."
            )));
        }
        Ok(self)
    }
}

/// Reads how long a token lasts: `30d`, `12w`, or `never`.
///
/// # Errors
/// When it is neither.
pub fn parse_days(text: &str) -> Result<Option<u32>, Invalid> {
    let wrong = || {
        Invalid(format!(
            "\u{201c}{}\u{201d} is no time a token can last. Write days or weeks, such as 30d or 12w, or never.",
            text.chars().take(40).collect::<String>()
        ))
    };
    if text == "never" {
        return Ok(None);
    }
    let (number, days) = match text.strip_suffix('w') {
        Some(weeks) => (weeks, 7),
        None => (text.strip_suffix('d').unwrap_or(text), 1),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(days).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, scopes: &[Permission], days: Option<u32>) -> Result<NewToken, Invalid> {
        NewToken {
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            days,
        }
        .check()
    }

    #[test]
    fn only_what_is_of_use_is_made() {
        let made = new(
            " deploy ",
            &[Permission::Run, Permission::Read, Permission::Run],
            None,
        );
        let made = made.expect("of use");
        assert_eq!(made.name, "deploy");
        assert_eq!(made.scopes, [Permission::Read, Permission::Run]);
        for wrong in [
            new("", &USUAL_SCOPES, None),
            new("a\nb", &USUAL_SCOPES, None),
            new(&"x".repeat(81), &USUAL_SCOPES, None),
            new("x", &[], None),
            new("x", &USUAL_SCOPES, Some(0)),
            new("x", &USUAL_SCOPES, Some(MOST_DAYS + 1)),
        ] {
            assert!(wrong.is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn how_long_it_lasts() {
        for (text, days) in [
            ("30d", Some(30)),
            ("7", Some(7)),
            ("2w", Some(14)),
            ("never", None),
        ] {
            assert_eq!(parse_days(text), Ok(days), "{text}");
        }
        for text in ["", "d", "-1d", "1y", "4294967295w", "1.5d"] {
            assert!(parse_days(text).is_err(), "{text}");
        }
    }
}
