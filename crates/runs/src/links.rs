//! The secret text of links that are good once: signing in, choosing a new
//! password, joining a team. Only a hash is kept, as of tokens.

use crate::RunsError;
use model::{Invalid, Millis, UserId};
use sha2::{Digest as _, Sha256};
use store::{LinkPurpose, Store};

/// How long a link of an account can be used, in milliseconds.
const LINK_MILLISECONDS: i64 = 24 * 3600 * 1000;

/// What the store knows the text of a link by.
#[must_use]
pub fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// A new text of 256 random bits.
///
/// # Errors
/// When there is no randomness.
pub fn text() -> Result<String, RunsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Invalid(format!("The system gives no random numbers: {error}.")))?;
    Ok(hex::encode(bytes))
}

/// Makes a link of this account that is good once, within a day; its path.
///
/// # Errors
/// When there is no randomness or the database refuses.
pub async fn fresh(store: &Store, user: &UserId, purpose: LinkPurpose) -> Result<String, RunsError> {
    let text = text()?;
    let expires = Millis(Millis::now().0 + LINK_MILLISECONDS);
    store.create_link(user, purpose, &hash(&text), expires).await?;
    Ok(match purpose {
        LinkPurpose::SignIn => format!("/sign-in?token={text}"),
        LinkPurpose::Reset => format!("/reset/{text}"),
    })
}
