//! The bar above the panels: the agent's name and settings, its revision, and
//! the one button that starts and stops.

use super::{
    settings_dialog::SettingsDialog,
    state::{Pressed, Studio, use_studio},
};
use crate::{
    api,
    parts::{icon::Icon, menu::Menu},
};
use leptos::{prelude::*, task::spawn_local};
use model::{AgentSettings, Language, Permission, RunState, time};

/// How long a sandbox may be kept, as offered: minutes and words.
const KEEP: [(u32, &str); 5] = [
    (0, "Delete sandbox after each run"),
    (5, "Keep sandbox 5 min"),
    (15, "Keep sandbox 15 min"),
    (60, "Keep sandbox 1 h"),
    (480, "Keep sandbox 8 h"),
];

impl Studio {
    /// Changes the agent's settings, here at once and on the server; takes the
    /// change back when the server will not have it.
    pub fn change_settings(self, change: impl FnOnce(&mut AgentSettings)) {
        let before = self.agent.get_untracked();
        let mut settings = before.settings.clone();
        change(&mut settings);
        if settings == before.settings {
            return;
        }
        self.agent.update(|agent| agent.settings = settings.clone());
        spawn_local(async move {
            match api::update_agent(before.id.clone(), settings).await {
                Ok(agent) => {
                    let _ = self.agent.try_set(agent);
                }
                Err(error) => {
                    let _ = self.agent.try_set(before);
                    self.notices.fail(&error);
                }
            }
        });
    }
}

/// The bar.
#[component]
pub fn Toolbar(
    /// Opens the list of keys.
    help: RwSignal<bool>,
) -> impl IntoView {
    let studio = use_studio();
    let settings = RwSignal::new(false);
    let name = move || studio.agent.with(|agent| agent.settings.name.clone());
    let revision = Memo::new(move |_| {
        studio.last.with(|last| match last {
            None => "Not run yet".to_owned(),
            Some(last) if studio.files.with(|files| last.is(files)) => format!("Revision {}", last.number),
            Some(last) => format!("Changed since revision {}", last.number),
        })
    });
    view! {
        <section class="tool" aria-label="Agent">
            <span class="crumbs"><a href="/">"Agents"</a><i aria-hidden="true">"/"</i></span>
            <h1>{name}</h1>
            <div class="settings-row">
                <LanguageSelect />
                <ResourcesMenu />
                <KeepSelect />
                <button
                    class="icon-button"
                    aria-label="Settings of this agent"
                    title="Settings of this agent"
                    on:click=move |_| settings.set(true)
                >
                    <Icon name="more" />
                </button>
            </div>
            <span class="grow"></span>
            <button class="icon-button wide-only" aria-label="Keys" title="Keys (?)" on:click=move |_| help.set(true)>
                "?"
            </button>
            <span class="chip revision">{move || revision.get()}</span>
            <RunButton />
        </section>
        <SettingsDialog open=settings />
    }
}

#[component]
fn LanguageSelect() -> impl IntoView {
    let studio = use_studio();
    let language = Memo::new(move |_| studio.agent.with(|agent| agent.settings.language));
    let options = Language::ALL
        .into_iter()
        .map(|option| {
            view! {
                <option value=option.as_str() selected=move || language.get() == option>{option.name()}</option>
            }
        })
        .collect_view();
    view! {
        <span class="select-box">
            <select
                class="select"
                aria-label="Language"
                disabled=!studio.may_edit()
                title=studio.rights.why_not(Permission::Edit)
                prop:value=move || language.get().as_str()
                on:change:target=move |event| {
                    if let Ok(language) = Language::parse(&event.target().value()) {
                        studio.change_settings(|settings| settings.language = language);
                    }
                }
            >
                {options}
            </select>
        </span>
    }
}

#[component]
fn KeepSelect() -> impl IntoView {
    let studio = use_studio();
    let keep = Memo::new(move |_| studio.agent.with(|agent| agent.settings.keep_minutes));
    let options = move || {
        let now = keep.get();
        let mut options: Vec<(u32, String)> =
            KEEP.map(|(minutes, words)| (minutes, words.to_owned())).to_vec();
        if !options.iter().any(|(minutes, _)| *minutes == now) {
            options.push((now, format!("Keep sandbox {now} min")));
        }
        options
            .into_iter()
            .map(|(minutes, words)| {
                view! { <option value=minutes.to_string() selected=minutes == now>{words}</option> }
            })
            .collect_view()
    };
    view! {
        <span class="select-box">
            <select
                class="select"
                aria-label="What becomes of the sandbox after a run"
                disabled=!studio.may_edit()
                title=studio.rights.why_not(Permission::Edit)
                on:change:target=move |event| {
                    if let Ok(minutes) = event.target().value().parse() {
                        studio.change_settings(|settings| settings.keep_minutes = minutes);
                    }
                }
            >
                {options}
            </select>
        </span>
    }
}

