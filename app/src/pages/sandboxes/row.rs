//! One sandbox: a row of the table.

use super::state::{Doing, short_id, use_sandboxes};
use leptos::prelude::*;
use model::{ComparedSandbox, Difference, Millis, time};

/// The dot and the words for where it stands at the provider.
fn provider_words(sandbox: &ComparedSandbox) -> (&'static str, String) {
    let Some(found) = &sandbox.found else {
        return match sandbox.difference {
            Difference::Unasked => ("dot hollow", "Not known".to_owned()),
            Difference::Asked => ("dot run", "Not yet".to_owned()),
            _ => ("dot hollow", "Not there".to_owned()),
        };
    };
    let dot = match found.state.as_str() {
        "started" => "dot ok",
        "error" | "build_failed" => "dot bad",
        "stopped" | "archived" | "paused" | "destroyed" => "dot",
        _ => "dot run",
    };
    let mut words = found.state.replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    (dot, words)
}

/// How often deleting it failed, and why the last time.
fn deletion_words(sandbox: &ComparedSandbox) -> Option<String> {
    let deletion = &sandbox.deletion;
    let times = match deletion.failed {
        0 => return None,
        1 => "Failed once".to_owned(),
        times => format!("Failed {times} times"),
    };
    Some(match &deletion.last_error {
        Some(error) => format!("{times}. {error}"),
        None => times,
    })
}

