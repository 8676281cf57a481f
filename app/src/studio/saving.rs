//! Opening and saving files: on their own a moment after the last key, and at
//! once when asked, when the editor loses the focus, before a run, and when the
//! page is hidden. A text that is not saved is kept as a draft.

use super::{
    documents::{Document, SaveState, Trouble},
    drafts::{self, Draft},
    state::Studio,
};
use crate::{ErrorCode, UiError, api, parts::clock};
use leptos::{prelude::*, task::spawn_local};
use model::{FileContent, FilePath, SaveOutcome};
use std::time::Duration;

/// How long after the last key a file is saved.
const AFTER_LAST_KEY: Duration = Duration::from_millis(300);
/// Whoever types on and on still has a draft, written every so many changes.
const CHANGES_PER_DRAFT: u64 = 40;
/// How long until a save that could not reach the server is tried again.
const UNTIL_NEXT_TRY: Duration = Duration::from_secs(3);

impl Studio {
    /// The person changed a file.
    pub fn typed(self, path: &str) {
        let mut change = 0;
        self.documents.update(|documents| {
            let document = documents.entry(path.to_owned()).or_default();
            document.type_in();
            change = document.change();
        });
        if change % CHANGES_PER_DRAFT == 0 {
            self.keep_draft(path);
        }
        let path = path.to_owned();
        set_timeout(
            move || {
                let newest = self
                    .documents
                    .try_with_untracked(|documents| documents.get(&path).map(Document::change));
                if newest.flatten() == Some(change) {
                    self.keep_draft(&path);
                    self.save_soon(path);
                }
            },
            AFTER_LAST_KEY,
        );
    }

    /// Saves a file without waiting for it.
    pub fn save_soon(self, path: String) {
        spawn_local(async move {
            // How it went is the document's state.
            let _ = self.save(path).await;
        });
    }

    /// Saves all files that were changed, without waiting for it.
    pub fn save_all_soon(self) {
        for path in self.changed() {
            self.keep_draft(&path);
            self.save_soon(path);
        }
    }

    /// Saves all files that were changed, and waits until they are.
    ///
    /// # Errors
    /// Why one of them cannot be saved.
    pub async fn flush(self) -> Result<(), UiError> {
        for path in self.changed() {
            self.keep_draft(&path);
            self.save(path).await?;
        }
        Ok(())
    }

    fn changed(self) -> Vec<String> {
        self.documents
            .try_with_untracked(|documents| {
                documents
                    .iter()
                    .filter(|(_, document)| document.is_changed())
                    .map(|(path, _)| path.clone())
                    .collect()
            })
            .unwrap_or_default()
    }

    fn keep_draft(self, path: &str) {
        let base = self.documents.try_with_untracked(|documents| {
            documents
                .get(path)
                .filter(|document| document.is_changed())
                .map(|document| document.base)
        });
        if let (Some(Some(base)), Some(text)) = (base, self.editor.text(path)) {
            drafts::keep(&self.agent_id(), path, &Draft { base, text });
        }
    }

    /// Changes a document; nothing when the page or the document is gone.
    fn with_document<T>(self, path: &str, act: impl FnOnce(&mut Document) -> T) -> Option<T> {
        self.documents
            .try_update(|documents| documents.get_mut(path).map(act))
            .flatten()
    }

    async fn save(self, path: String) -> Result<(), UiError> {
        loop {
            let saving = self
                .documents
                .try_with_untracked(|documents| documents.get(&path).is_some_and(Document::is_saving));
            match saving {
                None => return Ok(()),
                Some(true) => clock::pause(20).await,
                Some(false) => break,
            }
        }
        let started = self.with_document(&path, |document| {
            let base = document.base;
            (document.begin_save(), base, document.state())
        });
        let (change, base) = match started {
            None => return Ok(()),
            Some((Some(change), base, _)) => (change, base),
            Some((None, _, SaveState::Conflict)) => {
                return Err(UiError::new(
                    ErrorCode::Conflict,
                    format!("{path} was also changed elsewhere. Decide above the editor which text to keep."),
                ));
            }
            Some((None, ..)) => return Ok(()),
        };
        let result = self.send(&path, base).await;
        match result {
            Ok(SaveOutcome::Saved(entry)) => {
                let clean = self.with_document(&path, |document| {
                    document.arrived(change, entry.version);
                    !document.is_changed()
                });
                if clean == Some(true) {
                    drafts::forget(&self.agent_id(), &path);
                }
                self.put_entry(entry);
                let _ = self.signed_out.try_set(false);
                self.check_sandbox_soon();
                Ok(())
            }
            Ok(SaveOutcome::Conflict(theirs)) => {
                if theirs.text.is_some() && theirs.text == self.editor.text(&path) {
                    self.with_document(&path, |document| document.arrived(change, theirs.entry.version));
                    drafts::forget(&self.agent_id(), &path);
                    self.put_entry(theirs.entry);
                    return Ok(());
                }
                let text =
                    format!("{path} was also changed elsewhere. Decide above the editor which text to keep.");
                self.with_document(&path, |document| {
                    document.failed(Trouble::Conflict(Some(Box::new(theirs))))
                });
                Err(UiError::new(ErrorCode::Conflict, text))
            }
            Err(error) => {
                let trouble = match error.code {
                    ErrorCode::NotFound => Trouble::Conflict(None),
                    ErrorCode::Offline | ErrorCode::Unavailable | ErrorCode::SignedOut => Trouble::Offline,
                    _ => Trouble::Refused(error.text.clone()),
                };
                if error.code == ErrorCode::SignedOut {
                    let _ = self.signed_out.try_set(true);
                }
                if trouble == Trouble::Offline {
                    set_timeout(
                        move || {
                            if self.documents.try_get_untracked().is_some() {
                                self.save_all_soon();
                            }
                        },
                        UNTIL_NEXT_TRY,
                    );
                }
                self.with_document(&path, |document| document.failed(trouble));
                Err(error)
            }
        }
    }

