//! Who the engine is to the host: root that can give each sandbox a user id of
//! its own, or somebody who has one id for everything.

use super::homes::LAST_UID;
use super::sandboxd::FIRST_UID;

/// What user ids this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Every id that sandboxes get.
    Root,
    /// Its own alone: an ordinary user, or root in a user namespace (a rootless
    /// container) that stands for one.
    User,
    /// Root in a user namespace that lacks those ids and may stand for the
    /// host's root: sandboxes would be the host's root themselves.
    Unclear,
}

impl Standing {
    /// That of this process.
    pub(crate) fn find() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::User;
        }
        // Kernels without user namespaces have no such file, and one root.
        std::fs::read_to_string("/proc/self/uid_map").map_or(Self::Root, |map| Self::of_root(&map))
    }

    pub(crate) fn is_root(self) -> bool {
        self == Self::Root
    }

    /// Of user id 0 where ids are mapped so.
    fn of_root(map: &str) -> Self {
        let mut own = Self::Unclear;
        for line in map.lines() {
            let mut numbers = line.split_whitespace().map(str::parse::<u64>);
            let (Some(Ok(inside)), Some(Ok(outside)), Some(Ok(count))) =
                (numbers.next(), numbers.next(), numbers.next())
            else {
                continue;
            };
            if inside <= u64::from(FIRST_UID) && u64::from(LAST_UID) < inside.saturating_add(count) {
                return Self::Root;
            }
            if inside == 0 && count > 0 && outside != 0 {
                own = Self::User;
            }
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_who_has_the_ids_of_sandboxes() {
        for (map, standing) in [
            ("         0          0 4294967295\n", Standing::Root),
            ("0 1000 1\n1 100000 65536\n", Standing::User),
            ("0 65534 1\n", Standing::User),
            ("0 0 1\n", Standing::Unclear),
            ("0 0 300000\n", Standing::Unclear),
            ("1000 1000 1\n", Standing::Unclear),
            ("", Standing::Unclear),
            ("0 x 1\nnonsense\n", Standing::Unclear),
            ("0 1000 99999999999999999999\n", Standing::Unclear),
        ] {
            assert_eq!(Standing::of_root(map), standing, "{map:?}");
        }
    }
}
