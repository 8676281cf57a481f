//! Names and passwords for one run of git.
//!
//! They are in the environment of that run alone. A helper that git asks, a
//! line of shell without any of them, prints the environment's; git asks it for
//! the one server they are meant for, also when that server redirects. So they
//! stand on no command line and in no file.

use crate::fault::Fault;

const USERNAME: &str = "PITLANE_GIT_USERNAME";
const PASSWORD: &str = "PITLANE_GIT_PASSWORD";
/// What prints them; git appends what it wants done (`get`).
const HELPER: &str = r#"!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$PITLANE_GIT_USERNAME" "$PITLANE_GIT_PASSWORD"; }; f"#;
/// Whom a token without a name signs in: servers that take tokens take any.
const ANYONE: &str = "git";

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// What a request gives; none without a password.
    pub(super) fn of(username: Option<&str>, password: Option<&str>) -> Result<Option<Self>, Fault> {
        let Some(password) = password.filter(|password| !password.is_empty()) else {
            return Ok(None);
        };
        let username = username.filter(|name| !name.is_empty()).unwrap_or(ANYONE);
        Self::new(username, password).map(Some)
    }

    /// # Errors
    /// When git could take a part of them for something else: it reads them
    /// line by line.
    pub(super) fn new(username: &str, password: &str) -> Result<Self, Fault> {
        if [username, password]
            .iter()
            .any(|text| text.contains(['\n', '\r', '\0']))
        {
            return Err(Fault::bad_request(
                "A user name or password cannot hold line breaks or NUL.",
            ));
        }
        Ok(Self {
            username: username.to_owned(),
            password: password.to_owned(),
        })
    }

    /// The settings that make git ask for them at the server of `url`. Helpers
    /// that the sandbox has are not asked, nor told what works.
    pub(super) fn settings(&self, url: &str) -> Vec<String> {
        match server(url) {
            Some(server) => vec![
                "credential.helper=".to_owned(),
                format!("credential.{server}.helper={HELPER}"),
            ],
            None => Vec::new(),
        }
    }

    pub(super) fn variables(&self) -> [(String, String); 2] {
        [
            (USERNAME.to_owned(), self.username.clone()),
            (PASSWORD.to_owned(), self.password.clone()),
        ]
    }
}

/// Scheme, host and port of an HTTP address, in letters that need no quotes.
fn server(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let plain = !host.is_empty()
        && host
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || ".-_:[]".contains(letter));
    plain.then(|| format!("{scheme}://{host}"))
}

/// Takes a name and password out of an HTTP address: on a command line and in
/// the repository's settings everybody could read them.
pub(super) fn taken_out(url: &str) -> Result<(String, Option<Credentials>), Fault> {
    let unchanged = || Ok((url.to_owned(), None));
    let Some((scheme, rest)) = url.split_once("://") else {
        return unchanged();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((inner, host)) = rest[..end].rsplit_once('@') else {
        return unchanged();
    };
    if !matches!(scheme, "http" | "https") {
        return unchanged();
    }
    // A token may stand alone, in the name's place.
    let (username, password) = match inner.split_once(':') {
        Some((username, password)) => (decoded(username), decoded(password)),
        None => return unchanged(),
    };
    let credentials = Credentials::of(Some(&username), Some(&password))?;
    Ok((format!("{scheme}://{host}{}", &rest[end..]), credentials))
}

/// An address as it may be shown: without the password.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((inner, host)) if inner.contains(':') => {
            let name = inner.split(':').next().unwrap_or_default();
            format!("{scheme}://{name}@{host}{}", &rest[end..])
        }
        _ => url.to_owned(),
    }
}

/// Percent escapes resolved.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escape = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok());
        match escape {
            Some(byte) => {
                out.extend(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_server_is_known_by_scheme_host_and_port() {
        assert_eq!(
            server("https://h.example/a/b").as_deref(),
            Some("https://h.example")
        );
        assert_eq!(
            server("http://u:p@127.0.0.1:80?x").as_deref(),
            Some("http://127.0.0.1:80")
        );
        assert_eq!(server("https://[::1]:8/x").as_deref(), Some("https://[::1]:8"));
        for other in [
            "",
            "git@h:x",
            "ssh://h/x",
            "file:///x",
            "https:///x",
            "https://h h/",
            "https://a=b/",
        ] {
            assert_eq!(server(other), None, "{other}");
        }
    }

    #[test]
    fn passwords_leave_the_address() {
        let (url, credentials) = taken_out("https://me:p%40ss%zz@h/x?y@z").unwrap();
        let credentials = credentials.unwrap();
        assert_eq!(url, "https://h/x?y@z");
        assert_eq!(
            (credentials.username.as_str(), credentials.password.as_str()),
            ("me", "p@ss%zz")
        );
        for same in [
            "https://h/x",
            "https://me@h/x",
            "git@h:x/y",
            "/srv/x",
            "ssh://a:b@h/",
        ] {
            assert_eq!(taken_out(same).unwrap(), (same.to_owned(), None));
        }
        assert!(taken_out("https://me:a%0Ab@h/").is_err());
        assert_eq!(shown("https://me:secret@h/x"), "https://me@h/x");
        assert_eq!(shown("https://me@h/x"), "https://me@h/x");
    }

    #[test]
    fn a_token_needs_no_name_and_a_name_no_password() {
        let token = Credentials::of(None, Some("t")).unwrap().unwrap();
        assert_eq!(token.username, "git");
        assert_eq!(Credentials::of(Some("u"), None).unwrap(), None);
        assert!(Credentials::of(Some("u\nhost=x"), Some("p")).is_err());
        let settings = token.settings("https://h/x");
        assert!(settings.iter().all(|setting| !setting.contains("=t")));
        assert!(settings[1].starts_with("credential.https://h.helper=!"));
        assert!(token.settings("file:///x").is_empty());
    }

    proptest! {
        #[test]
        fn no_shown_address_holds_a_password(url in "(https?|ssh)://[a-z]{1,4}:pass[a-z]{4}@[a-z.]{1,9}(/[a-z]{0,4}){0,3}") {
            prop_assert!(!shown(&url).contains("pass"));
        }

        #[test]
        fn any_text_is_taken_apart(url in "\\PC{0,60}") {
            let _ = (taken_out(&url), shown(&url), server(&url));
        }
    }
}
