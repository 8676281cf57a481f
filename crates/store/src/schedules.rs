//! Schedules. When one is due next is worked out by `runs`, which knows
//! calendars; what is due is found by that time alone.

use crate::{Result, Store, StoreError, stored, value::values};
use model::{
    AgentId, Millis, MissedPolicy, NewSchedule, OverlapPolicy, Schedule, ScheduleId, TeamId, UserId,
    schedule::MOST,
};

macro_rules! columns {
    () => {
        "s.id, s.agent_id, s.name, s.cron, s.zone, s.missed, s.overlap, s.is_on, s.created_at, s.next_at"
    };
}

#[derive(sqlx::FromRow)]
struct ScheduleRow {
    id: String,
    agent_id: String,
    name: String,
    cron: String,
    zone: String,
    missed: String,
    overlap: String,
    is_on: bool,
    created_at: i64,
    next_at: Option<i64>,
}

impl ScheduleRow {
    fn read(self) -> Result<Schedule> {
        Ok(Schedule {
            id: stored::text("the id of a schedule", self.id)?,
            agent: stored::text("the id of an agent", self.agent_id)?,
            said: NewSchedule {
                name: self.name,
                cron: self.cron,
                zone: self.zone,
                missed: stored::word("a rule for missed times", &self.missed, MissedPolicy::parse)?,
                overlap: stored::word("a rule for overlaps", &self.overlap, OverlapPolicy::parse)?,
            },
            is_on: self.is_on,
            created_at: Millis(self.created_at),
            next_at: stored::time(self.next_at),
        })
    }
}

/// A schedule, and the agent it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSchedule {
    /// The schedule.
    pub schedule: Schedule,
    /// The agent's name in addresses.
    pub slug: String,
    /// The agent's name.
    pub agent: String,
}

impl Store {
    /// Keeps a new schedule of an agent, which is on.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule, `Conflict` when the agent has as many as it may, `NotFound` when
    /// there is no such agent or account.
    pub async fn create_schedule(
        &self,
        agent: &AgentId,
        user: &UserId,
        said: NewSchedule,
        next_at: Option<Millis>,
    ) -> Result<Schedule> {
        let schedule = Schedule {
            id: ScheduleId::generate(),
            agent: agent.clone(),
            said: said.check()?,
            is_on: true,
            created_at: Millis::now(),
            next_at,
        };
        let mut session = self.writer().await?;
        let (count,): (i64,) = session
            .one(
                "select count(*) from schedules where agent_id = $1",
                values![agent],
            )
            .await?;
        if stored::size(count) >= MOST as u64 {
            return Err(StoreError::Conflict(format!(
                "This agent has {count} schedules, as many as it may have. Delete one first."
            )));
        }
        session
            .execute(
                "insert into schedules
                 (id, agent_id, name, cron, zone, missed, overlap, is_on, user_id, created_at, next_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                values![
                    &schedule.id,
                    agent,
                    &schedule.said.name,
                    &schedule.said.cron,
                    &schedule.said.zone,
                    schedule.said.missed.as_str(),
                    schedule.said.overlap.as_str(),
                    true,
                    user,
                    schedule.created_at,
                    schedule.next_at,
                ],
            )
            .await
            .map_err(|error| {
                error.or_if_missing(|| {
                    StoreError::NotFound("There is no such agent. Was it deleted?".to_owned())
                })
            })?;
        crate::concerns("schedule", schedule.id.as_str(), &schedule.said.name);
        crate::detail("agent", agent.as_str());
        session.commit().await?;
        Ok(schedule)
    }

    /// Puts this in the place of what was said of a schedule, and whether it is on.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule, `NotFound` when there is no such schedule.
    pub async fn update_schedule(
        &self,
        id: &ScheduleId,
        said: NewSchedule,
        is_on: bool,
        next_at: Option<Millis>,
    ) -> Result<()> {
        let said = said.check()?;
        let mut session = self.writer().await?;
        let updated = session
            .execute(
                "update schedules set name = $2, cron = $3, zone = $4, missed = $5, overlap = $6, is_on = $7,
                 next_at = $8 where id = $1",
                values![
                    id,
                    &said.name,
                    &said.cron,
                    &said.zone,
                    said.missed.as_str(),
                    said.overlap.as_str(),
                    is_on,
                    next_at,
                ],
            )
            .await?;
        if updated == 0 {
            return Err(missing());
        }
        if !is_on {
            session
                .execute(
                    "update schedule_firings set state = 'skipped', words = 'The schedule was switched off.'
                     where schedule_id = $1 and state = 'waiting'",
                    values![id],
                )
                .await?;
        }
        crate::concerns("schedule", id.as_str(), &said.name);
        crate::detail("on", if is_on { "yes" } else { "no" });
        session.commit().await
    }

    /// Deletes a schedule with what is known of its times. Its runs stay.
    ///
    /// # Errors
    /// `NotFound` when there is no such schedule.
    pub async fn delete_schedule(&self, id: &ScheduleId) -> Result<()> {
        let mut session = self.writer().await?;
        let deleted: Option<(String,)> = session
            .optional("delete from schedules where id = $1 returning name", values![id])
            .await?;
        let (name,) = deleted.ok_or_else(missing)?;
        crate::concerns("schedule", id.as_str(), &name);
        session.commit().await
    }

    /// The schedule of this id.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn schedule(&self, id: &ScheduleId) -> Result<Schedule> {
        let row: Option<ScheduleRow> = self
            .reader()
            .await?
            .optional(
                concat!("select ", columns!(), " from schedules s where s.id = $1"),
                values![id],
            )
            .await?;
        row.ok_or_else(missing)?.read()
    }

    /// The schedules of an agent, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn schedules_of(&self, agent: &AgentId) -> Result<Vec<Schedule>> {
        let rows: Vec<ScheduleRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from schedules s where s.agent_id = $1 order by s.created_at, s.id"
                ),
                values![agent],
            )
            .await?;
        rows.into_iter().map(ScheduleRow::read).collect()
    }

    /// The schedules of a team, with their agents: what is due next first, what is off last.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_schedules(&self, team: &TeamId) -> Result<Vec<AgentSchedule>> {
        #[derive(sqlx::FromRow)]
        struct Row {
            #[sqlx(flatten)]
            schedule: ScheduleRow,
            slug: String,
            agent: String,
        }
        let rows: Vec<Row> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    ", a.slug, a.name as agent from schedules s join agents a on a.id = s.agent_id
                     where a.team_id = $1 order by coalesce(s.next_at, 9223372036854775807), a.name, s.name"
                ),
                values![team],
            )
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(AgentSchedule {
                    schedule: row.schedule.read()?,
                    slug: row.slug,
                    agent: row.agent,
                })
            })
            .collect()
    }

    /// The schedules that are due, the longest due first, at most 100.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn due_schedules(&self, now: Millis) -> Result<Vec<Schedule>> {
        let rows: Vec<ScheduleRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from schedules s where s.is_on = true and s.next_at <= $1
                     order by s.next_at, s.id limit 100"
                ),
                values![now],
            )
            .await?;
        rows.into_iter().map(ScheduleRow::read).collect()
    }
}

fn missing() -> StoreError {
    StoreError::NotFound("There is no such schedule. Was it deleted?".to_owned())
}
