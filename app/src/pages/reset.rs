//! A new password, with the link that an administrator made. Opening the page
//! does not use the link up: programs that look into messages open links too.

use crate::{
    api::{self, ResetPassword},
    parts::{
        errors::{FormError, PageError},
        icon::Mark,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// The page.
#[component]
pub fn ResetPage() -> impl IntoView {
    let params = use_params_map();
    let token = params
        .with_untracked(|params| params.get("token"))
        .unwrap_or_default();
    let asked = token.clone();
    let found = Resource::new(move || asked.clone(), api::load_reset);
    let action = ServerAction::<ResetPassword>::new();
    view! {
        <Title text="New password" />
        <main id="main" class="gate">
            <div class="gate-box">
                <span class="logo"><Mark />"Pitlane"</span>
                <h1>"New password"</h1>
                <Suspense>
                    {move || {
                        let token = token.clone();
                        Suspend::new(async move {
                            match found.await {
                                Ok(Some(name)) => {
                                    view! { <Form action=action name=name token=token /> }.into_any()
                                }
                                Ok(None) => {
                                    view! {
                                        <p class="error-text" role="alert">
                                            "This link was used before or is too old. Ask an administrator for a new one."
                                        </p>
                                        <a class="btn quiet" href="/sign-in">"Sign in"</a>
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
fn Form(action: ServerAction<ResetPassword>, name: String, token: String) -> impl IntoView {
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            let _ = window().location().assign("/");
        }
    });
    view! {
        <p>"For the account "<b>{name.clone()}</b>". Its browsers are signed out when you save."</p>
        <ActionForm action=action attr:class="form">
            <input type="hidden" name="token" value=token />
            <input class="visually-hidden" name="user" autocomplete="username" value=name readonly tabindex="-1" aria-hidden="true" />
            <label>
                "New password"
                <input
                    class="field"
                    type="password"
                    name="password"
                    autocomplete="new-password"
                    required
                    autofocus
                    minlength="10"
                    aria-describedby="password-hint"
                />
                <span id="password-hint" class="hint">"At least 10 characters."</span>
            </label>
            <FormError error=error />
            <button class="btn primary" disabled=move || action.pending().get()>
                {move || if action.pending().get() { "Saving" } else { "Save and sign in" }}
            </button>
        </ActionForm>
    }
}
