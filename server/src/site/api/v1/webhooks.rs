//! Webhooks: the one of an agent that starts its runs, and the addresses of the
//! team that are told of events. A secret is told once.

use super::{
    super::super::{
        Site,
        permission::{Administer, Can, Read},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    given::Given,
    once::{Made, once},
    page::{Page, Wanted},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use model::{AgentHook, Delivery, HookBody, NewTarget, TargetId, WebhookEvent, WebhookTarget};
use runs::RunsError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many deliveries are told.
const TOLD_DELIVERIES: u32 = 50;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_show_hook, _, _>(show_hook),
        endpoint::<__path_create_hook, _, _>(create_hook),
        endpoint::<__path_change_hook, _, _>(change_hook),
        endpoint::<__path_rotate_hook, _, _>(rotate_hook),
        endpoint::<__path_delete_hook, _, _>(delete_hook),
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_create, _, _>(create),
        endpoint::<__path_change, _, _>(change),
        endpoint::<__path_rotate, _, _>(rotate),
        endpoint::<__path_delete, _, _>(delete),
        endpoint::<__path_deliveries, _, _>(deliveries),
        endpoint::<__path_replay, _, _>(replay),
    ]
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretTold {
    /// `whsec_` and base64: shown this once.
    secret: String,
}

/// The webhook of an agent, with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct HookMade {
    #[serde(flatten)]
    hook: AgentHook,
    /// Where messages are sent, on this site.
    path: String,
    /// `whsec_` and base64: shown this once.
    secret: String,
}

/// What of the webhook of an agent is to be another; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_on": false}))]
pub struct HookChange {
    /// Whether it takes messages.
    is_on: Option<bool>,
    /// How the program is given the body.
    body: Option<HookBody>,
}

/// An address to be told of events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://example.com/pitlane", "events": ["run.failed"]}))]
pub struct TargetWanted {
    /// Where messages are sent.
    #[schema(min_length = 8, max_length = 2000, format = "uri")]
    url: String,
    /// What it is told.
    #[schema(min_items = 1)]
    events: Vec<WebhookEvent>,
}

/// What of an address is to be another; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_on": false}))]
pub struct TargetChange {
    /// Where messages are sent.
    #[schema(min_length = 8, max_length = 2000, format = "uri")]
    url: Option<String>,
    /// What it is told.
    #[schema(min_items = 1)]
    events: Option<Vec<WebhookEvent>>,
    /// Whether it is told.
    is_on: Option<bool>,
}

/// An address, with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct TargetMade {
    #[serde(flatten)]
    target: WebhookTarget,
    /// `whsec_` and base64: shown this once.
    secret: String,
}

/// Shows the webhook of an agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}/webhook", tag = "Webhooks", operation_id = "show_hook",
    params(("agent" = String, Path, description = "Its id or slug")), responses((status = 200, body = AgentHook)))]
pub async fn show_hook(
    can: Can<Read>,
    State(site): State<Site>,
    Path(agent): Path<String>,
) -> Result<Json<AgentHook>, Refusal> {
    let agent = can.agent_named(&site, &agent).await?;
    let hook = site.services.store.hook_of(&agent.id).await?;
    let none = || RunsError::NotFound("This agent has no webhook.".to_owned());
    Ok(Json(hook.ok_or_else(none)?))
}

/// Gives an agent a webhook
///
/// The secret is shown once, also to a repeated request.
#[utoipa::path(post, path = "/api/v1/agents/{agent}/webhook", tag = "Webhooks", operation_id = "create_hook",
    params(("agent" = String, Path, description = "Its id or slug")),
    responses((status = 201, body = HookMade), (status = 409, description = "It has one already")))]
pub async fn create_hook(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(agent): Path<String>,
    given: Given<Nothing>,
) -> Result<Response, Refusal> {
    let agent = can.agent_named(&site, &agent).await?.id;
    let (runs, user) = (site.services.runs.clone(), can.user.id.clone());
    once(&site, &can, given.asked, async move {
        let (hook, secret) = runs.create_hook(&agent, &user).await?;
        let path = hook.path();
        Ok(Made::at(
            format!("/api/v1/agents/{agent}/webhook"),
            &HookMade { hook, path, secret },
        )?
        .told_once())
    })
    .await
}

/// Nothing has to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Changes the webhook of an agent
#[utoipa::path(patch, path = "/api/v1/agents/{agent}/webhook", tag = "Webhooks", operation_id = "change_hook",
    params(("agent" = String, Path, description = "Its id or slug")), request_body = HookChange,
    responses((status = 200, body = AgentHook)))]
pub async fn change_hook(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(agent): Path<String>,
    given: Given<HookChange>,
) -> Result<Json<AgentHook>, Refusal> {
    let agent = can.agent_named(&site, &agent).await?.id;
    let store = &site.services.store;
    let none = || RunsError::NotFound("This agent has no webhook.".to_owned());
    let was = store.hook_of(&agent).await?.ok_or_else(none)?;
    let (is_on, body) = (given.body.is_on, given.body.body);
    store
        .update_hook(&agent, is_on.unwrap_or(was.is_on), body.unwrap_or(was.body))
        .await?;
    Ok(Json(store.hook_of(&agent).await?.ok_or_else(none)?))
}

/// Rotates the secret of the webhook of an agent
///
/// The one before counts for a day beside it.
#[utoipa::path(post, path = "/api/v1/agents/{agent}/webhook/secret", tag = "Webhooks", operation_id = "rotate_hook",
    params(("agent" = String, Path, description = "Its id or slug")), responses((status = 200, body = SecretTold)))]
