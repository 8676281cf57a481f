//! `pitlane migrate-data`: everything from one database to another, such as
//! from SQLite to PostgreSQL. One transaction: interrupted, the target is empty
//! as before, and the same can be done again. What arrived is read again and
//! compared before it lasts.

use crate::{
    command_line::MigrateFlags, configuration::Configuration, failure::Failure, output, serve, transfer_words,
};
use store::{Serving, Store};

/// Does it.
///
/// # Errors
/// When a server uses either database, the target has something else in it, or one of them fails.
pub fn run(configuration: &Configuration, flags: &MigrateFlags) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    if flags.from == flags.to {
        return Err(Failure::unusable("Both databases are the same. Name two."));
    }
    runtime.block_on(migrate(configuration, flags))
}

async fn migrate(configuration: &Configuration, flags: &MigrateFlags) -> Result<(), Failure> {
    let unusable = |error: store::StoreError| Failure::unusable(error.to_string());
    let failed = |error: store::StoreError| Failure::new(format!("Nothing was moved. {error}"));
    let _data = serve::hold_data(&configuration.data)?;
    let mut held = Vec::new();
    for path in [&flags.from, &flags.to]
        .into_iter()
        .filter_map(|url| store::sqlite_file(url))
    {
        if path.parent().is_none_or(std::path::Path::exists) {
            held.push(Serving::of_file(&path).await.map_err(unusable)?);
        }
    }
    let from = Store::open_as_it_is(&flags.from).await.map_err(unusable)?;
    let to = Store::open(&flags.to).await.map_err(unusable)?;
    let mut snapshot = from.snapshot_all().await.map_err(unusable)?;
    if from.is_shared() && from.counts().await.map_err(unusable)?.servers > 0 {
        return Err(Failure::unusable(
            "A server is alive on the database to move from, and would go on to write to it. Stop it first; one that was killed is forgotten after 20 seconds.",
        ));
    }
    let mut filling = to.fill().await.map_err(unusable)?;
    if !filling.is_empty().await.map_err(failed)? {
        return match snapshot.difference(&mut filling).await.map_err(failed)? {
            None => {
                output::line("Everything is in the other database already, row for row.");
                Ok(())
            }
            Some(table) => Err(Failure::unusable(format!(
                "The database to move to has something in it already, and not the same ({table} differs). Name an empty one."
            ))),
        };
    }
    let moved = snapshot.move_to(&mut filling).await.map_err(failed)?;
    filling.commit().await.map_err(failed)?;
    for (table, contents) in &moved {
        output::line(&format!("{table:<20} {:>12}", contents.rows));
    }
    output::line(&format!(
        "Moved {}; each table was read again and is the same. Start Pitlane with DATABASE_URL set to the other database.",
        transfer_words::rows(&moved)
    ));
    drop(snapshot);
    from.close().await;
    to.close().await;
    Ok(())
}
