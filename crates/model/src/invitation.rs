//! Invitations: a link that makes an account in a team, or takes one into it.

use crate::{Invalid, InvitationId, Millis, Role};
use serde::{Deserialize, Serialize};

/// The longest note on an invitation, in characters.
pub const LONGEST_NOTE: usize = 80;
/// How long an invitation can be used at most, in days.
pub const MOST_DAYS: u32 = 30;
/// How many invitations of a team may be open at once.
pub const MOST_OPEN: u32 = 100;

/// An invitation, as the team's list shows it. The text of its link is nowhere any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// What whoever accepts it becomes in the team.
    pub role: Role,
    /// For whom it is, in the words of who made it.
    pub note: String,
    /// The name of who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it can be used no more.
    pub expires_at: Millis,
    /// When it was used.
    pub used_at: Option<Millis>,
    /// The name of who used it.
    pub used_by: Option<String>,
}

impl Invitation {
    /// Whether it can still be used.
    #[must_use]
    pub fn is_open(&self, now: Millis) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

/// An invitation to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInvitation {
    /// What whoever accepts it becomes in the team.
    pub role: Role,
    /// For whom it is.
    pub note: String,
    /// How long it can be used.
    pub days: u32,
}

impl NewInvitation {
    /// The invitation, tidied.
    ///
    /// # Errors
    /// When the note or the time cannot be.
    pub fn check(self) -> Result<Self, Invalid> {
        let note = self.note.trim().to_owned();
        let characters = note.chars().count();
        if characters > LONGEST_NOTE {
            return Err(Invalid(format!(
                "The note is {characters} characters long, and {LONGEST_NOTE} is the limit."
            )));
        }
        if note.chars().any(char::is_control) {
            return Err(Invalid(
                "The note holds a line break or another control character.".to_owned(),
            ));
        }
        if !(1..=MOST_DAYS).contains(&self.days) {
            return Err(Invalid(format!(
                "An invitation lasts 1 to {MOST_DAYS} days, not {}.",
                self.days
            )));
        }
        Ok(Self { note, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_and_times_have_limits() {
        let new = |note: &str, days| {
            NewInvitation {
                role: Role::Member,
                note: note.to_owned(),
                days,
            }
            .check()
        };
        assert_eq!(new(" for Ada ", 7).expect("fine").note, "for Ada");
        for (note, days) in [("a\nb", 7), (&*"x".repeat(81), 7), ("", 0), ("", 31)] {
            assert!(new(note, days).is_err(), "{note:?} {days}");
        }
    }
}
