//! Where a folder may be shown inside a sandbox, besides its home: volumes, and
//! working directories of images.

use crate::sandbox::HOME;

/// What a sandbox has of the system is not to be covered.
const TAKEN: &[&str] = &[
    "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr",
];
/// Folders a sandbox cannot do without as they are; below them there is room.
const WHOLE: &[&str] = &["/home", HOME, "/tmp", "/var", "/var/tmp", "/opt", "/mnt"];
/// Ours.
const OURS: &[&str] = &["/opt/pitlane", "/home/daytona/.places"];
const LONGEST: usize = 1024;
const DEEPEST: usize = 32;

/// Whether a folder may be shown at an absolute path; the error goes on after
/// the path.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    let Some(relative) = path.strip_prefix('/') else {
        return Err("which is not absolute");
    };
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
    if path.len() > LONGEST || !relative.split('/').all(plain) || relative.split('/').count() > DEEPEST {
        return Err("which is no plain path: no empty parts, no . and .., and not too long");
    }
    let first = relative.split('/').next().unwrap_or("");
    if TAKEN.contains(&first) {
        return Err(
            "which belongs to the system; choose one below the home or a folder of its own such as /data",
        );
    }
    if WHOLE.contains(&path) || OURS.iter().any(|ours| is_within(path, ours)) {
        return Err("which the sandbox needs itself; choose a folder below it");
    }
    Ok(())
}

/// Whether a path is a folder or below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_places_of_their_own_are_given() {
        for good in [
            "/data",
            "/home/daytona/volume",
            "/mnt/x",
            "/root",
            "/opt/tool",
            "/srv/a b",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for odd in [
            "",
            "/",
            "data",
            "/etc/x",
            "/usr",
            "/a/../etc",
            "/a//b",
            "/a/",
            "/home/daytona",
            "/tmp",
            "/opt/pitlane/x",
            "/a\0",
            "/a\n",
        ] {
            assert!(check(odd).is_err(), "{odd:?}");
        }
        assert!(check(&format!("/{}", "x/".repeat(600))).is_err());
    }

    proptest! {
        #[test]
        fn what_is_given_never_climbs(path in "[/.a-z]{0,40}") {
            if check(&path).is_ok() {
                prop_assert!(path.split('/').skip(1).all(|part| !matches!(part, "" | "." | "..")));
            }
        }
    }
}
