//! The figures above the table: where sandboxes live, how many each side has,
//! and how the reaper does.

use super::state::use_sandboxes;
use leptos::prelude::*;
use model::{Difference, Provider, SandboxComparison, SandboxState, time};

/// How many sandboxes there are, by who says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    provider: usize,
    ledger: usize,
    differ: usize,
}

fn counts(comparison: &SandboxComparison) -> Counts {
    let all = &comparison.sandboxes;
    let is_open = |state: Option<SandboxState>| state.is_some_and(|state| state != SandboxState::Deleted);
    Counts {
        provider: all.iter().filter(|one| one.found.is_some()).count(),
        ledger: all
            .iter()
            .filter(|one| one.difference != Difference::Double)
            .filter(|one| is_open(one.row.as_ref().map(|row| row.state)))
            .count(),
        differ: all.iter().filter(|one| !one.difference.is_none()).count(),
    }
}

/// The figures.
#[component]
pub fn Summary() -> impl IntoView {
    let state = use_sandboxes();
    let place = Memo::new(move |_| {
        state.data.with(|data| match data.provider {
            Provider::Embedded => ("Embedded engine", format!("On this machine, {}", data.isolation)),
            Provider::Daytona => ("Daytona cloud", data.isolation.clone()),
        })
    });
    let known = Memo::new(move |_| state.data.with(|data| data.comparison.provider_error.is_none()));
    let counted = Memo::new(move |_| state.data.with(|data| counts(&data.comparison)));
    let there = move || {
        if known.get() {
            format!("{} at the provider", counted.get().provider)
        } else {
            "Not known at the provider".to_owned()
        }
    };
    let agreed = move || counted.get().differ == 0 && known.get();
    let differ = move || match (counted.get().differ, known.get()) {
        (_, false) => "Not known",
        (0, true) => "None",
        (1, true) => "1 differs",
        _ => "",
    };
    let differ_many = move || {
        let differ = counted.get().differ;
        (known.get() && differ > 1).then(|| format!("{differ} differ"))
    };
    let round = Memo::new(move |_| state.data.with(|data| data.comparison.last_round.clone()));
    let last = move || match round.get() {
        None => "No round yet".to_owned(),
        Some(round) => {
            let ago = time::ago_words(state.now.get().since(round.at));
            format!("Last round {ago}")
        }
    };
    let next = move || {
        let next = state.data.with(|data| data.comparison.next_round);
        let next = match next {
            None => "one is under way".to_owned(),
            Some(next) => match next.since(state.now.get()) {
                0 => "the next one now".to_owned(),
                left => format!("the next one in {}", time::countdown_words(left)),
            },
        };
        let did = round.get().map_or_else(String::new, |round| round.words() + "; ");
        let mut words = did + &next;
        if let Some(first) = words.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        words
    };
    let failed = move || {
        round
            .get()
            .is_some_and(|round| round.failed > 0 || round.error.is_some())
    };
    view! {
        <dl class="figures">
            <div>
                <dt>"Provider"</dt>
                <dd>{move || place.get().0}</dd>
                <dd class="below">{move || place.get().1}</dd>
            </div>
            <div>
                <dt>"Sandboxes of this installation"</dt>
                <dd class="num">{there}</dd>
                <dd class="below num">{move || format!("{} in the ledger", counted.get().ledger)}</dd>
            </div>
            <div>
                <dt>"Difference"</dt>
                <dd>
                    <span class=move || if agreed() { "dot ok" } else { "dot run" }></span>
                    {differ}
                    {differ_many}
                </dd>
                <dd class="below">"Put right by the reaper"</dd>
            </div>
            <div>
                <dt>"Reaper"</dt>
                <dd>
                    <span class=move || if failed() { "dot bad" } else { "dot ok" }></span>
                    {last}
                </dd>
                <dd class="below num">{next}</dd>
            </div>
        </dl>
    }
}
