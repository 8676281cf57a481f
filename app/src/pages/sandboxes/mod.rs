//! The sandboxes: what the provider has, what the ledger says, and what differs.

mod delete;
mod row;
mod state;
mod summary;

use crate::{
    api::{self, SandboxesData},
    parts::{
        errors::PageError,
        frame::{Frame, Section},
        rights::asked_rights,
    },
};
use delete::DeleteDialog;
use leptos::prelude::*;
use leptos_meta::Title;
use model::{Permission, Rights};
use row::Row;
use state::SandboxesState;
use summary::Summary;

/// The Sandboxes page.
#[component]
pub fn SandboxesPage() -> impl IntoView {
    let data = Resource::new(|| (), |()| api::load_sandboxes());
    let loading = || {
        view! {
            <div class="page wide">
                <h1>"Sandboxes"</h1>
                <p class="hint loading" role="status">
                    <span class="spinner" aria-hidden="true"></span>
                    "Asking the provider what it has."
                </p>
            </div>
        }
    };
    view! {
        <Title text="Sandboxes" />
        <Frame section=Section::Sandboxes>
            <Suspense fallback=loading>
                {move || {
                    let rights = asked_rights();
                    Suspend::new(async move {
                        let rights = rights.await;
                        match data.await {
                            Ok(data) => view! { <Sandboxes data=data rights=rights /> }.into_any(),
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Frame>
    }
    .into_any()
}

#[component]
fn Sandboxes(data: SandboxesData, rights: Rights) -> impl IntoView {
    let why_not = rights.why_not(Permission::Run);
    let state = SandboxesState::new(data, why_not.is_none());
    provide_context(state);
    state.keep_fresh();
    let keys = Memo::new(move |_| state.keys());
    let looking = move || state.looking.get();
    view! {
        <div class="page wide">
            <div class="head">
                <h1>"Sandboxes"</h1>
                <span class="grow"></span>
                <button
                    class="btn quiet"
                    disabled=why_not.is_some()
                    title=why_not
                    aria-disabled=move || looking().then_some("true")
                    on:click=move |_| state.look_again()
                >
                    {move || looking().then(|| view! { <span class="spinner" aria-hidden="true"></span> })}
                    {move || if looking() { "Looking" } else { "Look again now" }}
                </button>
            </div>
            <Troubles />
            <Summary />
            {move || {
                if keys.with(Vec::is_empty) {
                    view! { <Nothing /> }.into_any()
                } else {
                    view! { <Table keys=keys /> }.into_any()
                }
            }}
        </div>
        {why_not.is_none().then(|| view! { <DeleteDialog /> })}
    }
}

/// What keeps the page from saying all of it.
#[component]
fn Troubles() -> impl IntoView {
    let state = state::use_sandboxes();
    let provider = Memo::new(move |_| state.data.with(|data| data.comparison.provider_error.clone()));
    let page = Memo::new(move |_| state.trouble.get());
    view! {
        <div role="alert" class="troubles">
            {move || {
                provider
                    .get()
                    .map(|error| {
                        view! {
                            <p class="error-text">
                                {format!(
                                    "The provider cannot be asked now, so only the ledger\u{2019}s part is shown. {error} It is asked again every few seconds.",
                                )}
                            </p>
                        }
                    })
            }}
            {move || {
                page.get()
                    .map(|error| {
                        view! { <p class="error-text">{format!("What is shown may be old. {}", error.text)}</p> }
                    })
            }}
        </div>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    let state = state::use_sandboxes();
    let known = move || state.data.with(|data| data.comparison.provider_error.is_none());
    view! {
        <div class="empty">
            <b>{move || if known() { "No sandboxes" } else { "No open row in the ledger" }}</b>
            <p>
                {move || {
                    if known() {
                        "The provider has none of this installation, and the ledger expects none. One is made when an agent is run, and deleted after."
                    } else {
                        "Whether the provider has any is not known before it answers."
                    }
                }}
            </p>
            <a class="btn quiet" href="/">"Go to the agents"</a>
        </div>
    }
}

#[component]
fn Table(keys: Memo<Vec<String>>) -> impl IntoView {
    // The roles are said, because narrow windows show the rows as blocks.
    let head = [
        "Sandbox",
        "Run",
        "At the provider",
        "In the ledger",
        "Age",
        "Resources",
        "Difference",
    ];
    let head = head
        .into_iter()
        .map(|name| view! { <th role="columnheader">{name}</th> })
        .collect_view();
    view! {
        <table class="table sandboxes" role="table" aria-label="Sandboxes">
            <thead role="rowgroup">
                <tr role="row">
                    {head}
                    <th role="columnheader">
                        <span class="visually-hidden">"What can be done"</span>
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || keys.get() key=Clone::clone children=move |key| view! { <Row key=key /> } />
            </tbody>
        </table>
    }
}
