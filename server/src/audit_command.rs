//! `pitlane audit`: whether the audit log is as it was written, and all of it to
//! take away. A file that was taken away is checked without the database.

use crate::{command_line::AuditCommand, configuration::Configuration, failure::Failure, output};
use model::AuditRecord;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};
use store::{Chain, Checked, Store, read_audit_line};

/// How many records are read at once.
const PAGE: u32 = 500;

/// Does it.
///
/// # Errors
/// When a record was changed or is missing, or the database or file cannot be read.
pub fn run(configuration: &Configuration, command: AuditCommand) -> Result<(), Failure> {
    if let AuditCommand::Verify { file: Some(file) } = &command {
        return tell(in_file(file)?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    runtime.block_on(async {
        let store = Store::open(&configuration.database_url)
            .await
            .map_err(|error| Failure::unusable(error.to_string()))?;
        let done = match command {
            AuditCommand::Verify { .. } => match store.check_audit().await {
                Ok(checked) => tell((checked, false)),
                Err(error) => Err(Failure::new(error.to_string())),
            },
            AuditCommand::Export => export(&store).await,
        };
        store.close().await;
        done
    })
}

/// Says what came of a check, and whether records were missing in between.
fn tell((checked, has_gaps): (Checked, bool)) -> Result<(), Failure> {
    match checked {
        Checked::Broken { why, .. } => Err(Failure::new(format!("The audit log is not whole: {why}."))),
        Checked::Whole { range: None, .. } => {
            output::line("There are no records.");
            Ok(())
        }
        Checked::Whole {
            records,
            range: Some((first, last)),
            hash,
        } => {
            let gaps = if has_gaps {
                " Between them records are missing, as when a part was exported."
            } else {
                ""
            };
            output::line(&format!(
                "{records} records, from {first} to {last}, are as they were written.{gaps}"
            ));
            output::line(&format!("The hash of the last is {hash}"));
            Ok(())
        }
    }
}

/// Checks what was exported as JSON lines.
fn in_file(path: &Path) -> Result<(Checked, bool), Failure> {
    let unreadable =
        |error: std::io::Error| Failure::unusable(format!("{} cannot be read: {error}.", path.display()));
    let lines = BufReader::new(File::open(path).map_err(unreadable)?).lines();
    let mut chain = Chain::of_a_part();
    for (number, line) in lines.enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        let record = read_audit_line(&line)
            .map_err(|error| Failure::new(format!("Line {} of {}: {error}", number + 1, path.display())))?;
        if let Err(broken) = chain.take(&record, false) {
            return Ok((broken, false));
        }
    }
    let gaps = chain.has_gaps();
    Ok((chain.end(), gaps))
}

async fn export(store: &Store) -> Result<(), Failure> {
    let mut place = 0;
    loop {
        let page = store
            .all_audit_records_after(place, PAGE)
            .await
            .map_err(|error| Failure::new(error.to_string()))?;
        let Some(last) = page.last() else { return Ok(()) };
        place = last.seq;
        for record in &page {
            output::line(&json_line(record)?);
        }
    }
}

fn json_line(record: &AuditRecord) -> Result<String, Failure> {
    serde_json::to_string(record).map_err(|error| Failure::new(format!("A record is no JSON: {error}.")))
}
