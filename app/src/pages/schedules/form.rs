//! The fields of a schedule, with the next times of what is typed.

use crate::{UiError, api, parts::clock::pause};
use leptos::{prelude::*, task::spawn_local};
use model::{
    MissedPolicy, NewSchedule, OverlapPolicy,
    schedule::{LONGEST_CRON, LONGEST_NAME},
};

/// How long nothing may be typed before the next times are asked for, in milliseconds.
const TYPING: i32 = 200;
const MISSED: [(MissedPolicy, &str); 2] = [
    (MissedPolicy::Skip, "leave it out"),
    (MissedPolicy::RunOnce, "run once when it is back"),
];
const OVERLAP: [(OverlapPolicy, &str); 3] = [
    (OverlapPolicy::Skip, "leave it out"),
    (OverlapPolicy::Queue, "run when the former has ended"),
    (OverlapPolicy::StopFormer, "stop the former run"),
];

/// The fields, empty or of a schedule that is there.
#[component]
pub fn Fields(
    /// What is said of the schedule now.
    said: Option<NewSchedule>,
) -> impl IntoView {
    let said = said.unwrap_or_else(|| NewSchedule {
        name: String::new(),
        cron: "0 9 * * MON-FRI".to_owned(),
        zone: "UTC".to_owned(),
        missed: MissedPolicy::default(),
        overlap: OverlapPolicy::default(),
    });
    let cron = RwSignal::new(said.cron.clone());
    let zone = RwSignal::new(said.zone.clone());
    let next = RwSignal::new(None::<Result<Vec<String>, UiError>>);
    // In the browser alone, when nothing was typed for a moment.
    Effect::new(move |_| {
        let typed = (cron.get(), zone.get());
        spawn_local(async move {
            pause(TYPING).await;
            let now = || Some((cron.try_get_untracked()?, zone.try_get_untracked()?));
            if now().as_ref() != Some(&typed) {
                return;
            }
            let told = api::preview_schedule(typed.0.clone(), typed.1.clone()).await;
            if now() == Some(typed) {
                let _ = next.try_set(Some(told));
            }
        });
    });
    let missed = MISSED.map(|(policy, words)| {
        view! { <option value=policy.as_str() selected=policy == said.missed>{words}</option> }
    });
    let overlap = OVERLAP.map(|(policy, words)| {
        view! { <option value=policy.as_str() selected=policy == said.overlap>{words}</option> }
    });
    view! {
        <label>
            "Name"
            <input
                class="field"
                name="name"
                value=said.name
                required
                maxlength=LONGEST_NAME.to_string()
                autocomplete="off"
            />
        </label>
        <div class="row">
            <label>
                "Cron: minute, hour, day, month, day of the week"
                <input
                    class="field mono"
                    name="cron"
                    value=said.cron
                    required
                    maxlength=LONGEST_CRON.to_string()
                    autocomplete="off"
                    spellcheck="false"
                    on:input:target=move |event| cron.set(event.target().value())
                />
            </label>
            <label>
                "Time zone"
                <input
                    class="field"
                    name="zone"
                    value=said.zone
                    required
                    list="zones"
                    autocomplete="off"
                    spellcheck="false"
                    on:input:target=move |event| zone.set(event.target().value())
                />
            </label>
        </div>
        <div class="row">
            <label>
                "When no server was running"
                <select class="field" name="missed">{missed.collect_view()}</select>
            </label>
            <label>
                "When the former run goes on"
                <select class="field" name="overlap">{overlap.collect_view()}</select>
            </label>
        </div>
        <div class="next-times" aria-live="polite">
            {move || next.get().map(|next| view! { <Next next=next /> })}
        </div>
    }
}

#[component]
fn Next(next: Result<Vec<String>, UiError>) -> impl IntoView {
    match next {
        Ok(times) => view! { <Times times=times /> }.into_any(),
        Err(error) => view! { <p class="hint">{error.text}</p> }.into_any(),
    }
}

/// The next times of a schedule.
#[component]
pub fn Times(
    /// The times in words.
    times: Vec<String>,
) -> impl IntoView {
    let times = times.into_iter().map(|time| view! { <li>{time}</li> });
    view! {
        <span class="hint">"Next"</span>
        <ol>{times.collect_view()}</ol>
    }
}
