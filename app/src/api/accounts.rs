//! The accounts of the instance, for its administrators.

use crate::UiError;
use leptos::prelude::*;
use model::{Account, Millis, UserId};
use serde::{Deserialize, Serialize};

/// All accounts, and what their ages are counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountList {
    /// The accounts, oldest first.
    pub accounts: Vec<Account>,
    /// Who asks.
    pub me: UserId,
    /// The server's clock.
    pub now: Millis,
}

/// All accounts.
#[server(prefix = "/fn", endpoint = "list_accounts")]
pub async fn list_accounts() -> Result<AccountList, UiError> {
    let me = crate::session::can_manage_instance().await?;
    let accounts = crate::services::services()?.store.accounts().await?;
    let now = Millis::now();
    Ok(AccountList {
        accounts,
        me: me.id,
        now,
    })
}

/// Makes a link with which somebody sets a new password, once, within a day; its whole address where
/// the operator named ours, else its path.
#[server(prefix = "/fn", endpoint = "create_reset_link")]
pub async fn create_reset_link(user: UserId) -> Result<String, UiError> {
    crate::session::can_manage_instance().await?;
    let services = crate::services::services()?;
    super::password::password_sign_in_is_on(&services)?;
    let path = runs::links::fresh(&services.store, &user, store::LinkPurpose::Reset).await?;
    Ok(services.origin.unwrap_or_default() + &path)
}

/// Keeps an account from signing in, and ends its sessions and tokens.
#[server(prefix = "/fn", endpoint = "disable_account")]
pub async fn disable_account(user: UserId) -> Result<(), UiError> {
    not_oneself(&user).await?;
    crate::services::services()?.store.disable_user(&user).await?;
    crate::session::send_form_on("/settings/accounts");
    Ok(())
}

/// Lets a disabled account sign in again.
#[server(prefix = "/fn", endpoint = "enable_account")]
pub async fn enable_account(user: UserId) -> Result<(), UiError> {
    crate::session::can_manage_instance().await?;
    crate::services::services()?.store.enable_user(&user).await?;
    crate::session::send_form_on("/settings/accounts");
    Ok(())
}

/// Deletes an account. What it made stays.
#[server(prefix = "/fn", endpoint = "delete_account")]
pub async fn delete_account(user: UserId) -> Result<(), UiError> {
    not_oneself(&user).await?;
    crate::services::services()?.store.delete_user(&user).await?;
    crate::session::send_form_on("/settings/accounts");
    Ok(())
}

/// Who administers the instance cannot shut themselves out, so there is always one who can.
#[cfg(feature = "ssr")]
async fn not_oneself(user: &UserId) -> Result<(), UiError> {
    let me = crate::session::can_manage_instance().await?;
    if me.id == *user {
        return Err(UiError::new(
            crate::ErrorCode::Conflict,
            "This is your own account. Have another administrator do it, so that one is left.",
        )
        .with_status());
    }
    Ok(())
}
