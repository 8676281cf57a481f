//! What is done to files: create, rename, move, delete with a way back, download.

use super::super::{documents::Document, drafts, state::Studio};
use crate::{UiError, api};
use leptos::{prelude::*, task::spawn_local};
use model::{FilePath, SaveOutcome};
use wasm_bindgen::JsCast;

impl Studio {
    /// Creates an empty file and opens it.
    ///
    /// # Errors
    /// When the name cannot be used or is taken.
    pub async fn create_file(self, path: &str) -> Result<(), UiError> {
        let path = FilePath::parse(path.trim())?;
        match api::save_file(self.agent_id(), path.clone(), String::new(), None).await? {
            SaveOutcome::Saved(entry) => {
                self.editor.open(path.as_str(), "");
                let version = entry.version;
                self.put_entry(entry);
                let _ = self.documents.try_update(|documents| {
                    documents.insert(path.to_string(), Document::saved(version));
                });
                self.show(path.as_str());
                self.editor.focus();
                Ok(())
            }
            SaveOutcome::Conflict(there) => {
                self.put_entry(there.entry);
                Err(model::Invalid(format!("{path} exists already. Choose another name.")).into())
            }
        }
    }

    /// Gives a file or a folder another path.
    ///
    /// # Errors
    /// When the name cannot be used or is taken.
    pub async fn rename(self, from: &str, to: &str) -> Result<(), UiError> {
        let to = FilePath::parse(to.trim())?;
        if to.as_str() == from {
            return Ok(());
        }
        self.flush().await?;
        let inside = format!("{from}/");
        let moves: Vec<(FilePath, FilePath)> = self.files.with_untracked(|files| {
            files
                .iter()
                .filter_map(|entry| {
                    let path = entry.path.as_str();
                    let new = match path.strip_prefix(&inside) {
                        Some(rest) => format!("{to}/{rest}"),
                        None if path == from => to.to_string(),
                        None => return None,
                    };
                    Some(FilePath::parse(&new).map(|new| (entry.path.clone(), new)))
                })
                .collect::<Result<_, _>>()
        })?;
        for (from, to) in moves {
            let entry = api::rename_file(self.agent_id(), from.clone(), to.clone()).await?;
            drafts::forget(&self.agent_id(), from.as_str());
            let _ = self
                .files
                .try_update(|files| files.retain(|old| old.path != from));
            let version = entry.version;
            self.put_entry(entry);
            self.editor.rename(from.as_str(), to.as_str());
            let (old, new) = (from.to_string(), to.to_string());
            let _ = self.documents.try_update(|documents| {
                if documents.remove(&old).is_some() {
                    documents.insert(new.clone(), Document::saved(version));
                }
            });
            let _ = self.tabs.try_update(|tabs| {
                for tab in tabs.iter_mut().filter(|tab| **tab == old) {
                    tab.clone_from(&new);
                }
            });
            if self.current.try_get_untracked().flatten().as_deref() == Some(old.as_str()) {
                let _ = self.current.try_set(Some(new));
            }
        }
        Ok(())
    }

    /// Deletes a file, or a folder with all its files, and offers to put it back.
    pub fn delete(self, path: String) {
        let inside = format!("{path}/");
        let entries: Vec<_> = self.files.with_untracked(|files| {
            let gone = |entry: &&model::FileEntry| {
                entry.path.as_str() == path || entry.path.as_str().starts_with(&inside)
            };
            files.iter().filter(gone).cloned().collect()
        });
        spawn_local(async move {
            if let Err(error) = self.flush().await {
                self.notices.fail(&error);
                return;
            }
            let mut deleted = Vec::new();
            for entry in entries {
                // It may have been saved just now.
                let version = self
                    .entry(entry.path.as_str())
                    .map_or(entry.version, |entry| entry.version);
                match api::delete_file(self.agent_id(), entry.path.clone(), version).await {
                    Ok(bytes) => {
                        let _ = self
                            .files
                            .try_update(|files| files.retain(|old| old.path != entry.path));
                        self.forget(entry.path.as_str());
                        deleted.push((entry.path, bytes));
                    }
                    Err(error) => {
                        self.notices.fail(&error);
                        self.refresh_files();
                        break;
                    }
                }
            }
            if deleted.is_empty() {
                return;
            }
            let undo = Callback::new(move |()| self.put_back(deleted.clone()));
            self.notices.offer(format!("{path} is deleted."), "Undo", undo);
        });
    }

    fn put_back(self, deleted: Vec<(FilePath, String)>) {
        spawn_local(async move {
            for (path, bytes) in deleted {
                match api::upload_file(self.agent_id(), path.clone(), bytes, None).await {
                    Ok(SaveOutcome::Saved(entry)) => self.put_entry(entry),
                    Ok(SaveOutcome::Conflict(_)) => {
                        self.notices.say(format!(
                            "{path} exists again, so the deleted one was not put back."
                        ));
                    }
                    Err(error) => self.notices.fail(&error),
                }
            }
        });
    }

    /// Saves a file to the person's disk.
    pub fn download(self, path: String) {
        spawn_local(async move {
            let Ok(file_path) = FilePath::parse(&path) else {
                return;
            };
            match api::file_bytes(self.agent_id(), file_path.clone()).await {
                Ok(bytes) => {
                    let link = document()
                        .create_element("a")
                        .ok()
                        .and_then(|a| a.dyn_into::<web_sys::HtmlAnchorElement>().ok());
                    if let Some(link) = link {
                        link.set_href(&format!("data:application/octet-stream;base64,{bytes}"));
                        link.set_download(file_path.name());
                        link.click();
                    }
                }
                Err(error) => self.notices.fail(&error),
            }
        });
    }
}
