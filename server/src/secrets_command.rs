//! `pitlane secrets`: the change of the master key.

use crate::{command_line::SecretsCommand, configuration::Configuration, failure::Failure, output, serve};
use runs::{KeyFile, MasterKey, Vault};
use store::Store;

/// Where the next key is, when the present one is in `PITLANE_MASTER_KEY`.
const NEW_KEY: &str = "PITLANE_NEW_MASTER_KEY";

/// Does it.
///
/// # Errors
/// When a key or the database cannot be used; nothing is changed then.
pub fn run(configuration: &Configuration, command: SecretsCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    match command {
        SecretsCommand::RotateKey => runtime.block_on(rotate_key(configuration)),
    }
}

async fn rotate_key(configuration: &Configuration) -> Result<(), Failure> {
    // A server has the old key in its memory: it would seal with it, and could not open what is new.
    let _data = serve::hold_data(&configuration.data)?;
    let file = KeyFile::of(&configuration.data);
    let vault = match &configuration.master_key {
        Some(key) => Vault::with_other(new_key()?, key.clone()),
        None => file
            .begin_change()
            .map_err(|error| Failure::unusable(format!("The key cannot be changed: {error}.")))?,
    };
    let store = Store::open(&configuration.database_url)
        .await
        .map_err(|error| Failure::unusable(error.to_string()))?;
    let count = store
        .reseal(|id, sealed| vault.renew(id, sealed))
        .await
        .map_err(|error| Failure::new(format!("No secret was changed. {error}")))?;
    store.close().await;
    let secrets = match count {
        1 => "1 secret is".to_owned(),
        count => format!("{count} secrets are"),
    };
    if configuration.master_key.is_some() {
        output::line(&format!(
            "{secrets} encrypted with the new key. Start Pitlane with it in PITLANE_MASTER_KEY from now on."
        ));
        return Ok(());
    }
    file.finish_change().map_err(|error| {
        Failure::new(format!(
            "Everything is encrypted with the new key, and it could not be put in its place: {error}. Run this again."
        ))
    })?;
    output::line(&format!("{secrets} encrypted with a new key."));
    Ok(())
}

fn new_key() -> Result<MasterKey, Failure> {
    let text = std::env::var(NEW_KEY).map_err(|_| {
        Failure::unusable(format!(
            "The master key is in PITLANE_MASTER_KEY, so the new one has to be given too: set {NEW_KEY}, for example to what `openssl rand -hex 32` prints."
        ))
    })?;
    MasterKey::parse(&text)
        .map_err(|error| Failure::unusable(format!("{NEW_KEY} cannot be used: {}", error.0)))
}
