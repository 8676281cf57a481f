//! By what somebody is known: the session of a browser, or the token of a
//! program. What goes on for long asks again and again whether it still counts.

use super::Site;
use http::{HeaderMap, header};
use model::{Permission, Token};
use tower_sessions::{SessionStore as _, session::Id};

/// By what whoever asks is known, in the request's extensions.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A browser's session.
    Session(Option<Id>),
    /// A program's token.
    Token(Token),
}

impl Credential {
    /// Whether it goes so far; how far a session goes, the account says alone.
    pub fn includes(&self, permission: Permission) -> bool {
        match self {
            Self::Session(_) => true,
            Self::Token(token) => token.scopes.contains(&permission),
        }
    }

    /// Whether it still counts.
    pub async fn is_good(&self, site: &Site) -> bool {
        // A database that does not answer for a moment signs nobody out.
        match self {
            Self::Session(None) => false,
            Self::Session(Some(id)) => site.sessions.load(id).await.map_or(true, |found| found.is_some()),
            Self::Token(token) => site.services.store.is_token_good(&token.id).await.unwrap_or(true),
        }
    }
}

/// The token a request carries: `Authorization: Bearer plt_…`.
pub fn token(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}
