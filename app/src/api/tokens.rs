//! The tokens with which programs act in the current team for whoever is signed in. A token's text is told once, to who made it.

use crate::UiError;
use leptos::prelude::*;
use model::{Millis, Permission, Token, TokenId};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// The tokens of a person, and the server's clock that ages are counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenList {
    /// The tokens, newest first.
    pub tokens: Vec<Token>,
    /// The server's clock.
    pub now: Millis,
}

/// One's tokens in the current team.
#[server(prefix = "/fn", endpoint = "list_tokens")]
pub async fn list_tokens() -> Result<TokenList, UiError> {
    let caller = crate::session::can(Permission::Read).await?;
    let tokens = crate::services::services()?
        .store
        .list_tokens(&caller.team, &caller.user.id)
        .await?;
    let now = Millis::now();
    Ok(TokenList { tokens, now })
}

/// Makes a token, and gives its text. Not by a plain form: the text would be in no page.
#[server(prefix = "/fn", endpoint = "create_token", input = Json)]
pub async fn create_token(
    name: String,
    scopes: Vec<Permission>,
    days: Option<u32>,
) -> Result<String, UiError> {
    let caller = crate::session::can(Permission::Read).await?;
    let store = crate::services::services()?.store;
    let new = model::NewToken { name, scopes, days };
    let (_, text) = runs::tokens::create(&store, &caller.team, &caller.user.id, new).await?;
    Ok(text)
}

/// Revokes one of one's tokens; who administers the team revokes any of its.
#[server(prefix = "/fn", endpoint = "revoke_token")]
pub async fn revoke_token(token: TokenId) -> Result<(), UiError> {
    let caller = crate::session::can(Permission::Read).await?;
    let store = crate::services::services()?.store;
    let whose = (!caller.may(Permission::Administer)).then_some(&caller.user.id);
    store.revoke_token(&caller.team, whose, &token).await?;
    crate::session::send_form_on("/settings/tokens");
    Ok(())
}
