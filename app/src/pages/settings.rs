//! The settings: appearance, the way to the pages of all others, and what this instance is.

use crate::{
    api::{self, InstanceFacts, SignOut},
    app::chosen_theme,
    browser::theme::{self, Theme},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, MeResource, Section},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::{InstanceRole, Provider};

/// The settings page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let facts = Resource::new(|| (), |()| api::instance());
    view! {
        <Title text="Settings" />
        <Frame section=Section::Settings>
            <Suspense>
                {move || Suspend::new(async move {
                    match facts.await {
                        Ok(facts) => {
                            view! {
                                <div class="page slim">
                                    <h1>"Settings"</h1>
                                    <Appearance />
                                    <Team />
                                    <Secrets />
                                    <Tokens />
                                    <Usage />
                                    <AuditLog />
                                    <Account />
                                    <Accounts />
                                    <ByThemselves />
                                    <Session />
                                    <Instance facts=facts />
                                </div>
                            }
                                .into_any()
                        }
                        Err(error) => view! { <PageError error=error /> }.into_any(),
                    }
                })}
            </Suspense>
        </Frame>
    }
    .into_any()
}

#[component]
fn Appearance() -> impl IntoView {
    let choice = RwSignal::new(chosen_theme());
    let options = [
        (Theme::System, "As the system"),
        (Theme::Dark, "Dark"),
        (Theme::Light, "Light"),
    ];
    let options = options
        .into_iter()
        .map(|(option, name)| {
            let chosen = move || choice.get() == option;
            view! {
                <label>
                    <input
                        type="radio"
                        name="theme"
                        prop:checked=chosen
                        checked=chosen
                        on:change=move |_| {
                            choice.set(option);
                            theme::choose(option);
                        }
                    />
                    {name}
                </label>
            }
        })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="appearance">
            <h2 id="appearance">"Appearance"</h2>
            <div class="choices" role="radiogroup" aria-labelledby="appearance">{options}</div>
        </section>
    }
}

#[component]
fn Team() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="team">
            <h2 id="team">"Team"</h2>
            <p class="hint">"Who sees and changes the agents, runs and secrets you see."</p>
            <a class="btn quiet" href="/settings/members">"Members"</a>
        </section>
    }
}

#[component]
fn Secrets() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="secrets">
            <h2 id="secrets">"Secrets"</h2>
            <p class="hint">"Keys, tokens and passwords that agents get as variables, masked in logs."</p>
            <a class="btn quiet" href="/settings/secrets">"Secrets"</a>
        </section>
    }
}

#[component]
fn Tokens() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="tokens">
            <h2 id="tokens">"Tokens"</h2>
            <p class="hint">"What programs show when they use the API in your name."</p>
            <a class="btn quiet" href="/settings/tokens">"Tokens"</a>
        </section>
    }
}

#[component]
fn Usage() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="usage">
            <h2 id="usage">"Usage"</h2>
            <p class="hint">"What sandboxes cost, by day, agent and member, and the team\u{2019}s budget."</p>
            <a class="btn quiet" href="/settings/usage">"Usage"</a>
        </section>
    }
}

#[component]
fn AuditLog() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="audit">
            <h2 id="audit">"Audit log"</h2>
            <p class="hint">"Who did what, to what, when and from where."</p>
            <a class="btn quiet" href="/settings/audit">"Audit log"</a>
        </section>
    }
}

#[component]
fn ByThemselves() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="by-themselves">
            <h2 id="by-themselves">"Schedules and webhooks"</h2>
            <p class="hint">"When agents run by themselves, and who is told what came of it."</p>
            <div style="display:flex;gap:8px;flex-wrap:wrap">
                <a class="btn quiet" href="/settings/schedules">"Schedules"</a>
                <a class="btn quiet" href="/settings/webhooks">"Webhooks"</a>
            </div>
        </section>
    }
}

#[component]
fn Account() -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="account">
            <h2 id="account">"Your account"</h2>
            <p class="hint">"The password, and the browsers that are signed in."</p>
            <a class="btn quiet" href="/settings/account">"Account"</a>
        </section>
    }
}

/// Shown to whoever administers the instance.
#[component]
fn Accounts() -> impl IntoView {
    let me = use_context::<MeResource>();
    let shown = move || {
        Suspend::new(async move {
            let me = match me {
                Some(me) => me.0.await.ok()?,
                None => return None,
            };
            me.user.filter(|user| user.role == InstanceRole::Owner).map(|_| {
                view! {
                    <section class="panel" aria-labelledby="accounts">
                        <h2 id="accounts">"Accounts"</h2>
                        <p class="hint">"Everybody who can sign in to this Pitlane."</p>
                        <a class="btn quiet" href="/settings/accounts">"Accounts"</a>
                    </section>
                }
            })
        })
    };
    view! { <Suspense>{shown}</Suspense> }
}

#[component]
fn Session() -> impl IntoView {
    let action = ServerAction::<SignOut>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            let _ = window().location().assign("/sign-in");
        }
    });
    view! {
        <section class="panel" aria-labelledby="session">
            <h2 id="session">"This browser"</h2>
            <p class="hint">"Unsaved drafts stay in this browser; runs go on without you."</p>
            <ActionForm action=action>
                <FormError error=error />
                <button class="btn quiet">"Sign out"</button>
            </ActionForm>
        </section>
    }
}

#[component]
fn Instance(facts: InstanceFacts) -> impl IntoView {
    let provider = match facts.provider {
        Provider::Embedded => "Embedded engine, on this machine",
        Provider::Daytona => "Daytona cloud",
    };
    let list = facts
        .facts
        .into_iter()
        .map(|fact| view! { <li>{fact}</li> })
        .collect_view();
    view! {
        <section class="panel" id="provider" aria-labelledby="provider-title">
            <h2 id="provider-title">"Sandboxes"</h2>
            <dl class="facts">
                <dt>"Provider"</dt>
                <dd>{provider}</dd>
                <dt>"Address"</dt>
                <dd class="mono">{facts.provider_url}</dd>
                <dt>"Isolation"</dt>
                <dd>{facts.isolation}</dd>
                <dt>"Pitlane"</dt>
                <dd>{facts.version}</dd>
            </dl>
            <ul class="plain-list">{list}</ul>
        </section>
    }
}
