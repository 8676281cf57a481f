//! Lines of a Dockerfile that install system packages, where the host's own
//! programs stand for the image: what is installed on the host is there, and
//! nothing else can be.

use tokio::process::Command;

/// What the official SDKs begin every `debian_slim` image with, wanted or not.
const USUAL: &[&str] = &[
    "apt-get update",
    "apt-get install -y gcc gfortran build-essential",
    "pip install --upgrade pip",
    "echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections",
];
const QUERY: &str = "/usr/bin/dpkg-query";

/// What a shell line asks of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Something that the host's programs make unnecessary.
    Nothing,
    /// These packages, and nothing else.
    Packages(Vec<String>),
}

/// Reads a line; `None` when it does more than install packages.
pub(super) fn read(text: &str) -> Option<Wish> {
    let text = text.trim();
    if USUAL.contains(&text) {
        return Some(Wish::Nothing);
    }
    let mut packages = Vec::new();
    for command in text.split("&&").flat_map(|part| part.split(';')) {
        let mut words = command.split_whitespace().peekable();
        while words.next_if(|word| is_setting(word)).is_some() {}
        match (words.next(), words.next()) {
            (None, _) => {}
            (Some("apt-get" | "apt"), Some(verb)) => {
                let (verb, mut rest) = match verb.starts_with('-') {
                    true => (words.find(|word| !word.starts_with('-'))?, words),
                    false => (verb, words),
                };
                match verb {
                    "update" | "clean" | "autoclean" | "autoremove" | "upgrade" => {
                        if rest.any(|word| !word.starts_with('-')) {
                            return None;
                        }
                    }
                    "install" => {
                        for word in rest.filter(|word| !word.starts_with('-')) {
                            packages.push(package(word)?);
                        }
                    }
                    _ => return None,
                }
            }
            (Some("rm"), Some("-rf")) => {
                if !words.all(|word| word.starts_with("/var/lib/apt/lists")) {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(match packages.is_empty() {
        true => Wish::Nothing,
        false => Wish::Packages(packages),
    })
}

/// `sudo`, or a variable before a command.
fn is_setting(word: &str) -> bool {
    matches!(word, "sudo") || word.starts_with("DEBIAN_FRONTEND=")
}

/// A package's name without its version.
fn package(word: &str) -> Option<String> {
    let name = word.split('=').next()?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let begins = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    (begins && name.len() <= 100 && name.bytes().all(plain)).then(|| name.to_owned())
}

/// Which of the packages the host has not.
///
/// # Errors
/// When that cannot be found out, with the part of a sentence that says why.
pub(super) async fn missing(packages: &[String]) -> Result<Vec<String>, String> {
    let asked = Command::new(QUERY)
        .env_clear()
        .args(["-W", "-f", "${Package} ${db:Status-Status}\n", "--"])
        .args(packages)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|error| format!("the host's packages cannot be looked up: {error}"))?;
    let known = String::from_utf8_lossy(&asked.stdout).into_owned();
    let has = |name: &String| known.lines().any(|line| line == format!("{name} installed"));
    Ok(packages.iter().filter(|name| !has(name)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_lines_that_install_packages_are_recognised() {
        let packages =
            |names: &[&str]| Some(Wish::Packages(names.iter().map(|name| (*name).into()).collect()));
        assert_eq!(read(USUAL[1]), Some(Wish::Nothing));
        assert_eq!(read(USUAL[3]), Some(Wish::Nothing));
        assert_eq!(
            read(
                "apt-get update && apt-get install -y --no-install-recommends git=1:2 curl && rm -rf /var/lib/apt/lists/*"
            ),
            packages(&["git", "curl"])
        );
        assert_eq!(
            read("DEBIAN_FRONTEND=noninteractive apt-get -y install g++"),
            packages(&["g++"])
        );
        for other in [
            "pip install x",
            "apt-get update && make",
            "apt-get install $X",
            "apt-get install `x`",
            "rm -rf /",
            "apt-get remove x",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_never_an_option(text in "\\PC{0,80}") {
            if let Some(Wish::Packages(names)) = read(&text) {
                prop_assert!(names.iter().all(|name| !name.starts_with('-') && !name.contains(' ')));
            }
        }
    }
}