#[component]
pub fn Row(key: String) -> impl IntoView {
    let state = use_sandboxes();
    let own = key.clone();
    // The last that was known: the row goes away with its key, not before.
    let sandbox = Memo::new(move |before: Option<&Option<ComparedSandbox>>| {
        state.row(&own).or_else(|| before.cloned().flatten())
    });
    let of = move |read: fn(&ComparedSandbox) -> Option<String>| {
        Memo::new(move |_| sandbox.with(|sandbox| sandbox.as_ref().and_then(read)))
    };
    let (id, short) = (
        of(|sandbox| Some(sandbox.id().to_owned())),
        of(|sandbox| Some(short_id(sandbox))),
    );
    let agent = Memo::new(move |_| {
        let id = sandbox.with(|sandbox| sandbox.as_ref()?.agent().cloned())?;
        Some(state.agent(&id))
    });
    let run = Memo::new(move |_| {
        let id = sandbox.with(|sandbox| sandbox.as_ref()?.run().cloned())?;
        let number = state.run_number(&id)?;
        Some((id, number))
    });
    let found = Memo::new(move |_| sandbox.with(|sandbox| sandbox.as_ref().map(provider_words)));
    let error = of(|sandbox| sandbox.found.as_ref()?.error.clone());
    let failed = of(deletion_words);
    let resources = of(|sandbox| Some(sandbox.resources()?.words()));
    let wanted = Memo::new(move |_| {
        let now = state.now.get();
        sandbox.with(|sandbox| sandbox.as_ref().map(|sandbox| sandbox.wanted_words(now)))
    });
    let age = Memo::new(move |_| {
        let since = sandbox.with(|sandbox| sandbox.as_ref()?.created_at())?;
        Some(time::age_words(state.now.get().since(since)))
    });
    let difference = Memo::new(move |_| {
        let now = state.now.get();
        let next = state.data.with(|data| data.comparison.next_round);
        sandbox.with(|sandbox| {
            let difference = sandbox.as_ref()?.difference;
            Some((difference.is_none(), difference.words(now, next)))
        })
    });
    let doing = Memo::new(move |_| state.doing.with(|doing| doing.get(&key).copied()));
    let can_stop = Memo::new(move |_| {
        sandbox.with(|sandbox| {
            sandbox.as_ref().is_some_and(|sandbox| {
                let started = sandbox
                    .found
                    .as_ref()
                    .is_some_and(model::ProvidedSandbox::is_started);
                sandbox.run_goes_on || (started && sandbox.row.is_none())
            })
        })
    });
    let can = move |may: fn(&ComparedSandbox, Millis) -> bool| {
        Memo::new(move |_| {
            let now = state.now.get();
            sandbox.with(|sandbox| sandbox.as_ref().is_some_and(|sandbox| may(sandbox, now)))
        })
    };
    let (can_archive, can_restore) = (
        can(ComparedSandbox::can_be_archived),
        can(ComparedSandbox::can_be_restored),
    );
    let act = move |act: fn(super::SandboxesState, &ComparedSandbox)| {
        if let Some(sandbox) = sandbox.get_untracked() {
            act(state, &sandbox);
        }
    };
    let busy = move |of: Doing| doing.get() == Some(of);
    view! {
        <tr role="row">
            <td role="cell" class="sandbox-name">
                {move || match agent.get() {
                    Some(Some(agent)) => {
                        view! { <a href=format!("/agents/{}", agent.slug)>{agent.name}</a> }.into_any()
                    }
                    Some(None) => view! { <span>"A deleted agent"</span> }.into_any(),
                    None => view! { <span>"Of no agent"</span> }.into_any(),
                }}
                <span class="mono" title=move || id.get()>{move || short.get()}</span>
            </td>
            <td role="cell" data-name="Run">
                {move || match run.get() {
                    Some((id, number)) => {
                        view! { <a class="link" href=format!("/runs/{id}")>{format!("Run {number}")}</a> }.into_any()
                    }
                    None => view! { <span class="hint">"None"</span> }.into_any(),
                }}
            </td>
            <td role="cell" data-name="At the provider">
                <span class="state">
                    <span class=move || found.get().map(|found| found.0)></span>
                    {move || found.get().map(|found| found.1)}
                </span>
                {move || error.get().map(|error| view! { <span class="below">{error}</span> })}
            </td>
            <td role="cell" data-name="In the ledger">
                {move || wanted.get()}
                {move || {
                    failed.get().map(|failed| view! { <span class="below bad" title=failed.clone()>{failed.clone()}</span> })
                }}
            </td>
            <td role="cell" data-name="Age" class="num">{move || age.get().unwrap_or_else(|| "Not known".to_owned())}</td>
            <td role="cell" data-name="Resources">{move || resources.get()}</td>
            <td role="cell" data-name="Difference" class="differs">
                <span class:hint=move || difference.get().is_some_and(|(none, _)| none)>
                    {move || difference.get().map(|(_, words)| words)}
                </span>
            </td>
            <td role="cell" class="acts">
                <Show when=move || state.may_act && can_stop.get()>
                    <button
                        class="btn quiet"
                        aria-label=move || format!("Stop sandbox {}", short.get().unwrap_or_default())
                        disabled=move || doing.get().is_some()
                        on:click=move |_| act(|state, sandbox| state.stop(sandbox))
                    >
                        {move || if busy(Doing::Stopping) { "Stopping" } else { "Stop" }}
                    </button>
                </Show>
                <Show when=move || state.may_act && can_archive.get()>
                    <button
                        class="btn quiet"
                        aria-label=move || format!("Archive sandbox {}", short.get().unwrap_or_default())
                        title="Its programs end, its files stay for 30 days and cost nothing. The next run makes another, until this one is restored."
                        disabled=move || doing.get().is_some()
                        on:click=move |_| act(|state, sandbox| state.archive(sandbox))
                    >
                        {move || if busy(Doing::Archiving) { "Archiving" } else { "Archive" }}
                    </button>
                </Show>
                <Show when=move || state.may_act && can_restore.get()>
                    <button
                        class="btn quiet"
                        aria-label=move || format!("Restore sandbox {}", short.get().unwrap_or_default())
                        title="It is started with its files, for the next run of its agent."
                        disabled=move || doing.get().is_some()
                        on:click=move |_| act(|state, sandbox| state.restore(sandbox))
                    >
                        {move || if busy(Doing::Restoring) { "Restoring" } else { "Restore" }}
                    </button>
                </Show>
                <Show when=move || state.may_act>
                    <button
                        class="btn danger"
                        aria-label=move || format!("Delete sandbox {}", short.get().unwrap_or_default())
                        disabled=move || doing.get().is_some()
                        on:click=move |_| act(|state, sandbox| state.to_delete.set(Some(sandbox.clone())))
                    >
                        {move || busy(Doing::Deleting).then(|| view! { <span class="spinner" aria-hidden="true"></span> })}
                        {move || if busy(Doing::Deleting) { "Deleting" } else { "Delete" }}
                    </button>
                </Show>
            </td>
        </tr>
    }
}