#[component]
fn ResourcesMenu() -> impl IntoView {
    let studio = use_studio();
    let words = Signal::derive(move || studio.agent.with(|agent| agent.settings.resources.words()));
    let field = move |label: &'static str,
                      unit: &'static str,
                      most: u32,
                      get: fn(&AgentSettings) -> u32,
                      set: fn(&mut AgentSettings, u32)| {
        let figure = Memo::new(move |_| studio.agent.with(|agent| get(&agent.settings)));
        let options = (1..=most)
            .map(|option| {
                view! {
                    <option value=option.to_string() selected=move || figure.get() == option>
                        {format!("{option} {unit}")}
                    </option>
                }
            })
            .collect_view();
        view! {
            <label>
                {label}
                <span class="select-box">
                    <select
                        class="select"
                        disabled=!studio.may_edit()
                        title=studio.rights.why_not(Permission::Edit)
                        on:change:target=move |event| {
                            if let Ok(figure) = event.target().value().parse() {
                                studio.change_settings(|settings| set(settings, figure));
                            }
                        }
                    >
                        {options}
                    </select>
                </span>
            </label>
        }
    };
    view! {
        <Menu
            label=Signal::derive(move || format!("Resources: {}", words.get()))
            button_class="select"
            face=move || words.get()
            fields=true
        >
            {field("Processors", "vCPU", 4, |settings| settings.resources.cpu, |settings, figure| settings.resources.cpu = figure)}
            {field("Memory", "GiB", 8, |settings| settings.resources.memory_gib, |settings, figure| settings.resources.memory_gib = figure)}
            {field("Disk", "GiB", 10, |settings| settings.resources.disk_gib, |settings, figure| settings.resources.disk_gib = figure)}
            <p class="hint">"For sandboxes made from now on."</p>
        </Menu>
    }
}

/// What the run button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    Start,
    Run,
    Starting,
    Stop,
    Stopping,
}

#[component]
fn RunButton() -> impl IntoView {
    let studio = use_studio();
    let face = Memo::new(move |_| {
        let active = studio.active();
        match (studio.pressed.get(), active.map(|run| run.state)) {
            (Pressed::Start, _) => Face::Starting,
            (Pressed::Stop, Some(_)) => Face::Stopping,
            (_, Some(RunState::Finishing)) => Face::Stopping,
            (_, Some(_)) => Face::Stop,
            (_, None) if studio.live.with(Option::is_some) => Face::Run,
            (_, None) => Face::Start,
        }
    });
    let going = Memo::new(move |_| matches!(face.get(), Face::Stop | Face::Stopping));
    let since = Memo::new(move |_| {
        studio
            .active()
            .map(|run| run.started_at.unwrap_or(run.created_at))
    });
    let elapsed = move || {
        since
            .get()
            .map(|since| time::duration_words(studio.now.get().since(since)))
    };
    let label = move || match face.get() {
        Face::Start => "Start Building",
        Face::Run => "Run",
        Face::Starting => "Starting",
        Face::Stop => "Stop",
        Face::Stopping => {
            if studio.pressed.get() == Pressed::Stop {
                "Stopping"
            } else {
                "Cleaning up"
            }
        }
    };
    let why_not = studio.rights.why_not(Permission::Run);
    view! {
        <div class="split-button" class:whole=move || going.get() || why_not.is_some()>
            // One button for all of it, so that the focus stays on it.
            <button
                class=move || if going.get() { "btn quiet" } else { "btn primary" }
                data-testid="run-button"
                disabled=why_not.is_some()
                title=why_not
                aria-keyshortcuts="Control+Enter Meta+Enter"
                aria-disabled=move || matches!(face.get(), Face::Starting | Face::Stopping).then_some("true")
                on:click=move |click| studio.start_or_stop(click.detail())
            >
                {move || match face.get() {
                    Face::Start | Face::Run => view! { <Icon name="play" class="solid" /> }.into_any(),
                    Face::Stop => view! { <Icon name="stop" class="solid" /> }.into_any(),
                    Face::Starting | Face::Stopping => {
                        view! { <span class="spinner" aria-hidden="true"></span> }.into_any()
                    }
                }}
                <span>{label}</span>
                <span class="elapsed" aria-hidden="true" hidden=move || !going.get()>{elapsed}</span>
            </button>
            <Show when=move || !going.get() && why_not.is_none()>
                <Menu
                    label="More ways to run"
                    button_class="btn primary"
                    right=true
                    face=|| view! { <Icon name="down" /> }
                >
                    <button class="menu-item" role="menuitem" on:click=move |_| studio.start(false)>
                        {move || if studio.live.with(Option::is_some) { "Run in the standing sandbox" } else { "Run" }}
                        <span class="hint">"Ctrl Enter"</span>
                    </button>
                    <button class="menu-item" role="menuitem" on:click=move |_| studio.start(true)>
                        "Run in a fresh sandbox"
                    </button>
                    <button
                        class="menu-item"
                        role="menuitem"
                        disabled=move || studio.live.with(Option::is_none)
                        on:click=move |_| studio.discard_sandbox()
                    >
                        "Discard the sandbox"
                    </button>
                </Menu>
            </Show>
        </div>
    }
}
