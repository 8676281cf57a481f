//! The schedules of all agents of a team, in the settings: what is due next first.

use super::row::Came;
use crate::{
    api::{self, ScheduleView, SwitchSchedule},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
        rights::asked_rights,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::Permission;

/// The page.
#[component]
pub fn SchedulesPage() -> impl IntoView {
    let switch = ServerAction::<SwitchSchedule>::new();
    let list = Resource::new(move || switch.version().get(), |_| api::list_schedules());
    view! {
        <Title text="Schedules" />
        <Frame section=Section::Settings>
            <div class="page">
                <div class="head">
                    <h1>"Schedules"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <Transition>
                    {move || {
                        let rights = asked_rights();
                        Suspend::new(async move {
                            let may_switch = rights.await.may(Permission::Administer);
                            match list.await {
                                Ok(list) => view! { <List list=list may_switch=may_switch switch=switch /> }.into_any(),
                                Err(error) => view! { <PageError error=error /> }.into_any(),
                            }
                        })
                    }}
                </Transition>
            </div>
        </Frame>
    }
    .into_any()
}

#[component]
fn List(list: Vec<ScheduleView>, may_switch: bool, switch: ServerAction<SwitchSchedule>) -> impl IntoView {
    if list.is_empty() {
        return view! {
            <div class="empty">
                <b>"No agent runs by itself yet"</b>
                <p>"Open an agent, then its settings, then its schedules, to have it run every morning or every hour."</p>
                <a class="btn primary" href="/">"To the agents"</a>
            </div>
        }
        .into_any();
    }
    let error = Signal::derive(move || switch.value().get().and_then(Result::err));
    let rows = list
        .into_iter()
        .map(|view| view! { <Row view=view may_switch=may_switch switch=switch /> });
    view! {
        <FormError error=error />
        <table class="table">
            <thead>
                <tr>
                    <th>"Agent"</th>
                    <th>"Schedule"</th>
                    <th class="wide-only">"Next"</th>
                    <th class="wide-only">"Last"</th>
                    {may_switch.then(|| view! { <th><span class="visually-hidden">"Switch"</span></th> })}
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(view: ScheduleView, may_switch: bool, switch: ServerAction<SwitchSchedule>) -> impl IntoView {
    let is_on = view.schedule.is_on;
    let (verb, other) = match is_on {
        true => ("Switch off", "false"),
        false => ("Switch on", "true"),
    };
    let label = format!("{verb} {} of {}", view.schedule.said.name, view.agent);
    let next = match view.next.into_iter().next() {
        Some(next) => next,
        None if is_on => "never again".to_owned(),
        None => "off".to_owned(),
    };
    let last = match view.firings.into_iter().next() {
        Some((_, firing)) => view! { <Came firing=firing /> }.into_any(),
        None => view! { <span class="hint">"not due yet"</span> }.into_any(),
    };
    view! {
        <tr>
            <td><a href=format!("/agents/{}/schedules", view.slug)>{view.agent}</a></td>
            <td>
                {view.schedule.said.name}
                <span class="hint" style="display:block"><code>{view.schedule.said.cron}</code></span>
                <span class="hint narrow-only">{format!("next {next}")}</span>
            </td>
            <td class="wide-only">{next.clone()}</td>
            <td class="wide-only">{last}</td>
            {may_switch
                .then(|| {
                    view! {
                        <td>
                            <ActionForm action=switch>
                                <input type="hidden" name="schedule" value=view.schedule.id.to_string() />
                                <input type="hidden" name="is_on" value=other />
                                <button class="btn quiet" aria-label=label disabled=move || switch.pending().get()>
                                    {verb}
                                </button>
                            </ActionForm>
                        </td>
                    }
                })}
        </tr>
    }
}
