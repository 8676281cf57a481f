//! One's tokens: made and shown once, listed, revoked.

use crate::{
    api::{self, CreateToken, RevokeToken, TokenList},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
        rights::asked_rights,
    },
};
use leptos::{ev::SubmitEvent, form::ActionForm, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use model::{
    Millis, Permission, Rights, Token,
    time::{age_words, ago_words},
    token::{LONGEST_NAME, USUAL_SCOPES},
};

/// How long a token may be made to last, in days.
const TIMES: [(&str, &str); 5] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "a year"),
    ("", "until it is revoked"),
];

/// The page.
#[component]
pub fn TokensPage() -> impl IntoView {
    let create = ServerAction::<CreateToken>::new();
    let revoke = ServerAction::<RevokeToken>::new();
    let versions = move || (create.version().get(), revoke.version().get());
    let list = Resource::new(versions, |_| api::list_tokens());
    view! {
        <Title text="Tokens" />
        <Frame section=Section::Settings>
            <div class="page slim">
                <div class="head">
                    <h1>"Tokens"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <p class="hint">
                    "A program that uses the API sends one in the header "
                    <code>"Authorization: Bearer plt_\u{2026}"</code>
                    ", and may then do what the token\u{2019}s scopes say, in your name."
                </p>
                <Transition>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <List list=list revoke=revoke /> }.into_any(),
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })}
                </Transition>
                <Suspense>
                    {move || {
                        let rights = asked_rights();
                        Suspend::new(async move { view! { <Create action=create rights=rights.await /> } })
                    }}
                </Suspense>
            </div>
        </Frame>
    }
    .into_any()
}

#[component]
fn List(list: TokenList, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    if list.tokens.is_empty() {
        return view! {
            <div class="empty">
                <b>"No tokens yet"</b>
                <p>"Make one below for each program, so that it can be revoked by itself."</p>
            </div>
        }
        .into_any();
    }
    let now = list.now;
    let rows = list
        .tokens
        .into_iter()
        .map(|token| view! { <Row token=token now=now revoke=revoke /> })
        .collect_view();
    let error = Signal::derive(move || revoke.value().get().and_then(Result::err));
    view! {
        <FormError error=error />
        <table class="table">
            <thead>
                <tr>
                    <th>"Name"</th>
                    <th>"May"</th>
                    <th class="wide-only">"Last used"</th>
                    <th class="wide-only">"Ends"</th>
                    <th><span class="visually-hidden">"Revoke"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// One made for seven days still has seven a moment later.
const HALF_AN_HOUR: u64 = 30 * 60 * 1000;

#[component]
fn Row(token: Token, now: Millis, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let used = token
        .used_at
        .map_or_else(|| "never".to_owned(), |at| ago_words(now.since(at)));
    let ends = match token.expires_at {
        None => "when revoked".to_owned(),
        Some(_) if token.is_over(now) => "it is over".to_owned(),
        Some(at) => format!("in {}", age_words(at.since(now).saturating_add(HALF_AN_HOUR))),
    };
    let label = format!("Revoke {}", token.name);
    view! {
        <tr>
            <td>{token.name.clone()}</td>
            <td>{token.scope_words()}</td>
            <td class="wide-only nowrap">{used}</td>
            <td class="wide-only nowrap">{ends}</td>
            <td>
                <ActionForm action=revoke>
                    <input type="hidden" name="token" value=token.id.to_string() />
                    <button class="btn danger" aria-label=label disabled=move || revoke.pending().get()>
                        "Revoke"
                    </button>
                </ActionForm>
            </td>
        </tr>
    }
}

#[component]
fn Create(action: ServerAction<CreateToken>, rights: Rights) -> impl IntoView {
    let name = NodeRef::<html::Input>::new();
    let days = RwSignal::new("90".to_owned());
    // A token does no more than its maker may, whatever its scopes name.
    let usual = USUAL_SCOPES.into_iter().filter(|scope| rights.may(*scope));
    let scopes = RwSignal::new(usual.collect::<Vec<_>>());
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let name = name
            .get_untracked()
            .map(|field| field.value())
            .unwrap_or_default();
        action.dispatch(CreateToken {
            name,
            scopes: scopes.get_untracked(),
            days: days.get_untracked().parse().ok(),
        });
    };
    let boxes = Permission::ALL
        .into_iter()
        .map(|scope| view! { <Scope scope=scope why_not=rights.why_not(scope) chosen=scopes /> })
        .collect_view();
    let times = TIMES
        .into_iter()
        .map(|(value, words)| {
            view! { <option value=value selected=move || days.get() == value>{words}</option> }
        })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="create-token">
            <h2 id="create-token">"Make a token"</h2>
            <form class="form" on:submit=submit>
                <div class="row">
                    <label>
                        "What it is for"
                        <input
                            class="field"
                            node_ref=name
                            required
                            maxlength=LONGEST_NAME.to_string()
                            autocomplete="off"
                        />
                    </label>
                    <label>
                        "It lasts"
                        <select class="field" on:change=move |event| days.set(event_target_value(&event))>
                            {times}
                        </select>
                    </label>
                </div>
                <div class="ticks" role="group" aria-label="What it may do">{boxes}</div>
                <FormError error=error />
                <div role="status">
                    {move || {
                        value.get().and_then(Result::ok).map(|text| view! { <Made text=text /> })
                    }}
                </div>
                <button class="btn primary" style="justify-self:start" disabled=move || action.pending().get()>
                    "Make the token"
                </button>
            </form>
        </section>
    }
}

#[component]
fn Scope(
    scope: Permission,
    why_not: Option<&'static str>,
    chosen: RwSignal<Vec<Permission>>,
) -> impl IntoView {
    let words = match scope {
        Permission::Read => "agents, files, runs and logs",
        Permission::Run => "start and stop runs",
        Permission::Edit => "agents and their files",
        Permission::Administer => "members, secrets and what else the team has in common",
        Permission::ManageTeam => "the team itself and its owners",
        Permission::ManageInstance => "accounts and teams of this instance",
    };
    let is_chosen = move || chosen.get().contains(&scope);
    view! {
        <label class="tick" title=why_not>
            <input
                type="checkbox"
                disabled=why_not.is_some()
                prop:checked=is_chosen
                checked=is_chosen
                on:change=move |event| {
                    let on = event_target_checked(&event);
                    chosen
                        .update(|scopes| {
                            scopes.retain(|other| *other != scope);
                            if on {
                                scopes.push(scope);
                            }
                        });
                }
            />
            <code>{scope.as_str()}</code>
            <span>{words}</span>
        </label>
    }
}

/// The text of a new token: shown until the page is left.
#[component]
fn Made(text: String) -> impl IntoView {
    let copied = RwSignal::new(None);
    let text = StoredValue::new(text);
    let copy = move |_| {
        spawn_local(async move {
            copied.set(Some(crate::browser::clipboard::copy(&text.get_value()).await));
        });
    };
    view! {
        <p class="done-text">"Copy the token now: it is not shown again."</p>
        <div class="row">
            <input class="field mono" readonly aria-label="The new token" value=text.get_value() />
            <button type="button" class="btn quiet" on:click=copy>
                {move || match copied.get() {
                    None => "Copy",
                    Some(true) => "Copied",
                    Some(false) => "Select it and copy",
                }}
            </button>
        </div>
    }
}
