//! An account as an administrator sees it.

use crate::{Millis, User};
use serde::{Deserialize, Serialize};

/// An account with what an administrator needs to judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose it is.
    pub user: User,
    /// When it was made.
    pub created_at: Millis,
    /// Since when it may not sign in; none when it may.
    pub disabled_at: Option<Millis>,
    /// When a browser of its was last here; none when it is signed in nowhere.
    pub used_at: Option<Millis>,
    /// How many browsers it is signed in with.
    pub sessions: u32,
    /// How many tokens it has.
    pub tokens: u32,
}
