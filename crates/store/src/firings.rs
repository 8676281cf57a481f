//! Times at which schedules were due. The right to fire at one is a row: its
//! key is the schedule and the time, so there is one right, and it is written
//! together with the time the schedule is due next. The row holds the id of
//! the run to be started, so that whoever goes on after a crash starts the same.

use crate::{Replica, Result, Store, stored, value::values};
use model::{AgentId, Firing, FiringState, Millis, OverlapPolicy, RunId, ScheduleId, TriggerKind, UserId};

/// How many times of a schedule are remembered.
const REMEMBERED: i64 = 200;

/// What a server wants to have of a schedule that is due.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The schedule.
    pub schedule: ScheduleId,
    /// When it was due, as the server read it.
    pub due_at: Millis,
    /// When it is due next after this.
    pub next_at: Option<Millis>,
    /// The time to fire at, with the run to be started and what there is to say of it.
    pub firing: Option<(Millis, RunId, Option<String>)>,
    /// The last of the times that were missed and are not made up for, and what is said of them.
    pub missed: Option<(Millis, String)>,
}

/// A run that a schedule is to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Its name.
    pub name: String,
    /// When it was due.
    pub due_at: Millis,
    /// The run to be started.
    pub run: RunId,
    /// Of this agent.
    pub agent: AgentId,
    /// Whose share of the places it takes.
    pub user: UserId,
    /// What becomes of it while the former run goes on.
    pub overlap: OverlapPolicy,
}

/// Times of one schedule that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OthersWaiting {
    /// Due before.
    pub earlier: u64,
    /// Due after.
    pub later: u64,
}

#[derive(sqlx::FromRow)]
struct WaitingRow {
    schedule_id: String,
    name: String,
    due_at: i64,
    run_id: String,
    agent_id: String,
    user_id: String,
    overlap: String,
}

#[derive(sqlx::FromRow)]
struct FiringRow {
    due_at: i64,
    state: String,
    run_id: String,
    at: i64,
    words: Option<String>,
}

