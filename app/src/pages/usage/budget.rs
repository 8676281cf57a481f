//! The budget: how far it is used, and the form that sets it.

use crate::{api::SetBudget, parts::errors::FormError};
use leptos::{form::ActionForm, prelude::*};
use model::{Budget, BudgetStanding, Micros};

/// How far the budget is used; nothing without one.
#[component]
pub fn BudgetBar(standing: BudgetStanding) -> impl IntoView {
    let percent = standing.percent()?;
    let words = if standing.blocks() {
        standing.refusal()
    } else if standing.warns() {
        format!(
            "{percent} % of the budget for {} is used. At 100 % no run starts any more; those that go on are not touched.",
            standing.month.words()
        )
    } else {
        String::new()
    };
    let kind = if standing.blocks() {
        "budget bad"
    } else if standing.warns() {
        "budget warn"
    } else {
        "budget"
    };
    let shown = percent.min(100);
    Some(view! {
        <section class=kind aria-label="How far the budget is used">
            <div
                class="budget-bar"
                role="meter"
                aria-label="Budget used"
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=shown.to_string()
                aria-valuetext=format!("{percent} percent")
            >
                <span style=format!("width:{shown}%")></span>
            </div>
            {(!words.is_empty()).then(|| view! { <p role="status">{words}</p> })}
        </section>
    })
}

/// The form.
#[component]
pub fn BudgetForm(budget: Budget, set: ServerAction<SetBudget>) -> impl IntoView {
    let value = set.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    // As people write it: no decimals that say nothing.
    let plain = |amount: Micros| {
        let exact = amount.exact();
        exact.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let monthly = budget.monthly.map(plain).unwrap_or_default();
    view! {
        <section class="panel" aria-labelledby="budget">
            <h2 id="budget">"Budget"</h2>
            <p class="hint">
                "At 80 % people are warned, at 100 % no run starts any more until it is raised or the next month begins. Free credit is used first, once."
            </p>
            <ActionForm action=set attr:class="form">
                <div class="row">
                    <label>
                        "A month may cost, in US dollars (empty: no limit)"
                        <input class="field" name="monthly" inputmode="decimal" autocomplete="off" maxlength="20" value=monthly />
                    </label>
                    <label>
                        "Free credit, in US dollars"
                        <input
                            class="field"
                            name="free_credit"
                            inputmode="decimal"
                            autocomplete="off"
                            maxlength="20"
                            value=plain(budget.free_credit)
                        />
                    </label>
                    <button class="btn primary" disabled=move || set.pending().get()>"Set the budget"</button>
                </div>
                <FormError error=error />
                <div role="status">
                    {move || {
                        matches!(value.get(), Some(Ok(()))).then(|| view! { <p class="done-text">"The budget is set."</p> })
                    }}
                </div>
            </ActionForm>
        </section>
    }
}
