//! What several server functions need: errors of the store and of runs put
//! into words, and the answers that are put together from several calls.

use super::{
    AUDIT_PAGE, AgentName, AuditPageData, AuditWanted, LastRevision, LiveSandboxView, RunData, SandboxesData,
    StudioData, TeamData,
};
use crate::{ErrorCode, UiError, services::services, session::Caller};
use base64::{Engine, engine::general_purpose::STANDARD};
use model::{
    Agent, AgentId, AgentSettings, FileEntry, FilePath, Language, Micros, Millis, Permission, Role, Run,
    RunId, SaveOutcome,
};
use runs::{Onlooker, RunsError};
use std::collections::BTreeMap;
use store::{Revision, Store, StoreError};

impl From<StoreError> for UiError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NotFound(_) => ErrorCode::NotFound,
            StoreError::Conflict(_) => ErrorCode::Conflict,
            StoreError::Invalid(_) => ErrorCode::Invalid,
            StoreError::OverBudget(_) => ErrorCode::Forbidden,
            StoreError::TooNew(_) | StoreError::Fenced(_) | StoreError::Unavailable { .. } => {
                tracing::error!(?error, "the database did not do its part");
                ErrorCode::Unavailable
            }
        };
        Self::new(code, error.to_string()).with_status()
    }
}

/// When a start may be tried again that found the line full, in seconds.
const LINE_FULL_WAIT: u64 = 5;

impl From<RunsError> for UiError {
    fn from(error: RunsError) -> Self {
        if matches!(error, RunsError::Busy(_))
            && let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>()
        {
            response.insert_header(http::header::RETRY_AFTER, LINE_FULL_WAIT.into());
        }
        let code = match error {
            RunsError::Store(error) => return error.into(),
            RunsError::NotFound(_) => ErrorCode::NotFound,
            RunsError::Conflict(_) | RunsError::NotRunning(_) => ErrorCode::Conflict,
            RunsError::Invalid(_) => ErrorCode::Invalid,
            RunsError::Provider(_) | RunsError::Busy(_) | RunsError::TooMany(_) | RunsError::ShuttingDown => {
                ErrorCode::Unavailable
            }
        };
        Self::new(code, error.to_string()).with_status()
    }
}

/// Makes an agent of the team with these files and goes to its studio.
pub async fn create(
    caller: &Caller,
    settings: AgentSettings,
    files: &[(&str, &str)],
) -> Result<Agent, UiError> {
    let settings = settings
        .check()
        .map_err(|error| UiError::from(error).with_status())?;
    let files = files
        .iter()
        .map(|(path, text)| Ok((FilePath::parse(path)?, text.as_bytes().to_vec())))
        .collect::<Result<Vec<_>, model::Invalid>>()?;
    let agent = services()?
        .store
        .create_agent(&caller.team, &caller.user.id, &settings, &files)
        .await?;
    leptos_axum::redirect(&format!("/agents/{}", agent.slug));
    Ok(agent)
}

/// The first lines of a blank agent.
pub const fn first_lines(language: Language) -> &'static str {
    match language {
        Language::Python => "print(\"Hello from your agent\")\n",
        Language::TypeScript => "const name: string = \"your agent\";\nconsole.log(`Hello from ${name}`);\n",
        Language::JavaScript => "console.log(\"Hello from your agent\");\n",
    }
}

/// What a studio opens with. A file or a run that is asked for and not there
/// is no error: the address may be old.
pub async fn studio(
    caller: &Caller,
    slug: &str,
    file: Option<&str>,
    run: Option<&str>,
) -> Result<StudioData, UiError> {
    let store = services()?.store;
    let agent = store.agent_by_slug(&caller.team, slug).await?;
    let files = store.list_files(&agent.id).await?;
    let newest = store.newest_studio_run(&agent.id).await?;
    let shown = match run.and_then(|run| RunId::parse(run).ok()) {
        Some(id) => store
            .run_in(&caller.team, &id)
            .await
            .ok()
            .filter(|run| run.agent == agent.id),
        None => None,
    };
    let paths = files.iter().map(|entry| &entry.path);
    let asked = file.and_then(|file| paths.clone().find(|path| path.as_str() == file).cloned());
    let first = asked
        .or_else(|| {
            let named = agent.settings.entrypoint.as_deref();
            model::language::entrypoint(agent.settings.language, named, paths.clone()).ok()
        })
        .or_else(|| paths.clone().next().cloned());
    let open = match first {
        Some(path) => Some(store.read_file(&agent.id, &path).await?),
        None => None,
    };
    let last = last_revision(&store, &agent.id, &files, newest.as_ref()).await?;
    let live = live_sandbox(&agent.id).await?;
    let run = shown.or_else(|| newest.clone());
    Ok(StudioData {
        agent,
        files,
        open,
        run,
        newest,
        last,
        live,
        now: Millis::now(),
    })
}