pub async fn rotate_hook(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(agent): Path<String>,
) -> Result<Json<SecretTold>, Refusal> {
    let agent = can.agent_named(&site, &agent).await?.id;
    let secret = site.services.runs.rotate_hook(&agent).await?;
    Ok(Json(SecretTold { secret }))
}

/// Deletes the webhook of an agent
#[utoipa::path(delete, path = "/api/v1/agents/{agent}/webhook", tag = "Webhooks", operation_id = "delete_hook",
    params(("agent" = String, Path, description = "Its id or slug")),
    responses((status = 204, description = "It is deleted")))]
pub async fn delete_hook(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(agent): Path<String>,
) -> Result<StatusCode, Refusal> {
    let agent = can.agent_named(&site, &agent).await?.id;
    site.services.store.delete_hook(&agent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the addresses that are told of events
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "list_webhooks", params(Wanted),
    responses((status = 200, body = Page<WebhookTarget>)))]
pub async fn list(
    can: Can<Administer>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<WebhookTarget>>, Refusal> {
    let targets = site.services.store.list_targets(&can.team).await?;
    let page = Page::of_all(targets, &wanted, |target| target.id.to_string(), |target| target)?;
    Ok(Json(page))
}

/// Has an address told of events
///
/// The secret is shown once, also to a repeated request.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "create_webhook",
    request_body = TargetWanted, responses((status = 201, body = TargetMade)))]
pub async fn create(
    can: Can<Administer>,
    State(site): State<Site>,
    given: Given<TargetWanted>,
) -> Result<Response, Refusal> {
    let TargetWanted { url, events } = given.body;
    let (runs, team) = (site.services.runs.clone(), can.team.clone());
    once(&site, &can, given.asked, async move {
        let (target, secret) = runs.create_target(&team, NewTarget { url, events }).await?;
        let location = format!("/api/v1/webhooks/{}", target.id);
        Ok(Made::at(location, &TargetMade { target, secret })?.told_once())
    })
    .await
}

/// Changes an address
///
/// What waits for one that is switched off is not sent.
#[utoipa::path(patch, path = "/api/v1/webhooks/{webhook}", tag = "Webhooks", operation_id = "change_webhook",
    params(("webhook" = TargetId, Path, description = "Its id")), request_body = TargetChange,
    responses((status = 200, body = WebhookTarget)))]
pub async fn change(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
    given: Given<TargetChange>,
) -> Result<Json<WebhookTarget>, Refusal> {
    let id = TargetId::parse(&id)?;
    let was = of_team(&can, &site, &id).await?;
    let TargetChange { url, events, is_on } = given.body;
    let said = NewTarget {
        url: url.unwrap_or(was.said.url),
        events: events.unwrap_or(was.said.events),
    };
    let is_on = is_on.unwrap_or(was.is_on);
    site.services
        .runs
        .update_target(&can.team, &id, said, is_on)
        .await?;
    Ok(Json(of_team(&can, &site, &id).await?))
}

/// Rotates the secret of an address
///
/// For a day messages carry the signatures of both.
#[utoipa::path(post, path = "/api/v1/webhooks/{webhook}/secret", tag = "Webhooks", operation_id = "rotate_webhook",
    params(("webhook" = TargetId, Path, description = "Its id")), responses((status = 200, body = SecretTold)))]
pub async fn rotate(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<SecretTold>, Refusal> {
    let secret = site
        .services
        .runs
        .rotate_target(&can.team, &TargetId::parse(&id)?)
        .await?;
    Ok(Json(SecretTold { secret }))
}

/// Deletes an address with its log
#[utoipa::path(delete, path = "/api/v1/webhooks/{webhook}", tag = "Webhooks", operation_id = "delete_webhook",
    params(("webhook" = TargetId, Path, description = "Its id")),
    responses((status = 204, description = "It is deleted")))]
pub async fn delete(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    site.services
        .store
        .delete_target(&can.team, &TargetId::parse(&id)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what was sent to an address
///
/// The newest 50 messages, newest first, with their attempts.
#[utoipa::path(get, path = "/api/v1/webhooks/{webhook}/deliveries", tag = "Webhooks", operation_id = "list_deliveries",
    params(("webhook" = TargetId, Path, description = "Its id")), responses((status = 200, body = Vec<Delivery>)))]
pub async fn deliveries(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Delivery>>, Refusal> {
    let target = of_team(&can, &site, &TargetId::parse(&id)?).await?;
    let store = &site.services.store;
    let sent = store.list_deliveries(&can.team, Some(&target.id), None, TOLD_DELIVERIES);
    Ok(Json(sent.await?))
}

/// Sends a message again
#[utoipa::path(post, path = "/api/v1/deliveries/{delivery}/replay", tag = "Webhooks", operation_id = "replay_delivery",
    params(("delivery" = String, Path, description = "Its id")),
    responses((status = 202, description = "It is sent as soon as may be"), (status = 409, description = "Its address is off")))]
pub async fn replay(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    site.services.store.replay_delivery(&can.team, &id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The team's address of this id.
async fn of_team<P>(can: &Can<P>, site: &Site, id: &TargetId) -> Result<WebhookTarget, Refusal> {
    let targets = site.services.store.list_targets(&can.team).await?;
    let none = || RunsError::NotFound("There is no such webhook. Was it deleted?".to_owned());
    Ok(targets
        .into_iter()
        .find(|target| target.id == *id)
        .ok_or_else(none)?)
}
