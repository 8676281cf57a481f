//! From a place in the queue to a sandbox with everything in it.

use super::{Claim, Work};
use crate::{environment::Environment, handle::session_of, sandboxes::Held};
use bytes::Bytes;
use daytona::{Sandbox, UpdateEnv};
use model::{FilePath, Phase, Resources};
use std::sync::Arc;
use store::Revision;
use tokio_util::task::AbortOnDropHandle;

/// Files with what is in them; cheap to clone.
pub(super) type Contents = Vec<(FilePath, Bytes)>;

impl Work {
    /// Gets a sandbox, puts the files into it and installs the packages they ask for.
    ///
    /// # Errors
    /// A sentence that says what could not be done.
    pub(super) async fn prepare(&mut self) -> Result<(), String> {
        self.record.begin(Phase::Sandbox);
        let revision = match self.revision.take() {
            Some(revision) => revision,
            None => return Err("The files of this run are not known any more.".to_owned()),
        };
        // Both are read while the provider works.
        let (context, agent) = (Arc::clone(&self.context), self.record.run().agent.clone());
        let environment =
            AbortOnDropHandle::new(tokio::spawn(
                async move { Environment::load(&context, &agent).await },
            ));
        let (store, id) = (self.context.store.clone(), revision.id.clone());
        let contents = AbortOnDropHandle::new(tokio::spawn(async move { store.revision_files(&id).await }));
        let kept = self.take_kept().await;
        if !kept {
            self.create().await?;
        }
        let mut environment = environment
            .await
            .map_err(|error| format!("The variables could not be read: {error}."))??;
        environment.add(self.once.as_ref().map(|once| &once.env))?;
        self.give(environment).await?;
        self.announce_sandbox();
        self.record.begin(Phase::Files);
        let contents = contents
            .await
            .map_err(|error| format!("The files could not be read: {error}."))?
            .map_err(|error| error.to_string())?;
        let contents: Contents = contents
            .into_iter()
            .map(|(path, bytes)| (path, Bytes::from(bytes)))
            .collect();
        let detail = match self.put(&revision, contents.clone()).await {
            Ok(detail) => detail,
            Err(error) if kept => {
                // What a program left behind in a kept sandbox can be in the way. A new one has nothing.
                self.record.end_phase(None, true);
                self.record.system(format!(
                    "The live sandbox cannot take the files, so a new one is made. {error}"
                ));
                self.record.begin(Phase::Sandbox);
                if let Claim::Held(held) = std::mem::replace(&mut self.claim, Claim::None) {
                    self.context.sandboxes.delete_later(held.record);
                }
                self.create().await?;
                self.announce_sandbox();
                self.record.begin(Phase::Files);
                self.put(&revision, contents.clone()).await?
            }
            Err(error) => return Err(error),
        };
        self.record.end_phase(Some(detail), false);
        self.install_packages(&contents).await
    }

    /// From here on the run's secrets are masked, also by a process that takes the run up.
    async fn give(&mut self, environment: Environment) -> Result<(), String> {
        environment.keep(&self.context, &self.book.lease.hold).await?;
        self.masks = self.context.masks.with(&environment.masked).await;
        self.record.mask(Arc::clone(&self.masks));
        self.variables = environment.variables;
        Ok(())
    }

    /// Takes the agent's idle sandbox, if there is one and it is wanted.
    async fn take_kept(&mut self) -> bool {
        if self.once.is_some() {
            // One of its own: a kept one is left as it is, for the agent's next run.
            return false;
        }
        if self.fresh {
            if let Err(error) = self.context.sandboxes.discard(&self.record.run().agent).await {
                tracing::warn!(%error, "a kept sandbox could not be deleted at once");
            }
            return false;
        }
        match self
            .context
            .sandboxes
            .take(&self.book.lease.hold, self.record.run(), &self.settings)
            .await
        {
            Some(held) => {
                self.claim = Claim::Held(Box::new(held));
                true
            }
            None => false,
        }
    }

    async fn create(&mut self) -> Result<(), String> {
        let hold = self.book.lease.hold.clone();
        let asked = self
            .context
            .sandboxes
            .ask(hold, self.record.run(), &self.settings);
        let row = asked.record.clone();
        self.claim = Claim::Asked(asked);
        let Claim::Asked(asked) = &mut self.claim else {
            return Err("The request for a sandbox was given up.".to_owned());
        };
        let made = (&mut asked.task).await;
        // Whatever came of it, its row is settled at the end of the run.
        self.claim = Claim::Row(row);
        let held = made.map_err(|error| format!("The request for a sandbox ended badly: {error}."))??;
        self.claim = Claim::Held(Box::new(held));
        Ok(())
    }

