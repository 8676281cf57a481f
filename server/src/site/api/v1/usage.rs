//! What the team's sandboxes used and cost, and its budget. Amounts of money
//! are whole millionths of a US dollar; vCPU, GiB of memory and GiB of disk
//! are times milliseconds.

use super::{
    super::super::{
        Site, csv,
        permission::{Administer, Can, Read},
        refusal::Refusal,
    },
    super::usage::Wanted,
    endpoint::{Endpoint, endpoint},
    given::Given,
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use model::{
    Amounts, Budget, BudgetStanding, Micros, Millis, Month, Price, RunCost, RunId, RunUsage, UsageShare,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is here.
pub fn endpoints() -> Vec<Endpoint> {
    use super::super::{audit, usage};
    vec![
        endpoint::<__path_show, _, _>(show),
        endpoint::<__path_budget, _, _>(budget),
        endpoint::<__path_set_budget, _, _>(set_budget),
        endpoint::<__path_run_cost, _, _>(run_cost),
        endpoint::<usage::__path_export, _, _>(usage::export),
        endpoint::<audit::__path_export, _, _>(audit::export),
    ]
}

/// A month of the team.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageTold {
    /// The month.
    month: Month,
    /// The sums over all of it.
    total: Amounts,
    /// Each day on which something was used, in order.
    days: Vec<DayTold>,
    /// By agent, the dearest first.
    agents: Vec<UsageShare>,
    /// By member, the dearest first.
    members: Vec<UsageShare>,
    /// The dearest runs.
    runs: Vec<RunUsage>,
    /// How the budget stands in this month.
    budget: BudgetTold,
    /// The prices from now on.
    price: Price,
    /// The server's clock.
    now: Millis,
}

/// A day of UTC.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayTold {
    /// Such as `2026-11-26`.
    #[schema(format = "date", value_type = String)]
    day: String,
    /// The sums over it.
    #[serde(flatten)]
    amounts: Amounts,
}

/// A budget, and how it stands in a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetTold {
    /// What a month may cost; none for no limit.
    monthly: Option<Micros>,
    /// What is free, once.
    free_credit: Micros,
    /// The month.
    month: Month,
    /// What the month cost so far.
    used: Micros,
    /// What of it counts against the budget.
    charged: Micros,
    /// What of the free credit is left.
    credit_left: Micros,
    /// How many percent of the budget are used; none without a budget. From 80 on people are warned, from
    /// 100 on no run starts.
    #[schema(minimum = 0)]
    percent: Option<u64>,
}

impl From<BudgetStanding> for BudgetTold {
    fn from(standing: BudgetStanding) -> Self {
        Self {
            monthly: standing.budget.monthly,
            free_credit: standing.budget.free_credit,
            month: standing.month,
            used: standing.used,
            charged: standing.charged(),
            credit_left: standing.credit_left(),
            percent: standing.percent(),
        }
    }
}

/// What a team may spend.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"monthly": 25_000_000, "free_credit": 0}))]
pub struct BudgetWanted {
    /// What a month may cost, in millionths of a US dollar; `null` for no limit.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    monthly: Option<i64>,
    /// What is free, once: usage takes from it before it counts against the budget.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    free_credit: i64,
}

/// Tells what a month used and cost
#[utoipa::path(get, path = "/api/v1/usage", tag = "Team", operation_id = "get_usage", params(Wanted),
    responses((status = 200, body = UsageTold)))]
pub async fn show(
    can: Can<Read>,
    State(site): State<Site>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<UsageTold>, Refusal> {
    let month = csv::month(wanted.month.as_deref())?;
    let report = site.services.store.usage_report(&can.team, month).await?;
    let days = report.days.into_iter().map(|(day, amounts)| DayTold {
        day: day.date(),
        amounts,
    });
    Ok(Json(UsageTold {
        month: report.month,
        total: report.total,
        days: days.collect(),
        agents: report.agents,
        members: report.members,
        runs: report.runs,
        budget: report.standing.into(),
        price: report.price,
        now: report.now,
    }))
}

/// Gets the budget, and how it stands this month
#[utoipa::path(get, path = "/api/v1/budget", tag = "Team", operation_id = "get_budget",
    responses((status = 200, body = BudgetTold)))]
pub async fn budget(can: Can<Read>, State(site): State<Site>) -> Result<Json<BudgetTold>, Refusal> {
    let month = Month::of(Millis::now());
    let standing = site.services.store.budget_standing(&can.team, month).await?;
    Ok(Json(standing.into()))
}

/// Sets the budget
///
/// Runs that go on are not touched.
#[utoipa::path(put, path = "/api/v1/budget", tag = "Team", operation_id = "set_budget", request_body = BudgetWanted,
    responses((status = 200, body = BudgetTold)))]
pub async fn set_budget(
    can: Can<Administer>,
    State(site): State<Site>,
    given: Given<BudgetWanted>,
) -> Result<Json<BudgetTold>, Refusal> {
    let wanted = given.body;
    let budget = Budget {
        monthly: wanted.monthly.map(Micros::of_budget).transpose()?,
        free_credit: Micros::of_budget(wanted.free_credit)?,
    };
    let store = &site.services.store;
    store.set_budget(&can.team, &budget).await?;
    let standing = store.budget_standing(&can.team, Month::of(Millis::now())).await?;
    Ok(Json(standing.into()))
}

/// Tells what a run cost so far
#[utoipa::path(get, path = "/api/v1/runs/{run}/cost", tag = "Runs", operation_id = "get_run_cost",
    params(("run" = RunId, Path, description = "Its id")),
    responses((status = 200, body = RunCost)))]
pub async fn run_cost(
    can: Can<Read>,
    State(site): State<Site>,
    Path(run): Path<String>,
) -> Result<Json<RunCost>, Refusal> {
    let run = can.run(&site, &RunId::parse(&run)?).await?;
    Ok(Json(site.services.store.run_cost(&run.id).await?))
}
