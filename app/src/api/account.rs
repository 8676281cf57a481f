//! Signing in and out, the first owner, and what is known of this instance.

use crate::UiError;
use leptos::prelude::*;
use model::{Membership, Provider, Rights, User};
use serde::{Deserialize, Serialize};

/// How people sign in to this instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInOptions {
    /// Whether a name and a password do.
    pub password: bool,
    /// What the OpenID Connect provider is called, when there is one.
    pub provider: Option<String>,
}

impl Default for SignInOptions {
    fn default() -> Self {
        Self {
            password: true,
            provider: None,
        }
    }
}

/// What every page shows of who asks and where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// Who is signed in.
    pub user: Option<User>,
    /// The team they work in now, and what they are there.
    pub membership: Option<Membership>,
    /// All their teams, by name.
    pub teams: Vec<Membership>,
    /// Where sandboxes live.
    pub provider: Provider,
    /// How they are kept apart, in a few words.
    pub isolation: String,
    /// How many percent of the team's budget are used, from where people are warned on.
    pub budget_percent: Option<u64>,
    /// How people sign in here.
    pub sign_in: SignInOptions,
}

impl Me {
    /// What they may do in the team they work in, and in the instance.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.user.as_ref().map_or(Rights::NONE, |user| Rights {
            role: self.membership.as_ref().map(|membership| membership.role),
            instance: user.role,
        })
    }
}

/// What the settings page shows of this instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// Where sandboxes live.
    pub provider: Provider,
    /// The provider's base URL.
    pub provider_url: String,
    /// How sandboxes are kept apart, in a few words.
    pub isolation: String,
    /// What enforces each limit.
    pub facts: Vec<String>,
    /// The version of Pitlane.
    pub version: String,
}

/// Who asks. Needs no permission: it is how a page finds out.
#[server(prefix = "/fn", endpoint = "load_me")]
pub async fn load_me() -> Result<Me, UiError> {
    let services = crate::services::services()?;
    let (user, membership) = match crate::session::who() {
        Some(who) => (Some(who.user), who.membership),
        None => (None, None),
    };
    // What the menu and the budget's mark cannot read is left out: what somebody
    // may do is known without it, and a page without rights would say they have none.
    let teams = match &user {
        Some(user) => services.store.teams_of(&user.id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the teams of an account cannot be read");
            membership.iter().cloned().collect()
        }),
        None => Vec::new(),
    };
    // Somebody who is not signed in learns nothing about the machine.
    let isolation = user
        .as_ref()
        .map_or_else(String::new, |_| services.isolation.clone());
    let budget_percent = match &membership {
        Some(membership) => services
            .store
            .budget_warning(&membership.team.id)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "how much of a budget is used cannot be read");
                None
            }),
        None => None,
    };
    Ok(Me {
        user,
        budget_percent,
        membership,
        teams,
        provider: services.provider,
        isolation,
        sign_in: services.sign_in,
    })
}

/// What is known of this instance.
#[server(prefix = "/fn", endpoint = "instance")]
pub async fn instance() -> Result<InstanceFacts, UiError> {
    crate::session::signed_in().await?;
    let services = crate::services::services()?;
    Ok(InstanceFacts {
        provider: services.provider,
        provider_url: services.provider_url,
        isolation: services.isolation,
        facts: services.isolation_facts,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Signs in with a name and a password, and goes to `next` (a path of this
/// site) or the agents.
#[server(prefix = "/fn", endpoint = "sign_in")]
pub async fn sign_in(name: String, password: String, next: Option<String>) -> Result<(), UiError> {
    let services = crate::services::services()?;
    super::password::password_sign_in_is_on(&services)?;
    let session = crate::session::session().await?;
    let visit = crate::session::visit().await?;
    let found = services.store.user_by_name(name.trim()).await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    let right = crate::password::verify(password, hash).await;
    let Some(user) = user.filter(|_| right) else {
        return Err(UiError::new(
            crate::ErrorCode::Forbidden,
            "This name and password do not belong together. Check both and try again.",
        )
        .with_status());
    };
    // Told to nobody but who knows the password.
    if services.store.is_disabled(&user.id).await? {
        return Err(UiError::new(
            crate::ErrorCode::Forbidden,
            "This account is disabled. Ask an administrator of this Pitlane to enable it.",
        )
        .with_status());
    }
    let way = model::SignInWay::Password;
    crate::session::sign_in_as(&session, &services.store, &user.id, way, &visit).await?;
    crate::session::send_form_on(crate::session::local_path(next.as_deref()));
    Ok(())
}

/// Ends this browser's session.
#[server(prefix = "/fn", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), UiError> {
    let session = crate::session::session().await?;
    if let Some(id) = crate::session::session_id(&session).await? {
        crate::services::services()?.store.sign_out(&id).await?;
    }
    session.flush().await.map_err(|error| {
        tracing::error!(%error, "the session cannot be deleted");
        UiError::new(
            crate::ErrorCode::Internal,
            "You could not be signed out: the session could not be deleted. Try again.",
        )
        .with_status()
    })?;
    crate::session::send_form_on("/sign-in");
    Ok(())
}

/// Sets the name and the password of the signed-in account that has none yet:
/// the first owner after the one-time link.
#[server(prefix = "/fn", endpoint = "set_owner")]
pub async fn set_owner(name: String, password: String) -> Result<(), UiError> {
    let user = crate::session::signed_in().await?.user;
    if user.is_set_up() {
        return Err(UiError::new(
            crate::ErrorCode::Conflict,
            "This account is set up already. Change its password in the settings.",
        )
        .with_status());
    }
    let services = crate::services::services()?;
    super::password::password_sign_in_is_on(&services)?;
    let store = services.store;
    let hash = crate::password::hash(password).await?;
    store.rename_user(&user.id, name.trim()).await?;
    store.set_password(&user.id, &hash).await?;
    crate::session::send_form_on("/");
    Ok(())
}
