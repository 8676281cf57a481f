//! Webhooks: the address of an agent that starts its runs, and the addresses of
//! the team that are told what happened. A secret is told once, to who made it.

use crate::UiError;
use leptos::prelude::*;
use model::{AgentId, Delivery, HookBody, Millis, TargetId, WebhookEvent, WebhookTarget};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// How many deliveries are shown at once.
pub const SHOWN_DELIVERIES: u32 = 50;

/// The addresses of a team, and what was sent to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetList {
    /// The addresses, oldest first.
    pub targets: Vec<WebhookTarget>,
    /// The newest deliveries, newest first.
    pub deliveries: Vec<Delivery>,
    /// The server's clock.
    pub now: Millis,
}

/// Gives an agent a webhook, and its secret. Not by a plain form: the secret would be in no page.
#[server(prefix = "/fn", endpoint = "create_hook", input = Json)]
pub async fn create_hook(agent: AgentId) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    crate::session::agent_of(&caller, &agent).await?;
    let runs = crate::services::services()?.runs;
    Ok(runs.create_hook(&agent, &caller.user.id).await?.1)
}

/// Gives the webhook of an agent another secret.
#[server(prefix = "/fn", endpoint = "rotate_hook", input = Json)]
pub async fn rotate_hook(agent: AgentId) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    crate::session::agent_of(&caller, &agent).await?;
    Ok(crate::services::services()?.runs.rotate_hook(&agent).await?)
}

/// Switches the webhook of an agent on or off, and says how its program is given bodies.
#[server(prefix = "/fn", endpoint = "update_hook")]
pub async fn update_hook(agent: AgentId, is_on: bool, body: HookBody) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let agent = crate::session::agent_of(&caller, &agent).await?;
    let store = crate::services::services()?.store;
    store.update_hook(&agent.id, is_on, body).await?;
    crate::session::send_form_on(&format!("/agents/{}/schedules", agent.slug));
    Ok(())
}

/// Deletes the webhook of an agent.
#[server(prefix = "/fn", endpoint = "delete_hook")]
pub async fn delete_hook(agent: AgentId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let agent = crate::session::agent_of(&caller, &agent).await?;
    let store = crate::services::services()?.store;
    store.delete_hook(&agent.id).await?;
    crate::session::send_form_on(&format!("/agents/{}/schedules", agent.slug));
    Ok(())
}

/// The addresses of the team, and what was sent to them.
#[server(prefix = "/fn", endpoint = "list_targets", input = Json)]
pub async fn list_targets() -> Result<TargetList, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    let deliveries = store.list_deliveries(&caller.team, None, None, SHOWN_DELIVERIES);
    Ok(TargetList {
        targets: store.list_targets(&caller.team).await?,
        deliveries: deliveries.await?,
        now: Millis::now(),
    })
}

/// Has an address told of events, and gives its secret.
#[server(prefix = "/fn", endpoint = "create_target", input = Json)]
pub async fn create_target(url: String, events: Vec<WebhookEvent>) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let runs = crate::services::services()?.runs;
    let made = runs
        .create_target(&caller.team, model::NewTarget { url, events })
        .await?;
    Ok(made.1)
}

/// Changes an address, and switches it on or off.
#[server(prefix = "/fn", endpoint = "update_target", input = Json)]
pub async fn update_target(
    target: TargetId,
    url: String,
    events: Vec<WebhookEvent>,
    is_on: bool,
) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let runs = crate::services::services()?.runs;
    let said = model::NewTarget { url, events };
    Ok(runs.update_target(&caller.team, &target, said, is_on).await?)
}

/// Gives an address another secret.
#[server(prefix = "/fn", endpoint = "rotate_target", input = Json)]
pub async fn rotate_target(target: TargetId) -> Result<String, UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    Ok(crate::services::services()?
        .runs
        .rotate_target(&caller.team, &target)
        .await?)
}

/// Deletes an address with its log.
#[server(prefix = "/fn", endpoint = "delete_target")]
pub async fn delete_target(target: TargetId) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    store.delete_target(&caller.team, &target).await?;
    crate::session::send_form_on("/settings/webhooks");
    Ok(())
}

/// Sends a message again.
#[server(prefix = "/fn", endpoint = "replay_delivery")]
pub async fn replay_delivery(delivery: String) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let store = crate::services::services()?.store;
    store.replay_delivery(&caller.team, &delivery).await?;
    crate::session::send_form_on("/settings/webhooks");
    Ok(())
}
