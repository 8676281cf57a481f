//! Sign-ins that were begun and are not yet at their end, in the session of the
//! browser that began them. Several may be under way, one in each tab.

use super::provider::Asked;
use model::Millis;
use serde::{Deserialize, Serialize};
use tower_sessions::{Session, session::Error};

/// The key, in the cookie's session.
const PENDING: &str = "oidc";
/// How long one may take, in milliseconds: so long one may look for a second factor.
const MILLISECONDS: i64 = 15 * 60 * 1000;
/// How many may be under way in one browser.
const MOST: usize = 5;

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Signing in, and going on to this path.
    SignIn(String),
    /// Connecting the provider to the account that is signed in.
    Link,
    /// Accepting the invitation with this secret text.
    Accept(String),
}

/// A sign-in under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pending {
    /// What was asked of the provider.
    pub asked: Asked,
    /// What for.
    pub purpose: Purpose,
    began_at: Millis,
}

/// Keeps one.
///
/// # Errors
/// When the session cannot be read or written.
pub async fn keep(session: &Session, asked: Asked, purpose: Purpose) -> Result<(), Error> {
    let mut all = fresh(session).await?;
    all.push(Pending {
        asked,
        purpose,
        began_at: Millis::now(),
    });
    let surplus = all.len().saturating_sub(MOST);
    all.drain(..surplus);
    session.insert(PENDING, all).await
}

/// Takes the one of this state: it can come to its end once.
///
/// # Errors
/// When the session cannot be read or written.
pub async fn take(session: &Session, state: &str) -> Result<Option<Pending>, Error> {
    let mut all = fresh(session).await?;
    let place = all.iter().position(|pending| pending.asked.state == state);
    let Some(place) = place else { return Ok(None) };
    let found = all.swap_remove(place);
    session.insert(PENDING, all).await?;
    Ok(Some(found))
}

async fn fresh(session: &Session) -> Result<Vec<Pending>, Error> {
    let mut all: Vec<Pending> = session.get(PENDING).await?.unwrap_or_default();
    let now = Millis::now();
    all.retain(|pending| now.0 - pending.began_at.0 < MILLISECONDS);
    Ok(all)
}
