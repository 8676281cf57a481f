//! The list of agents, with what each did lately: two statements, however
//! many agents there are.

use crate::{Result, Store, stored, value::values};
use model::{AgentSummary, DayOfRuns, Language, Millis, RunState, RunSummary, TeamId};
use std::collections::HashMap;

const DAY: i64 = 86_400_000;
const DAYS: i64 = 14;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    slug: String,
    name: String,
    description: String,
    language: String,
    owner: String,
    run_id: Option<String>,
    run_number: Option<i64>,
    run_state: Option<String>,
    run_exit_code: Option<i64>,
    run_created_at: Option<i64>,
    run_ended_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct DayRow {
    agent_id: String,
    day: i64,
    runs: i64,
    failed: i64,
}

impl Store {
    /// The agents of a team as the list shows them, the one last run or changed first. Days are UTC days, the last
    /// of the 14 is that of `now`.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_agents(&self, team: &TeamId, now: Millis) -> Result<Vec<AgentSummary>> {
        let mut session = self.reader().await?;
        // Runs are numbered without gaps, so the newest has the agent's count.
        let agents: Vec<Row> = session
            .all(
                "select a.id, a.slug, a.name, a.description, a.language, u.name as owner,
                 r.id as run_id, r.number as run_number, r.state as run_state,
                 r.exit_code as run_exit_code, r.created_at as run_created_at, r.ended_at as run_ended_at
                 from agents a join users u on u.id = a.owner_id
                 left join runs r on r.agent_id = a.id and r.number = a.run_number
                 where a.team_id = $1
                 order by case when r.created_at > a.updated_at then r.created_at else a.updated_at end desc,
                 a.id desc",
                values![team],
            )
            .await?;
        let today = now.0.div_euclid(DAY);
        let first = today - DAYS + 1;
        let days: Vec<DayRow> = session
            .all(
                "select agent_id, created_at / 86400000 as day, count(*) as runs,
                 count(case when finished and state <> 'succeeded' then 1 end) as failed
                 from runs where created_at >= $1 and agent_id in (select id from agents where team_id = $2)
                 group by agent_id, created_at / 86400000",
                values![first * DAY, team],
            )
            .await?;
        let mut of_agent: HashMap<String, Vec<DayOfRuns>> = HashMap::new();
        for row in days {
            let days = of_agent.entry(row.agent_id).or_insert_with(empty_days);
            let place = usize::try_from(row.day - first).unwrap_or(usize::MAX);
            if let Some(day) = days.get_mut(place) {
                *day = DayOfRuns {
                    runs: stored::count(row.runs),
                    failed: stored::count(row.failed),
                };
            }
        }
        agents
            .into_iter()
            .map(|row| {
                let days = of_agent.remove(&row.id).unwrap_or_else(empty_days);
                row.read(days)
            })
            .collect()
    }
}

fn empty_days() -> Vec<DayOfRuns> {
    (0..DAYS).map(|_| DayOfRuns::default()).collect()
}

impl Row {
    fn read(self, days: Vec<DayOfRuns>) -> Result<AgentSummary> {
        let last_run = match (self.run_id, self.run_number, self.run_state, self.run_created_at) {
            (Some(id), Some(number), Some(state), Some(created_at)) => Some(RunSummary {
                id: stored::text("the id of a run", id)?,
                number,
                state: stored::word("the state of a run", &state, RunState::parse)?,
                exit_code: stored::exit_code(self.run_exit_code),
                created_at: Millis(created_at),
                ended_at: stored::time(self.run_ended_at),
            }),
            _ => None,
        };
        Ok(AgentSummary {
            id: stored::text("the id of an agent", self.id)?,
            slug: self.slug,
            name: self.name,
            description: self.description,
            language: stored::word("a language", &self.language, |word| Language::parse(word).ok())?,
            owner: self.owner,
            last_run,
            days,
        })
    }
}
