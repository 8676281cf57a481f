//! The accounts of the instance: who there is, a link for a new password, and
//! disabling, enabling and deleting one.

use crate::{
    api::{self, AccountList, CreateResetLink, DeleteAccount, DisableAccount, EnableAccount},
    parts::{
        dialog::Dialog,
        errors::{FormError, PageError},
        frame::{Frame, Section},
    },
};
use leptos::{form::ActionForm, prelude::*, task::spawn_local};
use leptos_meta::Title;
use model::{Account, Millis, UserId, time::ago_words};

/// What is done to accounts.
#[derive(Clone, Copy)]
struct Actions {
    link: ServerAction<CreateResetLink>,
    disable: ServerAction<DisableAccount>,
    enable: ServerAction<EnableAccount>,
    delete: ServerAction<DeleteAccount>,
    /// The account whose link is shown or whose deletion is asked about.
    chosen: RwSignal<Option<Account>>,
    link_open: RwSignal<bool>,
    delete_open: RwSignal<bool>,
}

/// The page.
#[component]
pub fn AccountsPage() -> impl IntoView {
    let actions = Actions {
        link: ServerAction::new(),
        disable: ServerAction::new(),
        enable: ServerAction::new(),
        delete: ServerAction::new(),
        chosen: RwSignal::new(None),
        link_open: RwSignal::new(false),
        delete_open: RwSignal::new(false),
    };
    let versions = move || {
        (
            actions.disable.version().get(),
            actions.enable.version().get(),
            actions.delete.version().get(),
        )
    };
    let list = Resource::new(versions, |_| api::list_accounts());
    Effect::new(move |_| {
        if matches!(actions.delete.value().get(), Some(Ok(()))) {
            actions.delete_open.set(false);
        }
    });
    view! {
        <Title text="Accounts" />
        <Frame section=Section::Settings>
            <div class="page">
                <div class="head">
                    <h1>"Accounts"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <p class="hint">
                    "Everybody who can sign in to this Pitlane. A disabled account is signed out everywhere and its tokens end; what it made stays with the team."
                </p>
                <Transition>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <List list=list actions=actions /> }.into_any(),
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
            <ResetDialog actions=actions />
            <DeleteDialog actions=actions />
        </Frame>
    }
    .into_any()
}

