//! What a key may: Daytona's words, and a type for each, so that a handler
//! names the one it needs where the compiler sees it.

use serde::{Deserialize, Serialize};

/// A type that stands for one permission.
pub(crate) trait Permit: Send {
    /// The permission it stands for.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($name:ident = $word:literal),* $(,)?) => {
        /// One permission.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum Permission {
            $(#[serde(rename = $word)] $name),*
        }

        /// The types that stand for the permissions, for [`Can`](super::Can).
        pub(crate) mod permit {
            $(
                #[derive(Debug)]
                pub(crate) struct $name;

                impl super::Permit for $name {
                    const PERMISSION: super::Permission = super::Permission::$name;
                }
            )*
        }

        impl Permission {
            /// All there are.
            pub(crate) const ALL: &[Self] = &[$(<permit::$name as Permit>::PERMISSION),*];

            /// The word on the wire.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word),*
                }
            }
        }
    };
}

permissions! {
    WriteRegistries = "write:registries",
    DeleteRegistries = "delete:registries",
    WriteSnapshots = "write:snapshots",
    DeleteSnapshots = "delete:snapshots",
    WriteSandboxes = "write:sandboxes",
    DeleteSandboxes = "delete:sandboxes",
    ReadVolumes = "read:volumes",
    WriteVolumes = "write:volumes",
    DeleteVolumes = "delete:volumes",
    WriteRegions = "write:regions",
    DeleteRegions = "delete:regions",
    ReadRunners = "read:runners",
    WriteRunners = "write:runners",
    DeleteRunners = "delete:runners",
    ReadAuditLogs = "read:audit_logs",
    ManageApiKeys = "manage:api_keys",
    ManageSecrets = "manage:secrets",
    ReadLimits = "read:limits",
    ManageSso = "manage:sso",
    ReadBilling = "read:billing",
    ManageBilling = "manage:billing",
}

impl Permission {
    /// Reads a word of the wire.
    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_the_wire_and_of_the_file_are_one() {
        for permission in Permission::ALL {
            let word = permission.as_str();
            assert_eq!(Permission::read(word), Some(*permission));
            assert_eq!(serde_json::to_value(permission).unwrap(), word);
        }
        assert_eq!(Permission::read("write:everything"), None);
    }
}
