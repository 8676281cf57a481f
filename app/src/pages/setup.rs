//! The first owner's name and password, asked for once after the one-time
//! link. Where passwords are off, the owner connects the provider instead.

use crate::{
    api::{SetOwner, SignInOptions},
    parts::{errors::FormError, frame::MeResource, icon::Mark},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The set-up page.
#[component]
pub fn SetupPage() -> impl IntoView {
    let me = use_context::<MeResource>();
    view! {
        <Title text="Set up" />
        <main id="main" class="gate">
            <div class="gate-box">
                <span class="logo"><Mark />"Pitlane"</span>
                <h1>"Set up your account"</h1>
                <Suspense>
                    {move || Suspend::new(async move {
                        let options = match me {
                            Some(me) => me.0.await.map(|me| me.sign_in).unwrap_or_default(),
                            None => SignInOptions::default(),
                        };
                        view! { <Ways options=options /> }
                    })}
                </Suspense>
            </div>
        </main>
    }
    .into_any()
}

#[component]
fn Ways(options: SignInOptions) -> impl IntoView {
    let SignInOptions { password, provider } = options;
    let connect = provider.map(|provider| {
        view! {
            <a class="btn quiet provider" rel="external" href="/oidc/start?link=1">{format!("Connect {provider}")}</a>
        }
    });
    if !password {
        return view! {
            <p>"People sign in to this Pitlane through a provider. Connect yours to this account."</p>
            {connect}
        }
        .into_any();
    }
    view! {
        <p>"You are the owner of this instance. Choose the name and the password you sign in with from now on."</p>
        <Form />
        {connect}
    }
    .into_any()
}

#[component]
fn Form() -> impl IntoView {
    let action = ServerAction::<SetOwner>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            let _ = window().location().assign("/");
        }
    });
    view! {
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
    }
}
