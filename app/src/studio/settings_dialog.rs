//! The rest of an agent's settings, and its end.

use super::{state::use_studio, variables::Variables};
use crate::{
    UiError, api,
    parts::{dialog::Dialog, errors::FormError, rights::only_to_look},
};
use leptos::{html, prelude::*, task::spawn_local};
use model::Permission;

/// The dialog.
#[component]
pub fn SettingsDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let why_not = use_studio().rights.why_not(Permission::Edit);
    view! {
        <Dialog open=open id="agent-settings-title" title="Settings of this agent">
            {why_not.map(only_to_look)}
            <Fields open=open />
            <Variables />
            <Triggers />
            {why_not.is_none().then(|| view! { <Delete /> })}
        </Dialog>
    }
}

#[component]
fn Fields(open: RwSignal<bool>) -> impl IntoView {
    let studio = use_studio();
    let may_edit = studio.may_edit();
    let settings = studio.agent.with_untracked(|agent| agent.settings.clone());
    let error = RwSignal::new(None::<UiError>);
    let [name, description, entrypoint, timeout] = [(); 4].map(|()| NodeRef::<html::Input>::new());
    let value = |field: NodeRef<html::Input>| {
        field
            .get_untracked()
            .map(|field| field.value())
            .unwrap_or_default()
    };
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let mut changed = studio.agent.with_untracked(|agent| agent.settings.clone());
        changed.name = value(name);
        changed.description = value(description);
        changed.entrypoint = Some(value(entrypoint).trim().to_owned()).filter(|path| !path.is_empty());
        changed.timeout_seconds = value(timeout).parse().unwrap_or(0);
        match changed.check() {
            Ok(changed) => {
                error.set(None);
                studio.change_settings(|settings| *settings = changed);
                open.set(false);
            }
            Err(invalid) => error.set(Some(invalid.into())),
        }
    };
    let files = studio.files.with_untracked(|files| {
        files
            .iter()
            .map(|entry| view! { <option value=entry.path.to_string()></option> })
            .collect_view()
    });
    view! {
        <form class="form" on:submit=save>
            <fieldset class="form bare" disabled=!may_edit>
                <label>"Name" <input class="field" node_ref=name value=settings.name required maxlength="80" /></label>
                <label>
                    "What it does"
                    <input class="field" node_ref=description value=settings.description maxlength="500" />
                </label>
                <div class="row">
                    <label>
                        "File to run"
                        <input
                            class="field"
                            node_ref=entrypoint
                            value=settings.entrypoint.unwrap_or_default()
                            list="entrypoints"
                            placeholder=settings.language.entrypoints().join(", ")
                        />
                        <datalist id="entrypoints">{files}</datalist>
                    </label>
                    <label>
                        "Time limit, seconds"
                        <input
                            class="field"
                            type="number"
                            min="1"
                            max="86400"
                            node_ref=timeout
                            value=settings.timeout_seconds.to_string()
                            required
                        />
                    </label>
                </div>
            </fieldset>
            <FormError error=error />
            {may_edit
                .then(|| {
                    view! { <button class="btn primary" style="justify-self:start">"Save the settings"</button> }
                })}
        </form>
    }
}

/// The way to what starts the agent by itself.
#[component]
fn Triggers() -> impl IntoView {
    let studio = use_studio();
    let slug = studio.agent.with_untracked(|agent| agent.slug.clone());
    view! {
        <div class="form" style="margin-top:20px;padding-top:16px;border-top:1px solid var(--line)">
            <p class="hint">"Run this agent every morning, or whenever another program says so."</p>
            <a class="btn quiet" style="justify-self:start" href=format!("/agents/{slug}/schedules")>
                "Schedules and webhook"
            </a>
        </div>
    }
}

#[component]
fn Delete() -> impl IntoView {
    let studio = use_studio();
    let sure = RwSignal::new(false);
    let error = RwSignal::new(None::<UiError>);
    let delete = move |_| {
        spawn_local(async move {
            match api::delete_agent(studio.agent_id()).await {
                Ok(()) => {
                    let _ = window().location().assign("/");
                }
                Err(why) => {
                    let _ = error.try_set(Some(why));
                }
            }
        });
    };
    view! {
        <div class="form" style="margin-top:20px;padding-top:16px;border-top:1px solid var(--line)">
            <FormError error=error />
            <Show
                when=move || sure.get()
                fallback=move || {
                    view! {
                        <button class="btn danger" style="justify-self:start" on:click=move |_| sure.set(true)>
                            "Delete this agent"
                        </button>
                    }
                }
            >
                <p>"Delete it with its files, runs and logs? This cannot be undone."</p>
                <div class="row">
                    <button class="btn danger" on:click=delete>"Delete for good"</button>
                    <button class="btn quiet" on:click=move |_| sure.set(false)>"Keep it"</button>
                </div>
            </Show>
        </div>
    }
}
