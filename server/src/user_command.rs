//! `pitlane user`: the way back in for an operator who can write the data
//! folder, and so is the owner whatever the site thinks.

use crate::{
    command_line::UserCommand, configuration::Configuration, failure::Failure, output,
    serve::address_to_open, site,
};
use model::User;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal};
use store::Store;

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
            UserCommand::Link { name } => link(&store, configuration, name.as_deref()).await,
        };
        store.close().await;
        done
    })
}

async fn set_password(store: &Store, name: &str) -> Result<(), Failure> {
    let failed = |error: store::StoreError| Failure::new(error.to_string());
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
    output::line(&format!("The password of {} is set.", user.name));
    Ok(())
}

async fn link(store: &Store, configuration: &Configuration, name: Option<&str>) -> Result<(), Failure> {
    let user = account(store, name).await?;
    let path = site::fresh_sign_in_link(store, &user.id).await?;
    output::line(&format!(
        "{}{path}",
        address_to_open(configuration, configuration.addr)
    ));
    Ok(())
}

/// The account of this name, or the only one when none is named.
///
/// # Errors
/// When there is none, or there are several.
pub async fn account(store: &Store, name: Option<&str>) -> Result<User, Failure> {
    let failed = |error: store::StoreError| Failure::new(error.to_string());
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
