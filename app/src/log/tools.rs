//! The tools above the rows: filter, streams, time, wrapping, following, copy,
//! download.

use super::{panel::Panel, timestamp::TimeShown};
use crate::browser::{clipboard, timer::Timeout};
use leptos::{ev, html, prelude::*, task::spawn_local};
use model::time::count_words;
use send_wrapper::SendWrapper;

/// The tools of a panel.
#[component]
pub(super) fn Tools(panel: Panel, filter_field: NodeRef<html::Input>) -> impl IntoView {
    let standing = panel.standing;
    let following = Memo::new(move |_| standing.with(|standing| standing.following));
    let unreadable = Memo::new(move |_| standing.with(|standing| standing.unreadable));
    let download = move || {
        panel.run.with(|run| {
            run.as_ref()
                .map(|run| format!("/api/runs/{}/log?download=1", run.id))
        })
    };
    let key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            panel.act(|view| view.step(!event.shift_key()));
        }
        "Escape" => panel.written.set(String::new()),
        _ => {}
    };
    let time_title = move || match panel.time.get() {
        TimeShown::SinceStart => "Times are since the start. Press for the clock.",
        TimeShown::Clock => "Times are by the clock. Press for none.",
        TimeShown::Off => "No times are shown. Press for those since the start.",
    };
    view! {
        <div class="log-tools" role="toolbar" aria-label="Log tools">
            <input
                node_ref=filter_field
                type="search"
                class="log-filter"
                class:unreadable=move || unreadable.get()
                placeholder="Filter: text, /regex/, stream:stderr"
                aria-label="Filter the log: text, a pattern between slashes, or stream:stderr"
                aria-invalid=move || if unreadable.get() { "true" } else { "false" }
                title=move || unreadable.get().then_some("This pattern cannot be read.")
                autocomplete="off"
                spellcheck="false"
                prop:value=move || panel.written.get()
                on:input:target=move |event| panel.written.set(event.target().value())
                on:keydown=key
            />
            <Found panel=panel />
            <Toggle name="stdout" title="Lines of standard output" on=panel.stdout />
            <Toggle name="stderr" title="Lines of standard error" on=panel.stderr />
            <button
                type="button"
                class="log-toggle"
                aria-pressed=move || if panel.time.get() == TimeShown::Off { "false" } else { "true" }
                title=time_title
                on:click=move |_| panel.time.update(|time| *time = time.next())
            >
                {move || if panel.time.get() == TimeShown::Clock { "Clock" } else { "Time" }}
            </button>
            <Toggle name="Wrap" title="Wrap long lines" on=panel.wrap />
            <button
                type="button"
                class="log-toggle"
                aria-pressed=move || if following.get() { "true" } else { "false" }
                title="Keep the newest line in view"
                on:click=move |_| {
                    let follow = !following.get_untracked();
                    panel.act(|view| view.follow(follow));
                }
            >
                "Follow"
            </button>
            <Copy panel=panel />
            <a class="log-toggle" href=download download="" hidden=move || download().is_none()>
                "Download"
            </a>
        </div>
    }
}

#[component]
fn Toggle(name: &'static str, title: &'static str, on: RwSignal<bool>) -> impl IntoView {
    view! {
        <button
            type="button"
            class="log-toggle"
            aria-pressed=move || if on.get() { "true" } else { "false" }
            title=title
            on:click=move |_| on.update(|on| *on = !*on)
        >
            {name}
        </button>
    }
}

/// How many rows the filter shows, and the way from one to the next.
#[component]
fn Found(panel: Panel) -> impl IntoView {
    let standing = panel.standing;
    let words = move || {
        standing.with(|standing| {
            let count = |count: usize| count_words(u64::try_from(count).unwrap_or_default());
            let found = count(standing.found.unwrap_or_default());
            let more = if standing.searching { "\u{2026}" } else { "" };
            match standing.current {
                Some(current) => format!("{} of {found}{more}", count(current)),
                None => format!("{found}{more}"),
            }
        })
    };
    // The streams' switches filter too, but there is nothing to step through.
    let hidden = move || panel.written.with(|written| written.trim().is_empty());
    view! {
        <span class="log-found" hidden=hidden>
            <span role="status">{words}</span>
            <button
                type="button"
                class="log-toggle"
                aria-label="Previous match"
                on:click=move |_| {
                    panel.act(|view| view.step(false));
                }
            >
                "\u{2191}"
            </button>
            <button
                type="button"
                class="log-toggle"
                aria-label="Next match"
                on:click=move |_| {
                    panel.act(|view| view.step(true));
                }
            >
                "\u{2193}"
            </button>
        </span>
    }
}

/// Copies the selection, or all rows shown.
#[component]
fn Copy(panel: Panel) -> impl IntoView {
    let said = RwSignal::new("Copy");
    let timer = StoredValue::new(None::<SendWrapper<Timeout>>);
    let copy = move |_| {
        let selected = panel.selected_text();
        let Some(text) = selected.or_else(|| panel.act(|view| view.text())) else {
            return;
        };
        spawn_local(async move {
            let done = clipboard::copy(&text).await;
            let _ = said.try_set(if done { "Copied" } else { "Not allowed" });
            let back = Timeout::after(1500, move || {
                let _ = said.try_set("Copy");
            });
            let _ = timer.try_set_value(Some(SendWrapper::new(back)));
        });
    };
    view! {
        <button
            type="button"
            class="log-toggle"
            title="Copy the selected lines, or all that are shown"
            // A press must not take the selection away first.
            on:mousedown=|event| event.prevent_default()
            on:click=copy
        >
            {said}
        </button>
    }
}
