//! Sums of what was used: of a month by day, agent, member and run, of one run,
//! and every single interval for those who want to count themselves.
//!
//! What has ended is in `usage_days`; what goes on is few rows, and is counted
//! up to now.

use crate::{
    Result, Store, StoreError,
    session::Session,
    stored,
    usage_intervals::{TRUSTED_MILLISECONDS, pieces},
    value::values,
};
use model::{
    Amounts, Day, Micros, Millis, Month, Provider, Resources, RunCost, RunId, RunUsage, TeamId,
    UsageInterval, UsageReport, UsageShare, UsageState, money::cost,
};
use std::collections::BTreeMap;

/// Id, number, agent, cost, milliseconds, and those times processors, memory and disk.
type DearRun = (String, Option<i64>, String, i64, i64, i64, i64, i64);

/// How many of the dearest runs are told.
const DEAREST: u32 = 20;
/// The most intervals given at once.
const MAX_PAGE: u32 = 1000;

#[derive(sqlx::FromRow)]
struct DayRow {
    day: i64,
    agent_id: String,
    member_id: String,
    agent_name: String,
    cost: i64,
    standing: i64,
    cpu: i64,
    memory_gib: i64,
    disk_gib: i64,
}

#[derive(sqlx::FromRow)]
struct IntervalRow {
    id: String,
    sandbox_id: String,
    provider: String,
    agent_id: String,
    agent_name: String,
    member_id: Option<String>,
    member_name: Option<String>,
    run_id: Option<String>,
    state: String,
    cpu: i64,
    memory_gib: i64,
    disk_gib: i64,
    rate: i64,
    started_at: i64,
    seen_at: i64,
    ended_at: Option<i64>,
    cost: Option<i64>,
    now: i64,
}

macro_rules! interval_columns {
    () => {
        "u.id, u.sandbox_id, u.provider, u.agent_id, u.agent_name, u.member_id, m.name as member_name, u.run_id,
         u.state, u.cpu, u.memory_gib, u.disk_gib, u.rate, u.started_at, u.seen_at, u.ended_at, u.cost, c.now
         from usage_intervals u cross join clock c left join users m on m.id = u.member_id"
    };
}

/// Until when an open interval counts: on by itself for a little, then only as far as it was seen.
fn counts_until(seen_at: i64, now: i64) -> i64 {
    if seen_at.saturating_add(TRUSTED_MILLISECONDS) >= now {
        now.max(seen_at)
    } else {
        seen_at
    }
}

impl IntervalRow {
    fn end(&self) -> i64 {
        self.ended_at
            .unwrap_or_else(|| counts_until(self.seen_at, self.now))
            .max(self.started_at)
    }

    fn resources(&self) -> Resources {
        Resources {
            cpu: stored::count(self.cpu),
            memory_gib: stored::count(self.memory_gib),
            disk_gib: stored::count(self.disk_gib),
        }
    }

    fn state(&self) -> Result<UsageState> {
        stored::word("a state of usage", &self.state, UsageState::parse)
    }

    fn read(self) -> Result<UsageInterval> {
        let end = self.end();
        let counted = cost(Micros(self.rate), Millis(end).since(Millis(self.started_at)));
        Ok(UsageInterval {
            state: self.state()?,
            resources: self.resources(),
            sandbox: stored::text("the id of a sandbox", self.sandbox_id)?,
            provider: stored::word("a provider", &self.provider, Provider::parse)?,
            agent: stored::text("the id of an agent", self.agent_id)?,
            agent_name: self.agent_name,
            run: self
                .run_id
                .map(|id| stored::text("the id of a run", id))
                .transpose()?,
            member: self
                .member_id
                .map(|id| stored::text("the id of an account", id))
                .transpose()?,
            member_name: self.member_name,
            rate: Micros(self.rate),
            started_at: Millis(self.started_at),
            ended_at: Millis(end),
            is_open: self.ended_at.is_none(),
            cost: self.cost.map_or(counted, Micros),
        })
    }
}

/// Sums as they are put together.
#[derive(Default)]
struct Sums {
    total: Amounts,
    days: BTreeMap<Day, Amounts>,
    agents: BTreeMap<String, (String, Amounts)>,
    members: BTreeMap<String, Amounts>,
}

