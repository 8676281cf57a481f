//! What the team's sandboxes cost: a month by day, agent, member and run, and
//! the budget.

mod budget;
mod shares;

use crate::{
    api::{self, SetBudget, UsageData},
    parts::{
        errors::PageError,
        frame::{Frame, Section},
    },
};
use budget::{BudgetBar, BudgetForm};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::{Micros, Month, Provider, UsageReport};
use shares::{Days, Runs, Shares};

/// vCPU or GiB times milliseconds as hours, to two decimals.
fn hours(milliseconds: u64) -> String {
    let hundredths = milliseconds / 36_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The page.
#[component]
pub fn UsagePage() -> impl IntoView {
    let query = use_query_map();
    let month = move || query.with(|query| query.get("month").unwrap_or_default());
    let set = ServerAction::<SetBudget>::new();
    let data = Resource::new(
        move || (month(), set.version().get()),
        |(month, _)| api::load_usage(month),
    );
    view! {
        <Title text="Usage" />
        <Frame section=Section::Settings>
            <Transition>
                {move || Suspend::new(async move {
                    match data.await {
                        Ok(data) => view! { <Usage data=data set=set /> }.into_any(),
                        Err(error) => view! { <PageError error=error /> }.into_any(),
                    }
                })}
            </Transition>
        </Frame>
    }
    .into_any()
}

#[component]
fn Usage(data: UsageData, set: ServerAction<SetBudget>) -> impl IntoView {
    let UsageData {
        report,
        chart,
        provider,
        may_set,
    } = data;
    let export = format!("/api/v1/usage/export?month={}", report.month);
    let is_empty = report.days.is_empty();
    let note = match provider {
        Provider::Embedded => {
            "Sandboxes run on this machine, so nobody bills them: what is shown is what they would cost at the prices below."
        }
        Provider::Daytona => "Counted by Pitlane at the prices below. Daytona\u{2019}s bill is what counts.",
    };
    let standing = report.standing;
    let price = report.price;
    view! {
        <div class="page usage">
            <div class="head">
                <h1>"Usage"</h1>
                <Months month=report.month />
                <span class="grow"></span>
                <a class="btn quiet" href=export download="">"Export as CSV"</a>
                <a class="btn quiet wide-only" href="/settings">"All settings"</a>
            </div>
            <p class="hint">{note}</p>
            <Figures report=report.clone() />
            <BudgetBar standing=standing />
            {if is_empty {
                view! {
                    <div class="empty">
                        <b>{format!("Nothing was used in {}", report.month.words())}</b>
                        <p>"Every second of a sandbox is counted here, from the run that made it."</p>
                    </div>
                }
                    .into_any()
            } else {
                view! {
                    <Days chart=chart days=report.days />
                    <Shares title="By agent" head="Agent" shares=report.agents total=report.total.cost />
                    <Shares title="By member" head="Member" shares=report.members total=report.total.cost />
                    <Runs runs=report.runs />
                }
                    .into_any()
            }}
            {may_set.then(|| view! { <BudgetForm budget=standing.budget set=set /> })}
            <section class="panel" aria-labelledby="prices">
                <h2 id="prices">"Prices"</h2>
                <dl class="facts">
                    <dt>"vCPU"</dt>
                    <dd class="num">{per_hour(price.cpu)}</dd>
                    <dt>"GiB of memory"</dt>
                    <dd class="num">{per_hour(price.memory_gib)}</dd>
                    <dt>"GiB of disk"</dt>
                    <dd class="num">{per_hour(price.disk_gib)}</dd>
                </dl>
                <p class="hint">
                    "A sandbox that runs costs all three, one that is stopped its disk, one that is archived nothing. The operator sets the prices in "
                    <code>"PITLANE_PRICES"</code> "; they count from then on."
                </p>
            </section>
        </div>
    }
}

fn per_hour(price: Micros) -> String {
    format!("${} an hour", price.exact())
}

/// The month, and the way to others.
#[component]
fn Months(month: Month) -> impl IntoView {
    let link = |month: Month| format!("/settings/usage?month={month}");
    view! {
        <nav class="months" aria-label="Month">
            <a class="btn quiet" href=link(month.previous()) aria-label=format!("{}, the month before", month.previous().words())>
                "\u{2190}"
            </a>
            <form method="get" action="/settings/usage">
                <label>
                    <span class="visually-hidden">"Month"</span>
                    <input class="field" type="month" name="month" value=month.to_string() required />
                </label>
                <button class="btn quiet">"Show"</button>
            </form>
            <a class="btn quiet" href=link(month.next()) aria-label=format!("{}, the month after", month.next().words())>
                "\u{2192}"
            </a>
        </nav>
    }
}

#[component]
fn Figures(report: UsageReport) -> impl IntoView {
    let total = report.total;
    let standing = report.standing;
    let budget = match standing.budget.monthly {
        None => ("No budget".to_owned(), "Nothing is blocked".to_owned()),
        Some(monthly) => (
            format!("{} % used", standing.percent().unwrap_or_default()),
            format!("{} of {}", standing.charged().words(), monthly.words()),
        ),
    };
    let credit = standing.budget.free_credit;
    view! {
        <dl class="figures">
            <div>
                <dt>"Cost"</dt>
                <dd class="num">{total.cost.words()}</dd>
                <dd class="below">{report.month.words()}</dd>
            </div>
            <div>
                <dt>"Budget"</dt>
                <dd class="num">{budget.0}</dd>
                <dd class="below num">{budget.1}</dd>
            </div>
            <div>
                <dt>"Free credit left"</dt>
                <dd class="num">{standing.credit_left().words()}</dd>
                <dd class="below num">{format!("of {}", credit.words())}</dd>
            </div>
            <div>
                <dt>"Used"</dt>
                <dd class="num">{format!("{} vCPU hours", hours(total.cpu))}</dd>
                <dd class="below num">{format!("{} GiB hours of memory", hours(total.memory_gib))}</dd>
            </div>
        </dl>
    }
}