impl From<Revision> for LastRevision {
    fn from(revision: Revision) -> Self {
        Self {
            number: revision.number,
            files: revision.files,
        }
    }
}

/// The revision the agent's files are compared with: one that has just these, whether the studio ran it or
/// a program; else that of the studio's newest run. Not simply the newest one, as programs may run an agent
/// with files of their own, which never were the agent's.
async fn last_revision(
    store: &Store,
    agent: &AgentId,
    files: &[FileEntry],
    newest: Option<&Run>,
) -> Result<Option<LastRevision>, UiError> {
    const LOOKED_AT: u32 = 10;
    let revisions = store.revisions_before(agent, None, LOOKED_AT).await?;
    let mut revisions = revisions.into_iter().map(LastRevision::from).peekable();
    let first = revisions.peek().cloned();
    if let Some(same) = revisions.find(|revision| revision.is(files)) {
        return Ok(Some(same));
    }
    Ok(match newest {
        Some(run) => Some(store.revision(&run.revision).await?.into()),
        None => first,
    })
}

/// The sandbox that stands for the agent's next run.
pub async fn live_sandbox(agent: &AgentId) -> Result<Option<LiveSandboxView>, UiError> {
    let live = services()?.runs.live_sandbox(agent).await;
    Ok(live.map(|live| LiveSandboxView {
        id: live.record.provider_id.unwrap_or_default(),
        in_use: live.record.state == model::SandboxState::InUse,
        synced: live.synced,
        expires_at: live.record.expires_at,
    }))
}

/// Saves a file, and has it synced into the agent's sandbox.
pub async fn save(
    agent: &AgentId,
    path: &FilePath,
    bytes: &[u8],
    base: Option<i64>,
) -> Result<SaveOutcome, UiError> {
    let services = services()?;
    let outcome = services.store.save_file(agent, path, bytes, base).await?;
    if matches!(outcome, SaveOutcome::Saved(_)) {
        services.runs.files_changed(agent);
    }
    Ok(outcome)
}

/// How many bytes of the log a run's page is painted with.
const LOG_BYTES_OF_PAGE: u64 = 200_000;

/// A run with its agent, the code as it was, and the end of its log.
pub async fn run_data(caller: &Caller, id: &str) -> Result<RunData, UiError> {
    let id = RunId::parse(id).map_err(|_| {
        UiError::new(
            ErrorCode::NotFound,
            "There is no such run. Its address may have been cut short.",
        )
        .with_status()
    })?;
    let services = services()?;
    let run = services.store.run_in(&caller.team, &id).await?;
    let agent = services.store.agent_in(&caller.team, &run.agent).await?;
    let revision = services.store.revision(&run.revision).await?.number;
    let files = services.store.revision_files(&run.revision).await?;
    let files = files
        .into_iter()
        .map(|(path, bytes)| (path.to_string(), String::from_utf8(bytes).ok()))
        .collect();
    let from = run.log_bytes.saturating_sub(LOG_BYTES_OF_PAGE);
    let log = services.runs.log_range(&id, from, u64::MAX).await?;
    Ok(RunData {
        cost: services.store.run_cost(&id).await?,
        run,
        agent,
        revision,
        files,
        log,
        log_from: from,
        now: Millis::now(),
    })
}

/// For whom sandboxes are looked at: what is nobody's is for the instance's owner.
pub fn onlooker(caller: &Caller) -> Onlooker {
    Onlooker {
        team: caller.team.clone(),
        strays: caller.may(Permission::ManageInstance),
    }
}

