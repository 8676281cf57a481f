//! The addresses of a team that are told what happened: made, changed, switched
//! off, and what was sent to each.

mod deliveries;
mod events;
mod target;

use crate::{
    UiError,
    api::{self, DeleteTarget, ReplayDelivery, TargetList},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
        shown_once::ShownOnce,
    },
};
use deliveries::Deliveries;
use events::Events;
use leptos::{ev::SubmitEvent, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use model::{WebhookEvent, webhook::LONGEST_URL};
use target::TargetRow;

/// What happens on the page besides its list, which is loaded anew each time.
#[derive(Clone, Copy)]
struct Around {
    /// Counted up when something was changed.
    changed: RwSignal<i32>,
    /// The secret that was made last.
    secret: RwSignal<Option<String>>,
    /// Why the last change was refused.
    error: RwSignal<Option<UiError>>,
    delete: ServerAction<DeleteTarget>,
    replay: ServerAction<ReplayDelivery>,
}

impl Around {
    /// Changes something; a text that comes of it is a new secret.
    fn change<F>(self, change: F)
    where
        F: Future<Output = Result<Option<String>, UiError>> + 'static,
    {
        spawn_local(async move {
            let (secret, error) = match change.await {
                Ok(secret) => (secret, None),
                Err(error) => (None, Some(error)),
            };
            let is_done = error.is_none();
            let _ = self.error.try_set(error);
            if secret.is_some() {
                let _ = self.secret.try_set(secret);
            }
            if is_done {
                let _ = self.changed.try_update(|changed| *changed += 1);
            }
        });
    }
}

/// The page.
#[component]
pub fn WebhooksPage() -> impl IntoView {
    let around = Around {
        changed: RwSignal::new(0),
        secret: RwSignal::new(None),
        error: RwSignal::new(None),
        delete: ServerAction::new(),
        replay: ServerAction::new(),
    };
    let versions = move || {
        let actions = around.delete.version().get() + around.replay.version().get();
        (around.changed.get(), actions)
    };
    let list = Resource::new(versions, |_| api::list_targets());
    let error = Signal::derive(move || {
        let deleted = around.delete.value().get().and_then(Result::err);
        let replayed = || around.replay.value().get().and_then(Result::err);
        deleted.or_else(replayed).or_else(|| around.error.get())
    });
    view! {
        <Title text="Webhooks" />
        <Frame section=Section::Settings>
            <div class="page">
                <div class="head">
                    <h1>"Webhooks"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <p class="hint">
                    "Addresses that are told when something happens in this team. Messages are signed as Standard Webhooks has it, and sent again for a day when they are not taken."
                </p>
                <FormError error=error />
                <div role="status" class="form">
                    {move || around.secret.get().map(|text| view! {
                        <ShownOnce label="The secret of the webhook" text=text />
                    })}
                </div>
                <Transition>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <Lists list=list around=around /> }.into_any(),
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
        </Frame>
    }
    .into_any()
}

#[component]
fn Lists(list: TargetList, around: Around) -> impl IntoView {
    let TargetList {
        targets,
        deliveries,
        now,
    } = list;
    let rows = if targets.is_empty() {
        view! {
            <div class="empty">
                <b>"Nobody is told yet"</b>
                <p>"Add an address below: a chat, a pager, a program of yours."</p>
            </div>
        }
        .into_any()
    } else {
        let rows = targets
            .iter()
            .cloned()
            .map(|target| view! { <TargetRow target=target around=around /> });
        view! {
            <table class="table">
                <thead>
                    <tr>
                        <th>"Address"</th>
                        <th class="wide-only">"Told of"</th>
                        <th>"State"</th>
                        <th><span class="visually-hidden">"Change"</span></th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        {rows}
        <Add around=around />
        <Deliveries targets=targets deliveries=deliveries now=now around=around />
    }
}

#[component]
fn Add(around: Around) -> impl IntoView {
    let url = NodeRef::<html::Input>::new();
    let chosen = RwSignal::new(vec![WebhookEvent::RunFailed]);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let url = url.get_untracked().map(|field| field.value()).unwrap_or_default();
        let events = chosen.get_untracked();
        around.change(async move { api::create_target(url, events).await.map(Some) });
    };
    view! {
        <section class="panel" aria-labelledby="add-webhook">
            <h2 id="add-webhook">"Add an address"</h2>
            <form class="form" on:submit=submit>
                <label>
                    "Address"
                    <input
                        class="field mono"
                        type="url"
                        node_ref=url
                        required
                        maxlength=LONGEST_URL.to_string()
                        placeholder="https://example.com/pitlane"
                        autocomplete="off"
                    />
                </label>
                <Events chosen=chosen />
                <button class="btn primary" style="justify-self:start">"Add the address"</button>
            </form>
        </section>
    }
}
