//! What the person decides when a file was saved elsewhere too, or cannot be
//! saved: nothing is overwritten before they did.

use super::{
    difference::{Line, difference},
    documents::SaveState,
    drafts,
    state::{Studio, use_studio},
};
use crate::parts::dialog::Dialog;
use leptos::prelude::*;
use model::FileContent;

impl Studio {
    /// Their file of the conflict the shown file is in; the inner none when they deleted it.
    fn theirs(self) -> Option<(String, Option<FileContent>)> {
        let path = self.current.get()?;
        let theirs = self
            .documents
            .with(|documents| documents.get(&path)?.conflict().map(|theirs| theirs.cloned()))?;
        Some((path, theirs))
    }

    /// Saves the person's own text over theirs.
    fn keep_mine(self, path: &str, theirs: Option<&FileContent>) {
        self.documents.update(|documents| {
            if let Some(document) = documents.get_mut(path) {
                document.keep_mine(theirs.map(|theirs| theirs.entry.version));
            }
        });
        self.save_soon(path.to_owned());
    }

    /// Takes their text into the editor, where undo brings the person's own back.
    fn take_theirs(self, path: &str, theirs: Option<&FileContent>) {
        drafts::forget(&self.agent_id(), path);
        match theirs {
            Some(FileContent {
                entry,
                text: Some(text),
            }) => {
                self.editor.apply_remote(path, text);
                self.documents.update(|documents| {
                    if let Some(document) = documents.get_mut(path) {
                        document.take(entry.version);
                    }
                });
                self.put_entry(entry.clone());
            }
            _ => {
                self.forget(path);
                self.refresh_files();
            }
        }
    }
}

/// The bar above the editor when something stands in the way of saving.
#[component]
pub fn ConflictBar() -> impl IntoView {
    let studio = use_studio();
    let open = RwSignal::new(false);
    let conflict = Memo::new(move |_| studio.theirs());
    let refused = Memo::new(move |_| {
        let path = studio.current.get()?;
        studio
            .documents
            .with(|documents| match documents.get(&path)?.state() {
                SaveState::Refused(why) => Some(why),
                _ => None,
            })
    });
    let bar = move || {
        conflict.get().map(|(path, theirs)| {
            let words = match &theirs {
                Some(_) => format!("{path} was also changed elsewhere while you worked on it. Your text is kept in this browser until you decide."),
                None => format!("{path} was deleted elsewhere while you worked on it. Your text is kept in this browser until you decide."),
            };
            let take_name = if theirs.is_some() { "Take theirs" } else { "Delete mine too" };
            let can_compare = theirs.as_ref().is_some_and(|theirs| theirs.text.is_some());
            let (mine_path, mine_theirs) = (path.clone(), theirs.clone());
            view! {
                <div class="notice-bar" role="alert">
                    <p>{words}</p>
                    <button class="btn quiet" on:click=move |_| studio.keep_mine(&mine_path, mine_theirs.as_ref())>
                        "Keep mine"
                    </button>
                    <button class="btn quiet" on:click=move |_| studio.take_theirs(&path, theirs.as_ref())>
                        {take_name}
                    </button>
                    {can_compare
                        .then(|| {
                            view! {
                                <button class="btn quiet" on:click=move |_| open.set(true)>"Show difference"</button>
                            }
                        })}
                </div>
            }
        })
    };
    let signed_out = move || {
        studio.signed_out.get().then(|| {
            view! {
                <div class="notice-bar" role="alert">
                    <p>"You are signed out. Your text is kept in this browser; sign in again to save it."</p>
                    <a class="btn quiet" href="/sign-in" target="_blank" rel="noopener">"Sign in"</a>
                </div>
            }
        })
    };
    let refusal = move || {
        refused
            .get()
            .map(|why| view! { <div class="notice-bar" role="alert"><p>{why}</p></div> })
    };
    view! {
        <div>{signed_out} {bar} {refusal}</div>
        <Dialog open=open id="difference-title" title="What differs" wide=true>
            <Difference />
        </Dialog>
    }
}

#[component]
fn Difference() -> impl IntoView {
    let studio = use_studio();
    let Some((
        path,
        Some(FileContent {
            text: Some(theirs), ..
        }),
    )) = untrack(move || studio.theirs())
    else {
        return view! { <p>"The two texts are the same now."</p> }.into_any();
    };
    let mine = studio.editor.text(&path).unwrap_or_default();
    let lines = difference(&theirs, &mine)
        .into_iter()
        .map(|line| {
            let (class, text) = match line {
                Line::Same(text) => ("", format!("  {text}")),
                Line::Mine(text) => ("mine", format!("+ {text}")),
                Line::Theirs(text) => ("theirs", format!("- {text}")),
                Line::Skipped(count) => ("skipped", format!("  {count} lines are the same")),
            };
            view! { <div class=class>{text}</div> }
        })
        .collect_view();
    view! {
        <p class="hint" style="margin-bottom:10px">"Lines with + are yours, lines with - are theirs."</p>
        <pre class="difference" tabindex="0">{lines}</pre>
    }
    .into_any()
}
