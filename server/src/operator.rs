//! What an operator does at the command line stands in the audit log too. Every
//! command says here what it does: one that does not is no command.

use crate::{
    command_line::{Command, SecretsCommand, TeamCommand, TokenCommand, UserCommand},
    output,
};
use model::{Action, Actor, ActorKind};
use std::sync::Arc;
use store::{Doing, Store};

/// What a command changes that is recorded with the change; none when it only shows something, works apart
/// from what the site keeps, or records by itself what it did when it is done.
const fn action(command: &Command) -> Option<Action> {
    match command {
        Command::Serve(_)
        | Command::Run(_)
        | Command::Engine(_)
        | Command::Doctor(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::MigrateData(_)
        | Command::Audit { .. }
        | Command::Team {
            command: TeamCommand::List | TeamCommand::Members { .. },
        }
        | Command::Token {
            command: TokenCommand::List { .. },
        }
        | Command::User {
            command: UserCommand::List,
        } => None,
        Command::Secrets {
            command: SecretsCommand::RotateKey,
        } => Some(Action::SecretRotateKey),
        Command::Team {
            command: TeamCommand::Create { .. },
        } => Some(Action::TeamCreate),
        Command::Team {
            command: TeamCommand::Add { .. },
        } => Some(Action::MemberAdd),
        Command::Team {
            command: TeamCommand::Role { .. },
        } => Some(Action::MemberRole),
        Command::Team {
            command: TeamCommand::Remove { .. },
        } => Some(Action::MemberRemove),
        Command::Token {
            command: TokenCommand::Create { .. },
        } => Some(Action::TokenCreate),
        Command::Token {
            command: TokenCommand::Revoke { .. },
        } => Some(Action::TokenRevoke),
        Command::User {
            command: UserCommand::SetPassword { .. },
        } => Some(Action::AccountPassword),
        Command::User {
            command: UserCommand::Link { .. } | UserCommand::Reset { .. },
        } => Some(Action::AccountLink),
        Command::User {
            command: UserCommand::Disable { .. } | UserCommand::Enable { .. },
        } => Some(Action::AccountUpdate),
        Command::User {
            command: UserCommand::Delete { .. },
        } => Some(Action::AccountDelete),
    }
}

/// Who is at the command line, as far as the system says.
fn name() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}

/// Records in this database what a command has done that changes nothing there by itself, such as a
/// backup. It is done already: a record that cannot be written is told, and changes nothing else.
pub async fn record(store: &Store, action: Action) {
    let doing = Doing::new(actor(), action);
    if let Err(error) = doing.finish(store).await {
        output::error_line(&format!(
            "The audit log of the database has no record of this: {error}"
        ));
    }
}

fn actor() -> Actor {
    Actor::new(ActorKind::CommandLine, None, name())
}

/// Does a command as the doing of whoever is at the command line.
pub fn acting<T>(command: &Command, run: impl FnOnce() -> T) -> T {
    let Some(action) = action(command) else {
        return run();
    };
    Arc::new(Doing::new(actor(), action)).scope_here(run)
}
