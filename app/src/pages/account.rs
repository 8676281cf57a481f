//! One's own account: the password, the sign-in provider, and where one is
//! signed in.

use crate::{
    UiError,
    api::{
        self, AccountData, ChangePassword, EndOtherSessions, EndSession, SignInOptions, SignOut,
        UnlinkProvider,
    },
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, MeResource, Section},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::{AccountSession, Millis, SessionId, time::ago_words};

/// The page.
#[component]
pub fn AccountPage() -> impl IntoView {
    let end = ServerAction::<EndSession>::new();
    let end_others = ServerAction::<EndOtherSessions>::new();
    let change = ServerAction::<ChangePassword>::new();
    let unlink = ServerAction::<UnlinkProvider>::new();
    let versions = move || {
        (
            end.version().get(),
            end_others.version().get(),
            change.version().get(),
            unlink.version().get(),
        )
    };
    let account = Resource::new(versions, |_| api::load_account());
    let me = use_context::<MeResource>();
    view! {
        <Title text="Account" />
        <Frame section=Section::Settings>
            <div class="page slim">
                <div class="head">
                    <h1>"Account"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <Transition>
                    {move || Suspend::new(async move {
                        let options = match me {
                            Some(me) => me.0.await.map(|me| me.sign_in).unwrap_or_default(),
                            None => SignInOptions::default(),
                        };
                        match account.await {
                            Ok(account) => {
                                view! {
                                    <Password action=change account=account.clone() options=options.clone() />
                                    <Provider action=unlink account=account.clone() options=options />
                                    <Sessions account=account end=end end_others=end_others />
                                }
                                    .into_any()
                            }
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
fn Password(
    action: ServerAction<ChangePassword>,
    account: AccountData,
    options: SignInOptions,
) -> impl IntoView {
    if !options.password {
        return ().into_any();
    }
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let has_password = account.user.has_password;
    let name = account.user.name;
    view! {
        <section class="panel" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <p class="hint">"A new password signs your other browsers out. Tokens go on working."</p>
            <ActionForm action=action attr:class="form">
                <input class="visually-hidden" name="user" autocomplete="username" value=name readonly tabindex="-1" aria-hidden="true" />
                <div class="row">
                    {if has_password {
                        view! {
                            <label>
                                "Current password"
                                <input class="field" type="password" name="current" autocomplete="current-password" required />
                            </label>
                        }
                            .into_any()
                    } else {
                        view! { <input type="hidden" name="current" value="" /> }.into_any()
                    }}
                    <label>
                        "New password, at least 10 characters"
                        <input
                            class="field"
                            type="password"
                            name="password"
                            autocomplete="new-password"
                            required
                            minlength="10"
                        />
                    </label>
                    <button class="btn quiet" disabled=move || action.pending().get()>
                        {if has_password { "Change password" } else { "Set a password" }}
                    </button>
                </div>
                <FormError error=error />
                <div role="status">
                    {move || {
                        matches!(value.get(), Some(Ok(())))
                            .then(|| view! { <p class="done-text">"The password is changed, and your other browsers are signed out."</p> })
                    }}
                </div>
            </ActionForm>
        </section>
    }
    .into_any()
}

/// The way in through the provider: shown when there is one, or was.
#[component]
fn Provider(
    action: ServerAction<UnlinkProvider>,
    account: AccountData,
    options: SignInOptions,
) -> impl IntoView {
    let query = use_query_map();
    let problem = query.with_untracked(|query| query.get("problem"));
    let problem = problem.and_then(|word| super::sign_in::problem_sentence(&word));
    if options.provider.is_none() && account.identities.is_empty() {
        return ().into_any();
    }
    let name = options
        .provider
        .clone()
        .unwrap_or_else(|| "The sign-in provider".to_owned());
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let is_linked = !account.identities.is_empty();
    let can_unlink = is_linked && account.user.has_password && options.password;
    let linked = account.identities.join(", ");
    let connect = options.provider.map(|provider| {
        view! {
            <a class="btn quiet" rel="external" href="/oidc/start?link=1">
                {format!("Connect {provider}")}
            </a>
        }
    });
    view! {
        <section class="panel" aria-labelledby="provider">
            <h2 id="provider">{name}</h2>
            {problem.map(|problem| view! { <p class="error-text" role="alert">{problem}</p> })}
            {if is_linked {
                view! { <p class="hint">"Signs you in as "<b>{linked}</b>"."</p> }.into_any()
            } else {
                view! {
                    <p class="hint">"Connect it to sign in to this account without its password."</p>
                    <div>{connect}</div>
                }
                    .into_any()
            }}
            {can_unlink
                .then(|| {
                    view! {
                        <ActionForm action=action>
                            <FormError error=error />
                            <button class="btn quiet" disabled=move || action.pending().get()>"Disconnect"</button>
                        </ActionForm>
                    }
                })}
        </section>
    }
    .into_any()
}

#[component]
fn Sessions(
    account: AccountData,
    end: ServerAction<EndSession>,
    end_others: ServerAction<EndOtherSessions>,
) -> impl IntoView {
    let AccountData {
        sessions,
        current,
        now,
        ..
    } = account;
    let has_others = sessions.len() > 1;
    let sign_out = ServerAction::<SignOut>::new();
    Effect::new(move |_| {
        if matches!(sign_out.value().get(), Some(Ok(()))) {
            let _ = window().location().assign("/sign-in");
        }
    });
    let rows = sessions
        .into_iter()
        .map(|session| view! { <Row session=session current=current.clone() now=now end=end sign_out=sign_out /> })
        .collect_view();
    let error = Signal::derive(move || {
        let last: [Option<UiError>; 3] = [
            end.value().get().and_then(Result::err),
            end_others.value().get().and_then(Result::err),
            sign_out.value().get().and_then(Result::err),
        ];
        last.into_iter().flatten().next()
    });
    view! {
        <section class="panel" aria-labelledby="sessions">
            <div class="head">
                <h2 id="sessions">"Where you are signed in"</h2>
                <span class="grow"></span>
                {has_others
                    .then(|| {
                        view! {
                            <ActionForm action=end_others>
                                <button class="btn danger" disabled=move || end_others.pending().get()>
                                    "Sign out everywhere else"
                                </button>
                            </ActionForm>
                        }
                    })}
            </div>
            <FormError error=error />
            <table class="table">
                <thead>
                    <tr>
                        <th>"Browser"</th>
                        <th class="wide-only">"Address"</th>
                        <th>"Last used"</th>
                        <th><span class="visually-hidden">"Sign out"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="hint">"A session ends after 30 days without use."</p>
        </section>
    }
}

#[component]
fn Row(
    session: AccountSession,
    current: Option<SessionId>,
    now: Millis,
    end: ServerAction<EndSession>,
    sign_out: ServerAction<SignOut>,
) -> impl IntoView {
    let is_this = current.as_ref() == Some(&session.id);
    let words = session.browser_words();
    let used = if is_this {
        "now".to_owned()
    } else {
        ago_words(now.since(session.used_at))
    };
    let began = format!(
        "Signed in {} {}",
        ago_words(now.since(session.created_at)),
        session.way.words()
    );
    let label = format!("Sign out {words}, last used {used}");
    view! {
        <tr>
            <td class="name" title=session.browser.clone()>
                {words}
                {is_this.then(|| view! { " " <span class="chip">"this browser"</span> })}
                <span>{began}</span>
            </td>
            <td class="wide-only mono">{session.address.clone()}</td>
            <td class="nowrap">{used}</td>
            <td>
                {if is_this {
                    view! {
                        <ActionForm action=sign_out>
                            <button class="btn quiet" disabled=move || sign_out.pending().get()>"Sign out"</button>
                        </ActionForm>
                    }
                        .into_any()
                } else {
                    view! {
                        <ActionForm action=end>
                            <input type="hidden" name="session" value=session.id.to_string() />
                            <button class="btn danger" aria-label=label disabled=move || end.pending().get()>
                                "Sign out"
                            </button>
                        </ActionForm>
                    }
                        .into_any()
                }}
            </td>
        </tr>
    }
}
