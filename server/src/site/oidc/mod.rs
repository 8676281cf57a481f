//! Signing in through an OpenID Connect provider that the operator named.
//!
//! ```text
//! /oidc/start ──▶ the provider: authorization code, with PKCE, state and nonce
//!                      │ the person signs in there
//! /oidc/callback ◀─────┘ the code is exchanged, the ID token verified
//!      ├── the (issuer, subject) is an account's ──▶ signed in
//!      ├── somebody signed in asked to connect it ─▶ linked to their account
//!      └── nobody's ──▶ a new account, if the operator lets it in: by its domain
//!                       or address, which the provider has to have verified
//! ```
//!
//! Nothing leads to an account but the pair that the provider promises never to
//! give to anybody else; an e-mail address never does. What a sign-in needs to
//! know at its end is kept in the session of the browser that began it.

mod admission;
mod answer;
mod callback;
mod pending;
mod provider;
mod start;

pub use admission::Admission;
pub use callback::callback;
pub use provider::Provider;
pub use start::start;

use model::Role;
use secrecy::SecretString;

/// What the operator says about the provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Its address, as its own documents name it.
    pub issuer: String,
    /// By which it knows us.
    pub client_id: String,
    /// What we show it; none for a public client, which PKCE alone protects.
    pub client_secret: Option<SecretString>,
    /// What we ask it for.
    pub scopes: Vec<String>,
    /// What people call it.
    pub name: String,
    /// Whom it lets in who has no account yet.
    pub allow: Admission,
    /// The team a new person joins; none for the first one.
    pub team: Option<String>,
    /// What a new person is in that team.
    pub role: Role,
}

/// Why somebody was not signed in: the word that the sign-in page has a sentence for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The provider cannot be reached.
    Away,
    /// Nothing that began here and now.
    Stale,
    /// The provider did not let them in.
    Refused,
    /// The provider's answer cannot be used.
    Failed,
    /// Nobody without an account is let in with this address.
    NotAllowed,
    /// The address is not verified.
    Unverified,
    /// The account is disabled.
    Disabled,
    /// It is another account's.
    Taken,
}

impl Problem {
    /// The word in the page's address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NotAllowed => "not_allowed",
            Self::Unverified => "unverified",
            Self::Disabled => "disabled",
            Self::Taken => "taken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn the_sign_in_page_has_a_sentence_for_every_problem() {
        for problem in [
            Problem::Away,
            Problem::Stale,
            Problem::Refused,
            Problem::Failed,
            Problem::NotAllowed,
            Problem::Unverified,
            Problem::Disabled,
            Problem::Taken,
        ] {
            assert!(
                app::pages::sign_in::problem_sentence(problem.as_str()).is_some(),
                "{problem:?}"
            );
        }
    }
}
