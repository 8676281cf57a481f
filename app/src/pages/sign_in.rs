//! Signing in with a name and a password. Works without scripts.

use crate::{
    api::SignIn,
    parts::{errors::FormError, icon::Mark},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The sign-in page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let query = use_query_map();
    let next = query.with_untracked(|query| query.get("next"));
    let link_used = query.with_untracked(|query| query.get("link").is_some());
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
                <ActionForm action=action attr:class="form">
                    <label>
                        "Name"
                        <input class="field" name="name" autocomplete="username" required autofocus maxlength="80" />
                    </label>
                    <label>
                        "Password"
                        <input class="field" type="password" name="password" autocomplete="current-password" required />
                    </label>
                    <input type="hidden" name="next" value=next.unwrap_or_else(|| "/".to_owned()) />
                    <FormError error=error />
                    <button class="btn primary" disabled=move || action.pending().get()>
                        {move || if action.pending().get() { "Signing in" } else { "Sign in" }}
                    </button>
                </ActionForm>
                <p class="hint">"The first start of the server prints a link that signs you in without a password."</p>
            </div>
        </main>
    }
    .into_any()
}
