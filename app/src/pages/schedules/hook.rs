//! The webhook of an agent: an address that other programs send messages to,
//! each of which starts a run.

use crate::{
    UiError,
    api::{self, DeleteHook, UpdateHook},
    parts::{errors::FormError, shown_once::ShownOnce},
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};
use model::{AgentHook, AgentId, HookBody, Millis, time::ago_words};

/// The webhook, or the offer of one.
#[component]
pub fn Hook(
    /// The agent.
    agent: AgentId,
    /// Its webhook.
    hook: Option<AgentHook>,
    /// The server's clock.
    now: Millis,
    /// Whether whoever looks may change it.
    may_change: bool,
    /// Counted up when something of it is changed.
    changed: RwSignal<i32>,
) -> impl IntoView {
    let secret = use_secret();
    let shown = match hook {
        None if !may_change => view! { <p class="hint">"This agent has none."</p> }.into_any(),
        None => view! { <Offer agent=agent changed=changed /> }.into_any(),
        Some(hook) => view! { <There hook=hook now=now may_change=may_change changed=changed /> }.into_any(),
    };
    view! {
        <section class="panel" aria-labelledby="webhook">
            <h2 id="webhook">"Webhook"</h2>
            <div role="status" class="form">
                {move || secret.get().map(|text| view! { <ShownOnce label="The secret of the webhook" text=text /> })}
            </div>
            {shown}
        </section>
    }
}

/// The secret that was made last: it outlives the list, which is loaded anew when it was made.
#[derive(Clone, Copy)]
struct NewSecret(RwSignal<Option<String>>);

fn use_secret() -> RwSignal<Option<String>> {
    use_context::<NewSecret>().map_or_else(|| RwSignal::new(None), |secret| secret.0)
}

/// Keeps the secret that is made on a page.
pub fn provide_secret() {
    provide_context(NewSecret(RwSignal::new(None)));
}

/// Makes a secret, and has the page loaded anew.
fn ask<F>(
    making: F,
    secret: RwSignal<Option<String>>,
    error: RwSignal<Option<UiError>>,
    changed: RwSignal<i32>,
) where
    F: Future<Output = Result<String, UiError>> + 'static,
{
    spawn_local(async move {
        match making.await {
            Ok(text) => {
                let _ = secret.try_set(Some(text));
                let _ = changed.try_update(|changed| *changed += 1);
            }
            Err(why) => {
                let _ = error.try_set(Some(why));
            }
        }
    });
}

#[component]
fn Offer(agent: AgentId, changed: RwSignal<i32>) -> impl IntoView {
    let (secret, error) = (use_secret(), RwSignal::new(None::<UiError>));
    let make = move |_| ask(api::create_hook(agent.clone()), secret, error, changed);
    view! {
        <p class="hint">
            "An address that other programs send signed messages to. Each message starts a run, which reads its body."
        </p>
        <FormError error=error />
        <button class="btn quiet" style="justify-self:start" on:click=make>"Make a webhook"</button>
    }
}

#[component]
fn There(hook: AgentHook, now: Millis, may_change: bool, changed: RwSignal<i32>) -> impl IntoView {
    let path = hook.path();
    let address = RwSignal::new(path.clone());
    Effect::new(move |_| {
        if let Ok(origin) = window().location().origin() {
            address.set(format!("{origin}{path}"));
        }
    });
    let used = hook
        .used_at
        .map_or_else(|| "never".to_owned(), |at| ago_words(now.since(at)));
    let is_on = hook.is_on;
    view! {
        <dl class="facts">
            <dt>"Address"</dt>
            <dd class="mono">{move || address.get()}</dd>
            <dt>"Last message"</dt>
            <dd>{used}</dd>
            {(!may_change)
                .then(|| {
                    view! {
                        <dt>"It is"</dt>
                        <dd>{if is_on { "on" } else { "off" }}</dd>
                    }
                })}
        </dl>
        {may_change.then(|| view! { <Change hook=hook changed=changed /> })}
    }
}

#[component]
fn Change(hook: AgentHook, changed: RwSignal<i32>) -> impl IntoView {
    let update = ServerAction::<UpdateHook>::new();
    let delete = ServerAction::<DeleteHook>::new();
    let (secret, error) = (use_secret(), RwSignal::new(None::<UiError>));
    Effect::new(move |before: Option<usize>| {
        let version = update.version().get() + delete.version().get();
        if before.is_some_and(|before| before != version) {
            changed.update(|changed| *changed += 1);
        }
        version
    });
    let failed = Signal::derive(move || {
        let updated = update.value().get().and_then(Result::err);
        updated
            .or_else(|| delete.value().get().and_then(Result::err))
            .or_else(|| error.get())
    });
    let agent = StoredValue::new(hook.agent);
    let rotate = move |_| ask(api::rotate_hook(agent.get_value()), secret, error, changed);
    let bodies = [
        (HookBody::Stdin, "on standard input"),
        (HookBody::File, "in a file, named in WEBHOOK_FILE"),
    ];
    let bodies = bodies.map(|(body, words)| {
        view! { <option value=body.as_str() selected=body == hook.body>{words}</option> }
    });
    let states = [("true", "on"), ("false", "off")];
    let states = states.map(|(value, words)| {
        view! { <option value=value selected=(value == "true") == hook.is_on>{words}</option> }
    });
    view! {
        {hook.previous_until.map(|_| view! {
            <p class="hint">"The secret before the last rotation still counts, for a day after it."</p>
        })}
        <FormError error=failed />
        <ActionForm action=update attr:class="form">
            <input type="hidden" name="agent" value=agent.get_value().to_string() />
            <div class="row">
                <label>"It is" <select class="field" name="is_on">{states.collect_view()}</select></label>
                <label>
                    "The program gets the body"
                    <select class="field" name="body">{bodies.collect_view()}</select>
                </label>
                <button class="btn quiet" disabled=move || update.pending().get()>"Save the webhook"</button>
            </div>
        </ActionForm>
        <div class="row">
            <button class="btn quiet" on:click=rotate>"Rotate the secret"</button>
            <ActionForm action=delete>
                <input type="hidden" name="agent" value=agent.get_value().to_string() />
                <button class="btn danger" disabled=move || delete.pending().get()>"Delete the webhook"</button>
            </ActionForm>
        </div>
    }
}
