//! Secrets: values that go in and never out, and the variables of agents,
//! which say who is given them.

use super::{
    super::super::{
        Site,
        permission::{Administer, Can, Edit, Read},
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
use model::{Secret, SecretId, Variable};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_create, _, _>(create),
        endpoint::<__path_replace, _, _>(replace),
        endpoint::<__path_delete, _, _>(delete),
        endpoint::<__path_variables, _, _>(variables),
        endpoint::<__path_save_variables, _, _>(save_variables),
    ]
}

/// A secret to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "API_KEY", "value": "correct horse battery"}))]
pub struct NewSecret {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z_][A-Za-z0-9_]*$")]
    name: String,
    /// Nobody can read it again.
    #[schema(min_length = 8, max_length = 16384)]
    value: String,
}

/// Another value of a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewValue {
    /// Nobody can read it again.
    #[schema(min_length = 8, max_length = 16384)]
    value: String,
}

/// A secret that is kept.
#[derive(Serialize, ToSchema)]
pub struct SecretMade {
    id: SecretId,
    name: String,
}

/// The variables of an agent.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"variables": [{"name": "MODE", "value": {"plain": "fast"}}]}))]
pub struct Variables {
    /// In their order.
    #[schema(max_items = 100)]
    variables: Vec<Variable>,
}

/// Lists secrets
///
/// Without their values, with the agents that are given each.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "Secrets", operation_id = "list_secrets", params(Wanted),
    responses((status = 200, body = Page<Secret>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Secret>>, Refusal> {
    let secrets = site.services.store.list_secrets(&can.team).await?;
    let page = Page::of_all(secrets, &wanted, |secret| secret.id.to_string(), |secret| secret)?;
    Ok(Json(page))
}

/// Keeps a secret
#[utoipa::path(post, path = "/api/v1/secrets", tag = "Secrets", operation_id = "create_secret", request_body = NewSecret,
    responses((status = 201, body = SecretMade), (status = 409, description = "The name is taken")))]
pub async fn create(
    can: Can<Administer>,
    State(site): State<Site>,
    given: Given<NewSecret>,
) -> Result<Response, Refusal> {
    let NewSecret { name, value } = given.body;
    let (runs, team, owner) = (site.services.runs.clone(), can.team.clone(), can.user.id.clone());
    once(&site, &can, given.asked, async move {
        let id = runs.add_secret(&team, &owner, &name, &value).await?;
        Made::at(format!("/api/v1/secrets/{id}"), &SecretMade { id, name })
    })
    .await
}

/// Replaces a secret's value
///
/// Runs that go on keep the one they have.
#[utoipa::path(put, path = "/api/v1/secrets/{secret}", tag = "Secrets", operation_id = "replace_secret",
    params(("secret" = SecretId, Path, description = "Its id")), request_body = NewValue,
    responses((status = 204, description = "It is replaced")))]
pub async fn replace(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
    given: Given<NewValue>,
) -> Result<StatusCode, Refusal> {
    let id = SecretId::parse(&id)?;
    site.services
        .runs
        .replace_secret(&can.team, &id, &given.body.value)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a secret
///
/// Refused while an agent is given it.
#[utoipa::path(delete, path = "/api/v1/secrets/{secret}", tag = "Secrets", operation_id = "delete_secret",
    params(("secret" = SecretId, Path, description = "Its id")),
    responses((status = 204, description = "It is deleted"), (status = 409, description = "An agent is given it")))]
pub async fn delete(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    site.services
        .store
        .delete_secret(&can.team, &SecretId::parse(&id)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists an agent's variables
///
/// Those that carry a secret name its id.
#[utoipa::path(get, path = "/api/v1/agents/{agent}/variables", tag = "Secrets", operation_id = "get_variables",
    params(("agent" = String, Path, description = "Its id or slug")), responses((status = 200, body = Variables)))]
pub async fn variables(
    can: Can<Read>,
    State(site): State<Site>,
    Path(named): Path<String>,
) -> Result<Json<Variables>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    let variables = site.services.store.variables(&agent.id).await?;
    Ok(Json(Variables { variables }))
}

/// Puts an agent's variables
///
/// In the place of those it has.
#[utoipa::path(put, path = "/api/v1/agents/{agent}/variables", tag = "Secrets", operation_id = "put_variables",
    params(("agent" = String, Path, description = "Its id or slug")), request_body = Variables,
    responses((status = 200, body = Variables)))]
pub async fn save_variables(
    can: Can<Edit>,
    State(site): State<Site>,
    Path(named): Path<String>,
    given: Given<Variables>,
) -> Result<Json<Variables>, Refusal> {
    let agent = can.agent_named(&site, &named).await?;
    site.services
        .store
        .save_variables(&agent.id, &given.body.variables)
        .await?;
    Ok(Json(given.body))
}