impl Store {
    /// Takes the right to fire; false when another server was first, or the schedule was changed.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn claim_firing(&self, claim: &Claim, server: &Replica) -> Result<bool> {
        let mut session = self.writer().await?;
        let mine = session
            .execute(
                "update schedules set next_at = $3 where id = $1 and is_on = true and next_at = $2",
                values![&claim.schedule, claim.due_at, claim.next_at],
            )
            .await?;
        if mine == 0 {
            return Ok(false);
        }
        let now = Millis::now();
        let insert = "insert into schedule_firings (schedule_id, due_at, run_id, state, server, at, words)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (schedule_id, due_at) do nothing";
        if let Some((at, words)) = &claim.missed {
            let (state, no_run) = (FiringState::Missed.as_str(), RunId::generate());
            session
                .execute(
                    insert,
                    values![
                        &claim.schedule,
                        *at,
                        &no_run,
                        state,
                        &server.id,
                        now,
                        words.as_str()
                    ],
                )
                .await?;
        }
        if let Some((at, run, words)) = &claim.firing {
            let state = FiringState::Waiting.as_str();
            session
                .execute(
                    insert,
                    values![
                        &claim.schedule,
                        *at,
                        run,
                        state,
                        &server.id,
                        now,
                        words.as_deref()
                    ],
                )
                .await?;
        }
        session
            .execute(
                "delete from schedule_firings where schedule_id = $1 and state <> 'waiting' and due_at <= coalesce(
                   (select due_at from schedule_firings where schedule_id = $1 order by due_at desc
                    limit 1 offset $2), -1)",
                values![&claim.schedule, REMEMBERED],
            )
            .await?;
        session.commit().await?;
        Ok(true)
    }

    /// The runs this server has to start, the longest due first: those it took the right to, and those
    /// of servers that are gone, which are its own from here on.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn waiting_firings(&self, server: &Replica) -> Result<Vec<Waiting>> {
        // Looked for first: there is most often nothing to take over, and writers wait for each other.
        let left = "select count(*) from schedule_firings f where f.state = 'waiting' and f.server <> $1
             and not exists (select 1 from servers, clock where servers.id = f.server and lease_until >= now)";
        let (count,): (i64,) = self.reader().await?.one(left, values![&server.id]).await?;
        if count > 0 {
            let mut session = self.writer().await?;
            session
                .execute(
                    "update schedule_firings set server = $1 where state = 'waiting' and server <> $1
                     and not exists (select 1 from servers, clock
                       where servers.id = schedule_firings.server and lease_until >= now)",
                    values![&server.id],
                )
                .await?;
            session.commit().await?;
        }
        let rows: Vec<WaitingRow> = self
            .reader()
            .await?
            .all(
                "select f.schedule_id, s.name, f.due_at, f.run_id, s.agent_id, s.user_id, s.overlap
                 from schedule_firings f join schedules s on s.id = f.schedule_id
                 where f.state = 'waiting' and f.server = $1 order by f.due_at, f.schedule_id limit 1000",
                values![&server.id],
            )
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Waiting {
                    schedule: stored::text("the id of a schedule", row.schedule_id)?,
                    name: row.name,
                    due_at: Millis(row.due_at),
                    run: stored::text("the id of a run", row.run_id)?,
                    agent: stored::text("the id of an agent", row.agent_id)?,
                    user: stored::text("the id of an account", row.user_id)?,
                    overlap: stored::word("a rule for overlaps", &row.overlap, OverlapPolicy::parse)?,
                })
            })
            .collect()
    }

    /// How many other times of a schedule wait, before and after this one.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn other_waiting_firings(
        &self,
        schedule: &ScheduleId,
        due_at: Millis,
    ) -> Result<OthersWaiting> {
        let (earlier, later): (i64, i64) = self
            .reader()
            .await?
            .one(
                "select coalesce(sum(case when due_at < $2 then 1 else 0 end), 0),
                 coalesce(sum(case when due_at > $2 then 1 else 0 end), 0)
                 from schedule_firings where schedule_id = $1 and state = 'waiting'",
                values![schedule, due_at],
            )
            .await?;
        Ok(OthersWaiting {
            earlier: stored::size(earlier),
            later: stored::size(later),
        })
    }

    /// Writes what came of a time that waited; what was known of it stays when nothing is said.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn conclude_firing(
        &self,
        schedule: &ScheduleId,
        due_at: Millis,
        state: FiringState,
        words: Option<&str>,
    ) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "update schedule_firings set state = $3, at = $4, words = coalesce($5, words)
                 where schedule_id = $1 and due_at = $2 and state = 'waiting'",
                values![schedule, due_at, state.as_str(), Millis::now(), words],
            )
            .await?;
        session.commit().await
    }

    /// The newest times of a schedule, newest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn firings(&self, schedule: &ScheduleId, limit: u32) -> Result<Vec<Firing>> {
        let rows: Vec<FiringRow> = self
            .reader()
            .await?
            .all(
                "select due_at, state, run_id, at, words from schedule_firings
                 where schedule_id = $1 order by due_at desc limit $2",
                values![schedule, limit],
            )
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Firing {
                    due_at: Millis(row.due_at),
                    state: stored::word("what came of a schedule", &row.state, FiringState::parse)?,
                    run: stored::text("the id of a run", row.run_id)?,
                    at: Millis(row.at),
                    words: row.words,
                })
            })
            .collect()
    }

    /// The runs under way that this schedule started.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn unfinished_runs_of_schedule(&self, schedule: &ScheduleId) -> Result<Vec<RunId>> {
        let rows: Vec<(String,)> = self
            .reader()
            .await?
            .all(
                "select id from runs where finished = false and trigger_kind = $1 and trigger_id = $2",
                values![TriggerKind::Schedule.as_str(), schedule],
            )
            .await?;
        rows.into_iter()
            .map(|(id,)| stored::text("the id of a run", id))
            .collect()
    }
}
