//! One schedule of an agent: its next times, a switch, and what came of the
//! times before.

use super::{
    Actions,
    form::{Fields, Times},
};
use crate::{api::ScheduleView, parts::errors::FormError};
use leptos::{form::ActionForm, prelude::*};
use model::{Firing, FiringState};

/// The schedule.
#[component]
pub fn ScheduleRow(
    /// What there is to show.
    view: ScheduleView,
    /// Whether whoever looks may change it.
    may_change: bool,
    /// What people do to it.
    actions: Actions,
) -> impl IntoView {
    let ScheduleView {
        schedule,
        next,
        firings,
        ..
    } = view;
    let (id, said) = (schedule.id.to_string(), schedule.said);
    let open = RwSignal::new(false);
    let name = StoredValue::new(said.name.clone());
    let label = said.name.clone();
    let kept = StoredValue::new((id.clone(), said.clone(), firings));
    let (state, dot) = match schedule.is_on {
        true if next.is_empty() => ("never due again", "dot hollow"),
        true => ("on", "dot ok"),
        false => ("off", "dot hollow"),
    };
    let (other, verb) = match schedule.is_on {
        true => ("false", "Switch off"),
        false => ("true", "Switch on"),
    };
    view! {
        <section class="panel schedule" aria-label=label>
            <div class="schedule-head">
                <div>
                    <h2>{said.name}</h2>
                    <span class="hint"><code>{said.cron}</code>" in "{said.zone}</span>
                </div>
                <span class="grow"></span>
                <span class="state"><span class=dot></span>{state}</span>
                {may_change
                    .then(|| {
                        view! {
                            <ActionForm action=actions.switch>
                                <input type="hidden" name="schedule" value=id />
                                <input type="hidden" name="is_on" value=other />
                                <button
                                    class="btn quiet"
                                    aria-label=format!("{verb} {}", name.get_value())
                                    disabled=move || actions.switch.pending().get()
                                >
                                    {verb}
                                </button>
                            </ActionForm>
                        }
                    })}
                <button
                    class="btn quiet"
                    aria-expanded=move || open.get().to_string()
                    aria-label=format!("Details of {}", name.get_value())
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    "Details"
                </button>
            </div>
            {(!next.is_empty()).then(|| view! { <div class="next-times"><Times times=next /></div> })}
            <Show when=move || open.get()>
                {move || kept.with_value(|(id, said, firings)| {
                    view! {
                        <Firings firings=firings.clone() />
                        {may_change.then(|| view! { <Change id=id.clone() said=said.clone() actions=actions /> })}
                    }
                })}
            </Show>
        </section>
    }
}

#[component]
fn Change(id: String, said: model::NewSchedule, actions: Actions) -> impl IntoView {
    let error = Signal::derive(move || actions.update.value().get().and_then(Result::err));
    let same = id.clone();
    view! {
        <ActionForm action=actions.update attr:class="form">
            <input type="hidden" name="schedule" value=same />
            <Fields said=Some(said) />
            <FormError error=error />
            <button class="btn primary" style="justify-self:start" disabled=move || actions.update.pending().get()>
                "Save the changes"
            </button>
        </ActionForm>
        <ActionForm action=actions.delete>
            <input type="hidden" name="schedule" value=id />
            <button class="btn danger" disabled=move || actions.delete.pending().get()>"Delete the schedule"</button>
        </ActionForm>
    }
}

#[component]
fn Firings(firings: Vec<(String, Firing)>) -> impl IntoView {
    if firings.is_empty() {
        return view! { <p class="hint">"It has not been due yet."</p> }.into_any();
    }
    let rows = firings.into_iter().map(|(due, firing)| {
        view! {
            <tr>
                <td>{due}</td>
                <td><Came firing=firing /></td>
            </tr>
        }
    });
    view! {
        <table class="table">
            <thead>
                <tr>
                    <th>"Due"</th>
                    <th>"What came of it"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// What came of a time at which a schedule was due.
#[component]
pub fn Came(
    /// The time.
    firing: Firing,
) -> impl IntoView {
    let words = match firing.state {
        FiringState::Waiting => "waits for the former run",
        FiringState::Started => "started a run",
        FiringState::Skipped => "left out",
        FiringState::Missed => "missed",
        FiringState::Failed => "not started",
    };
    let said = match firing.state {
        FiringState::Started => view! { <a href=format!("/runs/{}", firing.run)>{words}</a> }.into_any(),
        _ => view! { <span>{words}</span> }.into_any(),
    };
    view! {
        {said}
        {firing.words.map(|words| view! { <span class="hint" style="display:block">{words}</span> })}
    }
}
