//! `pitlane user`: the way back in for an operator who can write the data
//! folder, and so is the owner whatever the site thinks.

use crate::{
    command_line::UserCommand, configuration::Configuration, failure::Failure, output,
    serve::address_to_open, site,
};
use model::{Millis, User, time::ago_words};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal};
use store::{LinkPurpose, Store};

/// Does it.
///
/// # Errors
/// When there is no such account or the database refuses.
pub fn run(configuration: &Configuration, command: UserCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    runtime.block_on(async {
        let store = Store::open(&configuration.database_url)
            .await
            .map_err(|error| Failure::unusable(error.to_string()))?;
        let done = match command {
            UserCommand::SetPassword { name } => set_password(&store, &name).await,
            UserCommand::Link { name } => {
                link(&store, configuration, name.as_deref(), LinkPurpose::SignIn).await
            }
            UserCommand::Reset { name } => link(&store, configuration, Some(&name), LinkPurpose::Reset).await,
            UserCommand::List => list(&store).await,
            UserCommand::Disable { name } => disable(&store, &name).await,
            UserCommand::Enable { name } => enable(&store, &name).await,
            UserCommand::Delete { name } => delete(&store, &name).await,
        };
        store.close().await;
        done
    })
}

async fn set_password(store: &Store, name: &str) -> Result<(), Failure> {
    let (user, _) = store
        .user_by_name(name)
        .await
        .map_err(failed)?
        .ok_or_else(|| no_such(name))?;
    let password = read_password(&format!("New password of {}: ", user.name))?;
    let hash = app::password::hash(password)
        .await
        .map_err(|error| Failure::unusable(error.text))?;
    store.set_password(&user.id, &hash).await.map_err(failed)?;
    store.end_other_sessions(&user.id, None).await.map_err(failed)?;
    output::line(&format!(
        "The password of {} is set, and its browsers are signed out.",
        user.name
    ));
    Ok(())
}

async fn link(
    store: &Store,
    configuration: &Configuration,
    name: Option<&str>,
    purpose: LinkPurpose,
) -> Result<(), Failure> {
    let user = account(store, name).await?;
    if store.is_disabled(&user.id).await.map_err(failed)? {
        return Err(Failure::unusable(format!(
            "The account {} is disabled. Enable it first: pitlane user enable {}",
            user.name, user.name
        )));
    }
    let path = site::fresh_link(store, &user.id, purpose).await?;
    output::line(&format!(
        "{}{path}",
        address_to_open(configuration, configuration.addr)
    ));
    Ok(())
}

/// One line for each account, its columns apart by tabs.
async fn list(store: &Store) -> Result<(), Failure> {
    let now = Millis::now();
    for account in store.accounts().await.map_err(failed)? {
        let state = if account.disabled_at.is_some() {
            "disabled"
        } else {
            "enabled"
        };
        let used = account.used_at.map_or_else(
            || "signed in nowhere".to_owned(),
            |at| format!("last here {}", ago_words(now.since(at))),
        );
        output::line(&format!(
            "{}\t{}\t{state}\t{used}\t{} browsers\t{} tokens",
            account.user.id, account.user.name, account.sessions, account.tokens
        ));
    }
    Ok(())
}

async fn disable(store: &Store, name: &str) -> Result<(), Failure> {
    let user = account(store, Some(name)).await?;
    store.disable_user(&user.id).await.map_err(failed)?;
    output::line(&format!(
        "{} is disabled: its sessions and tokens ended.",
        user.name
    ));
    Ok(())
}

async fn enable(store: &Store, name: &str) -> Result<(), Failure> {
    let user = account(store, Some(name)).await?;
    store.enable_user(&user.id).await.map_err(failed)?;
    output::line(&format!("{} may sign in again.", user.name));
    Ok(())
}

async fn delete(store: &Store, name: &str) -> Result<(), Failure> {
    let user = account(store, Some(name)).await?;
    if store.users().await.map_err(failed)?.len() == 1 {
        return Err(Failure::unusable(format!(
            "{} is the only account. Make another one first: nobody could sign in any more.",
            user.name
        )));
    }
    store.delete_user(&user.id).await.map_err(failed)?;
    output::line(&format!("{} is deleted. What it made stays.", user.name));
    Ok(())
}

fn failed(error: store::StoreError) -> Failure {
    Failure::new(error.to_string())
}

/// The account of this name, or the only one when none is named.
///
/// # Errors
/// When there is none, or there are several.
pub async fn account(store: &Store, name: Option<&str>) -> Result<User, Failure> {
    let mut users = store.users().await.map_err(failed)?;
    if let Some(name) = name {
        users.retain(|user| user.name.to_lowercase() == name.to_lowercase());
    }
    match (users.as_mut_slice(), name) {
        ([_], _) => Ok(users.remove(0)),
        ([], Some(name)) => Err(no_such(name)),
        ([], None) => Err(Failure::new(
            "There is no account yet: the first start of `pitlane serve` makes one and prints a link.",
        )),
        (several, _) => {
            let names = several
                .iter()
                .map(|user| user.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Err(Failure::unusable(format!(
                "There are several accounts; name one of {names}."
            )))
        }
    }
}

fn no_such(name: &str) -> Failure {
    Failure::unusable(format!("There is no account \u{201c}{name}\u{201d}."))
}

/// One line of standard input; in a terminal without showing it.
fn read_password(prompt: &str) -> Result<String, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("The password cannot be read: {error}."));
    let input = std::io::stdin();
    let before = if input.is_terminal() {
        output::error_prompt(prompt);
        let before = tcgetattr(&input).map_err(|error| failed(&error))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&input, OptionalActions::Flush, &silent).map_err(|error| failed(&error))?;
        Some(before)
    } else {
        None
    };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(before) = before {
        tcsetattr(&input, OptionalActions::Flush, &before).map_err(|error| failed(&error))?;
        output::error_line("");
    }
    read.map_err(|error| failed(&error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
