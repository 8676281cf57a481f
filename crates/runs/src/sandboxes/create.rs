//! Asking the provider for a sandbox.

use super::{AGENT_LABEL, Held, INSTANCE_LABEL, RUN_LABEL, SANDBOX_LABEL, Sandboxes};
use crate::ingest::is_passing;
use daytona::{CreateSandbox, LANGUAGE_LABEL, Sandbox, SandboxState as ProviderState};
use model::{
    AgentId, AgentSettings, Language, Millis, Provider, Run, SandboxId, SandboxRecord, SandboxState,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use store::Hold;
use tokio::task::JoinHandle;

/// How long a sandbox may take to start after the provider answered.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Minutes without activity until the provider stops a sandbox that nobody asks for: the second line,
/// behind our own clean-up.
pub(super) const AUTO_STOP_MINUTES: u32 = 15;
/// How often a sandbox is asked for when the provider turns us away for the moment.
const ATTEMPTS: u32 = 3;

/// A sandbox that was asked for.
pub(crate) struct Asked {
    pub(crate) record: SandboxRecord,
    /// Goes on when it is dropped: what the provider then makes has a row and is found.
    pub(crate) task: JoinHandle<Result<Held, String>>,
}

impl Sandboxes {
    /// Asks for a sandbox for a run, on a task of its own: a run that is stopped meanwhile does not wait,
    /// and the sandbox is cleaned up whenever it comes.
    pub(crate) fn ask(self: &Arc<Self>, hold: Hold, run: &Run, settings: &AgentSettings) -> Asked {
        let now = Millis::now();
        let record = SandboxRecord {
            id: SandboxId::generate(),
            provider: self.config.provider,
            provider_id: None,
            agent: run.agent.clone(),
            run: Some(run.id.clone()),
            state: SandboxState::Intended,
            resources: settings.resources,
            created_at: now,
            used_at: now,
            expires_at: None,
        };
        let keep = settings.keep_minutes;
        // One that is kept outlives being stopped, so that it can be archived.
        let delete_after = if keep > 0 { AUTO_STOP_MINUTES + keep } else { 0 };
        let request = self.request(&record, run.language, keep, delete_after);
        let (sandboxes, asked) = (Arc::clone(self), record.clone());
        let task = self
            .tasks
            .spawn(async move { sandboxes.create(Some(&hold), asked, request).await });
        Asked { record, task }
    }

    /// Asks for a sandbox that no run uses. Its row has this id, and it may rest for so many minutes.
    ///
    /// # Errors
    /// A sentence with what the provider said.
    pub(crate) async fn make(
        &self,
        id: SandboxId,
        agent: &AgentId,
        settings: &AgentSettings,
        rest_minutes: u32,
    ) -> Result<Held, String> {
        let now = Millis::now();
        let record = SandboxRecord {
            id,
            provider: self.config.provider,
            provider_id: None,
            agent: agent.clone(),
            run: None,
            state: SandboxState::Intended,
            resources: settings.resources,
            created_at: now,
            used_at: now,
            expires_at: None,
        };
        let request = self.request(&record, settings.language, rest_minutes, 0);
        self.create(None, record, request).await
    }

    /// What is asked for: stopped after so many minutes of rest, deleted so many after that, 0 at once.
    fn request(
        &self,
        record: &SandboxRecord,
        language: Language,
        rest_minutes: u32,
        delete_after: u32,
    ) -> CreateSandbox {
        let labels = [
            (INSTANCE_LABEL, Some(self.config.instance.clone())),
            (SANDBOX_LABEL, Some(record.id.to_string())),
            (AGENT_LABEL, Some(record.agent.to_string())),
            (RUN_LABEL, record.run.as_ref().map(ToString::to_string)),
            (LANGUAGE_LABEL, Some(language.as_str().to_owned())),
        ];
        let labels = labels
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        // The cloud takes resources only together with an image to build; the engine takes them as they are.
        let sized = self.config.provider == Provider::Embedded;
        CreateSandbox {
            snapshot: self.config.snapshot.clone(),
            labels: labels.collect(),
            cpu: sized.then_some(record.resources.cpu),
            memory: sized.then_some(record.resources.memory_gib),
            disk: sized.then_some(record.resources.disk_gib),
            auto_stop_interval: Some(i64::from(AUTO_STOP_MINUTES + rest_minutes)),
            auto_delete_interval: Some(i64::from(delete_after)),
            ..CreateSandbox::default()
        }
    }

    async fn create(
        &self,
        hold: Option<&Hold>,
        record: SandboxRecord,
        request: CreateSandbox,
    ) -> Result<Held, String> {
        self.store
            .intend_sandbox(&record, &self.replica, hold)
            .await
            .map_err(|error| error.to_string())?;
        let sandbox = self.made(&record, &request).await?;
        let (toolbox, noted) = tokio::join!(
            self.client.toolbox(&sandbox),
            self.store.sandbox_created(&record.id, &sandbox.id, hold)
        );
        // The label finds it too; the reaper notes the id later.
        if let Err(error) = noted {
            tracing::warn!(sandbox = %sandbox.id, %error, "the id of a new sandbox could not be stored");
        }
        let toolbox = toolbox.map_err(|error| error.to_string())?;
        let record = SandboxRecord {
            provider_id: Some(sandbox.id.clone()),
            state: SandboxState::InUse,
            ..record
        };
        Ok(Held {
            record,
            sandbox,
            toolbox,
            reused: false,
        })
    }

    /// A started sandbox. When the answer to the request was lost, the sandbox may exist all the same:
    /// then it is looked for by its label before it is asked for again.
    async fn made(&self, record: &SandboxRecord, request: &CreateSandbox) -> Result<Sandbox, String> {
        let mut attempt = 1;
        loop {
            let error = match self.client.create(request).await {
                Ok(sandbox) => return self.started(sandbox).await,
                Err(error) => error,
            };
            if error.may_have_executed() {
                match self.find_patiently(&record.id).await {
                    Ok(Some(sandbox)) => return self.started(sandbox).await,
                    Ok(None) => {}
                    // Who asks again now may have two.
                    Err(unknown) => {
                        return Err(format!(
                            "Whether the provider made a sandbox cannot be known: {error}, and then {unknown}."
                        ));
                    }
                }
            }
            if !error.is_retryable() || attempt >= ATTEMPTS {
                return Err(format!("The provider gave no sandbox: {error}."));
            }
            tracing::warn!(%error, attempt, "a sandbox is asked for again");
            tokio::time::sleep(Duration::from_millis(200) * attempt).await;
            attempt += 1;
        }
    }

    async fn started(&self, sandbox: Sandbox) -> Result<Sandbox, String> {
        if sandbox.state == Some(ProviderState::Started) {
            return Ok(sandbox);
        }
        self.client
            .wait(&sandbox.id, &[ProviderState::Started], START_TIMEOUT)
            .await
            .map_err(|error| format!("The sandbox did not start: {error}."))
    }

    /// The provider's sandbox of one of our rows, found by its label.
    pub(crate) async fn find(&self, id: &SandboxId) -> Result<Option<Sandbox>, daytona::Error> {
        let found = self.client.list_all(&self.labels_of(id)).await?;
        let label = id.to_string();
        Ok(found
            .into_iter()
            .find(|sandbox| self.is_ours(sandbox) && sandbox.labels.get(SANDBOX_LABEL) == Some(&label)))
    }

    /// The same, asked again while the provider is in trouble, as long as it may be away.
    async fn find_patiently(&self, id: &SandboxId) -> Result<Option<Sandbox>, daytona::Error> {
        let began = Instant::now();
        loop {
            match self.find(id).await {
                Err(error) if is_passing(&error) && began.elapsed() < self.config.provider_deadline => {
                    tracing::warn!(%error, "a sandbox whose answer was lost is looked for again");
                }
                found => return found,
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
