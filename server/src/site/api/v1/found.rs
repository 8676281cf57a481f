//! What a request names, looked up for whoever asks, where `Can` does not know
//! it: what is another team's is not there.

use super::super::super::{
    Site,
    permission::{Can, PermissionMarker},
    refusal::Refusal,
};
use model::{AgentId, InstanceRole, Permission, RevisionId, SandboxName};
use runs::Onlooker;
use store::{Revision, StoreError};

/// The revision of this id.
pub async fn revision<P: PermissionMarker>(site: &Site, can: &Can<P>, id: &str) -> Result<Revision, Refusal> {
    let id = RevisionId::parse(id)?;
    let store = &site.services.store;
    let revision = store.revision(&id).await?;
    if !is_there(site, can, &revision.agent).await? {
        return Err(
            StoreError::NotFound(format!("There is no revision {id}. Was its agent deleted?")).into(),
        );
    }
    Ok(revision)
}

/// The sandbox of this id, ours or the provider's.
pub async fn sandbox<P: PermissionMarker>(
    site: &Site,
    can: &Can<P>,
    id: &str,
) -> Result<SandboxName, Refusal> {
    let (name, agent) = site.services.runs.sandbox_named(id).await?;
    let is_there = match agent {
        Some(agent) => is_there(site, can, &agent).await?,
        None => false,
    };
    if is_there {
        return Ok(name);
    }
    Err(StoreError::NotFound("There is no such sandbox. Was it deleted?".to_owned()).into())
}

/// For whom sandboxes are looked at.
pub fn onlooker<P>(can: &Can<P>) -> Onlooker {
    Onlooker {
        team: can.team.clone(),
        strays: can.user.role == InstanceRole::Owner && can.credential.includes(Permission::ManageInstance),
    }
}

async fn is_there<P>(site: &Site, can: &Can<P>, agent: &AgentId) -> Result<bool, Refusal> {
    let team = site.services.store.team_of_agent(agent).await?;
    Ok(team.as_ref() == Some(&can.team))
}
