//! The browsers an account is signed in with: what a person needs to tell one
//! from another and to end those they do not know.

use crate::{Millis, SessionId};
use serde::{Deserialize, Serialize};

/// The most of a browser's own description that is kept, in bytes.
pub const LONGEST_BROWSER: usize = 400;

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// With a name and a password.
    Password,
    /// With a one-time link.
    Link,
    /// Through an OpenID Connect provider.
    Provider,
    /// By accepting an invitation.
    Invitation,
}

impl SignInWay {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Password, Self::Link, Self::Provider, Self::Invitation];

    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Provider => "provider",
            Self::Invitation => "invitation",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == word)
    }

    /// As a page says it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Password => "with the password",
            Self::Link => "with a one-time link",
            Self::Provider => "through the sign-in provider",
            Self::Invitation => "with an invitation",
        }
    }
}

/// One browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSession {
    /// Its id: no secret, and not what the cookie holds.
    pub id: SessionId,
    /// What the browser says of itself (`User-Agent`), at most [`LONGEST_BROWSER`] bytes.
    pub browser: String,
    /// The address it was last used from.
    pub address: String,
    /// How it began.
    pub way: SignInWay,
    /// When it began.
    pub created_at: Millis,
    /// When it was last used, to the minute.
    pub used_at: Millis,
}

impl AccountSession {
    /// The browser in a few words: `Firefox on Linux`.
    #[must_use]
    pub fn browser_words(&self) -> String {
        browser_words(&self.browser)
    }
}

/// Names in a `User-Agent`, and what they mean; the first that is found counts, because browsers
/// name those they descend from too.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome without a window"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
    ("python", "a Python program"),
];
/// The same of systems.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// What a `User-Agent` means to a person.
#[must_use]
pub fn browser_words(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        let found = names.iter().find(|(name, _)| user_agent.contains(name));
        found.map(|(_, words)| *words)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) if user_agent.is_empty() => "A program that does not say what it is".to_owned(),
        (None, None) => {
            let name = user_agent.chars().filter(|c| !c.is_control()).take(40);
            name.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_in_words() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.14.1", "curl"),
            ("", "A program that does not say what it is"),
            ("<script>\n", "<script>"),
        ] {
            assert_eq!(browser_words(agent), words, "{agent}");
        }
    }

    #[test]
    fn ways_are_read_as_they_are_written() {
        for way in SignInWay::ALL {
            assert_eq!(SignInWay::parse(way.as_str()), Some(way));
        }
        assert_eq!(SignInWay::parse("magic"), None);
    }
}
