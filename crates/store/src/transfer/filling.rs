//! Filling the tables of another database, in one transaction: whatever goes
//! wrong, the database is as it was, and the same can be done again.

use super::{
    kept_tables,
    row::{Cell, Column, Contents, Kind},
    snapshot::{Connection, quoted, rows, run},
    tables::{NEVER_EMPTY, TABLES},
};
use crate::{Result, Store, StoreError, database::Database};

/// The most values of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const VALUES: usize = 2000;
/// The most rows of one statement.
const ROWS: usize = 200;
/// The most bytes of one statement, about; a larger row goes alone.
const BYTES: usize = 1 << 20;

/// A database whose tables are filled. Dropped before [`Filling::commit`], it has changed nothing.
pub struct Filling {
    connection: Connection,
    waiting: Vec<Vec<Cell>>,
    bytes: usize,
    /// Triggers of SQLite that are put back at the end. They keep single rows of the audit log from being
    /// changed; here all of it comes or goes at once, as it was.
    triggers: Vec<String>,
}

impl std::fmt::Debug for Filling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filling").finish_non_exhaustive()
    }
}

impl Store {
    /// Begins. No server may use the database, and none can begin to before this ends.
    ///
    /// # Errors
    /// When a server is alive on the database, or it cannot be used.
    pub async fn fill(&self) -> Result<Filling> {
        let mut connection = match &self.database {
            Database::Sqlite { writer, .. } => Connection::Sqlite(writer.acquire().await?),
            Database::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        };
        connection.close_on_drop();
        match &mut connection {
            Connection::Sqlite(_) => run!(&mut connection, "begin immediate")?,
            Connection::Postgres(_) => {
                run!(&mut connection, "begin")?;
                run!(
                    &mut connection,
                    "set local idle_in_transaction_session_timeout = 0"
                )?;
                // A server that starts now waits to announce itself until this is done.
                run!(&mut connection, "lock table servers in access exclusive mode")?
            }
        };
        // On SQLite who serves holds the file; a row says nothing there.
        if matches!(connection, Connection::Postgres(_)) {
            let alive: Vec<(String,)> = rows!(
                &mut connection,
                "select name from servers, clock where lease_until >= now"
            )?;
            if !alive.is_empty() {
                return Err(StoreError::Conflict(format!(
                    "{} on the target database. Stop it first; one that was killed is forgotten after 20 seconds.",
                    match alive.len() {
                        1 => "A server is alive".to_owned(),
                        count => format!("{count} servers are alive"),
                    }
                )));
            }
        }
        let triggers = match &mut connection {
            Connection::Sqlite(_) => drop_triggers(&mut connection).await?,
            Connection::Postgres(_) => {
                triggers_of_postgres(&mut connection, "disable").await?;
                Vec::new()
            }
        };
        Ok(Filling {
            connection,
            waiting: Vec::new(),
            bytes: 0,
            triggers,
        })
    }
}

impl Filling {
    /// Whether there is nothing in it but what a new database has.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn is_empty(&mut self) -> Result<bool> {
        for table in kept_tables().filter(|table| !NEVER_EMPTY.contains(table)) {
            let sql = format!("select 1 from {} limit 1", quoted(table));
            if run_rows(&mut self.connection, &sql).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes a new database one without a row.
    ///
    /// # Errors
    /// When there is something in it, or it cannot be used.
    pub(super) async fn make_room(&mut self) -> Result<()> {
        if self.is_empty().await? {
            return self.empty().await;
        }
        Err(StoreError::Conflict(
            "The database has something in it already, so nothing is put into it.".to_owned(),
        ))
    }

    /// Deletes every row of every table of ours.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn empty(&mut self) -> Result<()> {
        if let Connection::Postgres(_) = &self.connection {
            // Past triggers, which keep single rows from being deleted.
            let all: Vec<String> = TABLES.iter().map(|table| quoted(table.name)).collect();
            let sql = format!("truncate {}", all.join(", "));
            run!(&mut self.connection, &sql)?;
            // Who was signed in was so in what is deleted here.
            let sessions: Vec<(String,)> = rows!(
                &mut self.connection,
                "select table_name::text from information_schema.tables
                 where table_schema = 'tower_sessions' and table_name = 'session'"
            )?;
            if !sessions.is_empty() {
                run!(&mut self.connection, "delete from tower_sessions.session")?;
            }
            return Ok(());
        }
        for table in TABLES.iter().rev() {
            let sql = format!("delete from {}", quoted(table.name));
            run!(&mut self.connection, &sql)?;
        }
        Ok(())
    }

    /// Checks that a table has these columns, and no others.
    ///
    /// # Errors
    /// When it has others.
    pub async fn check_columns(&mut self, table: &str, columns: &[Column]) -> Result<()> {
        let mut ours = self.connection.columns(table).await?;
        let mut theirs = columns.to_vec();
        ours.sort_by(|one, other| one.name.cmp(&other.name));
        theirs.sort_by(|one, other| one.name.cmp(&other.name));
        if ours == theirs {
            return Ok(());
        }
        Err(StoreError::unavailable(format!(
            "The table {table} has other columns than this version of Pitlane gives it. Was it changed by hand or by another version?"
        )))
    }

