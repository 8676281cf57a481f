//! What the shown run cost, beside its name: asked for when it changes its
//! state, and counted on from there while it goes on.

use super::state::use_studio;
use crate::api;
use leptos::{prelude::*, task::spawn_local};
use model::{Millis, RunCost};

/// The cost of the run that is shown; nothing before there is one.
#[component]
pub fn ShownCost() -> impl IntoView {
    let studio = use_studio();
    let cost = RwSignal::new(None::<RunCost>);
    let state = Memo::new(move |_| {
        studio
            .shown
            .with(|run| run.as_ref().map(|run| (run.id.clone(), run.state)))
    });
    // Not on the server, whose page would wait for it.
    Effect::new(move |before: Option<Option<model::RunId>>| {
        let shown = state.get().map(|(id, _)| id);
        if before.is_some_and(|before| before != shown) {
            cost.set(None);
        }
        if let Some(id) = shown.clone() {
            spawn_local(async move {
                let found = api::load_run_cost(id.clone()).await.ok();
                let is_shown = state
                    .try_get_untracked()
                    .flatten()
                    .is_some_and(|(shown, _)| shown == id);
                if is_shown && found.is_some() {
                    let _ = cost.try_set(found);
                }
            });
        }
        shown
    });
    move || {
        cost.get().map(|cost| {
            // Only one that goes on listens to the clock.
            let now = if cost.rate.0 == 0 {
                Millis(0)
            } else {
                studio.now.get()
            };
            view! {
                <span class="num run-cost" title="What this run\u{2019}s sandbox cost so far">
                    {cost.until(now).words()}
                </span>
            }
        })
    }
}
