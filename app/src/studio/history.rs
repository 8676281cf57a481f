//! The runs of this agent; a press shows that run's log.

use super::state::use_studio;
use crate::{
    api,
    parts::{errors::FormError, state},
};
use leptos::{prelude::*, task::spawn_local};
use model::{Run, time};

/// The list of runs, loaded when it is first looked at.
#[component]
pub fn History(
    /// Whether it is looked at.
    #[prop(into)]
    open: Signal<bool>,
) -> impl IntoView {
    let studio = use_studio();
    let runs = RwSignal::new(None::<Vec<Run>>);
    let error = RwSignal::new(None);
    // Anew whenever a run begins or ends.
    let newest = Memo::new(move |_| {
        studio
            .newest
            .with(|run| run.as_ref().map(|run| (run.id.clone(), run.state)))
    });
    Effect::new(move |_| {
        newest.track();
        if !open.get() {
            return;
        }
        spawn_local(async move {
            match api::list_runs(studio.agent_id(), None).await {
                Ok(list) => {
                    let _ = error.try_set(None);
                    let _ = runs.try_set(Some(list));
                }
                Err(why) => {
                    let _ = error.try_set(Some(why));
                }
            }
        });
    });
    let list = move || {
        match runs.get() {
        None => view! { <p class="runs-empty">"Loading the runs"</p> }.into_any(),
        Some(runs) if runs.is_empty() => {
            view! { <p class="runs-empty">"No runs yet. Press Start Building to run this agent in a sandbox."</p> }.into_any()
        }
        Some(runs) => {
            let rows = runs.into_iter().map(|run| view! { <Row run=run /> }).collect_view();
            view! { <ul class="runs-list">{rows}</ul> }.into_any()
        }
    }
    };
    view! {
        <FormError error=error />
        {list}
    }
}

#[component]
fn Row(run: Run) -> impl IntoView {
    let studio = use_studio();
    let summary = run.summary();
    let id = run.id.clone();
    let shown = Memo::new(move |_| {
        studio
            .shown
            .with(|shown| shown.as_ref().is_some_and(|shown| shown.id == id))
    });
    let words = summary.words();
    let created = run.created_at;
    let class = state::dot(Some(run.state));
    let number = format!("#{}", run.number);
    let run = StoredValue::new(run);
    view! {
        <li>
            <button
                aria-current=move || shown.get().then_some("true")
                on:click=move |_| {
                    studio.show_run(run.get_value());
                    studio.layout.show_logs();
                }
            >
                <span class="number">{number}</span>
                <span class="state"><span class=class></span>{words}</span>
                <span class="when">{move || time::ago_words(studio.now.get().since(created))}</span>
            </button>
        </li>
    }
}
