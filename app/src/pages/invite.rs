//! An invitation, opened: who invites whom into what, and accepting it as
//! somebody new or as whoever is signed in.

use crate::{
    UiError,
    api::{self, AcceptInvitation, InvitationFacts, JoinTeam, SignInOptions},
    pages::sign_in::problem_sentence,
    parts::{
        errors::{FormError, PageError, in_query, sign_in_path},
        frame::MeResource,
        icon::Mark,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// The page.
#[component]
pub fn InvitePage() -> impl IntoView {
    let params = use_params_map();
    let token = params
        .with_untracked(|params| params.get("token"))
        .unwrap_or_default();
    let query = use_query_map();
    let problem = query
        .with_untracked(|query| query.get("problem"))
        .and_then(|word| problem_sentence(&word));
    let asked = token.clone();
    let found = Resource::new(move || asked.clone(), api::load_invitation);
    let me = use_context::<MeResource>();
    view! {
        <Title text="Invitation" />
        <main id="main" class="gate">
            <div class="gate-box">
                <span class="logo"><Mark />"Pitlane"</span>
                <h1>"Invitation"</h1>
                {problem.map(|problem| view! { <p class="error-text" role="alert">{problem}</p> })}
                <Suspense>
                    {move || {
                        let token = token.clone();
                        Suspend::new(async move {
                            let options = match me {
                                Some(me) => me.0.await.map(|me| me.sign_in).unwrap_or_default(),
                                None => SignInOptions::default(),
                            };
                            match found.await {
                                Ok(Some(facts)) => {
                                    view! { <Accept facts=facts token=token options=options /> }.into_any()
                                }
                                Ok(None) => {
                                    view! {
                                        <p class="error-text" role="alert">
                                            "This invitation was used or revoked, or is too old. Ask for a new one."
                                        </p>
                                        <a class="btn quiet" href="/">"Go to Pitlane"</a>
                                    }
                                        .into_any()
                                }
                                Err(error) => view! { <PageError error=error /> }.into_any(),
                            }
                        })
                    }}
                </Suspense>
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn Accept(facts: InvitationFacts, token: String, options: SignInOptions) -> impl IntoView {
    let InvitationFacts {
        team,
        role,
        by,
        me,
        is_member,
    } = facts;
    let article = if role.as_str().starts_with(['a', 'o']) {
        "an"
    } else {
        "a"
    };
    let words = view! {
        <p><b>{by}</b>" invites you to the team "<b>{team}</b>{format!(", as {article} {}.", role.as_str())}</p>
    };
    let way = match me {
        Some(_) if is_member => view! {
            <p>"You are in this team already. Give the link to whom it is meant for."</p>
            <a class="btn quiet" href="/">"Go to Pitlane"</a>
        }
        .into_any(),
        Some(name) => view! { <Join token=token name=name /> }.into_any(),
        None => view! { <Newcomer token=token options=options /> }.into_any(),
    };
    view! { {words}{way} }
}

#[component]
fn Join(token: String, name: String) -> impl IntoView {
    let action = ServerAction::<JoinTeam>::new();
    let error = go_on(move || action.value().get());
    view! {
        <ActionForm action=action attr:class="form">
            <input type="hidden" name="token" value=token />
            <FormError error=error />
            <button class="btn primary" disabled=move || action.pending().get()>{format!("Join as {name}")}</button>
        </ActionForm>
    }
}

#[component]
fn Newcomer(token: String, options: SignInOptions) -> impl IntoView {
    let action = ServerAction::<AcceptInvitation>::new();
    let error = go_on(move || action.value().get());
    let SignInOptions { password, provider } = options;
    let has_both = password && provider.is_some();
    let start = format!("/oidc/start?invitation={}", in_query(&token));
    let sign_in = sign_in_path(&format!("/invite/{token}"));
    view! {
        {provider
            .map(|provider| {
                view! {
                    <a class="btn primary provider" rel="external" href=start>{format!("Continue with {provider}")}</a>
                }
            })}
        {has_both.then(|| view! { <p class="or" aria-hidden="true">"or"</p> })}
        {password
            .then(|| {
                view! {
                    <ActionForm action=action attr:class="form">
                        <input type="hidden" name="token" value=token />
                        <label>
                            "Name"
                            <input class="field" name="name" autocomplete="username" required maxlength="80" />
                        </label>
                        <label>
                            "Password"
                            <input
                                class="field"
                                type="password"
                                name="password"
                                autocomplete="new-password"
                                required
                                minlength="10"
                                aria-describedby="password-hint"
                            />
                            <span id="password-hint" class="hint">"At least 10 characters."</span>
                        </label>
                        <FormError error=error />
                        <button
                            class="btn"
                            class:primary=!has_both
                            class:quiet=has_both
                            disabled=move || action.pending().get()
                        >
                            "Make the account and join"
                        </button>
                    </ActionForm>
                }
            })}
        <p class="hint">"You have an account here? "<a class="link" href=sign_in>"Sign in to join with it"</a>"."</p>
    }
}

/// The error of the last try; leaves for the agents when it worked.
fn go_on(
    value: impl Fn() -> Option<Result<(), UiError>> + Copy + Send + Sync + 'static,
) -> Signal<Option<UiError>> {
    Effect::new(move |_| {
        if matches!(value(), Some(Ok(()))) {
            let _ = window().location().assign("/");
        }
    });
    Signal::derive(move || value().and_then(Result::err))
}
