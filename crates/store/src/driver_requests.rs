//! What one server asks of another that drives a run: to stop it, to write to
//! its program. Input is given to a driver once at most; a stop to each driver
//! until the run has ended.

use crate::{Hold, Replica, Result, Store, runs::missing, value::values};
use model::RunId;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// End the program.
    Stop,
    /// Write to its standard input.
    Input {
        /// What to write.
        bytes: Vec<u8>,
        /// Whether to close it after.
        eof: bool,
    },
}

/// A request that waits for its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// Its id.
    pub id: String,
    /// What is asked for.
    pub asked: Asked,
}

/// What has become of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No driver has it.
    Waits,
    /// The driver with this fence has it, and has not answered.
    Taken(i64),
    /// It was done, or not, with the reason.
    Answered(Result<(), String>),
    /// It is not there any more.
    Gone,
}

#[derive(sqlx::FromRow)]
struct RequestRow {
    id: String,
    kind: String,
    body: Vec<u8>,
    eof: bool,
}

impl Store {
    /// Asks the driver of a run for something; gives the request's id.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn ask_driver(&self, run: &RunId, asked: &Asked) -> Result<String> {
        let id = uuid::Uuid::now_v7().to_string();
        let (kind, body, eof) = match asked {
            Asked::Stop => ("stop", &[][..], false),
            Asked::Input { bytes, eof } => ("input", bytes.as_slice(), *eof),
        };
        let mut session = self.writer().await?;
        session
            .execute(
                "insert into driver_requests (id, run_id, at, kind, body, eof)
                 select $1, $2, now, $3, $4, $5 from clock",
                values![&id, run, kind, body, eof],
            )
            .await
            .map_err(|error| error.or_if_missing(|| missing(run)))?;
        session.commit().await?;
        Ok(id)
    }

    /// Gives the driver what was asked of it since, in order. Input is not given again.
    ///
    /// # Errors
    /// `Fenced` when another server has the run.
    pub async fn take_requests(&self, hold: &Hold) -> Result<Vec<RunRequest>> {
        let mut session = self.writer().await?;
        session.check(hold).await?;
        let rows: Vec<RequestRow> = session
            .all(
                "select id, kind, body, eof from driver_requests where run_id = $1 and answer is null
                 and (taken is null or (kind = 'stop' and taken <> $2)) order by at, id",
                values![&hold.run, hold.fence],
            )
            .await?;
        for row in &rows {
            session
                .execute(
                    "update driver_requests set taken = $2 where id = $1",
                    values![&row.id, hold.fence],
                )
                .await?;
        }
        session.commit().await?;
        let read = |row: RequestRow| RunRequest {
            id: row.id,
            asked: match row.kind.as_str() {
                "stop" => Asked::Stop,
                _ => Asked::Input {
                    bytes: row.body,
                    eof: row.eof,
                },
            },
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Runs a server holds of which something is asked that no driver has.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn runs_with_requests(&self, server: &Replica) -> Result<Vec<RunId>> {
        let rows: Vec<(String,)> = self
            .reader()
            .await?
            .all(
                "select distinct runs.id from driver_requests, runs
                 where runs.id = run_id and runs.holder = $1 and runs.finished = false and answer is null
                 and (taken is null or (kind = 'stop' and taken <> fence))",
                values![&server.id],
            )
            .await?;
        rows.into_iter()
            .map(|(run,)| crate::stored::text("the id of a run", run))
            .collect()
    }

    /// Says what became of a request.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn answer_request(&self, id: &str, answer: &Result<(), String>) -> Result<()> {
        let words = answer.as_ref().err().map_or("", String::as_str);
        let mut session = self.writer().await?;
        session
            .execute(
                "update driver_requests set answer = $2 where id = $1",
                values![id, words],
            )
            .await?;
        session.commit().await
    }

    /// What has become of a request.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn request_standing(&self, id: &str) -> Result<Standing> {
        let row: Option<(Option<i64>, Option<String>)> = self
            .reader()
            .await?
            .optional(
                "select taken, answer from driver_requests where id = $1",
                values![id],
            )
            .await?;
        Ok(match row {
            None => Standing::Gone,
            Some((_, Some(words))) if words.is_empty() => Standing::Answered(Ok(())),
            Some((_, Some(words))) => Standing::Answered(Err(words)),
            Some((Some(fence), None)) => Standing::Taken(fence),
            Some((None, None)) => Standing::Waits,
        })
    }

    /// Takes a request back, or away after its answer was read.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_request(&self, id: &str) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute("delete from driver_requests where id = $1", values![id])
            .await?;
        session.commit().await
    }

    /// Takes away what is still asked of a run that has ended.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_requests(&self, run: &RunId) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute("delete from driver_requests where run_id = $1", values![run])
            .await?;
        session.commit().await
    }
}
