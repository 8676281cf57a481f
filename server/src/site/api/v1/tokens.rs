//! One's tokens: list, make, revoke. A token's text is told once.

use super::{
    super::super::{
        Site,
        credential::Credential,
        permission::{Can, Read},
        refusal::Refusal,
    },
    endpoint::{Endpoint, endpoint},
    given::Given,
    once::{Made, once},
    page::{Page, Wanted},
};
use app::ErrorCode;
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use model::{Millis, NewToken, Permission, Token, TokenId, token::USUAL_SCOPES};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_create, _, _>(create),
        endpoint::<__path_revoke, _, _>(revoke),
    ]
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "ci", "scopes": ["read", "run"], "days": 30}))]
pub struct TokenWanted {
    /// What it is for.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// What it may do; to read and to run when nothing is said.
    #[schema(min_items = 1)]
    scopes: Option<Vec<Permission>>,
    /// How long it can be used, in days; none until it is revoked.
    #[schema(minimum = 1, maximum = 3650)]
    days: Option<u32>,
}

/// A token, with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenMade {
    #[serde(flatten)]
    token: Token,
    /// What a program sends: shown this once.
    text: String,
}

/// Refuses a token that is not for managing tokens: whoever found it could lock its owner's programs out.
fn may_manage(can: &Can<Read>) -> Result<(), Refusal> {
    if can.credential.includes(Permission::Administer) {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::Forbidden,
        "A token makes and revokes tokens only with the scope administer. Use the settings, or such a token.",
    ))
}

/// Refuses a token that may do more than the one that makes it, or lasts longer.
fn goes_no_further(new: &NewToken, maker: &Token) -> Result<(), Refusal> {
    let end = new
        .days
        .map(|days| Millis::now().0 + i64::from(days) * 24 * 3600 * 1000);
    let outlasts = maker
        .expires_at
        .is_some_and(|expires| end.is_none_or(|end| end > expires.0));
    let exceeds = new.scopes.iter().any(|scope| !maker.scopes.contains(scope));
    if !outlasts && !exceeds {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::Forbidden,
        "A token makes none that may do more than itself, or that lasts longer. Name fewer scopes or days, or make it in the settings.",
    ))
}

/// Lists one's tokens
#[utoipa::path(get, path = "/api/v1/tokens", tag = "Tokens", operation_id = "list_tokens", params(Wanted),
    responses((status = 200, body = Page<Token>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Token>>, Refusal> {
    let tokens = site.services.store.list_tokens(&can.team, &can.user.id).await?;
    let page = Page::of_all(tokens, &wanted, |token| token.id.to_string(), |token| token)?;
    Ok(Json(page))
}

/// Makes a token
///
/// With a token only if it has the scope `administer`; it makes none that may do more or lasts longer than
/// itself. The text is shown once: a request that is repeated with its key is refused.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "Tokens", operation_id = "create_token", request_body = TokenWanted,
    responses((status = 201, body = TokenMade)))]
pub async fn create(
    can: Can<Read>,
    State(site): State<Site>,
    given: Given<TokenWanted>,
) -> Result<Response, Refusal> {
    let TokenWanted { name, scopes, days } = given.body;
    let scopes = scopes.unwrap_or_else(|| USUAL_SCOPES.to_vec());
    let new = NewToken { name, scopes, days };
    may_manage(&can)?;
    if let Credential::Token(token) = &can.credential {
        goes_no_further(&new, token)?;
    }
    let (store, team, owner) = (site.services.store.clone(), can.team.clone(), can.user.id.clone());
    once(&site, &can, given.asked, async move {
        let (token, text) = runs::tokens::create(&store, &team, &owner, new).await?;
        let location = format!("/api/v1/tokens/{}", token.id);
        Ok(Made::at(location, &TokenMade { token, text })?.told_once())
    })
    .await
}

/// Revokes a token
///
/// At once, with what it has open. With a token only if it has the scope `administer`, and never itself.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "Tokens", operation_id = "revoke_token",
    params(("token" = TokenId, Path, description = "Its id")),
    responses((status = 204, description = "It is revoked"), (status = 409, description = "It is the token that asks")))]
pub async fn revoke(
    can: Can<Read>,
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id = TokenId::parse(&id)?;
    may_manage(&can)?;
    if matches!(&can.credential, Credential::Token(token) if token.id == id) {
        return Err(Refusal::new(
            ErrorCode::Conflict,
            "This request is made with the token that it would revoke. Use another, or the settings.",
        ));
    }
    // Who administers the team revokes any of its tokens.
    let whose = (!can.role.may(Permission::Administer)).then_some(&can.user.id);
    site.services.store.revoke_token(&can.team, whose, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
