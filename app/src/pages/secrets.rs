//! The secrets of this installation: added, replaced and deleted, never shown.

use crate::{
    api::{self, AddSecret, DeleteSecret, ReplaceSecret, SecretList},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
        rights::{IfMay, asked_rights, only_to_look},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::{Millis, Permission, Secret, secret::SHORTEST_BYTES, time::ago_words};

/// The page.
#[component]
pub fn SecretsPage() -> impl IntoView {
    let add = ServerAction::<AddSecret>::new();
    let replace = ServerAction::<ReplaceSecret>::new();
    let delete = ServerAction::<DeleteSecret>::new();
    let versions = move || {
        (
            add.version().get(),
            replace.version().get(),
            delete.version().get(),
        )
    };
    let list = Resource::new(versions, |_| api::list_secrets());
    view! {
        <Title text="Secrets" />
        <Frame section=Section::Settings>
            <div class="page slim">
                <div class="head">
                    <h1>"Secrets"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <p class="hint">
                    "A secret is encrypted when it is saved, and nobody can read it here again. Programs get it in a variable of their agent, from the start of a run on. In logs, "
                    <code>"***"</code>
                    " stands in its place, also where it is printed as base64, hexadecimal, JSON or in an address."
                </p>
                <Transition>
                    {move || {
                        let rights = asked_rights();
                        Suspend::new(async move {
                            let may_change = rights.await.may(Permission::Administer);
                            match list.await {
                                Ok(list) => {
                                    view! { <List list=list may_change=may_change replace=replace delete=delete /> }
                                        .into_any()
                                }
                                Err(error) => view! { <PageError error=error /> }.into_any(),
                            }
                        })
                    }}
                </Transition>
                <IfMay permission=Permission::Administer otherwise=only_to_look>
                    <Add action=add />
                </IfMay>
            </div>
        </Frame>
    }
    .into_any()
}

#[component]
fn List(
    list: SecretList,
    may_change: bool,
    replace: ServerAction<ReplaceSecret>,
    delete: ServerAction<DeleteSecret>,
) -> impl IntoView {
    if list.secrets.is_empty() {
        return view! {
            <div class="empty">
                <b>"No secrets yet"</b>
                <p>
                    {if may_change {
                        "Save the first one below: the key of an API, a token, a password."
                    } else {
                        "An admin of the team saves them: the key of an API, a token, a password."
                    }}
                </p>
            </div>
        }
        .into_any();
    }
    let now = list.now;
    let rows = list
        .secrets
        .into_iter()
        .map(|secret| view! { <Row secret=secret now=now may_change=may_change replace=replace delete=delete /> })
        .collect_view();
    let error = Signal::derive(move || {
        let replaced = replace.value().get().and_then(Result::err);
        replaced.or_else(|| delete.value().get().and_then(Result::err))
    });
    view! {
        <FormError error=error />
        <table class="table">
            <thead>
                <tr>
                    <th>"Name"</th>
                    <th>"Used by"</th>
                    <th class="wide-only">"Saved"</th>
                    {may_change.then(|| view! { <th><span class="visually-hidden">"Change"</span></th> })}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(
    secret: Secret,
    now: Millis,
    may_change: bool,
    replace: ServerAction<ReplaceSecret>,
    delete: ServerAction<DeleteSecret>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let uses = if secret.used_by.is_empty() {
        view! { <span class="hint">"no agent"</span> }.into_any()
    } else {
        let uses = secret.used_by.iter().enumerate().map(|(index, used)| {
            let before = if index == 0 { "" } else { ", " };
            let title = format!("in the variable {}", used.variable);
            view! { {before} <a href=format!("/agents/{}", used.slug) title=title>{used.name.clone()}</a> }
        });
        uses.collect_view().into_any()
    };
    let saved = ago_words(now.since(secret.updated_at));
    let (id, name) = (secret.id.to_string(), StoredValue::new(secret.name.clone()));
    let id = StoredValue::new(id);
    view! {
        <tr>
            <td class="mono break">{secret.name}</td>
            <td>{uses}</td>
            <td class="wide-only">{saved}</td>
            {may_change
                .then(|| {
                    view! {
                        <td>
                            <button
                                class="btn quiet"
                                aria-expanded=move || open.get().to_string()
                                aria-label=format!("Change {}", name.get_value())
                                on:click=move |_| open.update(|open| *open = !*open)
                            >
                                "Change"
                            </button>
                        </td>
                    }
                })}
        </tr>
        <Show when=move || open.get()>
            <tr>
                <td colspan="4">
                    <div class="row">
                        <ActionForm action=replace attr:class="form">
                            <input type="hidden" name="secret" value=id.get_value() />
                            <div class="row">
                                <Value label=format!("New value of {}", name.get_value()) />
                                <button class="btn quiet" disabled=move || replace.pending().get()>
                                    "Replace the value"
                                </button>
                            </div>
                        </ActionForm>
                        <ActionForm action=delete>
                            <input type="hidden" name="secret" value=id.get_value() />
                            <button class="btn danger" disabled=move || delete.pending().get()>"Delete"</button>
                        </ActionForm>
                    </div>
                </td>
            </tr>
        </Show>
    }
}

#[component]
fn Add(action: ServerAction<AddSecret>) -> impl IntoView {
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let kept = move || matches!(value.get(), Some(Ok(())));
    // The last version that was looked at, and how many secrets were kept until then.
    let counted = Memo::new(move |last: Option<&(usize, usize)>| {
        let (seen, times) = last.copied().unwrap_or_default();
        let version = action.version().get();
        (version, times + usize::from(kept() && version != seen))
    });
    view! {
        <section class="panel" aria-labelledby="add-secret">
            <h2 id="add-secret">"Add a secret"</h2>
            <ActionForm action=action attr:class="form">
                // Made anew after each secret that was kept, so that no value stays in the page.
                <For
                    each=move || [counted.get().1]
                    key=|times| *times
                    children=|_| {
                        view! {
                        <div class="row">
                            <label>
                                "Name, such as API_KEY"
                                <input
                                    class="field mono"
                                    name="name"
                                    required
                                    maxlength="100"
                                    pattern="[A-Za-z_][A-Za-z0-9_]*"
                                    autocomplete="off"
                                    spellcheck="false"
                                />
                            </label>
                            <Value label="Value".to_owned() />
                        </div>
                        }
                    }
                />
                <p class="hint">
                    {format!(
                        "At least {SHORTEST_BYTES} characters: a shorter value cannot be masked in logs. Several lines are fine; each long one is masked by itself too.",
                    )}
                </p>
                <FormError error=error />
                <div role="status">
                    {move || kept().then(|| view! { <p class="done-text">"The secret is saved."</p> })}
                </div>
                <button class="btn primary" style="justify-self:start" disabled=move || action.pending().get()>
                    "Save the secret"
                </button>
            </ActionForm>
        </section>
    }
}

/// A field for a value: it may have several lines, which no password field can.
#[component]
fn Value(label: String) -> impl IntoView {
    view! {
        <label>
            {label}
            <textarea
                class="field mono concealed"
                name="value"
                rows="1"
                required
                minlength=SHORTEST_BYTES.to_string()
                autocomplete="off"
                spellcheck="false"
            ></textarea>
        </label>
    }
}
