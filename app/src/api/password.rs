//! A new password: by its owner, who knows the old one, or with the link that
//! an administrator made.

use crate::UiError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::session::SignedIn;

/// Refuses passwords where the operator has people sign in with a provider alone.
#[cfg(feature = "ssr")]
pub(super) fn password_sign_in_is_on(services: &crate::Services) -> Result<(), UiError> {
    if services.sign_in.password {
        return Ok(());
    }
    let provider = services
        .sign_in
        .provider
        .as_deref()
        .unwrap_or("the sign-in provider");
    Err(UiError::new(
        crate::ErrorCode::Forbidden,
        format!("Passwords are off on this Pitlane. Sign in with {provider}."),
    )
    .with_status())
}

/// Changes the password of the signed-in account, and signs its other browsers out.
#[server(prefix = "/fn", endpoint = "change_password")]
pub async fn change_password(current: String, password: String) -> Result<(), UiError> {
    let SignedIn { user, session, .. } = crate::session::signed_in().await?;
    let services = crate::services::services()?;
    password_sign_in_is_on(&services)?;
    let (_, hash) = services
        .store
        .user_by_name(&user.name)
        .await?
        .ok_or_else(UiError::signed_out)?;
    if user.has_password && !crate::password::verify(current, hash).await {
        return Err(UiError::new(
            crate::ErrorCode::Invalid,
            "The current password is another one. Type it again.",
        )
        .with_status());
    }
    let hash = crate::password::hash(password).await?;
    services.store.set_password(&user.id, &hash).await?;
    services
        .store
        .end_other_sessions(&user.id, session.as_ref())
        .await?;
    crate::session::send_form_on("/settings/account");
    Ok(())
}

/// Whose password the link sets; none when it was used, is over or never was.
#[server(prefix = "/fn", endpoint = "load_reset")]
pub async fn load_reset(token: String) -> Result<Option<String>, UiError> {
    let store = crate::services::services()?.store;
    let hash = runs::links::hash(&token);
    let user = store.link_user(store::LinkPurpose::Reset, &hash).await?;
    Ok(user.map(|user| user.name))
}

/// Sets the password with the link's token, which is then used; signs in here, and out everywhere else.
#[server(prefix = "/fn", endpoint = "reset_password")]
pub async fn reset_password(token: String, password: String) -> Result<(), UiError> {
    let services = crate::services::services()?;
    password_sign_in_is_on(&services)?;
    let (session, visit) = (crate::session::session().await?, crate::session::visit().await?);
    // A password that is too short must not cost the link.
    let hash = crate::password::hash(password).await?;
    let text = runs::links::hash(&token);
    let taken = services.store.take_link(store::LinkPurpose::Reset, &text).await?;
    let Some(user) = taken else {
        return Err(UiError::new(
            crate::ErrorCode::NotFound,
            "This link was used before or is too old. Ask an administrator for a new one.",
        )
        .with_status());
    };
    services.store.set_password(&user, &hash).await?;
    services.store.end_other_sessions(&user, None).await?;
    let way = model::SignInWay::Link;
    crate::session::sign_in_as(&session, &services.store, &user, way, &visit).await?;
    crate::session::send_form_on("/");
    Ok(())
}
