//! `pitlane token`: tokens for programs, made by an operator who can write the
//! data folder. A new one's text is all that is printed, so that a script can
//! take it.

use crate::{
    command_line::{TokenCommand, Whose},
    configuration::Configuration,
    failure::Failure,
    output, team_command, user_command,
};
use model::{
    Millis, NewToken, Permission, TeamId, Token, TokenId, User,
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
                whose,
            } => create(&store, name, &scope, expires.as_deref(), &whose).await,
            TokenCommand::List { whose } => list(&store, &whose).await,
            TokenCommand::Revoke { token, whose } => revoke(&store, &token, &whose).await,
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
    whose: &Whose,
) -> Result<(), Failure> {
    let new = NewToken {
        name,
        scopes: read_scopes(scopes)?,
        days: match expires {
            Some(text) => parse_days(text).map_err(|error| Failure::unusable(error.0))?,
            None => None,
        },
    };
    let (user, team) = find(store, whose).await?;
    let (_, text) = runs::tokens::create(store, &team, &user.id, new)
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
                    "\u{201c}{word}\u{201d} is no scope. Choose from {}.",
                    Permission::all_words()
                ))
            })
        })
        .collect()
}

async fn list(store: &Store, whose: &Whose) -> Result<(), Failure> {
    let (user, team) = find(store, whose).await?;
    for token in tokens(store, &team, &user).await? {
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

async fn revoke(store: &Store, named: &str, whose: &Whose) -> Result<(), Failure> {
    let (user, team) = find(store, whose).await?;
    let tokens = tokens(store, &team, &user).await?;
    let id = TokenId::parse(named).ok();
    let found: Vec<_> = tokens
        .iter()
        .filter(|token| id.as_ref().map_or(token.name == named, |id| token.id == *id))
        .collect();
    match found.as_slice() {
        [token] => {
            let revoked = store.revoke_token(&team, Some(&user.id), &token.id).await;
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

/// The account that is meant, and its team.
async fn find(store: &Store, whose: &Whose) -> Result<(User, TeamId), Failure> {
    let user = user_command::account(store, whose.user.as_deref()).await?;
    let team = team_command::team_of(store, &user, whose.team.as_deref()).await?;
    Ok((user, team.id))
}

async fn tokens(store: &Store, team: &TeamId, user: &User) -> Result<Vec<Token>, Failure> {
    let tokens = store.list_tokens(team, &user.id).await;
    tokens.map_err(|error| Failure::new(error.to_string()))
}
