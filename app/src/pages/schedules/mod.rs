//! What starts an agent by itself: its schedules and its webhook; and, in the
//! settings, the schedules of all agents.

mod form;
mod hook;
mod overview;
mod row;

pub use overview::SchedulesPage;

use crate::{
    UiError,
    api::{self, AgentTriggers, CreateSchedule, DeleteSchedule, SwitchSchedule, UpdateSchedule},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
        rights::{asked_rights, only_to_look},
    },
};
use form::Fields;
use hook::Hook;
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::{Permission, Rights};
use row::ScheduleRow;

/// What people do to the schedules of an agent.
#[derive(Clone, Copy)]
struct Actions {
    create: ServerAction<CreateSchedule>,
    update: ServerAction<UpdateSchedule>,
    switch: ServerAction<SwitchSchedule>,
    delete: ServerAction<DeleteSchedule>,
}

/// The page of an agent.
#[component]
pub fn AgentSchedulesPage() -> impl IntoView {
    hook::provide_secret();
    let params = use_params_map();
    let slug = Memo::new(move |_| params.with(|params| params.get("slug").unwrap_or_default()));
    let actions = Actions {
        create: ServerAction::new(),
        update: ServerAction::new(),
        switch: ServerAction::new(),
        delete: ServerAction::new(),
    };
    // Counted up by what was done, not by what was refused: then what was typed stays.
    let (changed, added) = (RwSignal::new(0), RwSignal::new(0));
    count_done(move || actions.create.value().get(), added);
    count_done(move || actions.update.value().get(), changed);
    count_done(move || actions.switch.value().get(), changed);
    count_done(move || actions.delete.value().get(), changed);
    let versions = move || (slug.get(), changed.get(), added.get());
    let triggers = Resource::new(versions, |(slug, ..)| api::load_triggers(slug));
    view! {
        <Frame section=Section::Agents>
            <Transition>
                {move || {
                    let rights = asked_rights();
                    Suspend::new(async move {
                        let rights = rights.await;
                        match triggers.await {
                            Ok(triggers) => {
                                view! {
                                    <Triggers triggers=triggers rights=rights actions=actions changed=changed added=added />
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })
                }}
            </Transition>
        </Frame>
    }
    .into_any()
}

/// Counts how often something was done.
fn count_done(came: impl Fn() -> Option<Result<(), UiError>> + 'static, times: RwSignal<i32>) {
    Effect::new(move |_| {
        if matches!(came(), Some(Ok(()))) {
            times.update(|times| *times += 1);
        }
    });
}

#[component]
fn Triggers(
    triggers: AgentTriggers,
    rights: Rights,
    actions: Actions,
    changed: RwSignal<i32>,
    added: RwSignal<i32>,
) -> impl IntoView {
    let AgentTriggers {
        agent,
        schedules,
        hook,
        zones,
        now,
    } = triggers;
    let why_not = rights.why_not(Permission::Administer);
    let may_change = why_not.is_none();
    let zones = zones
        .into_iter()
        .map(|zone| view! { <option value=zone></option> })
        .collect_view();
    let error = Signal::derive(move || {
        let switched = actions.switch.value().get().and_then(Result::err);
        switched.or_else(|| actions.delete.value().get().and_then(Result::err))
    });
    let list = if schedules.is_empty() {
        view! {
            <div class="empty">
                <b>"No schedules yet"</b>
                <p>
                    {if may_change {
                        "Add one below, and this agent runs by itself: every morning, every hour, on the first of the month."
                    } else {
                        "With one, this agent runs by itself: every morning, every hour, on the first of the month."
                    }}
                </p>
            </div>
        }
        .into_any()
    } else {
        let rows = schedules
            .into_iter()
            .map(|one| view! { <ScheduleRow view=one may_change=may_change actions=actions /> });
        view! { <div class="schedules">{rows.collect_view()}</div> }.into_any()
    };
    view! {
        <Title text=format!("Schedules of {}", agent.settings.name) />
        <datalist id="zones">{zones}</datalist>
        <div class="page slim">
            <div class="head">
                <h1>{format!("Schedules of {}", agent.settings.name)}</h1>
                <span class="grow"></span>
                <a class="btn quiet" href=format!("/agents/{}", agent.slug)>"To the agent"</a>
            </div>
            <FormError error=error />
            {list}
            {match why_not {
                None => {
                    view! { <Add agent=agent.id.to_string() action=actions.create added=added /> }.into_any()
                }
                Some(why) => only_to_look(why),
            }}
            <Hook agent=agent.id hook=hook now=now may_change=may_change changed=changed />
        </div>
    }
}

#[component]
fn Add(agent: String, action: ServerAction<CreateSchedule>, added: RwSignal<i32>) -> impl IntoView {
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    view! {
        <section class="panel" aria-labelledby="add-schedule">
            <h2 id="add-schedule">"Add a schedule"</h2>
            <ActionForm action=action attr:class="form">
                <input type="hidden" name="agent" value=agent />
                // Made anew after each schedule that was added.
                <For each=move || [added.get()] key=|times| *times children=|_| view! { <Fields said=None /> } />
                <FormError error=error />
                <div role="status">
                    {move || {
                        matches!(value.get(), Some(Ok(())))
                            .then(|| view! { <p class="done-text">"The schedule is saved, and on."</p> })
                    }}
                </div>
                <button class="btn primary" style="justify-self:start" disabled=move || action.pending().get()>
                    "Add the schedule"
                </button>
            </ActionForm>
        </section>
    }
}
