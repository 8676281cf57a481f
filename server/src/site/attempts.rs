//! How often somebody may try to sign in: so many times from one address, and
//! so many times with one name from addresses where its account is not signed
//! in. Names that exist and names that do not are counted alike.
//!
//! Nobody is locked out by others for good: what counts is over after minutes,
//! an address where the account is signed in is not held back by what others
//! try elsewhere, and neither one-time links nor the sign-in provider ask for a
//! name.

use super::{
    Site,
    pressure::{Client, Standing},
    refusal::Refusal,
};
use app::session::{SESSION_ID, Visit};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use model::SessionId;
use sha2::{Digest as _, Sha256};
use std::{net::IpAddr, time::Instant};
use tower_sessions::Session;

/// The function that takes a name and a password.
const SIGN_IN: &str = "/fn/sign_in";
/// Functions that take something that could be guessed.
const ATTEMPTS: [&str; 3] = [SIGN_IN, "/fn/reset_password", "/fn/accept_invitation"];
/// The most that is read of a form to find the name in it, in bytes.
const FORM: usize = 64_000;

/// What a name is counted by: none of them is kept.
pub type NameHash = [u8; 32];

/// Whether a request to this address tries to sign in.
pub fn is_attempt(path: &str) -> bool {
    ATTEMPTS.contains(&path)
}

/// Counts an attempt from an address.
///
/// # Errors
/// When there were too many: the refusal.
pub fn begin(site: &Site, address: IpAddr) -> Result<Option<Standing>, Box<Response>> {
    site.pressure
        .sign_ins
        .begin(&Client::at(address), Instant::now())
        .map_err(|standing| {
            Box::new(super::guard::too_many(
                &standing,
                "There were too many attempts to sign in from your address.",
            ))
        })
}

/// Counts somebody who is sent to the sign-in provider.
///
/// # Errors
/// When that were too many from one address: the refusal.
pub fn begin_elsewhere(site: &Site, address: IpAddr) -> Result<(), Box<Response>> {
    let counted = site
        .pressure
        .elsewhere
        .begin(&Client::at(address), Instant::now());
    counted.map(drop).map_err(|standing| {
        Box::new(super::guard::too_many(
            &standing,
            "There were too many attempts to sign in from your address.",
        ))
    })
}

/// Forgets the attempts from an address: somebody signed in.
pub fn forget(site: &Site, address: IpAddr) {
    site.pressure.sign_ins.forget(&Client::at(address));
}

/// An attempt is one of a few from an address.
pub async fn from_an_address(
    site: &Site,
    session: &Session,
    address: IpAddr,
    request: Request,
    next: Next,
) -> Response {
    let standing = match begin(site, address) {
        Ok(standing) => standing,
        Err(response) => return *response,
    };
    let before = signed_in(session).await;
    let mut response = next.run(request).await;
    if let Some(standing) = standing {
        standing.say(response.headers_mut());
    }
    if signed_in(session).await.is_some_and(|id| Some(id) != before) {
        forget(site, address);
    }
    response
}

/// An attempt is one of a few with a name, wherever from. Runs where the body's size and time are bounded.
pub async fn with_a_name(
    State(site): State<Site>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path() != SIGN_IN {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(form) = to_bytes(body, FORM).await else {
        return Refusal::too_large("What was sent is too large for a name and a password.".to_owned())
            .into_response();
    };
    let Some(name) = name_in(&form) else {
        return Refusal::new(app::ErrorCode::Invalid, "A name and a password are needed.").into_response();
    };
    let address = parts
        .extensions
        .get::<Visit>()
        .map_or("", |visit| visit.address.as_str());
    // A database that does not answer knows nobody; signing in would fail anyway.
    let is_known = site
        .services
        .store
        .is_known_address(&name, address)
        .await
        .unwrap_or(false);
    let key = hash_of(&name);
    if !is_known && let Err(standing) = site.pressure.names.begin(&key, Instant::now()) {
        return super::guard::too_many(
            &standing,
            "There were too many attempts to sign in with this name from places where it is not signed in.",
        );
    }
    let before = signed_in(&session).await;
    let response = next.run(Request::from_parts(parts, Body::from(form))).await;
    if signed_in(&session).await.is_some_and(|id| Some(id) != before) {
        site.pressure.names.forget(&key);
    }
    response
}

/// The session of whoever is signed in. The status of an answer does not tell whether somebody did: a
/// form without scripts is redirected in both cases; and who was signed in before is no proof either.
async fn signed_in(session: &Session) -> Option<SessionId> {
    session.get(SESSION_ID).await.ok().flatten()
}

/// The name in a form; none when there is not exactly one, so that no other reader of the form can
/// take another.
fn name_in(form: &[u8]) -> Option<String> {
    let mut names = form_urlencoded::parse(form).filter(|(key, _)| key.starts_with("name"));
    match (names.next(), names.next()) {
        (Some((key, name)), None) if key == "name" => Some(name.into_owned()),
        _ => None,
    }
}

fn hash_of(name: &str) -> NameHash {
    Sha256::digest(name.trim().to_lowercase()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_sent() {
        let name = |form: &str| name_in(form.as_bytes()).map(|name| hash_of(&name));
        let ada = name("name=Ada+L&password=x");
        assert!(ada.is_some());
        assert_eq!(ada, name("password=y&next=/&n%61me=%20ada%20l+"));
        assert_ne!(ada, name("name=bob"));
        for other in [
            "",
            "password=x",
            "name=ada&name=bob",
            "name[]=ada",
            "name=x&name[0]=ada",
            "\0%ff",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
