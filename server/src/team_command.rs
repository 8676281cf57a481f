//! `pitlane team`: teams and who is in them, for an operator who can write the
//! data folder, and so may do what an owner of every team may.

use crate::{
    command_line::TeamCommand, configuration::Configuration, failure::Failure, output, user_command,
};
use model::{Role, Team, User};
use store::{Store, StoreError};

/// Does it.
///
/// # Errors
/// When there is no such team or account, a rule forbids it, or the database refuses.
pub fn run(configuration: &Configuration, command: TeamCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    runtime.block_on(async {
        let store = Store::open(&configuration.database_url)
            .await
            .map_err(|error| Failure::unusable(error.to_string()))?;
        let done = perform(&store, command).await;
        store.close().await;
        done
    })
}

async fn perform(store: &Store, command: TeamCommand) -> Result<(), Failure> {
    match command {
        TeamCommand::List => list(store).await,
        TeamCommand::Create { name, owner } => {
            let owner = user_command::account(store, owner.as_deref()).await?;
            let team = store.create_team(&name, &owner.id).await.map_err(refused)?;
            output::line(&format!(
                "The team {} is made; {} owns it.",
                team.name, owner.name
            ));
            Ok(())
        }
        TeamCommand::Members { team } => members(store, &team).await,
        TeamCommand::Add { team, user, role } => {
            let (team, user, role) = named(store, &team, &user, &role).await?;
            let added = store.add_member(&team.id, Role::Owner, &user.id, role).await;
            added.map_err(refused)?;
            output::line(&format!(
                "{} is {} of {}.",
                user.name,
                with_article(role),
                team.name
            ));
            Ok(())
        }
        TeamCommand::Role { team, user, role } => {
            let (team, user, role) = named(store, &team, &user, &role).await?;
            let changed = store.set_member_role(&team.id, Role::Owner, &user.id, role).await;
            changed.map_err(refused)?;
            output::line(&format!(
                "{} is {} of {}.",
                user.name,
                with_article(role),
                team.name
            ));
            Ok(())
        }
        TeamCommand::Remove { team, user } => {
            let team = team_named(store, &team).await?;
            let user = user_command::account(store, Some(&user)).await?;
            let removed = store.remove_member(&team.id, Some(Role::Owner), &user.id).await;
            removed.map_err(refused)?;
            output::line(&format!("{} is not in {} any more.", user.name, team.name));
            Ok(())
        }
    }
}

async fn list(store: &Store) -> Result<(), Failure> {
    for team in store.teams().await.map_err(failed)? {
        let members = store.members(&team.id).await.map_err(failed)?.len();
        let people = if members == 1 { "person" } else { "people" };
        output::line(&format!("{}\t{}\t{members} {people}", team.id, team.name));
    }
    Ok(())
}

async fn members(store: &Store, team: &str) -> Result<(), Failure> {
    let team = team_named(store, team).await?;
    for member in store.members(&team.id).await.map_err(failed)? {
        output::line(&format!("{}\t{}", member.name, member.role.as_str()));
    }
    Ok(())
}

async fn named(store: &Store, team: &str, user: &str, role: &str) -> Result<(Team, User, Role), Failure> {
    let role = Role::parse(role).ok_or_else(|| {
        Failure::unusable(format!(
            "\u{201c}{role}\u{201d} is no role. Choose from viewer, member, admin and owner."
        ))
    })?;
    let team = team_named(store, team).await?;
    let user = user_command::account(store, Some(user)).await?;
    Ok((team, user, role))
}

async fn team_named(store: &Store, name: &str) -> Result<Team, Failure> {
    let teams = store.teams().await.map_err(failed)?;
    let found = teams
        .into_iter()
        .find(|team| team.name.to_lowercase() == name.to_lowercase() || team.id.as_str() == name);
    found.ok_or_else(|| {
        Failure::unusable(format!(
            "There is no team \u{201c}{name}\u{201d}. `pitlane team list` shows those there are."
        ))
    })
}

/// The team of this name that an account is in, or its only one when none is named.
///
/// # Errors
/// When it is in no such team, or in several and none is named.
pub async fn team_of(store: &Store, user: &User, name: Option<&str>) -> Result<Team, Failure> {
    let mut teams = store.teams_of(&user.id).await.map_err(failed)?;
    if let Some(name) = name {
        teams.retain(|one| {
            one.team.name.to_lowercase() == name.to_lowercase() || one.team.id.as_str() == name
        });
    }
    match (teams.as_mut_slice(), name) {
        ([_], _) => Ok(teams.remove(0).team),
        ([], Some(name)) => Err(Failure::unusable(format!(
            "{} is in no team \u{201c}{name}\u{201d}.",
            user.name
        ))),
        ([], None) => Err(Failure::unusable(format!(
            "{} is in no team. `pitlane team add` takes an account into one.",
            user.name
        ))),
        (several, _) => {
            let names: Vec<_> = several.iter().map(|one| one.team.name.as_str()).collect();
            Err(Failure::unusable(format!(
                "{} is in several teams; name one of {} with --team.",
                user.name,
                names.join(", ")
            )))
        }
    }
}

fn with_article(role: Role) -> String {
    let article = match role {
        Role::Owner | Role::Admin => "an",
        Role::Member | Role::Viewer => "a",
    };
    format!("{article} {}", role.as_str())
}

fn failed(error: StoreError) -> Failure {
    Failure::new(error.to_string())
}

fn refused(error: StoreError) -> Failure {
    Failure::unusable(error.to_string())
}
