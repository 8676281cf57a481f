//! Invitations: made, listed and revoked by those who administer a team,
//! accepted by whoever has the link.

use crate::UiError;
use leptos::prelude::*;
use model::{Invitation, InvitationId, Millis, Role};
use serde::{Deserialize, Serialize};

/// A team's invitations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationList {
    /// The invitations, newest first.
    pub invitations: Vec<Invitation>,
    /// The team's name.
    pub team: String,
    /// The roles that whoever asks may give.
    pub roles: Vec<Role>,
    /// The server's clock.
    pub now: Millis,
}

/// What whoever opens an invitation is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationFacts {
    /// The team.
    pub team: String,
    /// What they become in it.
    pub role: Role,
    /// Who invites them.
    pub by: String,
    /// Who they are, when they are signed in.
    pub me: Option<String>,
    /// Whether they are in the team already.
    pub is_member: bool,
}

/// The invitations into one's team.
#[server(prefix = "/fn", endpoint = "list_invitations")]
pub async fn list_invitations() -> Result<InvitationList, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    let roles = Role::ALL.into_iter().filter(|role| caller.role.may_give(*role));
    Ok(InvitationList {
        invitations: store.list_invitations(&caller.team).await?,
        team: store.team(&caller.team).await?.name,
        roles: roles.collect(),
        now: Millis::now(),
    })
}

/// Makes an invitation into one's team; the link's whole address where the operator named ours, else
/// its path.
#[server(prefix = "/fn", endpoint = "create_invitation")]
pub async fn create_invitation(role: Role, note: String, days: u32) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let services = crate::services::services()?;
    let text = runs::links::text()?;
    let new = model::NewInvitation { role, note, days };
    let (by, hash) = ((&caller.user.id, caller.role), runs::links::hash(&text));
    services
        .store
        .create_invitation(&caller.team, by, new, &hash)
        .await?;
    Ok(format!("{}/invite/{text}", services.origin.unwrap_or_default()))
}

/// Revokes an invitation into one's team.
#[server(prefix = "/fn", endpoint = "revoke_invitation")]
pub async fn revoke_invitation(invitation: InvitationId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    store.revoke_invitation(&caller.team, &invitation).await?;
    crate::session::send_form_on("/settings/invitations");
    Ok(())
}

/// What the link invites to; none when it was used or revoked, is over or never was.
#[server(prefix = "/fn", endpoint = "load_invitation")]
pub async fn load_invitation(token: String) -> Result<Option<InvitationFacts>, UiError> {
    let store = crate::services::services()?.store;
    let found = store.open_invitation(&runs::links::hash(&token)).await?;
    let Some((invitation, team)) = found else {
        return Ok(None);
    };
    let me = crate::session::who().map(|who| who.user);
    let is_member = match &me {
        Some(me) => store.role_in(&team.id, &me.id).await?.is_some(),
        None => false,
    };
    Ok(Some(InvitationFacts {
        team: team.name,
        role: invitation.role,
        by: invitation.created_by,
        me: me.map(|me| me.name),
        is_member,
    }))
}

/// Accepts an invitation as somebody new: makes the account, and signs it in.
#[server(prefix = "/fn", endpoint = "accept_invitation")]
pub async fn accept_invitation(token: String, name: String, password: String) -> Result<(), UiError> {
    let services = crate::services::services()?;
    super::password::password_sign_in_is_on(&services)?;
    let (session, visit) = (crate::session::session().await?, crate::session::visit().await?);
    let hash = crate::password::hash(password).await?;
    let newcomer = store::Newcomer::Password {
        name: &name,
        hash: &hash,
    };
    let text = runs::links::hash(&token);
    let (user, team) = services
        .store
        .accept_invitation_as_newcomer(&text, newcomer)
        .await?;
    let way = model::SignInWay::Invitation;
    crate::session::sign_in_as(&session, &services.store, &user.id, way, &visit).await?;
    crate::session::work_in(&team).await?;
    crate::session::send_form_on("/");
    Ok(())
}

/// Accepts an invitation as whoever is signed in, who works in that team from now on.
#[server(prefix = "/fn", endpoint = "join_team")]
pub async fn join_team(token: String) -> Result<(), UiError> {
    let who = crate::session::signed_in().await?;
    let store = crate::services::services()?.store;
    let text = runs::links::hash(&token);
    let team = store.accept_invitation(&text, &who.user.id).await?;
    crate::session::work_in(&team).await?;
    crate::session::send_form_on("/");
    Ok(())
}
