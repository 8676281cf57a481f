//! What happened to runs, numbered per run from 1.

use crate::{Result, Store, runs::missing, stored, value::values};
use model::{EventKind, Millis, RunEvent, RunId};

/// An event that has no number yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Millis,
    /// How many bytes the log had then.
    pub offset: u64,
    /// What.
    pub kind: EventKind,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    log_offset: i64,
    kind: String,
}

impl Store {
    /// Appends events, and gives them with their numbers.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn append_events(&self, id: &RunId, events: &[NewEvent]) -> Result<Vec<RunEvent>> {
        let mut session = self.writer().await?;
        let (mut seq,): (i64,) = session
            .one(
                "select coalesce(max(seq), 0) from run_events where run_id = $1",
                values![id],
            )
            .await?;
        let mut appended = Vec::with_capacity(events.len());
        for event in events {
            seq += 1;
            session
                .execute(
                    "insert into run_events (run_id, seq, at, log_offset, kind) values ($1, $2, $3, $4, $5)",
                    values![id, seq, event.at, event.offset, &stored::to_json(&event.kind)],
                )
                .await
                .map_err(|error| error.or_if_missing(|| missing(id)))?;
            appended.push(RunEvent {
                seq,
                at: event.at,
                offset: event.offset,
                kind: event.kind.clone(),
            });
        }
        session.commit().await?;
        Ok(appended)
    }

    /// Events after number `seq`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn events_after(&self, id: &RunId, seq: i64, limit: u32) -> Result<Vec<RunEvent>> {
        let rows: Vec<EventRow> = self
            .reader()
            .await?
            .all(
                "select seq, at, log_offset, kind from run_events
                 where run_id = $1 and seq > $2 order by seq limit $3",
                values![id, seq, limit],
            )
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RunEvent {
                    seq: row.seq,
                    at: Millis(row.at),
                    offset: stored::size(row.log_offset),
                    kind: stored::json("an event of a run", &row.kind)?,
                })
            })
            .collect()
    }
}
