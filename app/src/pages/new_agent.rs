//! A new agent: from a template, or blank.

use super::agents::Templates;
use crate::{
    api::CreateBlankAgent,
    parts::{
        errors::FormError,
        frame::{Frame, Section},
        rights::{IfMay, only_to_look},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use model::{Language, Permission};

/// The page that makes an agent.
#[component]
pub fn NewAgentPage() -> impl IntoView {
    view! {
        <Title text="New agent" />
        <Frame section=Section::Agents>
            <div class="page">
                <h1>"New agent"</h1>
                <IfMay permission=Permission::Edit otherwise=only_to_look>
                    <h2>"Start from a template"</h2>
                    <Templates />
                    <Blank />
                </IfMay>
            </div>
        </Frame>
    }
    .into_any()
}

#[component]
fn Blank() -> impl IntoView {
    let action = ServerAction::<CreateBlankAgent>::new();
    let value = action.value();
    let error = Signal::derive(move || value.get().and_then(Result::err));
    let languages = Language::ALL
        .into_iter()
        .map(|language| {
            view! {
                <label>
                    <input
                        type="radio"
                        name="language"
                        value=language.as_str()
                        checked=language == Language::Python
                    />
                    {language.name()}
                </label>
            }
        })
        .collect_view();
    view! {
        <section class="panel" id="blank" aria-labelledby="blank-title">
            <h2 id="blank-title">"Start blank"</h2>
            <ActionForm action=action attr:class="form">
                <label>
                    "Name"
                    <input class="field" name="name" required maxlength="80" placeholder="research-scout" />
                </label>
                <fieldset class="choices-field">
                    <legend class="hint">"Language"</legend>
                    <div class="choices">{languages}</div>
                </fieldset>
                <FormError error=error />
                <button
                    class="btn primary"
                    style="justify-self:start"
                    disabled=move || action.pending().get()
                >
                    {move || if action.pending().get() { "Creating" } else { "Create the agent" }}
                </button>
            </ActionForm>
        </section>
    }
}
