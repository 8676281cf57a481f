//! Those who call.

use model::Role;

/// Who calls: the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Without a session.
    Nobody,
    /// With a session or a token whose time is over, of an owner.
    Expired,
    /// Signed in, and in no team.
    NoTeam,
    /// An owner of another team, with a session that names this one.
    Elsewhere,
    Viewer,
    Member,
    Admin,
    Owner,
    /// An owner of the instance, who is a viewer in the team.
    Instance,
}

impl Who {
    /// All of them, in the table's order.
    pub const ALL: [Self; 9] = [
        Self::Nobody,
        Self::Expired,
        Self::NoTeam,
        Self::Elsewhere,
        Self::Viewer,
        Self::Member,
        Self::Admin,
        Self::Owner,
        Self::Instance,
    ];

    /// The head of their column.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Expired => "expired",
            Self::NoTeam => "no team",
            Self::Elsewhere => "other team",
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Instance => "instance",
        }
    }

    /// Whether they have no business with the team.
    pub const fn is_outside(self) -> bool {
        matches!(
            self,
            Self::Nobody | Self::Expired | Self::NoTeam | Self::Elsewhere
        )
    }

    /// A token acts in a team.
    pub const fn can_have_a_token(self) -> bool {
        !matches!(self, Self::Nobody | Self::NoTeam)
    }

    /// What they are in the team; none for those who are not in it.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Viewer | Self::Instance => Some(Role::Viewer),
            Self::Member => Some(Role::Member),
            Self::Admin => Some(Role::Admin),
            Self::Owner | Self::Expired => Some(Role::Owner),
            Self::Nobody | Self::NoTeam | Self::Elsewhere => None,
        }
    }
}
