//! Signing in with a name and a password, or through a provider. Works without scripts.

use crate::{
    api::{SignIn, SignInOptions},
    parts::{
        errors::{FormError, in_query},
        frame::MeResource,
        icon::Mark,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// What a word in the page's address says about the last try to sign in. Words alone, so that no
/// link can put sentences of a stranger's on this page.
#[must_use]
pub fn problem_sentence(word: &str) -> Option<&'static str> {
    Some(match word {
        "away" => {
            "The sign-in provider cannot be reached now, so it could not say who you are. Try again in a moment."
        }
        "stale" => "This sign-in took too long or began in another browser. Start it again.",
        "refused" => {
            "The sign-in provider did not let you in, or you cancelled there. Start again when you want to."
        }
        "failed" => {
            "The sign-in provider\u{2019}s answer could not be used. The server\u{2019}s log says why; tell an administrator."
        }
        "not_allowed" => {
            "You have no account here, and this Pitlane does not make one for your address. Ask an administrator for an invitation."
        }
        "unverified" => {
            "The sign-in provider has not verified your e-mail address, so it opens no account here. Verify it there, or ask an administrator for an invitation."
        }
        "disabled" => "This account is disabled. Ask an administrator of this Pitlane to enable it.",
        "taken" => "This sign-in belongs to another account already. Sign out, and sign in with it.",
        _ => return None,
    })
}

/// The sign-in page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let query = use_query_map();
    let next = query.with_untracked(|query| query.get("next"));
    let link_used = query.with_untracked(|query| query.get("link").is_some());
    let problem = query
        .with_untracked(|query| query.get("problem"))
        .and_then(|word| problem_sentence(&word));
    let me = use_context::<MeResource>();
    view! {
        <Title text="Sign in" />
        <main id="main" class="gate">
            <div class="gate-box">
                <span class="logo"><Mark />"Pitlane"</span>
                <h1>"Sign in"</h1>
                {link_used
                    .then(|| {
                        view! {
                            <p class="error-text" role="alert">
                                "This sign-in link was used before or is too old. Sign in with your password, or make a new link with "
                                <code>"pitlane user link"</code>"."
                            </p>
                        }
                    })}
                {problem.map(|problem| view! { <p class="error-text" role="alert">{problem}</p> })}
                <Suspense>
                    {move || {
                        let next = next.clone();
                        Suspend::new(async move {
                            let options = match me {
                                Some(me) => me.0.await.map(|me| me.sign_in).unwrap_or_default(),
                                None => SignInOptions::default(),
                            };
                            view! { <Ways options=options next=next /> }
                        })
                    }}
                </Suspense>
            </div>
        </main>
    }
    .into_any()
}

/// The ways in that this instance has.
#[component]
fn Ways(options: SignInOptions, next: Option<String>) -> impl IntoView {
    let SignInOptions { password, provider } = options;
    let has_both = password && provider.is_some();
    let path = next.clone();
    view! {
        {provider.map(|provider| view! { <ProviderButton provider=provider next=path /> })}
        {has_both.then(|| view! { <p class="or" aria-hidden="true">"or"</p> })}
        {password.then(|| view! { <PasswordForm next=next is_first=!has_both /> })}
    }
}

/// Goes to the provider, and comes back to `next`.
#[component]
pub fn ProviderButton(
    /// What it is called.
    provider: String,
    /// The path to come back to.
    next: Option<String>,
) -> impl IntoView {
    let path = match next {
        Some(next) => format!("/oidc/start?next={}", in_query(&next)),
        None => "/oidc/start".to_owned(),
    };
    // The router would look for a page of that address in this document.
    view! { <a class="btn primary provider" rel="external" href=path>{format!("Continue with {provider}")}</a> }
}

#[component]
fn PasswordForm(next: Option<String>, is_first: bool) -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let query = use_query_map();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            // A whole load: nothing of the signed-out page stays.
            let next = query
                .with_untracked(|query| query.get("next"))
                .filter(|next| next.starts_with('/') && !next.starts_with("//") && !next.contains('\\'));
            let _ = window().location().assign(next.as_deref().unwrap_or("/"));
        }
    });
    view! {
        <ActionForm action=action attr:class="form">
            <label>
                "Name"
                <input class="field" name="name" autocomplete="username" required autofocus=is_first maxlength="80" />
            </label>
            <label>
                "Password"
                <input class="field" type="password" name="password" autocomplete="current-password" required />
            </label>
            <input type="hidden" name="next" value=next.unwrap_or_else(|| "/".to_owned()) />
            <FormError error=error />
            <button class="btn" class:primary=is_first class:quiet=!is_first disabled=move || action.pending().get()>
                {move || if action.pending().get() { "Signing in" } else { "Sign in" }}
            </button>
        </ActionForm>
        <p class="hint">
            "Forgot it? An administrator can make you a link for a new one. The first start of the server prints a link that signs in without a password."
        </p>
    }
}
