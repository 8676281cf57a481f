//! The menu of who is signed in, at the top right: the team they work in and
//! their others, and the way to the settings and out.

use super::{errors::leave_for, menu::Menu, notices::use_notices};
use crate::api::{SignOut, SwitchTeam};
use leptos::prelude::*;
use model::Membership;

/// The menu.
#[component]
pub fn AccountMenu(
    /// Who is signed in.
    name: String,
    /// The team they work in now.
    membership: Option<Membership>,
    /// All their teams.
    teams: Vec<Membership>,
) -> impl IntoView {
    let switch = ServerAction::<SwitchTeam>::new();
    let sign_out = ServerAction::<SignOut>::new();
    let notices = use_notices();
    // Whole pages are loaded: nothing that was seen before may stay.
    Effect::new(move |_| match switch.value().get() {
        Some(Ok(())) => leave_for("/"),
        Some(Err(error)) => notices.fail(&error),
        None => {}
    });
    Effect::new(move |_| match sign_out.value().get() {
        Some(Ok(())) => leave_for("/sign-in"),
        Some(Err(error)) => notices.fail(&error),
        None => {}
    });
    let initials: String = name.chars().take(2).flat_map(char::to_uppercase).collect();
    let current = membership.as_ref().map(|membership| membership.team.id.clone());
    let team = membership.map(|membership| membership.team.name);
    let label = match &team {
        Some(team) => format!("{name}, in the team {team}"),
        None => format!("{name}, in no team"),
    };
    let (name, teams) = (StoredValue::new(name), StoredValue::new(teams));
    let current = StoredValue::new(current);
    // Drawn by the style: text in the button would have to be said in its name.
    let face =
        move || view! { <span class="avatar" aria-hidden="true" data-initials=initials.clone()></span> };
    view! {
        {team.map(|team| view! { <a class="chip wide-only team-chip" href="/settings/members">{team}</a> })}
        <Menu label=label button_class="avatar-button" face=face right=true>
            <p class="menu-title">{name.get_value()}</p>
            {move || {
                let teams = teams.get_value();
                let items = teams.into_iter().map(|of| {
                    let is_current = current.with_value(|current| current.as_ref() == Some(&of.team.id));
                    let id = StoredValue::new(of.team.id);
                    view! {
                        <button
                            class="menu-item"
                            role="menuitemradio"
                            aria-checked=is_current.to_string()
                            on:click=move |_| {
                                if !is_current {
                                    switch.dispatch(SwitchTeam { team: id.get_value() });
                                }
                            }
                        >
                            <span class="tick" aria-hidden="true">{if is_current { "\u{2713}" } else { "" }}</span>
                            <span class="menu-text">{of.team.name}</span>
                            <span class="hint">{of.role.as_str()}</span>
                        </button>
                    }
                });
                items.collect_view()
            }}
            <hr class="menu-line" />
            <a class="menu-item" role="menuitem" href="/settings/members">"Members"</a>
            <a class="menu-item" role="menuitem" href="/settings">"Settings"</a>
            <button
                class="menu-item"
                role="menuitem"
                on:click=move |_| {
                    sign_out.dispatch(SignOut {});
                }
            >
                "Sign out"
            </button>
        </Menu>
    }
}