    async fn send(self, path: &str, base: Option<i64>) -> Result<SaveOutcome, UiError> {
        let path = FilePath::parse(path)?;
        let text = self.editor.text(path.as_str()).unwrap_or_default();
        model::file::check_size(&path, text.len() as u64)?;
        api::save_file(self.agent_id(), path, text, base).await
    }

    /// Opens a file and shows it, at a line and column if one is given.
    pub fn open(self, path: String, at: Option<(u32, u32)>) {
        spawn_local(async move {
            if !self.editor.has(&path) {
                let Ok(file_path) = FilePath::parse(&path) else {
                    return;
                };
                match api::read_file(self.agent_id(), file_path).await {
                    Ok(file) if file.text.is_some() => self.take_in(file),
                    Ok(_) => {
                        self.notices.say(format!(
                            "{path} is not text. Download it from the tree to look at it."
                        ));
                        return;
                    }
                    Err(error) => {
                        self.notices.fail(&error);
                        return;
                    }
                }
            }
            self.show(&path);
            match at {
                Some((line, column)) => self.editor.go_to(&path, line, column),
                None => self.editor.focus(),
            }
        });
    }

    /// Gives a file to the editor, with the draft of it if one was left.
    fn take_in(self, file: FileContent) {
        let path = file.entry.path.to_string();
        self.editor.open(&path, file.text.as_deref().unwrap_or_default());
        let _ = self.documents.try_update(|documents| {
            documents.insert(path.clone(), Document::saved(file.entry.version));
        });
        self.restore_draft(file);
    }

    /// Brings back the draft of a file that was just opened. When the file was
    /// saved elsewhere since, the person decides.
    pub fn restore_draft(self, file: FileContent) {
        // Left from when they still could save it: it stays until they can again.
        if !self.may_edit() {
            return;
        }
        let path = file.entry.path.to_string();
        let Some(draft) = drafts::kept(&self.agent_id(), &path) else {
            return;
        };
        if Some(&draft.text) == file.text.as_ref() {
            drafts::forget(&self.agent_id(), &path);
            return;
        }
        self.editor.apply_remote(&path, &draft.text);
        let current = draft.base == Some(file.entry.version);
        self.with_document(&path, |document| {
            document.type_in();
            if !current {
                document.failed(Trouble::Conflict(Some(Box::new(file))));
            }
        });
        self.notices.say(format!("The unsaved text of {path} is back."));
        if current {
            self.save_soon(path);
        }
    }

    /// Looks whether files were changed elsewhere, and takes those in that
    /// have no changes of ours.
    pub fn refresh_files(self) {
        spawn_local(async move {
            let Ok(files) = api::list_files(self.agent_id()).await else {
                return;
            };
            let behind: Vec<FilePath> = self
                .documents
                .try_with_untracked(|documents| {
                    let is_behind = |entry: &&model::FileEntry| {
                        documents.get(entry.path.as_str()).is_some_and(|document| {
                            document.state() == SaveState::Saved && document.base < Some(entry.version)
                        })
                    };
                    files
                        .iter()
                        .filter(is_behind)
                        .map(|entry| entry.path.clone())
                        .collect()
                })
                .unwrap_or_default();
            let _ = self.files.try_set(files);
            for path in behind {
                if let Ok(FileContent {
                    entry,
                    text: Some(text),
                }) = api::read_file(self.agent_id(), path.clone()).await
                {
                    // Something may have been typed while it was on its way.
                    let taken = self.with_document(path.as_str(), |document| {
                        let clean = document.state() == SaveState::Saved;
                        if clean {
                            document.take(entry.version);
                        }
                        clean
                    });
                    if taken == Some(true) {
                        self.editor.apply_remote(path.as_str(), &text);
                    }
                }
            }
        });
    }
}
