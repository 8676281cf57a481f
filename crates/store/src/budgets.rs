//! The price table, the budgets of teams, and the moments at which one was used up.

use crate::{Result, Store, StoreError, session::Session, stored, value::values};
use model::{
    Budget, BudgetEvent, BudgetStanding, Micros, Millis, Month, Price, TeamId, WebhookEvent,
    usage::{BLOCKING_PERCENT, WARNING_PERCENT},
};

impl Store {
    /// The prices that are counted at from now on.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn price(&self) -> Result<Price> {
        let (cpu, memory_gib, disk_gib) = self
            .reader()
            .await?
            .one("select cpu, memory_gib, disk_gib from prices where id = 1", &[])
            .await?;
        Ok(Price {
            cpu: Micros(cpu),
            memory_gib: Micros(memory_gib),
            disk_gib: Micros(disk_gib),
        })
    }

    /// Has intervals that begin from now on counted at these prices.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn set_price(&self, price: &Price) -> Result<()> {
        if self.price().await? == *price {
            return Ok(());
        }
        let mut session = self.writer().await?;
        session
            .execute(
                "update prices set cpu = $1, memory_gib = $2, disk_gib = $3 where id = 1",
                values![price.cpu.0, price.memory_gib.0, price.disk_gib.0],
            )
            .await?;
        session.commit_apart().await
    }

    /// Sets what a team may spend.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn set_budget(&self, team: &TeamId, budget: &Budget) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "insert into team_budgets (team_id, monthly, free_credit, updated_at)
                 select $1, $2, $3, now from clock where true
                 on conflict (team_id) do update set monthly = excluded.monthly,
                 free_credit = excluded.free_credit, updated_at = excluded.updated_at",
                values![team, budget.monthly.map(|amount| amount.0), budget.free_credit.0],
            )
            .await?;
        crate::concerns("team", team.as_str(), "");
        let monthly = budget.monthly.map_or_else(|| "none".to_owned(), Micros::exact);
        crate::detail("monthly", &monthly);
        crate::detail("free_credit", &budget.free_credit.exact());
        session.commit().await
    }

    /// How a team's budget stands in a month.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn budget_standing(&self, team: &TeamId, month: Month) -> Result<BudgetStanding> {
        self.reader().await?.standing(team, month).await
    }

    /// Refuses when a team's budget for this month is used up.
    ///
    /// # Errors
    /// `OverBudget` with a sentence that says what to do.
    pub async fn check_budget(&self, team: &TeamId) -> Result<()> {
        let mut session = self.reader().await?;
        // Most teams have none, and a start must not sum up anything then.
        if session.budget(team).await?.monthly.is_none() {
            return Ok(());
        }
        let month = session.this_month().await?;
        let standing = session.standing(team, month).await?;
        if standing.blocks() {
            return Err(StoreError::OverBudget(standing.refusal()));
        }
        Ok(())
    }

    /// How many percent of a team's budget for this month are used, from where people are warned on.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn budget_warning(&self, team: &TeamId) -> Result<Option<u64>> {
        let mut session = self.reader().await?;
        if session.budget(team).await?.monthly.is_none() {
            return Ok(None);
        }
        let month = session.this_month().await?;
        let standing = session.standing(team, month).await?;
        Ok(standing.percent().filter(|_| standing.warns()))
    }

    /// The teams that have a budget.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn teams_with_budgets(&self) -> Result<Vec<TeamId>> {
        self.reader().await?.teams_with_budgets().await
    }

    /// Notes that a team's budget was used to 80 or 100 percent: once per month each, whichever server
    /// notices first. What is noted now is given.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn note_budget(&self, team: &TeamId) -> Result<Vec<BudgetEvent>> {
        let mut reader = self.reader().await?;
        let month = reader.this_month().await?;
        let standing = reader.standing(team, month).await?;
        drop(reader);
        let Some(used) = standing.percent().filter(|percent| *percent >= WARNING_PERCENT) else {
            return Ok(Vec::new());
        };
        let mut session = self.writer().await?;
        let mut noted = Vec::new();
        for percent in [WARNING_PERCENT, BLOCKING_PERCENT] {
            if used < percent {
                continue;
            }
            let at: Option<(i64,)> = session
                .optional(
                    "insert into budget_events (team_id, month, percent, at)
                     select $1, $2, $3, now from clock where true
                     on conflict (team_id, month, percent) do nothing returning at",
                    values![team, &month.to_string(), percent],
                )
                .await?;
            if let Some((at,)) = at {
                let event = match percent {
                    WARNING_PERCENT => WebhookEvent::BudgetWarning,
                    _ => WebhookEvent::BudgetExhausted,
                };
                let month = month.to_string();
                let data = serde_json::json!({ "month": month, "percent": percent, "standing": standing });
                session.announce(team, event, &month, &data).await?;
                noted.push(BudgetEvent {
                    percent,
                    standing,
                    at: Millis(at),
                });
            }
        }
        session.commit_apart().await?;
        Ok(noted)
    }
}

impl Session {
    pub(crate) async fn teams_with_budgets(&mut self) -> Result<Vec<TeamId>> {
        let rows: Vec<(String,)> = self
            .all("select team_id from team_budgets where monthly is not null", &[])
            .await?;
        rows.into_iter()
            .map(|(id,)| stored::text("the id of a team", id))
            .collect()
    }

    pub(crate) async fn this_month(&mut self) -> Result<Month> {
        let (now,): (i64,) = self.one("select now from clock", &[]).await?;
        Ok(Month::of(Millis(now)))
    }

    async fn budget(&mut self, team: &TeamId) -> Result<Budget> {
        let row: Option<(Option<i64>, i64)> = self
            .optional(
                "select monthly, free_credit from team_budgets where team_id = $1",
                values![team],
            )
            .await?;
        Ok(row.map_or_else(Budget::default, |(monthly, free_credit)| Budget {
            monthly: monthly.map(Micros),
            free_credit: Micros(free_credit),
        }))
    }

    pub(crate) async fn standing(&mut self, team: &TeamId, month: Month) -> Result<BudgetStanding> {
        let budget = self.budget(team).await?;
        let (used_before, used) = self
            .used(team, month.first_day(), month.next().first_day())
            .await?;
        Ok(BudgetStanding {
            budget,
            month,
            used,
            used_before,
        })
    }
}