/// Provider against ledger, with the names of the agents and runs in it.
pub async fn sandboxes(who: &Onlooker) -> Result<SandboxesData, UiError> {
    let services = services()?;
    let comparison = services.runs.compare_sandboxes(who).await?;
    let (mut agents, mut runs) = (BTreeMap::new(), BTreeMap::new());
    for sandbox in &comparison.sandboxes {
        if let Some(id) = sandbox.agent().filter(|id| !agents.contains_key(*id)) {
            // Deleted ones have no name any more.
            let agent = services.store.agent(id).await.ok();
            agents.insert(id.clone(), agent);
        }
        if let Some(id) = sandbox.run().filter(|id| !runs.contains_key(*id)) {
            let run = services.store.run(id).await.ok();
            runs.insert(id.clone(), run);
        }
    }
    let agents = agents.into_values().flatten().map(|agent| AgentName {
        id: agent.id,
        name: agent.settings.name,
        slug: agent.slug,
    });
    Ok(SandboxesData {
        provider: services.provider,
        isolation: services.isolation,
        agents: agents.collect(),
        runs: runs
            .into_values()
            .flatten()
            .map(|run| (run.id, run.number))
            .collect(),
        comparison,
    })
}

/// The current team and who is in it.
pub async fn team(caller: Caller) -> Result<TeamData, UiError> {
    let store = services()?.store;
    let members = store.members(&caller.team).await?;
    let manages_instance = caller.may(Permission::ManageInstance);
    let accounts = match manages_instance {
        true => store.users().await?,
        false => Vec::new(),
    };
    let others = accounts
        .into_iter()
        .filter(|user| members.iter().all(|member| member.user != user.id))
        .map(|user| user.name);
    Ok(TeamData {
        others: others.collect(),
        team: store.team(&caller.team).await?,
        members,
        now: Millis::now(),
        manages_instance,
        me: caller.user.id,
        role: caller.role,
    })
}

/// Takes the account of this name into the current team.
pub async fn add_member(caller: &Caller, name: &str, role: Role) -> Result<(), UiError> {
    let store = services()?.store;
    let Some((user, _)) = store.user_by_name(name).await? else {
        return Err(UiError::new(
            ErrorCode::NotFound,
            format!(
                "There is no account named \u{201c}{}\u{201d}. Check how it is written, or invite them.",
                name.trim()
            ),
        )
        .with_status());
    };
    Ok(store
        .add_member(&caller.team, caller.role, &user.id, role)
        .await?)
}

/// A team that is not there, or that one is not in.
pub fn no_such_team() -> UiError {
    UiError::new(
        ErrorCode::NotFound,
        "There is no such team, or you are not in it any more.",
    )
    .with_status()
}

/// Bytes as text that JSON carries.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of an upload.
pub fn from_base64(text: &str) -> Result<Vec<u8>, UiError> {
    STANDARD.decode(text).map_err(|_| {
        UiError::new(ErrorCode::Invalid, "The upload arrived damaged. Try it again.").with_status()
    })
}

/// A budget as a person wrote it.
pub fn budget(monthly: &str, free_credit: &str) -> Result<model::Budget, UiError> {
    let amount = |text: &str| Micros::parse(text).map_err(|error| UiError::from(error).with_status());
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(model::Budget {
        monthly: given(monthly).map(|text| amount(&text)).transpose()?,
        free_credit: given(free_credit).map_or(Ok(Micros(0)), |text| amount(&text))?,
    })
}

/// A page of the audit log.
pub async fn audit_page(caller: &Caller, wanted: &AuditWanted) -> Result<AuditPageData, UiError> {
    let store = services()?.store;
    let filter = model::audit::filter_of(
        &wanted.who,
        &wanted.action,
        &wanted.target,
        &wanted.from,
        &wanted.to,
    )
    .map_err(|error| UiError::from(error).with_status())?;
    let before = wanted.before.parse().ok();
    let mut records = store
        .audit_records(&caller.team, &filter, before, AUDIT_PAGE + 1)
        .await?;
    let is_more = records.len() > AUDIT_PAGE as usize;
    records.truncate(AUDIT_PAGE as usize);
    Ok(AuditPageData {
        older: records.last().filter(|_| is_more).map(|record| record.seq),
        records,
    })
}
