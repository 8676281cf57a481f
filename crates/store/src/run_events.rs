//! What happened to runs, numbered per run from 1.

use crate::{Result, Store, session::Session, stored, value::values};
use model::{Millis, RunEvent, RunId};

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    log_offset: i64,
    kind: String,
}

/// Writes events of a run that its driver holds. One that is there already is the same: its answer was
/// lost, and it is written again.
pub(crate) async fn append(session: &mut Session, id: &RunId, events: &[RunEvent]) -> Result<()> {
    for event in events {
        session
            .execute(
                "insert into run_events (run_id, seq, at, log_offset, kind) values ($1, $2, $3, $4, $5)
                 on conflict (run_id, seq) do nothing",
                values![
                    id,
                    event.seq,
                    event.at,
                    event.offset,
                    &stored::to_json(&event.kind)
                ],
            )
            .await?;
    }
    Ok(())
}

impl Store {
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
