//! What stands around every page of a person who is signed in: the bar at the
//! top, and the guard that sends others to the sign-in page.

use super::{
    account_menu::AccountMenu,
    errors::{leave_for, sign_in_path},
    icon::Mark,
};
use crate::{UiError, api::Me};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use model::Provider;

/// Who asks, loaded once for the whole app.
#[derive(Clone, Copy)]
pub struct MeResource(pub Resource<Result<Me, UiError>>);

/// The parts of the site that the bar at the top names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The agents and their studios.
    Agents,
    /// The sandboxes.
    Sandboxes,
    /// The settings.
    Settings,
    /// None of them.
    Other,
}

/// The bar at the top.
#[component]
pub fn Header(
    /// The part of the site this page belongs to.
    section: Section,
) -> impl IntoView {
    let link = move |of: Section, href: &'static str, text: &'static str| {
        view! { <a href=href aria-current=(section == of).then_some("page")>{text}</a> }
    };
    view! {
        <header class="top">
            <a class="skip" href="#main">"Skip to the content"</a>
            <a class="logo" href="/" aria-label="Pitlane, to the agents"><Mark /><span aria-hidden="true">"Pitlane"</span></a>
            <nav class="nav" aria-label="Main">
                {link(Section::Agents, "/", "Agents")}
                {link(Section::Sandboxes, "/sandboxes", "Sandboxes")}
                {link(Section::Settings, "/settings", "Settings")}
            </nav>
            <span class="grow"></span>
            <Account />
        </header>
    }
}

/// The provider and who is signed in. Sends whoever is not to the sign-in
/// page, and a new owner to the set-up.
#[component]
fn Account() -> impl IntoView {
    let me = use_context::<MeResource>();
    let location = use_location();
    let here = move || {
        let path = location.pathname.get_untracked();
        match location.search.get_untracked() {
            search if search.is_empty() => path,
            search => format!("{path}?{}", search.trim_start_matches('?')),
        }
    };
    let shown = move || {
        let here = here();
        Suspend::new(async move {
            let me = match me {
                Some(me) => me.0.await,
                None => return None,
            };
            let Ok(me) = me else { return None };
            let Some(user) = me.user else {
                leave_for(&sign_in_path(&here));
                return None;
            };
            if !user.is_set_up() {
                leave_for("/setup");
                return None;
            }
            let (provider, dot) = match me.provider {
                Provider::Embedded if me.isolation.contains("none") => {
                    ("Embedded engine, not isolated", "dot bad")
                }
                Provider::Embedded => ("Embedded engine, isolated", "dot ok"),
                Provider::Daytona => ("Daytona cloud", "dot ok"),
            };
            let budget = me.budget_percent.map(|percent| {
                let dot = if percent < 100 { "dot run" } else { "dot bad" };
                view! {
                    <a class="chip" href="/settings/usage" title="The team\u{2019}s budget for this month">
                        <span class=dot></span>
                        {format!("Budget {percent} %")}
                    </a>
                }
            });
            Some(view! {
                {budget}
                <a class="chip wide-only" href="/settings#provider" title=me.isolation>
                    <span class=dot></span>
                    {provider}
                </a>
                <AccountMenu name=user.name membership=me.membership teams=me.teams />
            })
        })
    };
    view! { <Suspense>{shown}</Suspense> }
}

/// A page below the bar.
#[component]
pub fn Frame(
    /// The part of the site it belongs to.
    section: Section,
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <Header section=section />
        <main id="main" tabindex="-1">{children()}</main>
    }
}