impl Sums {
    fn add(&mut self, day: Day, agent: &str, name: &str, member: &str, amounts: Amounts) {
        self.total += amounts;
        *self.days.entry(day).or_default() += amounts;
        let of_agent = self.agents.entry(agent.to_owned()).or_default();
        name.clone_into(&mut of_agent.0);
        of_agent.1 += amounts;
        *self.members.entry(member.to_owned()).or_default() += amounts;
    }
}

fn dearest_first(mut shares: Vec<UsageShare>) -> Vec<UsageShare> {
    shares.sort_by(|a, b| {
        (b.amounts.cost, b.amounts.standing, &a.name).cmp(&(a.amounts.cost, a.amounts.standing, &b.name))
    });
    shares
}

impl Session {
    /// The open intervals of a team.
    async fn open_intervals(&mut self, team: &TeamId) -> Result<Vec<IntervalRow>> {
        self.all(
            concat!(
                "select ",
                interval_columns!(),
                " where u.team_id = $1 and u.ended_at is null"
            ),
            values![team],
        )
        .await
    }

    /// What a team used before a day, and from it on before another one.
    pub(crate) async fn used(&mut self, team: &TeamId, from: Day, to: Day) -> Result<(Micros, Micros)> {
        let (before, within): (i64, i64) = self
            .one(
                "select cast(coalesce(sum(case when day < $2 then cost else 0 end), 0) as bigint),
                 cast(coalesce(sum(case when day >= $2 then cost else 0 end), 0) as bigint)
                 from usage_days where team_id = $1 and day < $3",
                values![team, from.0, to.0],
            )
            .await?;
        let (mut before, mut within) = (Micros(before), Micros(within));
        for row in self.open_intervals(team).await? {
            for piece in pieces(Micros(row.rate), row.started_at, row.end()) {
                if piece.day < from {
                    before += piece.cost;
                } else if piece.day < to {
                    within += piece.cost;
                }
            }
        }
        Ok((before, within))
    }
}

