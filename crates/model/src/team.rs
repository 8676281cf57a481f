//! Teams: who owns agents, runs, secrets and budgets in common, and what each
//! role in a team may do.
//!
//! | role | may |
//! |---|---|
//! | viewer | read |
//! | member | read, run, edit |
//! | admin | and administer: members, secrets, tokens, schedules, webhooks, budgets |
//! | owner | and the team itself, and who its owners are |

use crate::{Invalid, Millis, Permission, TeamId, UserId, name};
use serde::{Deserialize, Serialize};

/// The longest name of a team, in characters.
pub const MAX_NAME_CHARACTERS: usize = 60;
/// The most teams one person can be in: their list is shown whole.
pub const MOST_OF_ONE_PERSON: usize = 100;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name; unique, letter case aside.
    pub name: String,
    /// When it was made.
    pub created_at: Millis,
}

/// What a person is in a team. Roles are in order: each may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything but secrets' values, changes nothing.
    Viewer,
    /// Works with agents.
    Member,
    /// Looks after what the team has in common.
    Admin,
    /// May do everything in the team. Every team has one.
    Owner,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether a person with this role may do it in their team. The instance
    /// is no team's: who may change it is in the account ([`crate::InstanceRole`]).
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::Read => Self::Viewer,
            Permission::Run | Permission::Edit => Self::Member,
            Permission::Administer => Self::Admin,
            Permission::ManageTeam => Self::Owner,
            Permission::ManageInstance => return false,
        };
        self >= least
    }

    /// Whether a person with this role may give the role `other` to somebody, or take it away. Owners
    /// are the business of owners alone.
    #[must_use]
    pub fn may_give(self, other: Self) -> bool {
        match other {
            Self::Owner => self.may(Permission::ManageTeam),
            _ => self.may(Permission::Administer),
        }
    }

    /// What one with this role may do, in a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Viewer => "sees everything, changes nothing",
            Self::Member => "runs and edits agents",
            Self::Admin => "also members, secrets and tokens",
            Self::Owner => "also the team itself",
        }
    }
}

/// A team somebody is in, and what they are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The team.
    pub team: Team,
    /// What they are there.
    pub role: Role,
}

/// Somebody who is in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// The name they sign in with.
    pub name: String,
    /// What they are in the team.
    pub role: Role,
    /// Since when they are in it.
    pub since: Millis,
}

/// Checks the name of a team, and trims it.
///
/// # Errors
/// Says why it cannot be one.
pub fn check_name(name: &str) -> Result<&str, Invalid> {
    name::one_line(name, MAX_NAME_CHARACTERS, "A team needs a name, on one line.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_ones_before_it_may() {
        use Permission::{Administer, Edit, ManageInstance, ManageTeam, Read, Run};
        let may = |role: Role| {
            Permission::ALL
                .into_iter()
                .filter(move |permission| role.may(*permission))
        };
        assert_eq!(may(Role::Viewer).collect::<Vec<_>>(), [Read]);
        assert_eq!(may(Role::Member).collect::<Vec<_>>(), [Read, Run, Edit]);
        assert_eq!(
            may(Role::Admin).collect::<Vec<_>>(),
            [Read, Run, Edit, Administer]
        );
        assert_eq!(
            may(Role::Owner).collect::<Vec<_>>(),
            [Read, Run, Edit, Administer, ManageTeam]
        );
        assert!(Role::ALL.into_iter().all(|role| !role.may(ManageInstance)));
    }

    #[test]
    fn owners_are_made_by_owners_and_others_by_admins() {
        assert!(Role::Owner.may_give(Role::Owner) && Role::Owner.may_give(Role::Viewer));
        assert!(Role::Admin.may_give(Role::Admin) && !Role::Admin.may_give(Role::Owner));
        assert!(!Role::Member.may_give(Role::Viewer) && !Role::Viewer.may_give(Role::Viewer));
    }

    #[test]
    fn names() {
        assert_eq!(check_name("  Core "), Ok("Core"));
        for bad in ["", "  ", "a\nb", &"x".repeat(61)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
