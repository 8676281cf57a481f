//! The bar at the bottom: the sandbox, saving, time, the cursor and the language.

use super::{
    documents::SaveState,
    state::{Studio, use_studio},
};
use crate::browser::events::Connection;
use leptos::prelude::*;
use model::{Language, Permission, Run, RunState, time};

/// The worst state among the open files: what the person has to know.
fn worst(states: impl Iterator<Item = SaveState>) -> SaveState {
    let rank = |state: &SaveState| match state {
        SaveState::Saved => 0,
        SaveState::Changed => 1,
        SaveState::Saving => 2,
        SaveState::Offline => 3,
        SaveState::Refused(_) => 4,
        SaveState::Conflict => 5,
    };
    states.max_by_key(rank).unwrap_or(SaveState::Saved)
}

/// How saving stands, and whether it is a problem.
fn save_words(state: &SaveState, synced: Option<bool>, signed_out: bool) -> (&'static str, bool) {
    match (state, synced) {
        (SaveState::Saved, Some(true)) => ("Synced to sandbox", false),
        (SaveState::Saved, Some(false)) => ("Saved, syncing to sandbox", false),
        (SaveState::Saved, None) => ("Saved", false),
        (SaveState::Changed | SaveState::Saving, _) => ("Saving", false),
        (SaveState::Offline, _) if signed_out => ("Signed out, kept in this browser", true),
        (SaveState::Offline, _) => ("Offline, kept in this browser", true),
        (SaveState::Refused(_), _) => ("Not saved", true),
        (SaveState::Conflict, _) => ("Changed elsewhere, decide above", true),
    }
}

/// The sandbox in a few words, and its dot.
fn sandbox_words(studio: Studio) -> (&'static str, String) {
    let short = |id: &str| id.chars().take(8).collect::<String>();
    if let Some(run) = studio.active() {
        return match (run.state, &run.sandbox) {
            (RunState::Running, Some(id)) => ("dot ok", format!("Sandbox running, {}", short(id))),
            (RunState::Finishing, _) => ("dot run", "Sandbox cleaning up".to_owned()),
            _ => ("dot run", "Sandbox starting".to_owned()),
        };
    }
    match studio.live.get() {
        Some(live) => {
            let left = live
                .expires_at
                .map(|end| (end.since(studio.now.get()) + 30_000) / 60_000);
            let until = left.map_or_else(String::new, |minutes| format!(", {minutes} min left"));
            ("dot ok", format!("Sandbox ready, {}{until}", short(&live.id)))
        }
        None => ("dot hollow", "No sandbox".to_owned()),
    }
}

/// How long the shown run took so far, or in all.
fn elapsed(run: &Run, now: model::Millis) -> String {
    let from = run.started_at.unwrap_or(run.created_at);
    time::duration_words(run.ended_at.unwrap_or(now).since(from))
}

/// The status bar.
#[component]
pub fn StatusBar() -> impl IntoView {
    let studio = use_studio();
    let sandbox = Memo::new(move |_| sandbox_words(studio));
    let state = Memo::new(move |_| {
        studio
            .documents
            .with(|documents| worst(documents.values().map(super::documents::Document::state)))
    });
    let synced = Memo::new(move |_| studio.live.with(|live| live.as_ref().map(|live| live.synced)));
    let why_not = studio.rights.why_not(Permission::Edit);
    let saved = Memo::new(move |_| match why_not {
        Some(_) => ("Read only", false),
        None => save_words(&state.get(), synced.get(), studio.signed_out.get()),
    });
    let connection = studio.events.connection();
    let trouble = move || match connection.get() {
        Connection::Retrying { seconds, stopped } => {
            let what = if stopped {
                "Server stopped"
            } else {
                "Connection lost"
            };
            Some(match seconds {
                0 => format!("{what}, trying again"),
                seconds => format!("{what}, trying again in {seconds} s"),
            })
        }
        Connection::SignedOut => Some("Signed out".to_owned()),
        Connection::Idle | Connection::Connecting | Connection::Live => None,
    };
    let took = move || {
        // Only a run that goes on listens to the clock.
        studio.shown.with(|run| {
            run.as_ref().map(|run| {
                let now = if run.state.is_end() {
                    model::Millis(0)
                } else {
                    studio.now.get()
                };
                elapsed(run, now)
            })
        })
    };
    let language = move || {
        let of_file = studio
            .current
            .with(|path| path.as_deref().and_then(Language::of_path));
        of_file.map_or("Text", Language::name)
    };
    view! {
        <footer class="status" aria-label="Status">
            <span>
                <span class=move || sandbox.get().0></span>
                {move || sandbox.get().1}
            </span>
            <span class:problem=move || saved.get().1 title=why_not data-testid="save-state">{move || saved.get().0}</span>
            {move || trouble().map(|words| view! { <span class="problem">{words}</span> })}
            <span class="grow"></span>
            <span class="num" title="Time of the run shown">{took}</span>
            <span class="wide-only num">
                {move || {
                    let (line, column) = studio.cursor.get();
                    format!("Ln {line}, Col {column}")
                }}
            </span>
            <span class="wide-only">{language}</span>
            <RunNews />
        </footer>
    }
}

/// Says to screen readers how the run stands: its states only, no clock.
#[component]
fn RunNews() -> impl IntoView {
    let studio = use_studio();
    let state = Memo::new(move |_| {
        studio
            .shown
            .with(|run| run.as_ref().map(|run| (run.number, run.state, run.exit_code)))
    });
    let words = move || {
        state.get().map(|(number, ..)| {
            let summary = studio
                .shown
                .with_untracked(|run| run.as_ref().map(|run| run.summary().words()));
            format!("Run {number}: {}", summary.unwrap_or_default())
        })
    };
    view! { <span class="visually-hidden" role="status" aria-live="polite">{words}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_state_is_said() {
        assert_eq!(worst([].into_iter()), SaveState::Saved);
        assert_eq!(
            worst([SaveState::Saved, SaveState::Offline, SaveState::Saving].into_iter()),
            SaveState::Offline
        );
        assert_eq!(save_words(&SaveState::Saved, None, false).0, "Saved");
        assert_eq!(
            save_words(&SaveState::Saved, Some(true), false).0,
            "Synced to sandbox"
        );
        assert!(save_words(&SaveState::Offline, Some(true), true).1);
    }
}
