//! The environment variables of an agent, in its settings: each with a plain
//! value, or with a secret.

use super::state::use_studio;
use crate::{
    UiError,
    api::{self, AgentVariables},
    parts::errors::FormError,
};
use leptos::{prelude::*, task::spawn_local};
use model::{SecretId, Variable, VariableValue, secret::check_variables};

/// What stands for a plain value in the choice of a row.
const PLAIN: &str = "";

/// A row as it is being changed.
#[derive(Clone, Copy)]
struct Row {
    key: usize,
    name: RwSignal<String>,
    /// The id of a secret, or [`PLAIN`].
    secret: RwSignal<String>,
    value: RwSignal<String>,
}

impl Row {
    fn new(key: usize, variable: Option<&Variable>) -> Self {
        let (secret, value) = match variable.map(|variable| &variable.value) {
            Some(VariableValue::Plain(value)) => (PLAIN.to_owned(), value.clone()),
            Some(VariableValue::Secret(id)) => (id.to_string(), String::new()),
            None => (PLAIN.to_owned(), String::new()),
        };
        Self {
            key,
            name: RwSignal::new(variable.map(|variable| variable.name.clone()).unwrap_or_default()),
            secret: RwSignal::new(secret),
            value: RwSignal::new(value),
        }
    }

    fn read(&self) -> Variable {
        let value = match SecretId::parse(&self.secret.get_untracked()) {
            Ok(id) => VariableValue::Secret(id),
            Err(_) => VariableValue::Plain(self.value.get_untracked()),
        };
        Variable {
            name: self.name.get_untracked().trim().to_owned(),
            value,
        }
    }
}

/// The part of the dialog.
#[component]
pub fn Variables() -> impl IntoView {
    let studio = use_studio();
    let loaded = RwSignal::new(None::<Result<AgentVariables, UiError>>);
    spawn_local(async move {
        let _ = loaded.try_set(Some(api::load_variables(studio.agent_id()).await));
    });
    view! {
        <section class="form" style="margin-top:20px;padding-top:16px;border-top:1px solid var(--line)" aria-labelledby="variables-title">
            <h3 id="variables-title">"Environment variables"</h3>
            {move || match loaded.get() {
                None => view! { <p class="hint">"Loading the variables"</p> }.into_any(),
                Some(Err(error)) => view! { <p class="error-text" role="alert">{error.text}</p> }.into_any(),
                Some(Ok(variables)) => view! { <Rows variables=variables /> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Rows(variables: AgentVariables) -> impl IntoView {
    let studio = use_studio();
    let may_edit = studio.may_edit();
    let nothing = (!may_edit && variables.variables.is_empty())
        .then(|| view! { <p class="hint">"This agent has none."</p> });
    let rows = variables.variables.iter().enumerate();
    let rows: Vec<Row> = rows
        .map(|(key, variable)| Row::new(key, Some(variable)))
        .collect();
    let next = StoredValue::new(rows.len());
    let rows = RwSignal::new(rows);
    let secrets = StoredValue::new(variables.secrets);
    let error = RwSignal::new(None::<UiError>);
    let saved = RwSignal::new(false);
    let add = move |_| {
        let key = next.get_value();
        next.set_value(key + 1);
        saved.set(false);
        rows.update(|rows| rows.push(Row::new(key, None)));
    };
    let save = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let variables: Vec<Variable> = rows.with_untracked(|rows| rows.iter().map(Row::read).collect());
        saved.set(false);
        if let Err(invalid) = check_variables(&variables) {
            error.set(Some(invalid.into()));
            return;
        }
        spawn_local(async move {
            let answer = api::save_variables(studio.agent_id(), variables).await;
            let _ = saved.try_set(answer.is_ok());
            let _ = error.try_set(answer.err());
        });
    };
    view! {
        <form class="form" on:submit=save>
            {nothing}
            <fieldset class="form bare" disabled=!may_edit>
                <For
                    each=move || rows.get()
                    key=|row| row.key
                    children=move |row| view! { <OneRow row=row rows=rows secrets=secrets may_edit=may_edit /> }
                />
            </fieldset>
            {may_edit
                .then(|| {
                    view! {
                        <p class="hint">
                            "The next run gets them. Values typed here can be read by everybody who sees this agent; for others "
                            <a href="/settings/secrets">"save a secret"</a> "."
                        </p>
                    }
                })}
            <FormError error=error />
            <div role="status">
                {move || saved.get().then(|| view! { <p class="done-text">"The variables are saved."</p> })}
            </div>
            {may_edit
                .then(|| {
                    view! {
                        <div class="row">
                            <button type="button" class="btn quiet" on:click=add>"Add a variable"</button>
                            <button class="btn primary">"Save the variables"</button>
                        </div>
                    }
                })}
        </form>
    }
}

#[component]
fn OneRow(
    row: Row,
    rows: RwSignal<Vec<Row>>,
    secrets: StoredValue<Vec<(SecretId, String)>>,
    may_edit: bool,
) -> impl IntoView {
    let is_plain = move || row.secret.with(|secret| secret == PLAIN);
    let options = move || {
        let of = |(id, name): (SecretId, String)| {
            let id = id.to_string();
            let chosen = row.secret.get_untracked() == id;
            view! { <option value=id selected=chosen>{format!("secret {name}")}</option> }
        };
        secrets.get_value().into_iter().map(of).collect_view()
    };
    let remove = move |_| rows.update(|rows| rows.retain(|other| other.key != row.key));
    view! {
        <div class="row" role="group" aria-label=move || format!("Variable {}", row.name.get())>
            <label>
                "Name"
                <input
                    class="field mono"
                    required
                    maxlength="100"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || row.name.get()
                    on:input:target=move |event| row.name.set(event.target().value())
                />
            </label>
            <label>
                "Kind"
                <select class="field" on:change:target=move |event| row.secret.set(event.target().value())>
                    <option value=PLAIN selected=is_plain()>"plain value"</option>
                    {options}
                </select>
            </label>
            <Show when=is_plain>
                <label>
                    "Value"
                    <textarea
                        class="field mono"
                        rows="1"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=move || row.value.get()
                        on:input:target=move |event| row.value.set(event.target().value())
                    ></textarea>
                </label>
            </Show>
            {may_edit
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="btn quiet"
                            aria-label=move || format!("Remove the variable {}", row.name.get())
                            on:click=remove
                        >
                            "Remove"
                        </button>
                    }
                })}
        </div>
    }
}
