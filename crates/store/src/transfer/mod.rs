//! Whole databases: into a backup, out of one, and from one to another. The
//! same rows in the same form on SQLite and PostgreSQL, so that a backup of
//! either fills either.
//!
//! ```text
//! Store ──snapshot_all──▶ Snapshot ──row by row──▶ Writing (a file)
//!                            └───────────────────▶ Filling ──commit──▶ another Store
//!                       Archive (a file) ────────────┘
//! ```
//! What arrived is read again and compared before it lasts.

mod archive;
mod filling;
mod row;
mod snapshot;
mod tables;

pub use archive::{Archive, Header, Part, Writing};
pub use filling::Filling;
pub use row::{Cell, Column, Contents, Kind};
pub use snapshot::Snapshot;
pub use tables::{OF_LIBRARIES, TABLES, Table, kept_tables};

use crate::{Result, Store, StoreError, database::newest_migration};

/// What was moved, by table.
pub type Moved = Vec<(String, Contents)>;

impl Snapshot {
    /// Writes all kept tables; gives what they hold.
    ///
    /// # Errors
    /// When the database or the file fails.
    pub async fn write(&mut self, writing: &mut Writing) -> Result<Moved> {
        let mut moved = Vec::new();
        for table in kept_tables() {
            let columns = self.columns(table).await?;
            writing.table(table, &columns)?;
            let contents = self
                .each(table, &columns, async |cells| writing.row(&cells))
                .await?;
            writing.end_table(&contents)?;
            moved.push((table.to_owned(), contents));
        }
        Ok(moved)
    }

    /// Whether another database holds the same already: none when it does, else the first table that differs.
    ///
    /// # Errors
    /// When a database fails.
    pub async fn difference(&mut self, filling: &mut Filling) -> Result<Option<&'static str>> {
        for table in kept_tables() {
            let columns = self.columns(table).await?;
            let ours = self.each(table, &columns, async |_| Ok(())).await?;
            if filling.contents(table, &columns).await? != ours {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    /// Moves all kept tables into an empty database; gives what they hold.
    ///
    /// # Errors
    /// When a database fails, or what arrived is not what was sent.
    pub async fn move_to(&mut self, filling: &mut Filling) -> Result<Moved> {
        filling.make_room().await?;
        let mut moved = Vec::new();
        for table in kept_tables() {
            let columns = self.columns(table).await?;
            filling.check_columns(table, &columns).await?;
            let contents = self
                .each(table, &columns, async |cells| {
                    filling.add(table, &columns, cells).await
                })
                .await?;
            filling.flush(table, &columns).await?;
            arrived(filling, table, &columns, &contents).await?;
            moved.push((table.to_owned(), contents));
        }
        Ok(moved)
    }
}

impl Archive {
    /// Fills an empty database with what is in it; gives that, and the files of the data folder.
    ///
    /// # Errors
    /// When it is of another version, the database fails, or what arrived is not what was sent.
    pub async fn restore(&mut self, filling: &mut Filling) -> Result<(Moved, Vec<(String, Vec<u8>)>)> {
        self.check_version()?;
        filling.make_room().await?;
        let (mut moved, mut files) = (Vec::new(), Vec::new());
        let mut of: Option<(&'static str, Vec<Column>)> = None;
        while let Some(part) = self.part()? {
            match (part, of.take()) {
                (Part::Table { name, columns }, None) => {
                    let table = kept_tables().find(|table| *table == name).ok_or_else(|| {
                        StoreError::unavailable(format!(
                            "The backup has a table {name}, which this version of Pitlane does not know."
                        ))
                    })?;
                    filling.check_columns(table, &columns).await?;
                    of = Some((table, columns));
                }
                (Part::Row(cells), Some((table, columns))) if cells.len() == columns.len() => {
                    filling.add(table, &columns, cells).await?;
                    of = Some((table, columns));
                }
                (Part::End(contents), Some((table, columns))) => {
                    filling.flush(table, &columns).await?;
                    arrived(filling, table, &columns, &contents).await?;
                    moved.push((table.to_owned(), contents));
                }
                (Part::File { name, bytes }, None) => files.push((name, bytes)),
                _ => {
                    return Err(StoreError::unavailable(
                        "The backup cannot be used: its parts are in another order than Pitlane writes them.",
                    ));
                }
            }
        }
        if let Some(missing) = kept_tables().find(|table| moved.iter().all(|(name, _)| name != table)) {
            return Err(StoreError::unavailable(format!(
                "The backup cannot be used: it has no table {missing}."
            )));
        }
        Ok((moved, files))
    }

    /// Whether it is of this program's version of the tables.
    ///
    /// # Errors
    /// When it is not: which it is, and what to do.
    pub fn check_version(&self) -> Result<()> {
        let (theirs, ours) = (self.header().schema, newest_migration());
        if theirs == ours {
            return Ok(());
        }
        let pitlane = &self.header().pitlane;
        Err(StoreError::unavailable(if theirs > ours {
            format!(
                "The backup was made by a newer Pitlane ({pitlane}): its tables are of version {theirs}, and this program knows {ours}. Restore it with that Pitlane."
            )
        } else {
            format!(
                "The backup was made by an older Pitlane ({pitlane}): its tables are of version {theirs}, and this program\u{2019}s of {ours}. Restore it with that Pitlane, then start this one, which brings the database up to date."
            )
        }))
    }
}

impl Store {
    /// The header of a backup that is made now.
    #[must_use]
    pub fn backup_header(&self, pitlane: &str, has_key: bool) -> Header {
        Header {
            schema: newest_migration(),
            pitlane: pitlane.to_owned(),
            made_at: model::Millis::now().0,
            database: if self.is_shared() { "postgres" } else { "sqlite" }.to_owned(),
            has_key,
        }
    }
}

async fn arrived(filling: &mut Filling, table: &str, columns: &[Column], sent: &Contents) -> Result<()> {
    if filling.contents(table, columns).await? == *sent {
        return Ok(());
    }
    Err(StoreError::unavailable(format!(
        "What arrived in the table {table} is not what was sent, so nothing is kept. Try again; if it stays so, the disk or the file is damaged."
    )))
}
