//! Who may do what.

use crate::UserId;
use serde::{Deserialize, Serialize};

/// Something a person or a program may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See agents, their files, runs and logs.
    Read,
    /// Create, change and delete agents and their files.
    Edit,
    /// Start and stop runs, and write to them.
    Run,
    /// Change accounts and the settings of the whole instance.
    Administer,
}

impl Permission {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Run, Self::Edit, Self::Administer];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Edit => "edit",
            Self::Administer => "administer",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == word)
    }
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything. The first account is one.
    Owner,
}

impl Role {
    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Owner].into_iter().find(|role| role.as_str() == word)
    }

    /// Whether an account with this role may do it.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        match (self, permission) {
            (Self::Owner, Permission::Read | Permission::Edit | Permission::Run | Permission::Administer) => {
                true
            }
        }
    }
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name they sign in with.
    pub name: String,
    /// What the account is.
    pub role: Role,
    /// Whether a password is set; before that only the one-time link signs in.
    pub has_password: bool,
}
