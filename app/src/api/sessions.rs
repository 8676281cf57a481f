//! Where one is signed in, and ending that.

use crate::UiError;
use leptos::prelude::*;
use model::{AccountSession, Millis, SessionId, User};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::session::SignedIn;

/// One's own account, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountData {
    /// Whose it is.
    pub user: User,
    /// Where it is signed in, last used first.
    pub sessions: Vec<AccountSession>,
    /// The session of this browser.
    pub current: Option<SessionId>,
    /// What the sign-in provider calls the person, for each way in through it.
    pub identities: Vec<String>,
    /// The server's clock.
    pub now: Millis,
}

/// One's own account.
#[server(prefix = "/fn", endpoint = "load_account")]
pub async fn load_account() -> Result<AccountData, UiError> {
    let SignedIn { user, session, .. } = crate::session::signed_in().await?;
    let store = crate::services::services()?.store;
    Ok(AccountData {
        sessions: store.list_sessions(&user.id).await?,
        identities: store.identity_labels(&user.id).await?,
        user,
        current: session,
        now: Millis::now(),
    })
}

/// Signs one of one's browsers out.
#[server(prefix = "/fn", endpoint = "end_session")]
pub async fn end_session(session: SessionId) -> Result<(), UiError> {
    let user = crate::session::signed_in().await?.user;
    let store = crate::services::services()?.store;
    store.end_session(&user.id, &session).await?;
    crate::session::send_form_on("/settings/account");
    Ok(())
}

/// Signs all of one's browsers out but this one; how many those were.
#[server(prefix = "/fn", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<u64, UiError> {
    let SignedIn { user, session, .. } = crate::session::signed_in().await?;
    let store = crate::services::services()?.store;
    let ended = store.end_other_sessions(&user.id, session.as_ref()).await?;
    crate::session::send_form_on("/settings/account");
    Ok(ended)
}

/// Takes the sign-in provider away from one's account, so that only the password signs in.
#[server(prefix = "/fn", endpoint = "unlink_provider")]
pub async fn unlink_provider() -> Result<(), UiError> {
    let user = crate::session::signed_in().await?.user;
    let store = crate::services::services()?.store;
    store.unlink_identities(&user.id).await?;
    crate::session::send_form_on("/settings/account");
    Ok(())
}
