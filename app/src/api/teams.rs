//! Teams: which one the session works in, who is in it, and making new ones.

use crate::UiError;
use leptos::prelude::*;
use model::{Member, Millis, Role, TeamId, UserId};
use serde::{Deserialize, Serialize};

/// What the Members page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamData {
    /// The team.
    pub team: model::Team,
    /// Who is in it, owners first.
    pub members: Vec<Member>,
    /// Who looks at it.
    pub me: UserId,
    /// What they are in it.
    pub role: Role,
    /// Whether they may make teams and accounts.
    pub manages_instance: bool,
    /// The names of accounts that are in the team not yet, for those who may make accounts.
    pub others: Vec<String>,
    /// The server's clock, that times are counted from.
    pub now: Millis,
}

/// The current team and who is in it.
#[server(prefix = "/fn", endpoint = "load_team")]
pub async fn load_team() -> Result<TeamData, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    super::words::team(caller).await
}

/// Has this browser work in another of one's teams.
#[server(prefix = "/fn", endpoint = "switch_team")]
pub async fn switch_team(team: TeamId) -> Result<(), UiError> {
    let who = crate::session::signed_in().await?;
    let store = crate::services::services()?.store;
    if store.role_in(&team, &who.user.id).await?.is_none() {
        return Err(super::words::no_such_team());
    }
    crate::session::work_in(&team).await?;
    crate::session::send_form_on("/");
    Ok(())
}

/// Makes a team that one owns, and works in it from now on.
#[server(prefix = "/fn", endpoint = "create_team")]
pub async fn create_team(name: String) -> Result<(), UiError> {
    let user = crate::session::can_manage_instance().await?;
    let store = crate::services::services()?.store;
    let team = store.create_team(&name, &user.id).await?;
    crate::session::work_in(&team.id).await?;
    crate::session::send_form_on("/settings/members");
    Ok(())
}

/// Gives the current team another name.
#[server(prefix = "/fn", endpoint = "rename_team")]
pub async fn rename_team(name: String) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::ManageTeam).await?;
    let store = crate::services::services()?.store;
    store.rename_team(&caller.team, &name).await?;
    crate::session::send_form_on("/settings/members");
    Ok(())
}

/// Deletes the current team, which has no agents any more.
#[server(prefix = "/fn", endpoint = "delete_team")]
pub async fn delete_team() -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::ManageTeam).await?;
    let store = crate::services::services()?.store;
    store.delete_team(&caller.team).await?;
    crate::session::send_form_on("/");
    Ok(())
}

/// Takes an account, by its name, into the current team.
#[server(prefix = "/fn", endpoint = "add_member")]
pub async fn add_member(name: String, role: Role) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    super::words::add_member(&caller, &name, role).await?;
    crate::session::send_form_on("/settings/members");
    Ok(())
}

/// Changes what somebody is in the current team.
#[server(prefix = "/fn", endpoint = "set_member_role")]
pub async fn set_member_role(user: UserId, role: Role) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    store
        .set_member_role(&caller.team, caller.role, &user, role)
        .await?;
    crate::session::send_form_on("/settings/members");
    Ok(())
}

/// Takes somebody out of the current team.
#[server(prefix = "/fn", endpoint = "remove_member")]
pub async fn remove_member(user: UserId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    store
        .remove_member(&caller.team, Some(caller.role), &user)
        .await?;
    crate::session::send_form_on("/settings/members");
    Ok(())
}

/// Leaves the current team.
#[server(prefix = "/fn", endpoint = "leave_team")]
pub async fn leave_team() -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    let store = crate::services::services()?.store;
    store.remove_member(&caller.team, None, &caller.user.id).await?;
    crate::session::send_form_on("/");
    Ok(())
}