#[component]
fn List(list: AccountList, actions: Actions) -> impl IntoView {
    let AccountList { accounts, me, now } = list;
    let rows = accounts
        .into_iter()
        .map(|account| view! { <Row account=account me=me.clone() now=now actions=actions /> })
        .collect_view();
    let error = Signal::derive(move || {
        let last = [
            actions.disable.value().get().and_then(Result::err),
            actions.enable.value().get().and_then(Result::err),
        ];
        last.into_iter().flatten().next()
    });
    view! {
        <FormError error=error />
        <table class="table accounts">
            <thead>
                <tr>
                    <th>"Name"</th>
                    <th class="wide-only">"Signs in with"</th>
                    <th>"Last here"</th>
                    <th class="wide-only num">"Browsers"</th>
                    <th class="wide-only num">"Tokens"</th>
                    <th><span class="visually-hidden">"What to do"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[component]
fn Row(account: Account, me: UserId, now: Millis, actions: Actions) -> impl IntoView {
    let user = account.user.clone();
    let is_me = user.id == me;
    let with = match (user.has_password, user.has_identity) {
        (true, true) => "password, provider",
        (true, false) => "password",
        (false, true) => "provider",
        (false, false) => "a one-time link",
    };
    let used = account
        .used_at
        .map_or_else(|| "signed in nowhere".to_owned(), |at| ago_words(now.since(at)));
    let is_disabled = account.disabled_at.is_some();
    let made = format!("Made {}", ago_words(now.since(account.created_at)));
    let name = user.name.clone();
    let id = user.id.to_string();
    let (for_link, for_delete) = (account.clone(), account.clone());
    let show_link = move |_| {
        let user = for_link.user.id.clone();
        actions.chosen.set(Some(for_link.clone()));
        actions.link.clear();
        actions.link_open.set(true);
        actions.link.dispatch(CreateResetLink { user });
    };
    let ask_delete = move |_| {
        actions.chosen.set(Some(for_delete.clone()));
        actions.delete.clear();
        actions.delete_open.set(true);
    };
    let (reset_label, delete_label) = (format!("New password for {name}"), format!("Delete {name}"));
    let (disable_label, enable_label) = (format!("Disable {name}"), format!("Enable {name}"));
    let buttons = if is_me {
        view! { <span class="hint">"this is you"</span> }.into_any()
    } else {
        let switch = if is_disabled {
            view! {
                <ActionForm action=actions.enable>
                    <input type="hidden" name="user" value=id.clone() />
                    <button class="btn quiet" aria-label=enable_label disabled=move || actions.enable.pending().get()>
                        "Enable"
                    </button>
                </ActionForm>
            }
            .into_any()
        } else {
            view! {
                <ActionForm action=actions.disable>
                    <input type="hidden" name="user" value=id.clone() />
                    <button class="btn quiet" aria-label=disable_label disabled=move || actions.disable.pending().get()>
                        "Disable"
                    </button>
                </ActionForm>
            }
            .into_any()
        };
        view! {
            {(!is_disabled)
                .then(|| view! { <button class="btn quiet" aria-label=reset_label on:click=show_link>"New password"</button> })}
            {switch}
            <button class="btn danger" aria-label=delete_label on:click=ask_delete>"Delete"</button>
        }
        .into_any()
    };
    view! {
        <tr>
            <td class="name">
                {name}
                {is_disabled.then(|| view! { " " <span class="chip">"disabled"</span> })}
                <span>{made}</span>
            </td>
            <td class="wide-only">{with}</td>
            <td>{used}</td>
            <td class="wide-only num">{account.sessions}</td>
            <td class="wide-only num">{account.tokens}</td>
            <td><div class="row-buttons">{buttons}</div></td>
        </tr>
    }
}

/// The link for a new password: shown until the dialog is closed.
#[component]
fn ResetDialog(actions: Actions) -> impl IntoView {
    let title = Signal::derive(move || {
        let name = actions.chosen.get().map(|account| account.user.name);
        format!("New password for {}", name.unwrap_or_default())
    });
    let value = actions.link.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    view! {
        <Dialog open=actions.link_open title=title id="reset-title">
            <p>"Give this link to the person, over a way that nobody else reads. With it they choose a new password, once, within a day."</p>
            <FormError error=error />
            {move || value.get().and_then(Result::ok).map(|link| view! { <Link link=link label="The link for a new password" /> })}
        </Dialog>
    }
}

/// A link to copy. A path is completed by the address this page was opened at.
#[component]
pub fn Link(
    /// The address, or its path.
    link: String,
    /// What it is.
    label: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(None);
    let address = if link.starts_with('/') {
        let origin = window().location().origin().unwrap_or_default();
        origin + &link
    } else {
        link
    };
    let text = StoredValue::new(address);
    let copy = move |_| {
        spawn_local(async move {
            copied.set(Some(crate::browser::clipboard::copy(&text.get_value()).await));
        });
    };
    view! {
        <div class="form">
            <div class="row">
                <label>
                    {label}
                    <input class="field mono" readonly value=text.get_value() />
                </label>
                <button type="button" class="btn quiet" on:click=copy>
                    {move || match copied.get() {
                        None => "Copy",
                        Some(true) => "Copied",
                        Some(false) => "Select it and copy",
                    }}
                </button>
            </div>
        </div>
    }
}

#[component]
fn DeleteDialog(actions: Actions) -> impl IntoView {
    let name = move || {
        actions
            .chosen
            .get()
            .map(|account| account.user.name)
            .unwrap_or_default()
    };
    let title = Signal::derive(move || format!("Delete {}", name()));
    let error = Signal::derive(move || actions.delete.value().get().and_then(Result::err));
    view! {
        <Dialog open=actions.delete_open title=title id="delete-account-title">
            <p>"The account is signed out everywhere, its tokens end, and nobody can sign in to it again. Agents, runs and secrets stay with their team. This cannot be undone."</p>
            <FormError error=error />
            <div class="dialog-acts">
                <button
                    class="btn danger"
                    disabled=move || actions.delete.pending().get()
                    on:click=move |_| {
                        if let Some(account) = actions.chosen.get_untracked() {
                            actions.delete.dispatch(DeleteAccount { user: account.user.id });
                        }
                    }
                >
                    {move || format!("Delete {}", name())}
                </button>
                <button class="btn quiet" on:click=move |_| actions.delete_open.set(false)>"Keep it"</button>
            </div>
        </Dialog>
    }
}
