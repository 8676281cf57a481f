//! What a studio does by itself while its page is open: follows the run,
//! brings drafts back, saves when the page is hidden, and keeps the address.

use super::state::Studio;
use crate::{api, browser::listener::Listener};
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::FileContent;
use std::time::Duration;

/// Sets it all going. Called once, when the page is made.
pub fn keep_in_step(studio: Studio, first_file: Option<FileContent>, line: Option<u32>) {
    begin(studio, first_file, line);
    save_when_hidden(studio);
    watch_newest(studio);
    keep_address(studio);
}

/// Follows the run that is shown first, brings the first file's draft back, and
/// goes to the line the address names.
fn begin(studio: Studio, first_file: Option<FileContent>, line: Option<u32>) {
    let first_file = StoredValue::new(first_file);
    Effect::new(move |_| {
        if let Some(run) = studio.shown.get_untracked() {
            studio.show_run(run);
        }
        let file = first_file.try_update_value(Option::take).flatten();
        if let Some(file) = file.filter(|file| file.text.is_some()) {
            let path = file.entry.path.to_string();
            studio.restore_draft(file);
            if let Some(line) = line {
                // The editor is there once all effects of this page have run.
                request_animation_frame(move || {
                    if studio.current.try_get_untracked().flatten().as_ref() == Some(&path) {
                        studio.editor.go_to(&path, line, 1);
                    }
                });
            }
        }
    });
}

/// A hidden page may never come back: saves, and looks around when it does.
fn save_when_hidden(studio: Studio) {
    Effect::new(move |_| {
        let hidden = Listener::on(&document(), "visibilitychange", move |_| {
            if document().hidden() {
                studio.save_all_soon();
            } else {
                studio.refresh_files();
                studio.refresh_runs();
                studio.check_sandbox();
            }
        });
        let back = Listener::on(&window(), "focus", move |_| studio.refresh_files());
        let left = Listener::on(&window(), "pagehide", move |_| studio.save_all_soon());
        let online = window_event_listener(ev::online, move |_| studio.save_all_soon());
        let listeners = StoredValue::new_local(Some((hidden, back, left)));
        on_cleanup(move || {
            online.remove();
            let _ = listeners.try_update_value(Option::take);
        });
    });
}

/// While an older run is shown, the newest one is not followed: asks for it.
fn watch_newest(studio: Studio) {
    let other = Memo::new(move |_| {
        let shown = studio.shown.with(|run| run.as_ref().map(|run| run.id.clone()));
        studio
            .active()
            .map(|run| run.id)
            .filter(|id| Some(id) != shown.as_ref())
    });
    Effect::new(move |_| {
        if other.get().is_none() {
            return;
        }
        let ask = move || {
            let Some(id) = other.try_get_untracked().flatten() else {
                return;
            };
            spawn_local(async move {
                if let Ok(run) = api::load_run(id).await {
                    studio.newest_became(run);
                }
            });
        };
        if let Ok(timer) = set_interval_with_handle(ask, Duration::from_secs(2)) {
            on_cleanup(move || timer.clear());
        }
    });
}

/// The address names the file and, when it is not the newest, the run, so that
/// a reload or a copied link restores what is seen.
fn keep_address(studio: Studio) {
    let navigate = use_navigate();
    let address = Memo::new(move |_| {
        let mut parts = Vec::new();
        if let Some(file) = studio.current.get() {
            parts.push(format!("file={}", escaped(&file)));
        }
        let newest = studio.newest.with(|run| run.as_ref().map(|run| run.id.clone()));
        let shown = studio.shown.with(|run| run.as_ref().map(|run| run.id.clone()));
        if let Some(run) = shown.filter(|shown| Some(shown) != newest.as_ref()) {
            parts.push(format!("run={run}"));
        }
        let path = studio.agent.with(|agent| format!("/agents/{}", agent.slug));
        if parts.is_empty() {
            path
        } else {
            format!("{path}?{}", parts.join("&"))
        }
    });
    Effect::new(move |before: Option<String>| {
        let address = address.get();
        if before.is_some_and(|before| before != address) {
            let options = NavigateOptions {
                replace: true,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&address, options);
        }
        address
    });
}

fn escaped(text: &str) -> String {
    js_sys::encode_uri_component(text)
        .as_string()
        .unwrap_or_default()
        .replace("%2F", "/")
}
