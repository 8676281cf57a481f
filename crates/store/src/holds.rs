//! The right to write a run. Each time a server is given a run, the run's fence
//! is counted up; whoever has an older number, because it was paused or cut off
//! from the database, is refused by the statement it writes with.

use crate::{Result, Store, StoreError, runs::missing, session::Session, value::values};
use model::RunId;

/// A run, and the fence with which it was given to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The run.
    pub run: RunId,
    /// How often it had been given to another server before.
    pub fence: i64,
}

impl Hold {
    /// Of the server that made the run.
    #[must_use]
    pub fn first(run: &RunId) -> Self {
        Self {
            run: run.clone(),
            fence: 0,
        }
    }
}

impl Session {
    /// Refuses unless the run is still held; it then is until the transaction ends. SQLite's
    /// transactions are alone anyway, and it has no word for a lock of one row.
    ///
    /// # Errors
    /// `Fenced` when another server has the run, `NotFound` when there is no such run.
    pub(crate) async fn check(&mut self, hold: &Hold) -> Result<()> {
        let sql = if self.is_postgres() {
            "select fence from runs where id = $1 for share"
        } else {
            "select fence from runs where id = $1"
        };
        match self.optional::<(i64,)>(sql, values![&hold.run]).await? {
            None => Err(missing(&hold.run)),
            Some((fence,)) if fence == hold.fence => Ok(()),
            Some((_,)) => Err(fenced(&hold.run)),
        }
    }
}

impl Store {
    /// Whether the run is still held.
    ///
    /// # Errors
    /// `Fenced` when another server has the run, `NotFound` when there is no such run.
    pub async fn check_hold(&self, hold: &Hold) -> Result<()> {
        let mut session = self.writer().await?;
        session.check(hold).await?;
        session.commit_apart().await
    }
}

fn fenced(run: &RunId) -> StoreError {
    StoreError::Fenced(format!(
        "Another server drives run {run} now, so this one may not write it any more."
    ))
}