    /// Takes a row. It is written with the next ones; see [`Filling::flush`].
    ///
    /// # Errors
    /// When the database refuses a row.
    pub async fn add(&mut self, table: &str, columns: &[Column], cells: Vec<Cell>) -> Result<()> {
        self.bytes += cells
            .iter()
            .map(|cell| match cell {
                Cell::Text(text) => text.len(),
                Cell::Bytes(bytes) => bytes.len(),
                _ => 8,
            })
            .sum::<usize>();
        self.waiting.push(cells);
        let most = (VALUES / columns.len().max(1)).clamp(1, ROWS);
        if self.waiting.len() >= most || self.bytes >= BYTES {
            self.flush(table, columns).await?;
        }
        Ok(())
    }

    /// Writes the rows that wait.
    ///
    /// # Errors
    /// When the database refuses one.
    pub async fn flush(&mut self, table: &str, columns: &[Column]) -> Result<()> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let mut sql = format!("insert into {} ({}) values ", quoted(table), names.join(", "));
        let mut number = 0;
        for row in 0..waiting.len() {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..columns.len() {
                number += 1;
                sql.push_str(if column == 0 { "$" } else { ", $" });
                sql.push_str(&number.to_string());
            }
            sql.push(')');
        }
        macro_rules! filled {
            ($connection:expr) => {{
                // Statements of rows of many sizes are not worth remembering.
                let mut query = sqlx::query(&sql).persistent(false);
                for cells in &waiting {
                    for (cell, column) in cells.iter().zip(columns) {
                        query = match (cell, column.kind) {
                            (Cell::Text(text), _) => query.bind(text),
                            (Cell::Number(number), _) => query.bind(number),
                            (Cell::Real(number), _) => query.bind(number),
                            (Cell::Flag(flag), _) => query.bind(flag),
                            (Cell::Bytes(bytes), _) => query.bind(bytes),
                            (Cell::Null, Kind::Text) => query.bind(None::<&str>),
                            (Cell::Null, Kind::Number) => query.bind(None::<i64>),
                            (Cell::Null, Kind::Real) => query.bind(None::<f64>),
                            (Cell::Null, Kind::Flag) => query.bind(None::<bool>),
                            (Cell::Null, Kind::Bytes) => query.bind(None::<&[u8]>),
                        };
                    }
                }
                query.execute(&mut **$connection).await
            }};
        }
        let written = match &mut self.connection {
            Connection::Sqlite(connection) => filled!(connection)?.rows_affected(),
            Connection::Postgres(connection) => filled!(connection)?.rows_affected(),
        };
        if written == waiting.len() as u64 {
            return Ok(());
        }
        Err(StoreError::unavailable(format!(
            "The database took {written} of {} rows of {table}, so nothing is kept.",
            waiting.len()
        )))
    }

    /// What a table holds now.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn contents(&mut self, table: &str, columns: &[Column]) -> Result<Contents> {
        self.connection.each(table, columns, async |_| Ok(())).await
    }

    /// Makes it last.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn commit(mut self) -> Result<()> {
        for sql in &self.triggers {
            run!(&mut self.connection, sql)?;
        }
        if matches!(self.connection, Connection::Postgres(_)) {
            triggers_of_postgres(&mut self.connection, "enable").await?;
        }
        run!(&mut self.connection, "commit")?;
        Ok(())
    }
}

/// Drops all triggers of SQLite; gives how they are made again.
async fn drop_triggers(connection: &mut Connection) -> Result<Vec<String>> {
    let triggers: Vec<(String, String)> = rows!(
        connection,
        "select name, sql from sqlite_master where type = 'trigger'"
    )?;
    for (name, _) in &triggers {
        let sql = format!("drop trigger {}", quoted(name));
        run!(connection, &sql)?;
    }
    Ok(triggers.into_iter().map(|(_, sql)| sql).collect())
}

/// Switches off, or on again, the triggers of our tables, but for those that hold references.
async fn triggers_of_postgres(connection: &mut Connection, switch: &str) -> Result<()> {
    for table in TABLES {
        let sql = format!("alter table {} {switch} trigger user", quoted(table.name));
        run!(connection, &sql)?;
    }
    Ok(())
}

async fn run_rows(connection: &mut Connection, sql: &str) -> Result<bool> {
    Ok(match connection {
        Connection::Sqlite(connection) => sqlx::query(sql)
            .fetch_optional(&mut **connection)
            .await?
            .is_some(),
        Connection::Postgres(connection) => sqlx::query(sql)
            .fetch_optional(&mut **connection)
            .await?
            .is_some(),
    })
}
