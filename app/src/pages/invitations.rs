//! The invitations into one's team: made, listed, revoked.

use crate::{
    api::{self, CreateInvitation, InvitationList, RevokeInvitation},
    pages::accounts::Link,
    parts::{
        errors::{FormError, PageError},
        frame::{Frame, Section},
    },
};
use leptos::{ev::SubmitEvent, form::ActionForm, html, prelude::*};
use leptos_meta::Title;
use model::{
    Invitation, Millis, Role,
    invitation::LONGEST_NOTE,
    time::{age_words, ago_words},
};

/// How long an invitation may be made to last, in days.
const TIMES: [(u32, &str); 3] = [(1, "a day"), (7, "7 days"), (30, "30 days")];

/// The page.
#[component]
pub fn InvitationsPage() -> impl IntoView {
    let create = ServerAction::<CreateInvitation>::new();
    let revoke = ServerAction::<RevokeInvitation>::new();
    let versions = move || (create.version().get(), revoke.version().get());
    let list = Resource::new(versions, |_| api::list_invitations());
    view! {
        <Title text="Invitations" />
        <Frame section=Section::Settings>
            <div class="page slim">
                <div class="head">
                    <h1>"Invitations"</h1>
                    <span class="grow"></span>
                    <a class="btn quiet" href="/settings">"All settings"</a>
                </div>
                <p class="hint">
                    "Whoever opens the link of an invitation makes an account in this team, or joins it with theirs. It works once."
                </p>
                <Transition>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <List list=list create=create revoke=revoke /> }.into_any(),
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })}
                </Transition>
                <Made action=create />
            </div>
        </Frame>
    }
    .into_any()
}

#[component]
fn List(
    list: InvitationList,
    create: ServerAction<CreateInvitation>,
    revoke: ServerAction<RevokeInvitation>,
) -> impl IntoView {
    let InvitationList {
        invitations,
        team,
        roles,
        now,
    } = list;
    let error = Signal::derive(move || revoke.value().get().and_then(Result::err));
    let table = if invitations.is_empty() {
        view! {
            <div class="empty">
                <b>{format!("No invitations into {team}")}</b>
                <p>"Make one below for each person, and give them its link."</p>
            </div>
        }
        .into_any()
    } else {
        let rows = invitations
            .into_iter()
            .map(|invitation| view! { <Row invitation=invitation now=now revoke=revoke /> })
            .collect_view();
        view! {
            <table class="table">
                <thead>
                    <tr>
                        <th>"For"</th>
                        <th class="wide-only">"Role"</th>
                        <th>"State"</th>
                        <th><span class="visually-hidden">"Revoke"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <FormError error=error />
        {table}
        <Create action=create team=team roles=roles />
    }
}

/// One made for seven days still has seven a moment later.
const HALF_AN_HOUR: u64 = 30 * 60 * 1000;

#[component]
fn Row(invitation: Invitation, now: Millis, revoke: ServerAction<RevokeInvitation>) -> impl IntoView {
    let is_open = invitation.is_open(now);
    let state = match (invitation.used_at, &invitation.used_by) {
        (Some(at), Some(name)) => format!("used by {name} {}", ago_words(now.since(at))),
        (Some(at), None) => format!("used {}", ago_words(now.since(at))),
        (None, _) if is_open => {
            let left = invitation.expires_at.since(now).saturating_add(HALF_AN_HOUR);
            format!("open for {}", age_words(left))
        }
        (None, _) => "it is over".to_owned(),
    };
    let role = invitation.role.as_str();
    let note = if invitation.note.is_empty() {
        "somebody".to_owned()
    } else {
        invitation.note.clone()
    };
    let made = format!(
        "Made by {} {}",
        invitation.created_by,
        ago_words(now.since(invitation.created_at))
    );
    let label = format!("Revoke the invitation for {note}");
    view! {
        <tr>
            <td class="name">{note}<span>{made}</span></td>
            <td class="wide-only">{role}</td>
            <td class="break">{state}<span class="hint narrow-only">{format!("as {role}")}</span></td>
            <td>
                {is_open
                    .then(|| {
                        view! {
                            <ActionForm action=revoke>
                                <input type="hidden" name="invitation" value=invitation.id.to_string() />
                                <button class="btn danger" aria-label=label disabled=move || revoke.pending().get()>
                                    "Revoke"
                                </button>
                            </ActionForm>
                        }
                    })}
            </td>
        </tr>
    }
}

#[component]
fn Create(action: ServerAction<CreateInvitation>, team: String, roles: Vec<Role>) -> impl IntoView {
    let note = NodeRef::<html::Input>::new();
    let usual = if roles.contains(&Role::Member) {
        Role::Member
    } else {
        Role::Viewer
    };
    let role = RwSignal::new(usual);
    let days = RwSignal::new(7_u32);
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let note = note
            .get_untracked()
            .map(|field| field.value())
            .unwrap_or_default();
        action.dispatch(CreateInvitation {
            role: role.get_untracked(),
            note,
            days: days.get_untracked(),
        });
    };
    let roles = roles
        .into_iter()
        .map(|option| {
            view! { <option value=option.as_str() selected=move || role.get() == option>{option.as_str()}</option> }
        })
        .collect_view();
    let times = TIMES
        .into_iter()
        .map(|(value, words)| {
            view! { <option value=value.to_string() selected=move || days.get() == value>{words}</option> }
        })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="create-invitation">
            <h2 id="create-invitation">{format!("Invite to {team}")}</h2>
            <form class="form" on:submit=submit>
                <div class="row">
                    <label>
                        "For whom it is"
                        <input class="field" node_ref=note maxlength=LONGEST_NOTE.to_string() autocomplete="off" />
                    </label>
                    <label>
                        "Role"
                        <select
                            class="field"
                            on:change=move |event| {
                                if let Some(chosen) = Role::parse(&event_target_value(&event)) {
                                    role.set(chosen);
                                }
                            }
                        >
                            {roles}
                        </select>
                    </label>
                    <label>
                        "It lasts"
                        <select
                            class="field"
                            on:change=move |event| days.set(event_target_value(&event).parse().unwrap_or(7))
                        >
                            {times}
                        </select>
                    </label>
                </div>
                <FormError error=error />
                <button class="btn primary" style="justify-self:start" disabled=move || action.pending().get()>
                    "Make the invitation"
                </button>
            </form>
        </section>
    }
}

/// The link of the newest invitation: shown until the page is left.
#[component]
fn Made(action: ServerAction<CreateInvitation>) -> impl IntoView {
    let value = action.value();
    view! {
        <div role="status">
            {move || {
                value
                    .get()
                    .and_then(Result::ok)
                    .map(|link| {
                        view! {
                            <section class="panel">
                                <p class="done-text">"Copy the link now, and give it to the person: it is not shown again."</p>
                                <Link link=link label="The invitation\u{2019}s link" />
                            </section>
                        }
                    })
            }}
        </div>
    }
}
