//! The tokens of whoever is signed in. A token's text is told once, to who made it.

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

/// One's tokens.
#[server(prefix = "/fn", endpoint = "list_tokens")]
pub async fn list_tokens() -> Result<TokenList, UiError> {
    let user = crate::session::can(Permission::Read).await?;
    let tokens = crate::services::services()?.store.list_tokens(&user.id).await?;
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
    let user = crate::session::can(Permission::Read).await?;
    let store = crate::services::services()?.store;
    let new = model::NewToken { name, scopes, days };
    let (_, text) = runs::tokens::create(&store, &user.id, new).await?;
    Ok(text)
}

/// Revokes one of one's tokens.
#[server(prefix = "/fn", endpoint = "revoke_token")]
pub async fn revoke_token(token: TokenId) -> Result<(), UiError> {
    let user = crate::session::can(Permission::Read).await?;
    let store = crate::services::services()?.store;
    store.revoke_token(&user.id, &token).await?;
    crate::session::send_form_on("/settings/tokens");
    Ok(())
}
