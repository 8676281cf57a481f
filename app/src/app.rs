//! The routes, and what all pages share: who asks, the stream of events, the
//! notices, the theme.

use crate::{
    api,
    browser::{
        events::provide_events,
        theme::{self, Theme},
    },
    pages::{
        account::AccountPage,
        accounts::AccountsPage,
        agents::AgentsPage,
        audit::AuditPage,
        invitations::InvitationsPage,
        invite::InvitePage,
        members::MembersPage,
        new_agent::NewAgentPage,
        not_found::NotFound,
        reset::ResetPage,
        run::RunPage,
        sandboxes::SandboxesPage,
        schedules::{AgentSchedulesPage, SchedulesPage},
        secrets::SecretsPage,
        settings::SettingsPage,
        setup::SetupPage,
        sign_in::SignInPage,
        tokens::TokensPage,
        usage::UsagePage,
        webhooks::WebhooksPage,
    },
    parts::{
        frame::MeResource,
        notices::{NoticeArea, provide_notices},
    },
    studio::page::StudioPage,
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

/// The whole site.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_events();
    provide_notices();
    provide_context(MeResource(Resource::new(|| (), |()| api::load_me())));
    // Pages are painted whole: a status, a redirect and every list are known
    // before the first byte leaves, and the page is readable without scripts.
    let whole = SsrMode::Async;
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Pitlane".to_owned() } else { format!("{title} \u{b7} Pitlane") } />
        <Router>
            <Routes fallback=|| view! { <NotFound /> }>
                <Route path=path!("/") view=AgentsPage ssr=whole.clone() />
                <Route path=path!("/agents/new") view=NewAgentPage ssr=whole.clone() />
                <Route path=path!("/agents/:slug") view=StudioPage ssr=whole.clone() />
                <Route path=path!("/agents/:slug/schedules") view=AgentSchedulesPage ssr=whole.clone() />
                <Route path=path!("/runs/:id") view=RunPage ssr=whole.clone() />
                <Route path=path!("/sandboxes") view=SandboxesPage ssr=whole.clone() />
                <Route path=path!("/settings") view=SettingsPage ssr=whole.clone() />
                <Route path=path!("/settings/account") view=AccountPage ssr=whole.clone() />
                <Route path=path!("/settings/accounts") view=AccountsPage ssr=whole.clone() />
                <Route path=path!("/settings/members") view=MembersPage ssr=whole.clone() />
                <Route path=path!("/settings/secrets") view=SecretsPage ssr=whole.clone() />
                <Route path=path!("/settings/tokens") view=TokensPage ssr=whole.clone() />
                <Route path=path!("/settings/usage") view=UsagePage ssr=whole.clone() />
                <Route path=path!("/settings/audit") view=AuditPage ssr=whole.clone() />
                <Route path=path!("/settings/schedules") view=SchedulesPage ssr=whole.clone() />
                <Route path=path!("/settings/webhooks") view=WebhooksPage ssr=whole.clone() />
                <Route path=path!("/sign-in") view=SignInPage ssr=whole.clone() />
                <Route path=path!("/settings/invitations") view=InvitationsPage ssr=whole.clone() />
                <Route path=path!("/invite/:token") view=InvitePage ssr=whole.clone() />
                <Route path=path!("/reset/:token") view=ResetPage ssr=whole.clone() />
                <Route path=path!("/setup") view=SetupPage ssr=whole />
            </Routes>
        </Router>
        <NoticeArea />
    }
}

/// What the person chose: the server reads their cookie, the browser what the
/// server painted.
#[must_use]
pub fn chosen_theme() -> Theme {
    #[cfg(feature = "ssr")]
    return Theme::parse(
        use_context::<http::request::Parts>()
            .and_then(|parts| cookie(&parts.headers, theme::COOKIE))
            .as_deref(),
    );
    #[cfg(not(feature = "ssr"))]
    theme::current()
}

#[cfg(feature = "ssr")]
fn cookie(headers: &http::HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(http::header::COOKIE).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}
