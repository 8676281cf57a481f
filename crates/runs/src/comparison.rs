//! Provider against ledger, for people: every sandbox that the provider lists
//! under this installation's label or that the ledger has an open row for, and
//! what differs. Reads only; the reaper acts.

use crate::{
    RunsError,
    driver::Context,
    reaper::is_under_way,
    sandboxes::{AGENT_LABEL, AT_ONCE, RUN_LABEL, SANDBOX_LABEL},
    usage,
};
use daytona::{Sandbox, SandboxState as ProviderState};
use futures::StreamExt as _;
use model::{
    AgentId, ComparedSandbox, Difference, Millis, ProvidedSandbox, Resources, RunId, SandboxComparison,
    SandboxId, SandboxRecord, SandboxState,
};
use std::{collections::HashMap, time::Duration};

/// How long the provider has to answer somebody who looks.
const PROVIDER_WITHIN: Duration = Duration::from_secs(5);

/// What the provider says of one sandbox.
enum Said {
    Has(Box<ProvidedSandbox>),
    /// It does not know it.
    Nothing,
    /// It was not reached.
    Unknown,
}

/// Compares now.
pub(crate) async fn compare(context: &Context) -> Result<SandboxComparison, RunsError> {
    let listed = list(context).await;
    // After the provider's list, so that every sandbox in it has its row in this one.
    let rows = context.store.list_sandboxes_at(&context.replica).await?;
    let now = Millis::now();
    let (listed, provider_error) = match listed {
        Ok(listed) => (listed, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let reached = provider_error.is_none();
    let mut by_label: HashMap<String, Vec<Sandbox>> = HashMap::new();
    for sandbox in listed {
        let label = sandbox.labels.get(SANDBOX_LABEL).cloned().unwrap_or_default();
        by_label.entry(label).or_default().push(sandbox);
    }
    let mut sandboxes = Vec::with_capacity(rows.len());
    let mut unlisted = Vec::new();
    for row in rows {
        let mut found = by_label.remove(row.id.as_str()).unwrap_or_default();
        let own = found
            .iter()
            .position(|sandbox| row.provider_id.as_ref().is_none_or(|id| *id == sandbox.id));
        let own = own.map(|place| found.swap_remove(place));
        sandboxes.extend(found.into_iter().map(|double| {
            let double = provided(double);
            compared(
                context,
                Some(row.clone()),
                Some(double),
                false,
                Difference::Double,
            )
        }));
        match own {
            Some(own) => {
                sandboxes.push(judged(context, row, Said::Has(Box::new(provided(own))), now).await);
            }
            None => unlisted.push(row),
        }
    }
    // The list may be late: what it does not have is asked for by its id before anything is said of it.
    let asked = futures::stream::iter(unlisted.into_iter().map(async |row| {
        let said = if reached {
            ask(context, &row).await
        } else {
            Said::Unknown
        };
        judged(context, row, said, now).await
    }));
    sandboxes.extend(asked.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
    let left = futures::stream::iter(by_label.into_values().flatten())
        .map(async |sandbox| without_open_row(context, sandbox, now).await)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    sandboxes.extend(left.into_iter().flatten());
    sandboxes.sort_by(|a, b| (b.created_at(), b.id()).cmp(&(a.created_at(), a.id())));
    let rounds = context.rounds.standing();
    Ok(SandboxComparison {
        now,
        sandboxes,
        provider_error,
        last_round: rounds.last,
        next_round: rounds.next,
    })
}

/// What the provider lists of this installation.
async fn list(context: &Context) -> Result<Vec<Sandbox>, String> {
    let labels = context.sandboxes.instance_labels();
    match tokio::time::timeout(PROVIDER_WITHIN, context.client.list_all(&labels)).await {
        Ok(Ok(mut listed)) => {
            listed.retain(|sandbox| context.sandboxes.is_ours(sandbox));
            Ok(listed)
        }
        Ok(Err(error)) => Err(format!("{error}.")),
        Err(_) => Err(format!(
            "It did not answer within {} s.",
            PROVIDER_WITHIN.as_secs()
        )),
    }
}

/// Asks for a sandbox by the id that its row has.
async fn ask(context: &Context, row: &SandboxRecord) -> Said {
    let Some(id) = &row.provider_id else {
        return Said::Nothing;
    };
    match tokio::time::timeout(PROVIDER_WITHIN, context.client.get(id)).await {
        Ok(Ok(sandbox)) if is_gone(&sandbox) => Said::Nothing,
        Ok(Ok(sandbox)) => Said::Has(Box::new(provided(sandbox))),
        Ok(Err(error)) if error.is_not_found() => Said::Nothing,
        Ok(Err(_)) | Err(_) => Said::Unknown,
    }
}

fn is_gone(sandbox: &Sandbox) -> bool {
    sandbox.state == Some(ProviderState::Destroyed)
}

/// One that the provider lists and no open row has: a closed row's, or nobody's. None when it is
/// gone by now.
async fn without_open_row(context: &Context, sandbox: Sandbox, now: Millis) -> Option<ComparedSandbox> {
    if is_gone(&sandbox) {
        return None;
    }
    let label = sandbox.labels.get(SANDBOX_LABEL);
    let row = match label.map(|label| SandboxId::parse(label)) {
        Some(Ok(id)) => context.store.sandbox(&id).await.ok(),
        _ => None,
    };
    let Some(row) = row else {
        let since = context.rounds.strangers().get(&sandbox.id).copied();
        let waits = i64::try_from(context.config.stranger_age.as_millis()).unwrap_or(i64::MAX);
        let not_before = Millis(since.unwrap_or(now).0.saturating_add(waits));
        let difference = Difference::Unknown { not_before };
        return Some(compared(
            context,
            None,
            Some(provided(sandbox)),
            false,
            difference,
        ));
    };
    // It was deleted while we read, or the provider has it again.
    let known = SandboxRecord {
        provider_id: Some(sandbox.id.clone()),
        ..row
    };
    match ask(context, &known).await {
        Said::Nothing => None,
        Said::Has(found) => Some(judged(context, known, Said::Has(found), now).await),
        Said::Unknown => {
            let found = Said::Has(Box::new(provided(sandbox)));
            Some(judged(context, known, found, now).await)
        }
    }
}

async fn judged(context: &Context, row: SandboxRecord, said: Said, now: Millis) -> ComparedSandbox {
    let may_have_one = matches!(row.state, SandboxState::Intended | SandboxState::InUse);
    let goes_on = may_have_one && is_under_way(context, &row).await;
    let difference = difference(&row, &said, goes_on, now);
    let found = match said {
        Said::Has(found) => Some(*found),
        Said::Nothing | Said::Unknown => None,
    };
    compared(context, Some(row), found, goes_on, difference)
}

/// What differs between a row and what the provider says.
fn difference(row: &SandboxRecord, said: &Said, run_goes_on: bool, now: Millis) -> Difference {
    let found = match said {
        Said::Unknown => return Difference::Unasked,
        Said::Nothing => None,
        Said::Has(found) => Some(found),
    };
    match (row.state, found) {
        (SandboxState::Intended, None) if run_goes_on => Difference::Asked,
        (SandboxState::Intended, Some(_)) if run_goes_on => Difference::Arriving,
        (SandboxState::InUse, Some(found)) if run_goes_on && found.is_started() => Difference::None,
        (SandboxState::InUse, _) if run_goes_on => Difference::Lost,
        (SandboxState::Idle | SandboxState::Archived, Some(_))
            if row.expires_at.is_some_and(|end| end <= now) =>
        {
            Difference::Expired
        }
        // On its way, or put away: in whatever state that is.
        (SandboxState::Archiving | SandboxState::Archived | SandboxState::Restoring, Some(_)) => {
            Difference::None
        }
        (SandboxState::Idle, Some(found)) if found.is_started() => Difference::None,
        (SandboxState::Idle, Some(_)) => Difference::NotStarted,
        (
            SandboxState::Idle | SandboxState::Archiving | SandboxState::Archived | SandboxState::Restoring,
            None,
        ) => Difference::Missing,
        (SandboxState::Intended | SandboxState::InUse, Some(_)) => Difference::Abandoned,
        (SandboxState::Deleting, Some(_)) => Difference::Remaining,
        (SandboxState::Deleted, Some(_)) => Difference::Returned,
        (_, None) => Difference::Gone,
    }
}

fn compared(
    context: &Context,
    row: Option<SandboxRecord>,
    found: Option<ProvidedSandbox>,
    run_goes_on: bool,
    difference: Difference,
) -> ComparedSandbox {
    let mut compared = ComparedSandbox {
        row,
        found,
        run_goes_on,
        deletion: model::Deletion::default(),
        difference,
    };
    compared.deletion = match compared.name() {
        model::SandboxName::Row(id) => context.sandboxes.deletion(id.as_str()),
        model::SandboxName::Provider(id) => context.sandboxes.deletion(&id),
    };
    compared
}

fn provided(sandbox: Sandbox) -> ProvidedSandbox {
    let label = |name| sandbox.labels.get(name);
    let created_at = usage::at(sandbox.created_at.as_deref());
    ProvidedSandbox {
        agent: label(AGENT_LABEL).and_then(|id| AgentId::parse(id).ok()),
        run: label(RUN_LABEL).and_then(|id| RunId::parse(id).ok()),
        state: sandbox.state.unwrap_or_default().as_str().to_owned(),
        error: sandbox.error_reason,
        resources: Resources {
            cpu: sandbox.cpu,
            memory_gib: sandbox.memory,
            disk_gib: sandbox.disk,
        },
        created_at,
        id: sandbox.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Provider;

    fn row(state: SandboxState, expires_at: Option<i64>) -> SandboxRecord {
        SandboxRecord {
            id: SandboxId::generate(),
            provider: Provider::Embedded,
            provider_id: Some("a".to_owned()),
            agent: AgentId::generate(),
            run: Some(RunId::generate()),
            state,
            resources: Resources::default(),
            created_at: Millis(0),
            used_at: Millis(0),
            expires_at: expires_at.map(Millis),
        }
    }

    fn has(state: ProviderState) -> Said {
        Said::Has(Box::new(provided(Sandbox {
            id: "a".to_owned(),
            state: Some(state),
            created_at: Some("2026-11-26T15:00:00.5Z".to_owned()),
            ..Sandbox::default()
        })))
    }

    #[test]
    fn a_provider_that_was_not_asked_differs_from_nothing() {
        for state in SandboxState::ALL {
            for goes_on in [true, false] {
                let found = difference(&row(state, None), &Said::Unknown, goes_on, Millis(10));
                assert_eq!(found, Difference::Unasked);
            }
        }
    }

    #[test]
    fn every_pair_has_its_difference() {
        use Difference as D;
        use SandboxState as S;
        let started = || has(ProviderState::Started);
        let stopped = || has(ProviderState::Stopped);
        for (state, expires, said, goes_on, expected) in [
            (S::Intended, None, Said::Nothing, true, D::Asked),
            (S::Intended, None, started(), true, D::Arriving),
            (S::Intended, None, Said::Nothing, false, D::Gone),
            (S::Intended, None, started(), false, D::Abandoned),
            (S::InUse, None, started(), true, D::None),
            (S::InUse, None, stopped(), true, D::Lost),
            (S::InUse, None, Said::Nothing, true, D::Lost),
            (S::InUse, None, started(), false, D::Abandoned),
            (S::InUse, None, Said::Nothing, false, D::Gone),
            (S::Idle, Some(11), started(), false, D::None),
            (S::Idle, Some(11), stopped(), false, D::NotStarted),
            (S::Idle, Some(10), started(), false, D::Expired),
            (S::Idle, Some(11), Said::Nothing, false, D::Missing),
            (S::Archiving, Some(11), stopped(), false, D::None),
            (
                S::Archived,
                Some(11),
                has(ProviderState::Archived),
                false,
                D::None,
            ),
            (
                S::Archived,
                Some(10),
                has(ProviderState::Archived),
                false,
                D::Expired,
            ),
            (S::Archived, Some(11), Said::Nothing, false, D::Missing),
            (S::Restoring, Some(11), stopped(), false, D::None),
            (S::Deleting, None, started(), false, D::Remaining),
            (S::Deleting, None, Said::Nothing, false, D::Gone),
            (S::Deleted, None, started(), false, D::Returned),
        ] {
            let found = difference(&row(state, expires), &said, goes_on, Millis(10));
            assert_eq!(found, expected, "{state:?} {goes_on}");
        }
    }

    #[test]
    fn the_providers_time_is_read() {
        let Said::Has(found) = has(ProviderState::Started) else {
            panic!("it is there");
        };
        assert_eq!(found.created_at, Some(Millis(1_795_705_200_500)));
        let odd = provided(Sandbox {
            created_at: Some("yesterday".to_owned()),
            ..Sandbox::default()
        });
        assert_eq!(odd.created_at, None);
    }
}
