//! By what somebody is known: the session of a browser, or the token of a
//! program. What goes on for long asks again and again whether it still counts.

use super::Site;
use http::{HeaderMap, header};
use model::{Permission, SessionId, TeamId, Token, UserId};

/// By what whoever asks is known, in the request's extensions.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A browser's session; none when nobody is signed in.
    Session(Option<SessionId>),
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
            Self::Session(Some(id)) => site.services.store.is_session_good(id).await.unwrap_or(true),
            Self::Token(token) => site.services.store.is_token_good(&token.id).await.unwrap_or(true),
        }
    }
}

/// The right to go on with something: by a credential, in a team, as long as the role there allows it.
#[derive(Clone, Debug)]
pub struct Admission {
    /// By what whoever asks is known.
    pub credential: Credential,
    /// Who asks.
    pub user: UserId,
    /// In which team.
    pub team: TeamId,
    /// What for.
    pub permission: Permission,
}

impl Admission {
    /// Why it counts no longer; none while it does.
    pub async fn end(&self, site: &Site) -> Option<&'static str> {
        if !self.credential.is_good(site).await {
            return Some("signed_out");
        }
        // A database that does not answer for a moment shuts nobody out.
        match site.services.store.role_in(&self.team, &self.user).await {
            Ok(role) if !role.is_some_and(|role| role.may(self.permission)) => Some("not_a_member"),
            _ => None,
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
