//! One address: what it is told, whether it is on, its secret.

use super::{Around, events::Events};
use crate::api;
use leptos::{ev::SubmitEvent, form::ActionForm, html, prelude::*};
use model::{WebhookTarget, webhook::LONGEST_URL};

/// The address, and below it what can be changed of it.
#[component]
pub fn TargetRow(
    /// The address.
    target: WebhookTarget,
    /// What happens around it.
    around: Around,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let events = target.said.events.iter().map(|event| event.as_str());
    let events = events.collect::<Vec<_>>().join(", ");
    let (dot, state) = match (target.is_on, &target.off_reason) {
        (true, _) => ("dot ok", "on".to_owned()),
        (false, None) => ("dot hollow", "off".to_owned()),
        (false, Some(reason)) => ("dot bad", format!("off. {reason}")),
    };
    let label = format!("Change {}", target.said.url);
    let url = target.said.url.clone();
    let target = StoredValue::new(target);
    view! {
        <tr>
            <td class="mono break">{url}</td>
            <td class="wide-only">{events}</td>
            <td><span class="state"><span class=dot></span>{state}</span></td>
            <td>
                <button
                    class="btn quiet"
                    aria-expanded=move || open.get().to_string()
                    aria-label=label
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    "Change"
                </button>
            </td>
        </tr>
        <Show when=move || open.get()>
            <tr>
                <td colspan="4">{move || view! { <Change target=target.get_value() around=around /> }}</td>
            </tr>
        </Show>
    }
}

#[component]
fn Change(target: WebhookTarget, around: Around) -> impl IntoView {
    let url = NodeRef::<html::Input>::new();
    let chosen = RwSignal::new(target.said.events.clone());
    let (id, was, is_on) = (target.id.clone(), target.said.url.clone(), target.is_on);
    let id = StoredValue::new(id);
    let save = move |is_on: bool| {
        let url = url.get_untracked().map(|field| field.value()).unwrap_or_default();
        let (id, events) = (id.get_value(), chosen.get_untracked());
        around.change(async move { api::update_target(id, url, events, is_on).await.map(|()| None) });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        save(is_on);
    };
    let rotate = move |_| {
        let id = id.get_value();
        around.change(async move { api::rotate_target(id).await.map(Some) });
    };
    view! {
        <form class="form" on:submit=submit>
            <label>
                "Address"
                <input
                    class="field mono"
                    type="url"
                    node_ref=url
                    value=was
                    required
                    maxlength=LONGEST_URL.to_string()
                    autocomplete="off"
                />
            </label>
            <Events chosen=chosen />
            {target.previous_until.map(|_| view! {
                <p class="hint">"Messages are signed with the secret before the last rotation too, for a day after it."</p>
            })}
            <div class="row">
                <button class="btn primary">"Save"</button>
                <button type="button" class="btn quiet" on:click=move |_| save(!is_on)>
                    {if is_on { "Switch off" } else { "Switch on" }}
                </button>
                <button type="button" class="btn quiet" on:click=rotate>"Rotate the secret"</button>
            </div>
        </form>
        <ActionForm action=around.delete attr:style="margin-top:14px">
            <input type="hidden" name="target" value=id.get_value().to_string() />
            <button class="btn danger">"Delete with its log"</button>
        </ActionForm>
    }
}
