//! The tabs of the open files.

use super::{
    documents::SaveState,
    state::{Studio, use_studio},
};
use crate::parts::icon::Icon;
use leptos::prelude::*;

impl Studio {
    /// Closes a file's tab. A file that is not saved yet stays open until it is.
    pub fn close(self, path: &str) {
        let unsaved = self.documents.with_untracked(|documents| {
            documents
                .get(path)
                .is_some_and(|document| document.state() != SaveState::Saved)
        });
        if unsaved {
            self.save_soon(path.to_owned());
            self.notices
                .say(format!("{path} is not saved yet. Close it again in a moment."));
            return;
        }
        self.forget(path);
    }

    /// Closes a file's tab whatever state it is in, and shows its neighbour.
    pub fn forget(self, path: &str) {
        let mut neighbour = None;
        self.tabs.update(|tabs| {
            if let Some(place) = tabs.iter().position(|tab| tab == path) {
                tabs.remove(place);
                neighbour = tabs.get(place).or_else(|| tabs.last()).cloned();
            }
        });
        if self
            .current
            .with_untracked(|current| current.as_deref() == Some(path))
        {
            self.current.set(neighbour.clone());
            if let Some(next) = neighbour {
                self.editor.show(&next);
            }
        }
        self.documents.update(|documents| {
            documents.remove(path);
        });
        self.editor.close(path);
    }
}

/// The tabs.
#[component]
pub fn FileTabs() -> impl IntoView {
    let studio = use_studio();
    view! {
        <div class="tabs" role="group" aria-label="Open files">
            <For each=move || studio.tabs.get() key=Clone::clone children=|path| view! { <Tab path=path /> } />
        </div>
    }
}

/// What the dot of a tab says; none when the file is saved.
const fn unsaved_words(state: &SaveState) -> Option<&'static str> {
    match state {
        SaveState::Saved => None,
        SaveState::Changed | SaveState::Saving => Some("not saved yet"),
        SaveState::Offline => Some("kept in this browser"),
        SaveState::Refused(_) => Some("cannot be saved"),
        SaveState::Conflict => Some("changed elsewhere too"),
    }
}

#[component]
fn Tab(path: String) -> impl IntoView {
    let studio = use_studio();
    let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let path = StoredValue::new(path);
    let on = Memo::new(move |_| {
        studio
            .current
            .with(|current| path.with_value(|path| current.as_ref() == Some(path)))
    });
    let unsaved = Memo::new(move |_| {
        studio.documents.with(|documents| {
            path.with_value(|path| {
                documents
                    .get(path)
                    .and_then(|document| unsaved_words(&document.state()))
            })
        })
    });
    let close_label = format!("Close {name}");
    view! {
        <div class="tab" class:on=move || on.get()>
            <button
                class="tab-name"
                title=path.get_value()
                aria-current=move || on.get().then_some("true")
                on:click=move |_| studio.show(&path.get_value())
                on:auxclick=move |event| {
                    if event.button() == 1 {
                        studio.close(&path.get_value());
                    }
                }
            >
                {name}
                {move || {
                    unsaved
                        .get()
                        .map(|words| {
                            view! {
                                <span class="dot run" title=words></span>
                                <span class="visually-hidden">{words}</span>
                            }
                        })
                }}
            </button>
            <button class="icon-button" aria-label=close_label on:click=move |_| studio.close(&path.get_value())>
                <Icon name="close" />
            </button>
        </div>
    }
}
