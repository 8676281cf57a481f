//! `pitlane backup`: the whole database as it is at one moment, while servers
//! use it, with what of the data folder belongs to it.
//!
//! The key of the secrets goes in only when that is asked for: a backup without
//! it shows nobody a secret, and is no use for them without it either.

use crate::{
    command_line::BackupFlags, configuration::Configuration, failure::Failure, operator, output,
    transfer_words,
};
use model::Action;
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use store::{Store, Writing};

/// The key of the secrets, in the data folder.
pub const KEY_FILE: &str = "master.key";
/// What else of the data folder goes in, when it is there: the name the server's sandboxes carry at the
/// provider, and the keys and organizations of its engine.
pub const FILES: [&str; 2] = ["instance", "engine/identity.json"];

/// Does it.
///
/// # Errors
/// When the file or the database cannot be used; no part of a file is left then.
pub fn run(configuration: &Configuration, flags: &BackupFlags) -> Result<(), Failure> {
    if flags.file.exists() && !flags.overwrite {
        return Err(Failure::unusable(format!(
            "{} is there already. Name another file, or replace it with --overwrite.",
            flags.file.display()
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    let mut part = flags.file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = runtime.block_on(write(configuration, flags, &part));
    let moved = match written {
        Ok(moved) => moved,
        Err(failure) => {
            let _ = fs::remove_file(&part);
            return Err(failure);
        }
    };
    fs::rename(&part, &flags.file).map_err(|error| unwritable(&flags.file, &error))?;
    let size = fs::metadata(&flags.file).map_or(0, |file| file.len());
    output::line(&format!(
        "{} is the backup of {}, {}.",
        flags.file.display(),
        transfer_words::rows(&moved),
        model::time::byte_words(size)
    ));
    if !flags.with_key {
        output::line(
            "The key of the secrets is not in it: keep that too, elsewhere (PITLANE_MASTER_KEY, or master.key of the data folder).",
        );
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unusable(format!("{} cannot be written: {error}.", path.display()))
}

async fn write(
    configuration: &Configuration,
    flags: &BackupFlags,
    part: &Path,
) -> Result<store::Moved, Failure> {
    let failed = |error: store::StoreError| Failure::new(error.to_string());
    let key = match (flags.with_key, &configuration.master_key) {
        (false, _) => None,
        (true, Some(_)) => {
            return Err(Failure::unusable(
                "The key of the secrets is in PITLANE_MASTER_KEY and not in the data folder, so it cannot go into the backup. Leave --with-key out, and keep the key elsewhere.",
            ));
        }
        (true, None) => {
            let path = configuration.data.join(KEY_FILE);
            let key = fs::read(&path)
                .map_err(|error| Failure::unusable(format!("{} cannot be read: {error}.", path.display())))?;
            Some(key)
        }
    };
    let unusable = |error: store::StoreError| Failure::unusable(error.to_string());
    let store = Store::open_as_it_is(&configuration.database_url)
        .await
        .map_err(unusable)?;
    let mut snapshot = store.snapshot_all().await.map_err(unusable)?;
    // Whoever reads a backup reads the hashes of passwords.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)
        .map_err(|error| unwritable(part, &error))?;
    let header = store.backup_header(env!("CARGO_PKG_VERSION"), key.is_some());
    let mut writing = Writing::begin(file, &header).map_err(failed)?;
    if let Some(key) = key {
        writing.file(KEY_FILE, &key).map_err(failed)?;
    }
    for name in FILES {
        if let Ok(bytes) = fs::read(configuration.data.join(name)) {
            writing.file(name, &bytes).map_err(failed)?;
        }
    }
    let moved = snapshot.write(&mut writing).await.map_err(failed)?;
    writing.finish().map_err(failed)?;
    drop(snapshot);
    // Who has a backup has all there is.
    operator::record(&store, Action::DataBackup).await;
    store.close().await;
    Ok(moved)
}
