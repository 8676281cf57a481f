//! Who is in the team, and what they are there.

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
use app::ErrorCode;
use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use model::{Invalid, Member, Role, TeamId, UserId};
use serde::Deserialize;
use store::Store;
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint::<__path_list, _, _>(list),
        endpoint::<__path_add, _, _>(add),
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_change, _, _>(change),
        endpoint::<__path_remove, _, _>(remove),
    ]
}

/// Somebody who has an account, to be taken into the team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "grace", "role": "member"}))]
pub struct MemberWanted {
    /// The name they sign in with.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What they are to be in the team; an owner is made by an owner only.
    role: Role,
}

/// What a member is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "viewer"}))]
pub struct MemberChange {
    /// What they are to be in the team.
    role: Role,
}

/// The member of this id; one who is not in the team is not there.
async fn member(store: &Store, team: &TeamId, user: &UserId) -> Result<Member, Refusal> {
    let all = store.members(team).await?;
    let found = all.into_iter().find(|member| member.user == *user);
    found.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "Nobody of this id is in the team."))
}

/// Lists who is in the team
#[utoipa::path(get, path = "/api/v1/members", tag = "Team", operation_id = "list_members", params(Wanted),
    responses((status = 200, body = Page<Member>)))]
pub async fn list(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<Member>>, Refusal> {
    let members = site.services.store.members(&can.team).await?;
    let page = Page::of_all(
        members,
        &wanted,
        |member| member.user.to_string(),
        |member| member,
    )?;
    Ok(Json(page))
}

/// Takes an account into the team
///
/// Who has none is invited in the settings.
#[utoipa::path(post, path = "/api/v1/members", tag = "Team", operation_id = "add_member", request_body = MemberWanted,
    responses((status = 201, body = Member)))]
pub async fn add(
    can: Can<Administer>,
    State(site): State<Site>,
    given: Given<MemberWanted>,
) -> Result<Response, Refusal> {
    let MemberWanted { name, role } = given.body;
    let (store, team, by) = (site.services.store.clone(), can.team.clone(), can.role);
    once(&site, &can, given.asked, async move {
        let Some((user, _)) = store.user_by_name(&name).await? else {
            return Err(Invalid(format!(
                "There is no account named \u{201c}{}\u{201d}. Check how it is written, or invite them in the settings.",
                name.chars().take(80).collect::<String>()
            ))
            .into());
        };
        store.add_member(&team, by, &user.id, role).await?;
        Made::at(
            format!("/api/v1/members/{}", user.id),
            &member(&store, &team, &user.id).await?,
        )
    })
    .await
}

/// Gets a member
#[utoipa::path(get, path = "/api/v1/members/{user}", tag = "Team", operation_id = "get_member",
    params(("user" = UserId, Path, description = "The id of their account")),
    responses((status = 200, body = Member)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Path(user): Path<String>,
) -> Result<Json<Member>, Refusal> {
    let user = UserId::parse(&user)?;
    Ok(Json(member(&site.services.store, &can.team, &user).await?))
}

/// Changes what somebody is in the team
///
/// Nobody makes another more than they are themselves, and a team keeps an owner.
#[utoipa::path(patch, path = "/api/v1/members/{user}", tag = "Team", operation_id = "change_member",
    params(("user" = UserId, Path, description = "The id of their account")), request_body = MemberChange,
    responses((status = 200, body = Member), (status = 409, description = "It is the last owner")))]
pub async fn change(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(user): Path<String>,
    given: Given<MemberChange>,
) -> Result<Json<Member>, Refusal> {
    let (store, user) = (&site.services.store, UserId::parse(&user)?);
    store
        .set_member_role(&can.team, can.role, &user, given.body.role)
        .await?;
    Ok(Json(member(store, &can.team, &user).await?))
}

/// Takes somebody out of the team
///
/// At once, with their sessions and tokens in it. Their account stays.
#[utoipa::path(delete, path = "/api/v1/members/{user}", tag = "Team", operation_id = "remove_member",
    params(("user" = UserId, Path, description = "The id of their account")),
    responses((status = 204, description = "They are out"), (status = 409, description = "It is the last owner")))]
pub async fn remove(
    can: Can<Administer>,
    State(site): State<Site>,
    Path(user): Path<String>,
) -> Result<StatusCode, Refusal> {
    let user = UserId::parse(&user)?;
    let store = &site.services.store;
    store.remove_member(&can.team, Some(can.role), &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
