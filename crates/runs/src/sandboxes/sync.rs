//! Puts files into sandboxes: a run's at its start, and saved edits into the
//! idle sandbox of their agent.

use super::{Held, Sandboxes};
use bytes::Bytes;
use model::{AgentId, FileEntry, FilePath};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use store::Claimed;

/// How long edits are gathered before they are put into the sandbox.
const GATHER: Duration = Duration::from_millis(150);

impl Sandboxes {
    /// Makes the sandbox hold exactly `wanted` of the agent's files; says in a few words what it took.
    /// `contents` has at least the files that have to be written.
    ///
    /// # Errors
    /// A sentence with what the provider said.
    pub(crate) async fn put(
        &self,
        held: &Held,
        wanted: &[FileEntry],
        contents: Vec<(FilePath, Bytes)>,
    ) -> Result<String, String> {
        let difference = self.manifest(&held.record.id).difference(wanted);
        for path in &difference.remove {
            match held.toolbox.delete_file(path.as_str(), false).await {
                Ok(()) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(format!("{path} could not be removed: {error}.")),
            }
        }
        let files: Vec<_> = contents
            .into_iter()
            .filter(|(path, _)| difference.write.contains(path))
            .map(|(path, bytes)| (String::from(path), bytes))
            .collect();
        let count = files.len();
        held.toolbox
            .upload(files)
            .await
            .map_err(|error| format!("The files could not be put into the sandbox: {error}."))?;
        self.note(&held.record.id, |manifest| manifest.set(wanted));
        Ok(if held.reused {
            difference.words()
        } else {
            format!("{count} synced")
        })
    }

    /// Puts the agent's saved files into its idle sandbox, soon, and together with what else is saved
    /// until then.
    pub(crate) fn files_changed(self: &Arc<Self>, agent: &AgentId) {
        let slot = self.slot(agent);
        if slot.sync_waits.swap(true, Ordering::AcqRel) {
            return;
        }
        let (sandboxes, agent) = (Arc::clone(self), agent.clone());
        self.tasks.spawn(async move {
            tokio::time::sleep(GATHER).await;
            slot.sync_waits.store(false, Ordering::Release);
            let mut place = slot.held.lock().await;
            sandboxes.load(&agent, &mut place).await;
            let Some(held) = place.as_ref() else { return };
            match sandboxes
                .store
                .fill_sandbox(&held.record.id, &sandboxes.replica)
                .await
            {
                Ok(Some(Claimed { filled_by_us: true })) => {}
                Ok(Some(_)) => sandboxes.note_unknown(&agent, &held.record).await,
                // Another server took it: what it then holds is that server's.
                Ok(None) => {
                    *place = None;
                    return;
                }
                Err(error) => {
                    tracing::warn!(%agent, %error, "the live sandbox could not be synced");
                    return;
                }
            }
            match sandboxes.put_saved(held, &agent).await {
                Ok(words) => tracing::debug!(%agent, words, "the live sandbox has the saved files"),
                Err(error) => tracing::warn!(%agent, error, "the live sandbox could not be synced"),
            }
        });
    }

    async fn put_saved(&self, held: &Held, agent: &AgentId) -> Result<String, String> {
        let files = self
            .store
            .list_files(agent)
            .await
            .map_err(|error| error.to_string())?;
        let mut contents = Vec::new();
        for path in self.manifest(&held.record.id).difference(&files).write {
            match self.store.file_bytes(agent, &path).await {
                Ok(bytes) => contents.push((path, Bytes::from(bytes))),
                // Deleted since: the change of that is on its way.
                Err(store::StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        self.put(held, &files, contents).await
    }
}
