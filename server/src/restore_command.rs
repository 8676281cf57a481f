//! `pitlane restore`: a backup back into a database, whole or not at all.
//!
//! A SQLite database is filled beside the one that is there, and takes its
//! place when it is complete; the old one is kept. PostgreSQL is filled in one
//! transaction. No server may use either meanwhile.

use crate::{
    backup_command::{FILES, KEY_FILE},
    command_line::RestoreFlags,
    configuration::Configuration,
    failure::Failure,
    operator, output, serve, transfer_words,
};
use model::Action;
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use store::{Archive, Filling, Moved, Serving, Store};

type Files = Vec<(String, Vec<u8>)>;

/// Does it.
///
/// # Errors
/// When the backup is not whole or of another version, the target has something in it, or a server uses
/// it; nothing is changed then.
pub fn run(configuration: &Configuration, flags: &RestoreFlags) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    let mut archive = Archive::open(&flags.file).map_err(unusable)?;
    archive.check_version().map_err(unusable)?;
    let _data = serve::hold_data(&configuration.data)?;
    let (moved, files) = runtime.block_on(async {
        match store::sqlite_file(&configuration.database_url) {
            Some(path) => into_sqlite(configuration, &mut archive, &path, flags).await,
            None => into_postgres(configuration, &mut archive, flags).await,
        }
    })?;
    let header = archive.header();
    output::line(&format!("Restored {}.", transfer_words::rows(&moved)));
    let has_key = configuration.master_key.is_some() || configuration.data.join(KEY_FILE).exists();
    if !header.has_key {
        output::line(if has_key {
            "The backup holds no key of the secrets: the one that is set here has to be the one they were saved with."
        } else {
            "The backup holds no key of the secrets: give Pitlane the one they were saved with (PITLANE_MASTER_KEY, or master.key in the data folder) before it starts, or save the secrets again."
        });
    } else if configuration.master_key.is_some() {
        output::line("The key of the secrets in the backup was left out, because PITLANE_MASTER_KEY is set.");
    }
    if files.iter().any(|(name, _)| name == FILES[0]) {
        output::line(
            "This is the same installation now: its sandboxes are told from others by its name. Do not run it beside the one it was made of.",
        );
    }
    Ok(())
}

fn unusable(error: store::StoreError) -> Failure {
    Failure::unusable(error.to_string())
}

fn failed(error: store::StoreError) -> Failure {
    Failure::new(format!("Nothing was restored. {error}"))
}

async fn into_sqlite(
    configuration: &Configuration,
    archive: &mut Archive,
    path: &Path,
    flags: &RestoreFlags,
) -> Result<(Moved, Files), Failure> {
    if path.exists() && !flags.replace {
        return Err(Failure::unusable(format!(
            "There is a database at {} already. --replace puts the backup in its place, and keeps what is there beside it.",
            path.display()
        )));
    }
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| Failure::unusable(format!("{} cannot be made: {error}.", folder.display())))?;
    }
    let _serving = Serving::of_file(path).await.map_err(unusable)?;
    let beside = named(path, ".restoring");
    // Of a try that was interrupted.
    remove(&beside);
    let filled = async {
        let store = Store::open(&format!("sqlite://{}", beside.display()))
            .await
            .map_err(failed)?;
        let mut filling = store.fill().await.map_err(failed)?;
        let restored = archive.restore(&mut filling).await.map_err(failed)?;
        filling.commit().await.map_err(failed)?;
        operator::record(&store, Action::DataRestore).await;
        store.close().await;
        Ok(restored)
    };
    let (moved, files) = match filled.await {
        Ok(restored) => restored,
        Err(failure) => {
            remove(&beside);
            return Err(failure);
        }
    };
    write_files(configuration, &files, flags.replace)?;
    let placed = || -> std::io::Result<()> {
        let old = format!(".replaced-{}", model::Millis::now().0);
        for end in ["-wal", "-shm", ""] {
            let there = named(path, end);
            if there.exists() {
                fs::rename(&there, named(path, &format!("{old}{end}")))?;
            }
        }
        fs::rename(&beside, path)
    };
    placed().map_err(|error| {
        Failure::new(format!(
            "The restored database is whole in {}, and could not be put in its place: {error}. Move it to {} by hand.",
            beside.display(),
            path.display()
        ))
    })?;
    Ok((moved, files))
}

async fn into_postgres(
    configuration: &Configuration,
    archive: &mut Archive,
    flags: &RestoreFlags,
) -> Result<(Moved, Files), Failure> {
    let store = Store::open(&configuration.database_url).await.map_err(unusable)?;
    let mut filling: Filling = store.fill().await.map_err(unusable)?;
    if !filling.is_empty().await.map_err(failed)? {
        if !flags.replace {
            return Err(Failure::unusable(
                "The database has something in it already. --replace deletes that first.",
            ));
        }
        filling.empty().await.map_err(failed)?;
    }
    let (moved, files) = archive.restore(&mut filling).await.map_err(failed)?;
    write_files(configuration, &files, flags.replace)?;
    filling.commit().await.map_err(failed)?;
    operator::record(&store, Action::DataRestore).await;
    store.close().await;
    Ok((moved, files))
}

/// Puts the files of the backup into the data folder.
///
/// # Errors
/// When another is there that may not be replaced, or it cannot be written.
fn write_files(configuration: &Configuration, files: &Files, replace: bool) -> Result<(), Failure> {
    for (name, bytes) in files {
        let is_key = name == KEY_FILE;
        if is_key && configuration.master_key.is_some() {
            continue;
        }
        // No other name is written, whatever the file says.
        if !is_key && !FILES.contains(&name.as_str()) {
            return Err(Failure::unusable(format!(
                "The backup has a file {name:?}, which this version of Pitlane does not know. Nothing was restored."
            )));
        }
        let path = configuration.data.join(name);
        match fs::read(&path) {
            Ok(there) if there == *bytes => continue,
            Ok(_) if !replace => {
                return Err(Failure::unusable(format!(
                    "{} is there already, and another. --replace puts that of the backup in its place, and keeps it beside. Nothing was restored.",
                    path.display()
                )));
            }
            Ok(_) => {
                let old = named(&path, &format!(".replaced-{}", model::Millis::now().0));
                fs::rename(&path, old).map_err(|error| unwritable(&path, &error))?;
            }
            Err(_) => {}
        }
        write_file(&path, bytes).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let part = named(path, ".part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, path)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}.", path.display()))
}

/// The path with something behind its name.
fn named(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(database: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(named(database, end));
    }
}
