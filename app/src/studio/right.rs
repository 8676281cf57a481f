//! The right panel: the lane of phases, and below it the log or the runs.

use super::{cost::ShownCost, history::History, state::use_studio};
use crate::{
    log::LogPanel,
    parts::{lane::Lane, waits::Waits},
};
use leptos::prelude::*;
use model::{Permission, time::count_words};

/// The tabs of the right panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Logs,
    Runs,
}

/// The right panel.
#[component]
pub fn RightPanel() -> impl IntoView {
    let studio = use_studio();
    let tab = RwSignal::new(Tab::Logs);
    // Another run's log, or a start: the log comes forward.
    let shown = Memo::new(move |_| studio.shown.with(|run| run.as_ref().map(|run| run.id.clone())));
    Effect::new(move |before: Option<Option<model::RunId>>| {
        let shown = shown.get();
        if before.is_some_and(|before| before != shown) {
            tab.set(Tab::Logs);
        }
        shown
    });
    let kept = Signal::derive(move || studio.agent.with(|agent| agent.settings.keep_minutes > 0));
    let rows = studio.feed.rows();
    let tab_button = move |of: Tab,
                           id: &'static str,
                           panel: &'static str,
                           name: &'static str,
                           count: Signal<Option<String>>| {
        view! {
            <button
                id=id
                role="tab"
                aria-controls=panel
                aria-selected=move || if tab.get() == of { "true" } else { "false" }
                tabindex=move || if tab.get() == of { "0" } else { "-1" }
                on:click=move |_| tab.set(of)
                on:keydown=move |event| {
                    if ["ArrowLeft", "ArrowRight"].contains(&event.key().as_str()) {
                        let other = if tab.get_untracked() == Tab::Logs { Tab::Runs } else { Tab::Logs };
                        tab.set(other);
                        let id = if other == Tab::Logs { "tab-logs" } else { "tab-runs" };
                        focus(id);
                    }
                }
            >
                {name}
                {move || count.get().map(|count| view! { <span class="count">{count}</span> })}
            </button>
        }
    };
    let log_count = Signal::derive(move || Some(rows.get()).filter(|rows| *rows > 0).map(count_words));
    let run_count = Signal::derive(move || {
        studio.newest.with(|run| {
            run.as_ref()
                .and_then(|run| u64::try_from(run.number).ok())
                .map(count_words)
        })
    });
    let run_named = Memo::new(move |_| {
        studio
            .shown
            .with(|run| run.as_ref().map(|run| (run.id.clone(), run.number)))
    });
    let run_link = move || {
        run_named.get().map(|(id, number)| {
            view! {
                <a class="run-link" href=format!("/runs/{id}") title="The page of this run, to read and to send on">
                    {format!("Run {number}")}
                </a>
            }
        })
    };
    view! {
        <section class="side" aria-label="Runs and logs">
            <Lane run=studio.shown kept=kept now=studio.now />
            <Waits run=studio.shown />
            <div class="right-bar">
                <div class="right-tabs" role="tablist" aria-label="Right panel">
                    {tab_button(Tab::Logs, "tab-logs", "panel-logs", "Logs", log_count)}
                    {tab_button(Tab::Runs, "tab-runs", "panel-runs", "Runs", run_count)}
                </div>
                // Beside the tabs, not among them: it leads elsewhere, also without scripts.
                {run_link}
                <ShownCost />
            </div>
            <div class="right-body">
                <div
                    id="panel-logs"
                    class="right-panel"
                    role="tabpanel"
                    aria-labelledby="tab-logs"
                    hidden=move || tab.get() != Tab::Logs
                >
                    <LogPanel
                        feed=studio.feed
                        run=studio.shown
                        on_open_source=move |(path, line): (String, u32)| studio.open_source(&path, line)
                        may_answer=studio.rights.may(Permission::Run)
                        on_input=move |input: crate::log::ProgramInput| studio.send_input(input)
                    />
                </div>
                <div
                    id="panel-runs"
                    class="right-panel"
                    role="tabpanel"
                    aria-labelledby="tab-runs"
                    hidden=move || tab.get() != Tab::Runs
                >
                    <History open=Signal::derive(move || tab.get() == Tab::Runs) />
                </div>
            </div>
        </section>
    }
}

fn focus(id: &str) {
    use wasm_bindgen::JsCast;
    if let Some(element) = document()
        .get_element_by_id(id)
        .and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = element.focus();
    }
}

impl super::state::Studio {
    /// Opens the file a program named, at a line. The program's paths are
    /// those of its sandbox.
    pub fn open_source(self, path: &str, line: u32) {
        let found = self.files.with_untracked(|files| {
            let path = path.strip_prefix("file://").unwrap_or(path);
            let inside = path.strip_prefix("/home/daytona/").unwrap_or(path);
            let named = |name: &str| files.iter().find(|entry| entry.path.as_str() == name);
            named(inside)
                .or_else(|| {
                    files
                        .iter()
                        .filter(|entry| path.ends_with(&format!("/{}", entry.path)))
                        .max_by_key(|entry| entry.path.as_str().len())
                })
                .map(|entry| entry.path.to_string())
        });
        match found {
            Some(path) => self.open(path, Some((line, 1))),
            None => self.notices.say(format!("{path} is not a file of this agent.")),
        }
    }
}
