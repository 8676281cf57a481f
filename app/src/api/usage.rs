//! What the current team's sandboxes use and cost, and its budget.

use crate::UiError;
use leptos::prelude::*;
use model::{Provider, RunCost, RunId, UsageReport};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the Usage page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageData {
    /// The month.
    pub report: UsageReport,
    /// Its days as a picture: SVG, drawn by the server.
    pub chart: String,
    /// Where sandboxes live.
    pub provider: Provider,
    /// Whether whoever looks may set the budget.
    pub may_set: bool,
}

/// A month of the current team; this one when none is named, or none of that name.
#[server(prefix = "/fn", endpoint = "load_usage")]
pub async fn load_usage(month: String) -> Result<UsageData, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    let services = crate::services::services()?;
    let month = model::Month::parse(&month).unwrap_or_else(|_| model::Month::of(model::Millis::now()));
    let report = services.store.usage_report(&caller.team, month).await?;
    Ok(UsageData {
        chart: crate::usage_chart::of_days(&report),
        report,
        provider: services.provider,
        may_set: caller.may(model::Permission::Administer),
    })
}

/// Sets the current team's budget: what a month may cost, without a limit when that is empty, and its
/// free credit.
#[server(prefix = "/fn", endpoint = "set_budget")]
pub async fn set_budget(monthly: String, free_credit: String) -> Result<(), UiError> {
    let caller = crate::session::can(model::Permission::Administer).await?;
    let budget = super::words::budget(&monthly, &free_credit)?;
    crate::services::services()?
        .store
        .set_budget(&caller.team, &budget)
        .await?;
    crate::session::send_form_on("/settings/usage");
    Ok(())
}

/// What a run cost so far.
#[server(prefix = "/fn", endpoint = "load_run_cost", input = Json)]
pub async fn load_run_cost(run: RunId) -> Result<RunCost, UiError> {
    let caller = crate::session::can(model::Permission::Read).await?;
    crate::session::run_of(&caller, &run).await?;
    Ok(crate::services::services()?.store.run_cost(&run).await?)
}
