//! The studio's page: loads what it opens with, and puts its parts together.

use super::{
    in_step::keep_in_step, key_help::KeyHelp, panels::Work, state::Studio, status_bar::StatusBar,
    toolbar::Toolbar,
};
use crate::{
    api::{self, StudioData},
    browser::keys::{Chord, on_keys},
    parts::{
        errors::PageError,
        frame::{Frame, Header, Section},
        rights::asked_rights,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use model::Rights;

/// The studio of an agent.
#[component]
pub fn StudioPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    // The address follows what is shown, so only the agent loads the page anew.
    let slug = Memo::new(move |_| params.with(|params| params.get("slug").unwrap_or_default()));
    let data = Resource::new(
        move || slug.get(),
        move |slug| {
            let (file, run) = query.with_untracked(|query| (query.get("file"), query.get("run")));
            api::load_studio(slug, file, run)
        },
    );
    view! {
        <Suspense>
            {move || {
                let rights = asked_rights();
                Suspend::new(async move {
                    let rights = rights.await;
                    match data.await {
                        Ok(data) => view! { <StudioView data=data rights=rights /> }.into_any(),
                        Err(error) => {
                            view! {
                                <Title text="Agents" />
                                <Frame section=Section::Agents>
                                    <PageError error=error />
                                </Frame>
                            }
                                .into_any()
                        }
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

#[component]
fn StudioView(data: StudioData, rights: Rights) -> impl IntoView {
    let first_file = data.open.clone();
    let name = data.agent.settings.name.clone();
    let studio = Studio::new(data, rights);
    provide_context(studio);
    let line = use_query_map().with_untracked(|query| query.get("line")?.parse().ok());
    keep_in_step(studio, first_file, line);
    let help = RwSignal::new(false);
    on_keys(Chord::control("enter"), move || studio.start(false));
    on_keys(Chord::control("."), move || studio.stop());
    on_keys(Chord::control("s"), move || studio.save_all_soon());
    on_keys(Chord::control("j"), move || {
        studio.layout.right_open.update(|open| *open = !*open)
    });
    on_keys(Chord::control("b"), move || {
        studio.layout.tree_open.update(|open| *open = !*open)
    });
    on_keys(
        Chord {
            control: false,
            shift: true,
            key: "?",
        },
        move || help.set(true),
    );
    // The server writes the page's head outside of the page, where no signal can be asked.
    let title = if cfg!(target_family = "wasm") {
        TextProp::from(move || studio.agent.with(|agent| agent.settings.name.clone()))
    } else {
        TextProp::from(name)
    };
    view! {
        <Title text=title />
        <div class="studio">
            <Header section=Section::Agents />
            <Toolbar help=help />
            <Work />
            <StatusBar />
        </div>
        <KeyHelp open=help />
    }
}
