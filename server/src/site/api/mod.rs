//! What programs ask for: agents run once, their output, and what became of
//! runs. Handlers are thin; what happens is in `runs`.

pub mod answer;
pub mod events;
pub mod execute;
pub mod idempotency;
pub mod options;
pub mod run;
pub mod session;
pub mod socket;
pub mod v1;
mod words;

use super::{Site, refusal::Refusal};
use model::{Agent, AgentId};
use store::StoreError;

/// The agent of this id, or of this name in addresses.
pub async fn agent(site: &Site, named: &str) -> Result<Agent, Refusal> {
    let store = &site.services.store;
    if let Ok(id) = AgentId::parse(named) {
        match store.agent(&id).await {
            Err(StoreError::NotFound(_)) => {}
            found => return Ok(found?),
        }
    }
    store.agent_by_slug(named).await.map_err(Refusal::agent_not_found)
}
