//! What a person asks of one sandbox: stop it, archive it, restore it, delete
//! it. A run in one that is deleted is ended first, by its driver, so that
//! nothing of it is lost.

use crate::{
    Runs, RunsError,
    driver::Context,
    reaper::is_under_way,
    sandboxes::{AGENT_LABEL, GONE_TIMEOUT, SANDBOX_LABEL},
};
use model::{AgentId, RunId, SandboxId, SandboxName, SandboxRecord, SandboxState};
use std::time::{Duration, Instant};

/// How long a run in a sandbox that is to be deleted may take to end and clean up.
const END_TIMEOUT: Duration = Duration::from_secs(45);

/// The agent a sandbox was made for, as its row says, else its labels.
pub(crate) async fn agent_of(context: &Context, name: &SandboxName) -> Result<Option<AgentId>, RunsError> {
    let id = match name {
        SandboxName::Row(id) => id.clone(),
        SandboxName::Provider(id) => match row_of(context, id).await? {
            Some(row) => row,
            None => {
                let sandbox = context.client.get(id).await.map_err(|error| unasked(&error))?;
                let label = sandbox.labels.get(AGENT_LABEL);
                return Ok(label.and_then(|label| AgentId::parse(label).ok()));
            }
        },
    };
    Ok(Some(context.store.sandbox(&id).await?.agent))
}

/// Stops the run in it; one that no row has is stopped at the provider.
pub(crate) async fn stop(runs: &Runs, name: &SandboxName) -> Result<(), RunsError> {
    let context = &runs.context;
    let id = match name {
        SandboxName::Row(id) => id.clone(),
        SandboxName::Provider(id) => match row_of(context, id).await? {
            Some(row) => row,
            None => {
                let stopped = context.client.stop(id).await;
                return stopped.map(drop).map_err(|error| {
                    RunsError::Provider(format!("The sandbox could not be stopped: {error}."))
                });
            }
        },
    };
    let record = context.store.sandbox(&id).await?;
    let run = run_in(context, &record).await.ok_or_else(|| {
        RunsError::Conflict("No run is in this sandbox. Delete it if it is not wanted.".to_owned())
    })?;
    runs.stop(run).await
}

/// Archives it, and waits until the provider says that it is.
pub(crate) async fn archive(runs: &Runs, name: &SandboxName) -> Result<(), RunsError> {
    let record = known(runs, name).await?;
    runs.context.sandboxes.archive(&record).await
}

/// Starts an archived one again, and waits until the provider says that it is.
pub(crate) async fn restore(runs: &Runs, name: &SandboxName) -> Result<(), RunsError> {
    let record = known(runs, name).await?;
    runs.context.sandboxes.restore(&record).await
}

async fn known(runs: &Runs, name: &SandboxName) -> Result<SandboxRecord, RunsError> {
    let context = &runs.context;
    let id = match name {
        SandboxName::Row(id) => Some(id.clone()),
        SandboxName::Provider(id) => row_of(context, id).await?,
    };
    let Some(id) = id else {
        return Err(RunsError::Conflict(
            "The ledger does not know this sandbox, so no run would ever use it again. Delete it if it is not wanted.".to_owned(),
        ));
    };
    Ok(context.store.sandbox(&id).await?)
}

/// Deletes it, and waits until the provider confirms that it is gone.
pub(crate) async fn delete(runs: &Runs, name: &SandboxName) -> Result<(), RunsError> {
    let context = &runs.context;
    let id = match name {
        SandboxName::Row(id) => id.clone(),
        SandboxName::Provider(id) => match row_of(context, id).await? {
            Some(row) => row,
            None => {
                let deleted = context.sandboxes.delete_named(id, id, GONE_TIMEOUT).await;
                return deleted.map_err(RunsError::Provider);
            }
        },
    };
    let record = context.store.sandbox(&id).await?;
    if let Some(run) = run_in(context, &record).await {
        runs.stop(run).await?;
        ended(context, &record).await?;
    }
    // The end of a run deletes its sandbox, or keeps it.
    let record = context.store.sandbox(&id).await?;
    if run_in(context, &record).await.is_some() {
        return Err(RunsError::Conflict(
            "Another run has taken the sandbox meanwhile. Try again.".to_owned(),
        ));
    }
    if record.state == SandboxState::Idle {
        return context.sandboxes.discard_row(&record).await;
    }
    let deleted = context.sandboxes.delete(&record).await;
    deleted.map_err(RunsError::Provider)
}

/// The run that is in it now, here or at another server.
async fn run_in<'a>(context: &Context, record: &'a SandboxRecord) -> Option<&'a RunId> {
    let may_have_one = matches!(record.state, SandboxState::Intended | SandboxState::InUse);
    if may_have_one && is_under_way(context, record).await {
        record.run.as_ref()
    } else {
        None
    }
}

async fn ended(context: &Context, record: &SandboxRecord) -> Result<(), RunsError> {
    let began = Instant::now();
    while is_under_way(context, record).await {
        if context.shutdown.is_cancelled() {
            return Err(RunsError::ShuttingDown);
        }
        if began.elapsed() > END_TIMEOUT {
            return Err(RunsError::Conflict(format!(
                "The run in it was told to end, and has not within {} s. Its page says why; try again when it has.",
                END_TIMEOUT.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn unasked(error: &daytona::Error) -> RunsError {
    if error.is_not_found() {
        RunsError::NotFound("The provider has no such sandbox any more.".to_owned())
    } else {
        RunsError::Provider(format!(
            "The provider could not be asked for the sandbox: {error}."
        ))
    }
}

/// The row of a sandbox that is named by the provider's id, if it has one; a refusal when it is
/// not of this installation.
async fn row_of(context: &Context, id: &str) -> Result<Option<SandboxId>, RunsError> {
    let sandbox = context.client.get(id).await.map_err(|error| unasked(&error))?;
    if !context.sandboxes.is_ours(&sandbox) {
        return Err(RunsError::Conflict(
            "This sandbox is not of this installation, so it is not touched.".to_owned(),
        ));
    }
    let label = sandbox.labels.get(SANDBOX_LABEL);
    let Some(Ok(row)) = label.map(|label| SandboxId::parse(label)) else {
        return Ok(None);
    };
    match context.store.sandbox(&row).await {
        // A second one under the same label is nobody's.
        Ok(record)
            if record
                .provider_id
                .as_ref()
                .is_some_and(|known| *known != sandbox.id) =>
        {
            Ok(None)
        }
        Ok(record) => Ok(Some(record.id)),
        Err(store::StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