impl Store {
    /// All of a team's month.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn usage_report(&self, team: &TeamId, month: Month) -> Result<UsageReport> {
        let (from, to) = (month.first_day(), month.next().first_day());
        let mut session = self.reader().await?;
        let rows: Vec<DayRow> = session
            .all(
                "select day, agent_id, member_id, agent_name, cost, standing, cpu, memory_gib, disk_gib
                 from usage_days where team_id = $1 and day >= $2 and day < $3 order by day",
                values![team, from.0, to.0],
            )
            .await?;
        let mut sums = Sums::default();
        for row in rows {
            let amounts = Amounts {
                cost: Micros(row.cost),
                standing: stored::size(row.standing),
                cpu: stored::size(row.cpu),
                memory_gib: stored::size(row.memory_gib),
                disk_gib: stored::size(row.disk_gib),
            };
            sums.add(
                Day(row.day),
                &row.agent_id,
                &row.agent_name,
                &row.member_id,
                amounts,
            );
        }
        for row in session.open_intervals(team).await? {
            for piece in pieces(Micros(row.rate), row.started_at, row.end()) {
                if piece.day < from || piece.day >= to {
                    continue;
                }
                let milliseconds = Millis(piece.to).since(Millis(piece.from));
                let amounts = Amounts::of(row.resources(), row.state()?, milliseconds, piece.cost);
                let member = row.member_id.as_deref().unwrap_or_default();
                sums.add(piece.day, &row.agent_id, &row.agent_name, member, amounts);
            }
        }
        let agents: Vec<(String, String, String)> =
            session.all("select id, name, slug from agents", &[]).await?;
        let members: Vec<(String, String)> = session.all("select id, name from users", &[]).await?;
        let (now,): (i64,) = session.one("select now from clock", &[]).await?;
        drop(session);
        let agents: BTreeMap<_, _> = agents
            .into_iter()
            .map(|(id, name, slug)| (id, (name, slug)))
            .collect();
        let members: BTreeMap<_, _> = members.into_iter().collect();
        let of_agents = sums.agents.into_iter().map(|(id, (name, amounts))| {
            let there = agents.get(&id);
            UsageShare {
                name: there.map_or(name, |(name, _)| name.clone()),
                slug: there.map(|(_, slug)| slug.clone()),
                id: Some(id),
                amounts,
            }
        });
        let of_members = sums.members.into_iter().map(|(id, amounts)| UsageShare {
            name: members
                .get(&id)
                .cloned()
                .unwrap_or_else(|| "somebody who is gone".to_owned()),
            slug: None,
            id: Some(id).filter(|id| !id.is_empty()),
            amounts,
        });
        Ok(UsageReport {
            month,
            total: sums.total,
            days: sums.days.into_iter().collect(),
            agents: dearest_first(of_agents.collect()),
            members: dearest_first(of_members.collect()),
            runs: self.dearest_runs(team, from, to).await?,
            standing: self.budget_standing(team, month).await?,
            price: self.price().await?,
            now: Millis(now),
        })
    }

    async fn dearest_runs(&self, team: &TeamId, from: Day, to: Day) -> Result<Vec<RunUsage>> {
        let rows: Vec<DearRun> = self
            .reader()
            .await?
            .all(
                "select u.run_id, max(r.number), max(u.agent_name), cast(sum(u.cost) as bigint),
                 cast(sum(u.ended_at - u.started_at) as bigint),
                 cast(sum((u.ended_at - u.started_at) * u.cpu) as bigint),
                 cast(sum((u.ended_at - u.started_at) * u.memory_gib) as bigint),
                 cast(sum((u.ended_at - u.started_at) * u.disk_gib) as bigint)
                 from usage_intervals u left join runs r on r.id = u.run_id
                 where u.team_id = $1 and u.started_at >= $2 and u.started_at < $3
                 and u.run_id is not null and u.ended_at is not null
                 group by u.run_id order by sum(u.cost) desc, u.run_id desc limit $4",
                values![team, from.begin(), to.begin(), DEAREST],
            )
            .await?;
        rows.into_iter()
            .map(
                |(run, number, agent, cost, standing, cpu, memory_gib, disk_gib)| {
                    Ok(RunUsage {
                        run: stored::text("the id of a run", run)?,
                        number,
                        agent,
                        amounts: Amounts {
                            cost: Micros(cost),
                            standing: stored::size(standing),
                            cpu: stored::size(cpu),
                            memory_gib: stored::size(memory_gib),
                            disk_gib: stored::size(disk_gib),
                        },
                    })
                },
            )
            .collect()
    }

    /// What a run cost so far, and what it costs for an hour now.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn run_cost(&self, run: &RunId) -> Result<RunCost> {
        let mut session = self.reader().await?;
        let rows: Vec<IntervalRow> = session
            .all(
                concat!("select ", interval_columns!(), " where u.run_id = $1"),
                values![run],
            )
            .await?;
        let (now,): (i64,) = session.one("select now from clock", &[]).await?;
        let mut sum = RunCost {
            at: Millis(now),
            ..RunCost::default()
        };
        for row in rows {
            let goes_on = row.ended_at.is_none() && row.end() >= row.now;
            if goes_on {
                sum.rate += Micros(row.rate);
            }
            sum.cost += row.read()?.cost;
        }
        Ok(sum)
    }

    /// The intervals of a team that began in these days, oldest first, those after the one named by
    /// `after`; with a name for the last, to go on from.
    ///
    /// # Errors
    /// `NotFound` when `after` names none.
    pub async fn usage_intervals(
        &self,
        team: &TeamId,
        from: Day,
        to: Day,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<UsageInterval>, Option<String>)> {
        let mut session = self.reader().await?;
        let place: (i64, String) = match after {
            None => (i64::MIN, String::new()),
            Some(id) => session
                .optional(
                    "select started_at, id from usage_intervals where id = $1 and team_id = $2",
                    values![id, team],
                )
                .await?
                .ok_or_else(|| StoreError::NotFound("There is no such interval.".to_owned()))?,
        };
        let rows: Vec<IntervalRow> = session
            .all(
                concat!(
                    "select ",
                    interval_columns!(),
                    " where u.team_id = $1 and u.started_at >= $2 and u.started_at < $3
                     and (u.started_at, u.id) > ($4, $5) order by u.started_at, u.id limit $6"
                ),
                values![
                    team,
                    from.begin(),
                    to.begin(),
                    place.0,
                    &place.1,
                    limit.min(MAX_PAGE)
                ],
            )
            .await?;
        let last = rows.last().map(|row| row.id.clone());
        let intervals: Result<Vec<_>> = rows.into_iter().map(IntervalRow::read).collect();
        Ok((intervals?, last))
    }
}
