//! `pitlane token`: tokens for programs, made by an operator who can write the
//! data folder. A new one's text is all that is printed, so that a script can
//! take it.

use crate::{
    command_line::TokenCommand, configuration::Configuration, failure::Failure, output, user_command,
};
use model::{
    Millis, NewToken, Permission, Token, TokenId,
    time::{ago_words, duration_words},
    token::{USUAL_SCOPES, parse_days},
};
use store::Store;

/// Does it.
///
/// # Errors
/// When there is no such account or token, or the database refuses.
pub fn run(configuration: &Configuration, command: TokenCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    runtime.block_on(async {
        let store = Store::open(&configuration.database_url)
            .await
            .map_err(|error| Failure::unusable(error.to_string()))?;
        let done = match command {
            TokenCommand::Create {
                name,
                scope,
                expires,
                user,
            } => create(&store, name, &scope, expires.as_deref(), user.as_deref()).await,
            TokenCommand::List { user } => list(&store, user.as_deref()).await,
            TokenCommand::Revoke { token, user } => revoke(&store, &token, user.as_deref()).await,
        };
        store.close().await;
        done
    })
}

async fn create(
    store: &Store,
    name: String,
    scopes: &[String],
    expires: Option<&str>,
    user: Option<&str>,
) -> Result<(), Failure> {
    let new = NewToken {
        name,
        scopes: read_scopes(scopes)?,
        days: match expires {
            Some(text) => parse_days(text).map_err(|error| Failure::unusable(error.0))?,
            None => None,
        },
    };
    let user = user_command::account(store, user).await?;
    let (_, text) = runs::tokens::create(store, &user.id, new)
        .await
        .map_err(|error| Failure::unusable(error.to_string()))?;
    output::line(&text);
    Ok(())
}

/// The scopes that are named, one or several in a word, with commas between.
fn read_scopes(named: &[String]) -> Result<Vec<Permission>, Failure> {
    if named.is_empty() {
        return Ok(USUAL_SCOPES.to_vec());
    }
    let words = named.iter().flat_map(|words| words.split(','));
    words
        .map(|word| {
            Permission::parse(word.trim()).ok_or_else(|| {
                Failure::unusable(format!(
                    "\u{201c}{word}\u{201d} is no scope. Choose from read, run, edit and administer."
                ))
            })
        })
        .collect()
}

async fn list(store: &Store, user: Option<&str>) -> Result<(), Failure> {
    let user = user_command::account(store, user).await?;
    for token in tokens(store, &user).await? {
        output::line(&line_of(&token, Millis::now()));
    }
    Ok(())
}

/// `0199…  ci  read, run  used 2 h ago  ends in 3 h`.
fn line_of(token: &Token, now: Millis) -> String {
    let used = token.used_at.map_or_else(
        || "never used".to_owned(),
        |at| format!("used {}", ago_words(now.since(at))),
    );
    let ends = match token.expires_at {
        None => "no end".to_owned(),
        Some(_) if token.is_over(now) => "over".to_owned(),
        Some(at) => format!("ends in {}", duration_words(at.since(now))),
    };
    format!(
        "{}\t{}\t{}\t{used}\t{ends}",
        token.id,
        token.name,
        token.scope_words()
    )
}

async fn revoke(store: &Store, named: &str, user: Option<&str>) -> Result<(), Failure> {
    let user = user_command::account(store, user).await?;
    let tokens = tokens(store, &user).await?;
    let id = TokenId::parse(named).ok();
    let found: Vec<_> = tokens
        .iter()
        .filter(|token| id.as_ref().map_or(token.name == named, |id| token.id == *id))
        .collect();
    match found.as_slice() {
        [token] => {
            let revoked = store.revoke_token(&user.id, &token.id).await;
            revoked.map_err(|error| Failure::new(error.to_string()))?;
            output::line(&format!("The token {} is revoked.", token.name));
            Ok(())
        }
        [] => Err(Failure::unusable(format!(
            "{} has no token \u{201c}{named}\u{201d}. `pitlane token list` shows those there are.",
            user.name
        ))),
        _ => Err(Failure::unusable(format!(
            "There are several tokens \u{201c}{named}\u{201d}. Name one by its id; `pitlane token list` shows it."
        ))),
    }
}

async fn tokens(store: &Store, user: &model::User) -> Result<Vec<Token>, Failure> {
    let tokens = store.list_tokens(&user.id).await;
    tokens.map_err(|error| Failure::new(error.to_string()))
}
