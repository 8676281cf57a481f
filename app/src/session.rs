//! Who is asking: the session of a request, and the permission it gives.
//! Every server function but those of signing in begins with [`can`].

use crate::{ErrorCode, UiError, services::services};
use model::{Permission, User, UserId};
use tower_sessions::Session;

/// The session's key of the signed-in user's id.
pub const USER_ID: &str = "user_id";

/// The session of this request.
///
/// # Errors
/// When the session layer is missing, which is a fault of ours.
pub async fn session() -> Result<Session, UiError> {
    leptos_axum::extract::<Session>()
        .await
        .map_err(|_| internal("The server keeps no sessions for this address."))
}

/// Who is signed in, if anybody.
///
/// # Errors
/// When the sessions or the accounts cannot be read.
pub async fn current_user() -> Result<Option<User>, UiError> {
    let id: Option<UserId> = session().await?.get(USER_ID).await.map_err(|error| {
        tracing::error!(%error, "the session cannot be read");
        internal("Your session could not be read. Try again.")
    })?;
    let Some(id) = id else { return Ok(None) };
    match services()?.store.user(&id).await {
        Ok(user) => Ok(Some(user)),
        Err(store::StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The signed-in user, if they may do this.
///
/// # Errors
/// `SignedOut` (401) or `Forbidden` (403).
pub async fn can(permission: Permission) -> Result<User, UiError> {
    let user = current_user()
        .await?
        .ok_or_else(|| UiError::signed_out().with_status())?;
    if user.role.may(permission) {
        Ok(user)
    } else {
        Err(UiError::new(
            ErrorCode::Forbidden,
            "Your account may not do this. Ask an owner of this instance.",
        )
        .with_status())
    }
}

/// Signs a user in: a new session id, so that one set before cannot be used.
///
/// # Errors
/// When the session cannot be written.
pub async fn sign_in_as(session: &Session, user: &UserId) -> Result<(), UiError> {
    let failed = |error: tower_sessions::session::Error| {
        tracing::error!(%error, "the session cannot be written");
        internal("You could not be signed in: the session could not be saved. Try again.")
    };
    session.cycle_id().await.map_err(failed)?;
    session.insert(USER_ID, user).await.map_err(failed)
}

fn internal(text: &str) -> UiError {
    UiError::new(ErrorCode::Internal, text).with_status()
}

/// Sends a form that was sent without scripts on to `path`. A page with scripts
/// loads the next page by itself, as a whole: who is signed in has changed, and
/// nothing that was known before may stay.
pub fn send_form_on(path: &str) {
    let is_form = leptos::prelude::use_context::<http::request::Parts>().is_some_and(|parts| {
        let accepts = parts.headers.get(http::header::ACCEPT);
        accepts
            .and_then(|accepts| accepts.to_str().ok())
            .is_some_and(|accepts| accepts.contains("text/html"))
    });
    if is_form {
        leptos_axum::redirect(path);
    }
}

/// The path to go to after signing in: `next` when it is a path of this site,
/// else the agents.
#[must_use]
pub fn local_path(next: Option<&str>) -> &str {
    match next {
        // `//host` and `/\host` are other sites to a browser.
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains(['\\', '\r', '\n', '\t', '\0'])
                && path.is_ascii() =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        assert_eq!(local_path(Some("/agents/x?file=a.py")), "/agents/x?file=a.py");
        for bad in [
            None,
            Some(""),
            Some("https://x.example"),
            Some("//x.example"),
            Some("/\\x.example"),
            Some("/a\r\nb"),
        ] {
            assert_eq!(local_path(bad), "/");
        }
    }
}
