//! The settings: appearance, the way to the pages of all others, and what this instance is.

use crate::{
    api::{self, InstanceFacts, SignOut},
    app::chosen_theme,
    browser::theme::{self, Theme},
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
        icon::Icon,
        rights::asked_rights,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::{Permission, Provider, Rights};

/// A page of the settings.
struct Place {
    href: &'static str,
    name: &'static str,
    /// What is there.
    words: &'static str,
    /// What it takes to see it.
    takes: Permission,
}

const OF_THE_TEAM: [Place; 7] = [
    Place {
        href: "/settings/members",
        name: "Members",
        words: "Who sees and changes the agents, runs and secrets you see.",
        takes: Permission::Read,
    },
    Place {
        href: "/settings/secrets",
        name: "Secrets",
        words: "Keys, tokens and passwords that agents get as variables, masked in logs.",
        takes: Permission::Read,
    },
    Place {
        href: "/settings/tokens",
        name: "Tokens",
        words: "What programs show when they use the API in your name.",
        takes: Permission::Read,
    },
    Place {
        href: "/settings/usage",
        name: "Usage",
        words: "What sandboxes cost, by day, agent and member, and the team\u{2019}s budget.",
        takes: Permission::Read,
    },
    Place {
        href: "/settings/schedules",
        name: "Schedules",
        words: "When agents run by themselves.",
        takes: Permission::Read,
    },
    Place {
        href: "/settings/webhooks",
        name: "Webhooks",
        words: "Who is told when a run ends or the budget is spent.",
        takes: Permission::Administer,
    },
    Place {
        href: "/settings/audit",
        name: "Audit log",
        words: "Who did what, to what, when and from where.",
        takes: Permission::Administer,
    },
];

const OF_THE_INSTANCE: [Place; 1] = [Place {
    href: "/settings/accounts",
    name: "Accounts",
    words: "Everybody who can sign in to this Pitlane.",
    takes: Permission::ManageInstance,
}];

/// The settings page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let facts = Resource::new(|| (), |()| api::instance());
    view! {
        <Title text="Settings" />
        <Frame section=Section::Settings>
            <Suspense>
                {move || {
                    let rights = asked_rights();
                    Suspend::new(async move {
                        let rights = rights.await;
                        match facts.await {
                            Ok(facts) => {
                                view! {
                                    <div class="page slim">
                                        <h1>"Settings"</h1>
                                        <Appearance />
                                        <Places id="team" title="Team" places=&OF_THE_TEAM rights=rights />
                                        <You />
                                        <Places id="everybody" title="Everybody" places=&OF_THE_INSTANCE rights=rights />
                                        <Instance facts=facts />
                                    </div>
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Frame>
    }
    .into_any()
}

/// The ways to those of these pages that this person may see.
#[component]
fn Places(id: &'static str, title: &'static str, places: &'static [Place], rights: Rights) -> impl IntoView {
    let seen: Vec<_> = places.iter().filter(|place| rights.may(place.takes)).collect();
    (!seen.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby=id>
                <h2 id=id>{title}</h2>
                <ul class="places">{seen.into_iter().map(way).collect_view()}</ul>
            </section>
        }
    })
}

/// The way to a page.
fn way(place: &Place) -> impl IntoView + use<> {
    view! {
        <li>
            <a href=place.href>{place.name}</a>
            <span class="hint">{place.words}</span>
            <Icon name="right" />
        </li>
    }
}

/// One's account, and the end of one's session here.
#[component]
fn You() -> impl IntoView {
    let account = Place {
        href: "/settings/account",
        name: "Account",
        words: "The password, and the browsers that are signed in.",
        takes: Permission::Read,
    };
    view! {
        <section class="panel" aria-labelledby="you">
            <h2 id="you">"You"</h2>
            <ul class="places">{way(&account)}</ul>
            <SignOutForm />
        </section>
    }
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
fn SignOutForm() -> impl IntoView {
    let action = ServerAction::<SignOut>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            let _ = window().location().assign("/sign-in");
        }
    });
    view! {
        <ActionForm action=action attr:class="sign-out">
            <button class="btn quiet">"Sign out"</button>
            <span class="hint">"Unsaved drafts stay in this browser; runs go on without you."</span>
            <FormError error=error />
        </ActionForm>
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
