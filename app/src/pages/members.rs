//! The current team: its name, who is in it and what they are there, and making
//! another team. What somebody may not do, they are not offered.

use crate::{
    api::{
        self, AddMember, CreateTeam, DeleteTeam, LeaveTeam, RemoveMember, RenameTeam, SetMemberRole, TeamData,
    },
    parts::{
        errors::{FormError, PageError, leave_for},
        frame::{Frame, Section},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::{Member, Millis, Permission, Role, UserId, team::MAX_NAME_CHARACTERS};

/// What the page does.
#[derive(Clone, Copy)]
struct Actions {
    rename: ServerAction<RenameTeam>,
    add: ServerAction<AddMember>,
    change: ServerAction<SetMemberRole>,
    remove: ServerAction<RemoveMember>,
}

/// The page.
#[component]
pub fn MembersPage() -> impl IntoView {
    let actions = Actions {
        rename: ServerAction::new(),
        add: ServerAction::new(),
        change: ServerAction::new(),
        remove: ServerAction::new(),
    };
    let versions = move || {
        (
            actions.rename.version().get(),
            actions.add.version().get(),
            actions.change.version().get(),
            actions.remove.version().get(),
        )
    };
    let team = Resource::new(versions, |_| api::load_team());
    view! {
        <Title text="Members" />
        <Frame section=Section::Settings>
            <Transition>
                {move || Suspend::new(async move {
                    match team.await {
                        Ok(team) => view! { <Team team=team actions=actions /> }.into_any(),
                        Err(error) => view! { <PageError error=error /> }.into_any(),
                    }
                })}
            </Transition>
        </Frame>
    }
    .into_any()
}

#[component]
fn Team(team: TeamData, actions: Actions) -> impl IntoView {
    let TeamData {
        team,
        members,
        me,
        role,
        manages_instance,
        others,
        now,
    } = team;
    let (administers, owns) = (role.may(Permission::Administer), role.may(Permission::ManageTeam));
    let title = format!("Members of {}", team.name);
    let people = members.len();
    let rows = members
        .into_iter()
        .map(|member| view! { <Row member=member me=me.clone() role=role now=now actions=actions /> })
        .collect_view();
    let error = Signal::derive(move || {
        let changed = actions.change.value().get().and_then(Result::err);
        changed.or_else(|| actions.remove.value().get().and_then(Result::err))
    });
    view! {
        <div class="page slim">
            <div class="head">
                <h1>{title}</h1>
                <span class="grow"></span>
                {administers.then(|| view! { <a class="btn quiet" href="/settings/invitations">"Invitations"</a> })}
                <a class="btn quiet" href="/settings">"All settings"</a>
            </div>
            <p class="hint">
                "Agents, runs, secrets and budgets belong to the team. A viewer sees them, a member runs and edits, an admin looks after members, secrets and tokens too, and an owner after the team itself."
            </p>
            <FormError error=error />
            <table class="table">
                <thead>
                    <tr>
                        <th>{if people == 1 { "1 person".to_owned() } else { format!("{people} people") }}</th>
                        <th>"Role"</th>
                        <th class="wide-only">"In the team"</th>
                        <th><span class="visually-hidden">"Change"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {administers.then(|| view! { <Add role=role others=others action=actions.add /> })}
            {owns.then(|| view! { <Rename name=team.name action=actions.rename /> })}
            {manages_instance.then(|| view! { <Create /> })}
            <Leave owns=owns />
        </div>
    }
}

/// The roles that somebody of this role may give.
fn roles(of: Role, chosen: Role) -> impl IntoView {
    let roles = Role::ALL.into_iter().filter(move |role| of.may_give(*role));
    let option = move |role: Role| {
        view! {
            <option value=role.as_str() selected=role == chosen>
                {format!("{}: {}", role.as_str(), role.words())}
            </option>
        }
    };
    roles.map(option).collect_view()
}

#[component]
fn Row(member: Member, me: UserId, role: Role, now: Millis, actions: Actions) -> impl IntoView {
    let open = RwSignal::new(false);
    let is_me = member.user == me;
    let since = model::time::age_words(now.since(member.since));
    let may_change = role.may_give(member.role) && !is_me;
    let label = format!("Change {}", member.name);
    let of_whom = StoredValue::new((member.user.to_string(), member.name.clone(), member.role));
    view! {
        <tr>
            <td class="break">{member.name}{is_me.then(|| view! { <span class="hint">" (you)"</span> })}</td>
            <td title=member.role.words()>{member.role.as_str()}</td>
            <td class="wide-only">{format!("for {since}")}</td>
            <td>
                {may_change
                    .then(|| {
                        view! {
                            <button
                                class="btn quiet"
                                aria-expanded=move || open.get().to_string()
                                aria-label=label
                                on:click=move |_| open.update(|open| *open = !*open)
                            >
                                "Change"
                            </button>
                        }
                    })}
            </td>
        </tr>
        <Show when=move || open.get()>
            <tr>
                <td colspan="4">
                    <div class="row">
                        <ActionForm action=actions.change attr:class="form">
                            <input type="hidden" name="user" value=of_whom.get_value().0 />
                            <div class="row">
                                <label>
                                    {format!("Role of {}", of_whom.get_value().1)}
                                    <span class="select-box">
                                        <select class="select" name="role">{roles(role, of_whom.get_value().2)}</select>
                                    </span>
                                </label>
                                <button class="btn quiet" disabled=move || actions.change.pending().get()>
                                    "Change the role"
                                </button>
                            </div>
                        </ActionForm>
                        <ActionForm action=actions.remove>
                            <input type="hidden" name="user" value=of_whom.get_value().0 />
                            <button class="btn danger" disabled=move || actions.remove.pending().get()>
                                {format!("Remove {}", of_whom.get_value().1)}
                            </button>
                        </ActionForm>
                    </div>
                </td>
            </tr>
        </Show>
    }
}

#[component]
fn Add(role: Role, others: Vec<String>, action: ServerAction<AddMember>) -> impl IntoView {
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let names = others
        .into_iter()
        .map(|name| view! { <option value=name></option> })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="add-member">
            <h2 id="add-member">"Add somebody"</h2>
            <ActionForm action=action attr:class="form">
                <div class="row">
                    <label>
                        "Name of their account"
                        <input class="field" name="name" required maxlength="80" list="accounts" autocomplete="off" />
                    </label>
                    <label>
                        "Role"
                        <span class="select-box">
                            <select class="select" name="role">{roles(role, Role::Member)}</select>
                        </span>
                    </label>
                    <button class="btn primary" disabled=move || action.pending().get()>"Add"</button>
                </div>
                <datalist id="accounts">{names}</datalist>
                <FormError error=error />
                <div role="status">
                    {move || {
                        matches!(value.get(), Some(Ok(())))
                            .then(|| view! { <p class="done-text">"They are in the team."</p> })
                    }}
                </div>
            </ActionForm>
        </section>
    }
}

#[component]
fn Rename(name: String, action: ServerAction<RenameTeam>) -> impl IntoView {
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    view! {
        <section class="panel" aria-labelledby="team-name">
            <h2 id="team-name">"Name of the team"</h2>
            <ActionForm action=action attr:class="form">
                <div class="row">
                    <label>
                        "Name"
                        <input class="field" name="name" required maxlength=MAX_NAME_CHARACTERS value=name autocomplete="off" />
                    </label>
                    <button class="btn quiet" disabled=move || action.pending().get()>"Rename"</button>
                </div>
                <FormError error=error />
            </ActionForm>
        </section>
    }
}

#[component]
fn Create() -> impl IntoView {
    let action = ServerAction::<CreateTeam>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    Effect::new(move |_| {
        if matches!(value.get(), Some(Ok(()))) {
            leave_for("/settings/members");
        }
    });
    view! {
        <section class="panel" aria-labelledby="create-team">
            <h2 id="create-team">"Another team"</h2>
            <p class="hint">"It has agents, secrets and members of its own. You own it, and work in it from then on."</p>
            <ActionForm action=action attr:class="form">
                <div class="row">
                    <label>
                        "Name"
                        <input class="field" name="name" required maxlength=MAX_NAME_CHARACTERS autocomplete="off" />
                    </label>
                    <button class="btn quiet" disabled=move || action.pending().get()>"Make the team"</button>
                </div>
                <FormError error=error />
            </ActionForm>
        </section>
    }
}

#[component]
fn Leave(owns: bool) -> impl IntoView {
    let leave = ServerAction::<LeaveTeam>::new();
    let delete = ServerAction::<DeleteTeam>::new();
    let (left, deleted) = (leave.value(), delete.value());
    let error = Signal::derive(move || {
        let kept = left.get().and_then(Result::err);
        kept.or_else(|| deleted.get().and_then(Result::err))
    });
    Effect::new(move |_| {
        let is_gone = matches!(left.get(), Some(Ok(()))) || matches!(deleted.get(), Some(Ok(())));
        if is_gone {
            leave_for("/");
        }
    });
    let sure = RwSignal::new(false);
    view! {
        <section class="panel" aria-labelledby="leave-team">
            <h2 id="leave-team">{if owns { "Leave or delete the team" } else { "Leave the team" }}</h2>
            <p class="hint">
                {if owns {
                    "Your tokens in it end when you leave. Only a team without agents can be deleted; its secrets and tokens go with it."
                } else {
                    "Your tokens in it end, and you see nothing of it any more."
                }}
            </p>
            <FormError error=error />
            <div class="row">
                <Show
                    when=move || sure.get()
                    fallback=move || {
                        view! {
                            <button class="btn quiet" type="button" on:click=move |_| sure.set(true)>
                                {if owns { "Leave or delete\u{2026}" } else { "Leave\u{2026}" }}
                            </button>
                        }
                    }
                >
                    <ActionForm action=leave>
                        <button class="btn danger" disabled=move || leave.pending().get()>"Leave the team"</button>
                    </ActionForm>
                    {owns
                        .then(|| {
                            view! {
                                <ActionForm action=delete>
                                    <button class="btn danger" disabled=move || delete.pending().get()>
                                        "Delete the team"
                                    </button>
                                </ActionForm>
                            }
                        })}
                    <button class="btn quiet" type="button" on:click=move |_| sure.set(false)>"Stay"</button>
                </Show>
            </div>
        </section>
    }
}
