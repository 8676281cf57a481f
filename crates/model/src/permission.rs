//! Who may do what: permissions, and the instance's own account roles. What a
//! role in a team may do is in `team`; [`Rights`] puts the two together.

use crate::{Role, UserId};
use serde::{Deserialize, Serialize};

/// Something a person or a program may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See a team's agents, their files, runs and logs.
    Read,
    /// Create, change and delete agents and their files.
    Edit,
    /// Start and stop runs, and write to them.
    Run,
    /// Look after what the team has in common: members, secrets, tokens, schedules, webhooks, budgets.
    Administer,
    /// Rename and delete the team, and say who its owners are.
    ManageTeam,
    /// Make accounts and teams, and change the settings of the whole instance.
    ManageInstance,
}

impl Permission {
    /// All of them, the least first.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Run,
        Self::Edit,
        Self::Administer,
        Self::ManageTeam,
        Self::ManageInstance,
    ];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Edit => "edit",
            Self::Administer => "administer",
            Self::ManageTeam => "manage_team",
            Self::ManageInstance => "manage_instance",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == word)
    }

    /// All the words, for a sentence, with "and" before the last.
    #[must_use]
    pub fn all_words() -> String {
        let words = Self::ALL.map(Self::as_str);
        let (last, others) = words.split_last().unwrap_or((&"", &[]));
        format!("{} and {last}", others.join(", "))
    }
}

/// What an account is in the whole instance, whatever its teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceRole {
    /// Makes accounts and teams. The first account is one.
    Owner,
    /// Anybody else.
    Person,
}

impl InstanceRole {
    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Person => "person",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Owner, Self::Person]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// What somebody is, as far as it says what they may do. The server refuses by
/// this rule, and the site offers by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What they are in the team they work in; none when they are in no team.
    pub role: Option<Role>,
    /// What their account is in the instance.
    pub instance: InstanceRole,
}

impl Rights {
    /// Of somebody who is nothing here.
    pub const NONE: Self = Self {
        role: None,
        instance: InstanceRole::Person,
    };

    /// Whether they may do it, by their role in the team or, for what concerns the instance, by their account.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::ManageInstance => self.instance == InstanceRole::Owner,
            permission => self.role.is_some_and(|role| role.may(permission)),
        }
    }

    /// Why they may not do it, and whom to ask; none when they may.
    #[must_use]
    pub fn why_not(self, permission: Permission) -> Option<&'static str> {
        if self.may(permission) {
            return None;
        }
        Some(match (permission, self.role) {
            (Permission::ManageInstance, _) => "Only an owner of this instance may do this. Ask one.",
            (_, None) => "You are in no team. Ask an owner or an admin of one to add you.",
            (Permission::ManageTeam, _) => "Only an owner of the team may do this. Ask one.",
            (_, Some(Role::Viewer)) => {
                "Viewers may look, not change. Ask an admin of the team for another role."
            }
            _ => "Only an admin or an owner of the team may do this. Ask one.",
        })
    }
}

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name they sign in with.
    pub name: String,
    /// What the account is in the whole instance.
    pub role: InstanceRole,
    /// Whether a password is set; without one only a one-time link or a provider signs in.
    pub has_password: bool,
    /// Whether an OpenID Connect provider signs them in.
    pub has_identity: bool,
}

impl User {
    /// Whether they can come back by themselves. Before that every page leads to the set-up.
    #[must_use]
    pub const fn is_set_up(&self) -> bool {
        self.has_password || self.has_identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_are_stored_are_read_again() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
            let json = serde_json::to_string(&permission).expect("JSON");
            assert_eq!(json, format!("\"{}\"", permission.as_str()));
        }
        // What the first version stored.
        assert_eq!(
            serde_json::from_str::<Vec<Permission>>(r#"["read","run","edit","administer"]"#)
                .expect("readable")
                .len(),
            4
        );
        assert_eq!(InstanceRole::parse("owner"), Some(InstanceRole::Owner));
        assert_eq!(
            InstanceRole::parse(InstanceRole::Person.as_str()),
            Some(InstanceRole::Person)
        );
    }

    #[test]
    fn whoever_may_not_is_told_why() {
        let rights = |role, instance| Rights { role, instance };
        for role in Role::ALL.map(Some).into_iter().chain([None]) {
            for instance in [InstanceRole::Owner, InstanceRole::Person] {
                for permission in Permission::ALL {
                    let rights = rights(role, instance);
                    assert_eq!(rights.may(permission), rights.why_not(permission).is_none());
                }
            }
        }
        let viewer = rights(Some(Role::Viewer), InstanceRole::Owner);
        assert!(viewer.may(Permission::Read) && viewer.may(Permission::ManageInstance));
        assert!(
            viewer
                .why_not(Permission::Run)
                .is_some_and(|why| why.starts_with("Viewers may look"))
        );
        assert!(!Rights::NONE.may(Permission::Read));
    }
}
