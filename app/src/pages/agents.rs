//! The list of agents, and the templates below it.

use crate::{
    api::{self, AgentList, CreateAgentFromTemplate},
    parts::{
        bars::Bars,
        clock::clock,
        errors::{FormError, PageError},
        frame::{Frame, Section},
        rights::asked_rights,
        state::LastRun,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::{AgentSummary, Permission, template::TEMPLATES};

/// The list of agents.
#[component]
pub fn AgentsPage() -> impl IntoView {
    let list = Resource::new(|| (), |()| api::list_agents());
    view! {
        <Title text="Agents" />
        <Frame section=Section::Agents>
            <Suspense>
                {move || {
                    let rights = asked_rights();
                    Suspend::new(async move {
                        let may_edit = rights.await.may(Permission::Edit);
                        match list.await {
                            Ok(list) => view! { <List list=list may_edit=may_edit /> }.into_any(),
                            Err(error) => view! { <PageError error=error /> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Frame>
    }
    .into_any()
}

/// Whether an agent is found by these words: each in its name, description,
/// language, owner or the state of its last run.
fn matches(agent: &AgentSummary, words: &str) -> bool {
    let state = agent
        .last_run
        .as_ref()
        .map_or_else(|| "not run yet".to_owned(), |run| run.words());
    let text = format!(
        "{} {} {} {} {state}",
        agent.name,
        agent.description,
        agent.language.name(),
        agent.owner
    )
    .to_lowercase();
    words
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

#[component]
fn List(list: AgentList, may_edit: bool) -> impl IntoView {
    let words = RwSignal::new(String::new());
    let running = list
        .agents
        .iter()
        .any(|agent| agent.last_run.as_ref().is_some_and(|run| !run.state.is_end()));
    let now = clock(list.now, Signal::stored(running), Signal::stored(None));
    let is_empty = list.agents.is_empty();
    let agents = StoredValue::new(list.agents);
    let found = Memo::new(move |_| {
        let words = words.get();
        agents.with_value(|agents| {
            agents
                .iter()
                .filter(|agent| matches(agent, &words))
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    let table = move || {
        view! {
            <table class="table">
                <thead>
                    <tr>
                        <th class="name-column">"Name"</th>
                        <th class="wide-only">"Language"</th>
                        <th>"Last run"</th>
                        <th class="wide-only">"14 days"</th>
                        <th class="wide-only">"Owner"</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || found.get()
                        key=|agent| agent.id.clone()
                        children=move |agent| view! { <Row agent=agent now=now /> }
                    />
                </tbody>
            </table>
            <p class="hint" role="status" style="margin-top:12px">
                {move || found.with(Vec::is_empty).then_some("No agent has all of these words. Search for fewer.")}
            </p>
        }
    };
    view! {
        <div class="page">
            <div class="head">
                <h1>"Agents"</h1>
                <span class="grow"></span>
                {(!is_empty)
                    .then(|| {
                        view! {
                            <input
                                class="field find"
                                type="search"
                                aria-label="Find agents"
                                placeholder="Find by name, language, owner"
                                on:input:target=move |event| words.set(event.target().value())
                            />
                        }
                    })}
                {may_edit.then(|| view! { <a class="btn primary" href="/agents/new">"New agent"</a> })}
            </div>
            {if is_empty && !may_edit {
                view! {
                    <div class="empty">
                        <b>"No agents yet"</b>
                        <p>"As soon as somebody in the team makes one, you can look at it and its runs here."</p>
                    </div>
                }
                    .into_any()
            } else if is_empty {
                view! {
                    <div class="empty">
                        <b>"No agents yet"</b>
                        <p>
                            "An agent is a small project: files, a language, and what its sandbox may use. Start from a template below and press Start Building, or begin with a blank one."
                        </p>
                        <a class="btn quiet" href="/agents/new#blank">"Start blank"</a>
                    </div>
                }
                    .into_any()
            } else {
                table().into_any()
            }}
            {may_edit
                .then(|| {
                    view! {
                        <h2>"Start from a template"</h2>
                        <Templates />
                    }
                })}
        </div>
    }
}

#[component]
fn Row(agent: AgentSummary, now: Signal<model::Millis>) -> impl IntoView {
    let never = agent.last_run.is_none();
    let below = match (agent.description.is_empty(), never) {
        (false, _) => agent.description,
        (true, true) => "Never run".to_owned(),
        (true, false) => String::new(),
    };
    let run = StoredValue::new(agent.last_run);
    view! {
        <tr>
            <td class="name">
                <a href=format!("/agents/{}", agent.slug)>{agent.name}</a>
                <span>{below}</span>
            </td>
            <td class="mono wide-only">{agent.language.name()}</td>
            <td>{move || view! { <LastRun run=run.get_value() now=now.get() /> }}</td>
            <td class="wide-only"><Bars days=agent.days /></td>
            <td class="wide-only">{agent.owner}</td>
        </tr>
    }
}

/// The templates as cards; pressing one makes an agent of it.
#[component]
pub fn Templates() -> impl IntoView {
    let action = ServerAction::<CreateAgentFromTemplate>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let cards = TEMPLATES
        .iter()
        .map(|template| {
            view! {
                <button class="card" name="template" value=template.slug disabled=move || action.pending().get()>
                    <b>{template.title}</b>
                    <span class="text">{template.description}</span>
                    <span class="mono">{template.words()}</span>
                </button>
            }
        })
        .collect_view();
    view! {
        <ActionForm action=action>
            <FormError error=error />
            <div class="cards">{cards}</div>
        </ActionForm>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AgentId, DayOfRuns, Language};

    #[test]
    fn agents_are_found_by_what_the_list_shows() {
        let agent = AgentSummary {
            id: AgentId::parse("0199f3b2-6c1e-7d4a-8f00-0123456789ab").expect("an id"),
            slug: "research-scout".to_owned(),
            name: "Research scout".to_owned(),
            description: "Finds pages".to_owned(),
            language: Language::TypeScript,
            owner: "Ada".to_owned(),
            last_run: None,
            days: vec![DayOfRuns::default(); 14],
        };
        for found in ["", "scout", "TYPESCRIPT ada", "pages", "not run"] {
            assert!(matches(&agent, found), "{found}");
        }
        assert!(!matches(&agent, "scout python"));
    }
}