    pub(super) fn held(&self) -> Option<&Held> {
        match &self.claim {
            Claim::Held(held) => Some(held),
            Claim::None | Claim::Row(_) | Claim::Asked(_) => None,
        }
    }

    fn announce_sandbox(&mut self) {
        let Some(held) = self.held() else { return };
        let warm = held.sandbox.pitlane.as_ref().is_some_and(|facts| facts.warm);
        let detail = match (held.reused, warm) {
            (true, _) => Some("live".to_owned()),
            (false, true) => Some("warm".to_owned()),
            (false, false) => None,
        };
        let words = ready_words(&held.sandbox, held.record.resources, self.settings.language);
        let id = held.sandbox.id.clone();
        self.record.end_phase(detail, false);
        self.record.change(|run| run.sandbox = Some(id));
        self.record.system(words);
    }

    /// Puts the files in, and meanwhile sets the variables and opens the session.
    async fn put(&mut self, revision: &Revision, contents: Contents) -> Result<String, String> {
        let Some(held) = self.held() else {
            return Err("There is no sandbox to put files into.".to_owned());
        };
        let session = session_of(&self.record.run().id);
        let (files, session) = tokio::join!(
            self.context.sandboxes.put(held, &revision.files, contents),
            async {
                // Before the session: its shell has the environment of its start.
                self.set_variables(held).await?;
                match held.toolbox.create_session(&session).await {
                    Err(error) if !error.is_conflict() => {
                        Err(format!("The sandbox could not open a session: {error}."))
                    }
                    _ => Ok(()),
                }
            }
        );
        session.and(files)
    }

    /// Sets the run's variables in the sandbox, and removes those of an earlier run.
    async fn set_variables(&self, held: &Held) -> Result<(), String> {
        let id = &held.record.id;
        let before = self.context.sandboxes.manifest(id).variables;
        if before.is_empty() && self.variables.is_empty() {
            return Ok(());
        }
        let change = UpdateEnv {
            set: self.variables.clone(),
            unset: before
                .into_iter()
                .filter(|name| !self.variables.contains_key(name))
                .collect(),
            ..UpdateEnv::default()
        };
        held.toolbox
            .update_env(&change)
            .await
            .map_err(|error| format!("The sandbox could not be given the variables: {error}."))?;
        let names = self.variables.keys().cloned().collect();
        self.context
            .sandboxes
            .note(id, |manifest| manifest.variables = names);
        Ok(())
    }

    /// Takes the run's variables out of a sandbox that is kept: nothing in it has them any more.
    pub(super) async fn take_back(&self, held: &Held) -> Result<(), daytona::Error> {
        if self.variables.is_empty() {
            return Ok(());
        }
        let change = UpdateEnv {
            unset: self.variables.keys().cloned().collect(),
            ..UpdateEnv::default()
        };
        held.toolbox.update_env(&change).await?;
        self.context
            .sandboxes
            .note(&held.record.id, |manifest| manifest.variables.clear());
        Ok(())
    }
}

/// `Sandbox 0199f3b2 ready, Python 3.11.2, 1 vCPU, 1 GiB, 3 GiB disk`.
fn ready_words(sandbox: &Sandbox, resources: Resources, language: model::Language) -> String {
    let short: String = sandbox.id.chars().take(8).collect();
    let facts = sandbox.pitlane.as_ref();
    let version = match language {
        model::Language::Python => {
            facts.and_then(|facts| facts.python.as_ref().map(|version| ("Python", version)))
        }
        _ => facts.and_then(|facts| facts.node.as_ref().map(|version| ("Node.js", version))),
    };
    let version = version.map_or_else(String::new, |(name, version)| format!(", {name} {version}"));
    // What the provider says it gave counts, not what was asked for.
    let given = if sandbox.cpu > 0 && sandbox.memory > 0 {
        Resources {
            cpu: sandbox.cpu,
            memory_gib: sandbox.memory,
            disk_gib: sandbox.disk,
        }
    } else {
        resources
    };
    format!("Sandbox {short} ready{version}, {}", given.words())
}
