//! Identifiers. Each is a UUID as lower-case text (version 7 when we make it,
//! so that ids sort by age; any version when a client does), in a type of its
//! own so that a run's id cannot be taken for an agent's.

use crate::Invalid;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an id as a client gives it.
            ///
            /// # Errors
            /// When `text` is not a UUID in its 36-character form.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                if is_uuid(text) {
                    Ok(Self(text.to_ascii_lowercase()))
                } else {
                    Err(Invalid(format!(
                        "\u{201c}{}\u{201d} is not the id of {}: an id is a UUID of 36 characters.",
                        shortened(text), $noun
                    )))
                }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The last eight characters: enough to tell two apart on a screen.
            #[must_use]
            pub fn short(&self) -> &str {
                &self.0[28..]
            }

            /// A new id, later than every one made before it on this machine.
            #[cfg(feature = "generate")]
            #[must_use]
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::schema::text(concat!("The id of ", $noun, ".")).format(Some(crate::schema::uuid())).into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Names an agent for ever; its slug may change.
    AgentId, "an agent"
);
id!(
    /// Names a revision.
    RevisionId, "a revision"
);
id!(
    /// Names a run. The client that starts a run makes it, so that a start
    /// that is sent twice is one run.
    RunId, "a run"
);
id!(
    /// Names our row of a sandbox, written before the provider is asked for
    /// one. The provider's own id is another, and is text of its own making.
    SandboxId, "a sandbox"
);
id!(
    /// Names a schedule.
    ScheduleId, "a schedule"
);
id!(
    /// Names the webhook of an agent, in its address.
    HookId, "a webhook"
);
id!(
    /// Names an address that is told of events.
    TargetId, "a webhook target"
);
id!(
    /// Names an interpreter.
    InterpreterId, "an interpreter"
);
id!(
    /// Names a secret.
    SecretId, "a secret"
);
id!(
    /// Names an invitation. The link holds another, secret text.
    InvitationId, "an invitation"
);
id!(
    /// Names a browser that is signed in. No secret: the cookie holds another text.
    SessionId, "a session"
);
id!(
    /// Names a team.
    TeamId, "a team"
);
id!(
    /// Names a token.
    TokenId, "a token"
);
id!(
    /// Names a user.
    UserId, "a user"
);

impl TeamId {
    /// The team that is there from the beginning. What was made before there were teams is in it.
    pub const FIRST: &'static str = "00000000-0000-7000-8000-000000000001";

    /// The team that is there from the beginning.
    #[must_use]
    pub fn first() -> Self {
        Self(Self::FIRST.to_owned())
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        text.chars().take(40).chain(['\u{2026}']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_uuid_and_nothing_else() {
        let id = RunId::parse("0199F3B2-6C1E-7D4A-8F00-0123456789ab").expect("a UUID");
        assert_eq!(id.as_str(), "0199f3b2-6c1e-7d4a-8f00-0123456789ab");
        assert_eq!(id.short(), "456789ab");
        for bad in [
            "",
            "x",
            "0199f3b26c1e7d4a8f000123456789ab",
            "../../../../etc/passwd______________",
            "0199f3b2-6c1e-7d4a-8f00-0123456789a\u{e9}",
        ] {
            assert!(RunId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn json_is_checked_on_the_way_in() {
        assert!(serde_json::from_str::<AgentId>("\"'; drop table agents\"").is_err());
    }

    #[test]
    fn the_first_team_has_an_id_like_any_other() {
        assert_eq!(TeamId::parse(TeamId::FIRST), Ok(TeamId::first()));
    }

    #[cfg(feature = "generate")]
    #[test]
    fn new_ids_sort_by_age() {
        let (a, b) = (RunId::generate(), RunId::generate());
        assert!(a < b);
    }
}
