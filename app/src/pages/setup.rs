//! The first owner's name and password, asked for once after the one-time link.

use crate::{
    api::SetOwner,
    parts::{errors::FormError, icon::Mark},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The set-up page.
#[component]
pub fn SetupPage() -> impl IntoView {
    let action = ServerAction::<SetOwner>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            let _ = window().location().assign("/");
        }
    });
    view! {
        <Title text="Set up" />
        <main id="main" class="gate">
            <div class="gate-box">
                <span class="logo"><Mark />"Pitlane"</span>
                <h1>"Set up your account"</h1>
                <p>"You are the owner of this instance. Choose the name and the password you sign in with from now on."</p>
                <ActionForm action=action attr:class="form">
                    <label>
                        "Name"
                        <input class="field" name="name" autocomplete="username" required autofocus maxlength="80" />
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
                    <button class="btn primary" disabled=move || action.pending().get()>
                        {move || if action.pending().get() { "Saving" } else { "Save and go on" }}
                    </button>
                </ActionForm>
            </div>
        </main>
    }
    .into_any()
}
