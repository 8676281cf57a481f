//! Making an interpreter: its row, its sandbox with everything in it, its
//! context. It is made by a task of its own: whoever asked may go away.

use super::{Tools, ending::clean_up};
use crate::{
    Runs, RunsError,
    driver::{Context, wanted_packages},
    environment::Environment,
    once::Once,
    sandboxes::Held,
};
use bytes::Bytes;
use daytona::{CreateContext, ExecuteRequest, UpdateEnv};
use model::{
    AgentId, AgentSettings, FilePath, Interpreter, InterpreterId, Invalid, Language, Millis, SandboxId,
    UserId,
};
use std::{collections::BTreeMap, sync::Arc};
use store::{Admission, Revision};

/// How much of an installer's output is told, in bytes.
const TOLD: usize = 2000;
/// Draws figures without a screen.
const DRAWING: (&str, &str) = ("MPLBACKEND", "Agg");

/// A request for an interpreter.
#[derive(Clone, Debug)]
pub struct NewInterpreter {
    /// Whose files and variables it has.
    pub agent: AgentId,
    /// Who asks.
    pub person: UserId,
    /// Variables, beside the agent's and before them.
    pub env: BTreeMap<String, String>,
    /// The language; none for the agent's.
    pub language: Option<Language>,
}

/// One that is about to be made.
struct Opening {
    id: InterpreterId,
    sandbox: SandboxId,
    agent: AgentId,
    settings: AgentSettings,
    revision: Revision,
    env: BTreeMap<String, String>,
}

impl Runs {
    /// Makes an interpreter of an agent, with its files as they are saved now.
    ///
    /// # Errors
    /// When its language is not Python, the person or the team has as many as they may, or its sandbox
    /// cannot be made ready.
    pub async fn open_interpreter(&self, new: NewInterpreter) -> Result<Interpreter, RunsError> {
        let context = &self.context;
        if context.shutdown.is_cancelled() {
            return Err(RunsError::ShuttingDown);
        }
        let agent = context.store.agent(&new.agent).await?;
        self.check_budget(&agent.team).await?;
        let once = Once {
            language: new.language,
            env: new.env,
            ..Once::default()
        };
        once.check()?;
        let settings = once.settings(agent.settings);
        if settings.language != Language::Python {
            return Err(Invalid(
                "Only Python keeps its variables from one piece of code to the next. Ask for the language python, or run this agent with execute.".to_owned(),
            )
            .into());
        }
        let opening = Opening {
            id: InterpreterId::generate(),
            sandbox: SandboxId::generate(),
            agent: agent.id,
            settings,
            revision: context.store.snapshot(&new.agent).await?,
            env: once.env,
        };
        admit(context, &opening, new.person).await?;
        let waiting = Waiting {
            context: Arc::clone(context),
            id: Some(opening.id.clone()),
        };
        let (context, id) = (Arc::clone(context), opening.id.clone());
        let making = self.context.tasks.spawn(async move {
            let made = opening.make(&context).await;
            if made.is_err() {
                if let Err(error) = context.store.end_interpreter(&opening.id, None).await {
                    tracing::warn!(%error, "an interpreter that was not made ends when its time is over");
                }
                clean_up(&context, &opening.id, &opening.sandbox).await;
            }
            made
        });
        let made = making.await.map_err(|error| {
            RunsError::Provider(format!("The interpreter {id} could not be made: {error}."))
        });
        waiting.over();
        made?
    }
}

/// Whoever waits for an interpreter. Gone before it is made, they want none.
struct Waiting {
    context: Arc<Context>,
    id: Option<InterpreterId>,
}

impl Waiting {
    fn over(mut self) {
        self.id = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let context = Arc::clone(&self.context);
        // Who makes it finds its row gone, and cleans up.
        tokio::spawn(async move {
            if let Err(error) = context.store.end_interpreter(&id, None).await {
                tracing::warn!(interpreter = %id, %error, "an interpreter of nobody ends when its time is over");
            }
        });
    }
}

/// Writes its row, if there may be one more.
async fn admit(context: &Context, opening: &Opening, person: UserId) -> Result<(), RunsError> {
    let now = Millis::now();
    let row = store::NewInterpreter {
        id: opening.id.clone(),
        agent: opening.agent.clone(),
        person,
        sandbox: opening.sandbox.clone(),
        created_at: now,
        expires_at: expiry(context, now),
    };
    let limits = context.config.interpreters;
    let (count, whose) = match context
        .store
        .open_interpreter(&row, limits, &context.replica)
        .await?
    {
        Admission::Admitted => return Ok(()),
        Admission::TooManyOfPerson(count) => (count, "of yours are open, as many as one person may have"),
        Admission::TooManyOfTeam(count) => (count, "of this team are open, as many as it may have"),
    };
    Err(RunsError::TooMany(format!(
        "{count} interpreters {whose}. Delete one, or wait until one that nobody uses ends by itself."
    )))
}

/// When an interpreter ends that is used now for the last time.
pub(super) fn expiry(context: &Context, now: Millis) -> Millis {
    let idle = i64::try_from(context.config.interpreter_idle.as_millis()).unwrap_or(i64::MAX);
    Millis(now.0.saturating_add(idle))
}

/// Reads what is masked in what an interpreter says.
pub(super) fn masked(context: &Context, id: &InterpreterId, sealed: &str) -> Result<Vec<String>, RunsError> {
    let unknown = || {
        RunsError::Conflict(
            "What has to be masked in this interpreter cannot be read any more. Delete it, and make another."
                .to_owned(),
        )
    };
    let json = context.vault.open(id.as_str(), sealed).map_err(|_| unknown())?;
    serde_json::from_str(&json).map_err(|_| unknown())
}

impl Opening {
    async fn make(&self, context: &Context) -> Result<Interpreter, RunsError> {
        let own = context.masks.own();
        let trouble = |words: String| RunsError::Provider(own.mask(&words).into_owned());
        let rest_minutes = context.config.interpreter_idle.as_secs().div_ceil(60);
        let made = context.sandboxes.make(
            self.sandbox.clone(),
            &self.agent,
            &self.settings,
            u32::try_from(rest_minutes).unwrap_or(u32::MAX),
        );
        let (held, environment, contents) = tokio::join!(
            made,
            Environment::load(context, &self.agent),
            context.store.revision_files(&self.revision.id)
        );
        let held = held.map_err(trouble)?;
        let mut environment = environment.map_err(RunsError::Conflict)?;
        environment.add(Some(&self.env)).map_err(Invalid)?;
        let masks = context.masks.with(&environment.masked).await;
        let trouble = |words: String| RunsError::Provider(masks.mask(&words).into_owned());
        let (name, value) = DRAWING;
        let mut set = environment.variables;
        set.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        let change = UpdateEnv {
            set,
            ..UpdateEnv::default()
        };
        held.toolbox
            .update_env(&change)
            .await
            .map_err(|error| trouble(format!("The sandbox could not be given the variables: {error}.")))?;
        let contents: Vec<_> = contents?
            .into_iter()
            .map(|(path, bytes)| (path, Bytes::from(bytes)))
            .collect();
        let put = context
            .sandboxes
            .put(&held, &self.revision.files, contents.clone());
        put.await.map_err(trouble)?;
        let installed = self.install(context, &held, &contents).await;
        installed.map_err(|words| Invalid(masks.mask(&words).into_owned()))?;
        let request = CreateContext {
            language: Some(Language::Python.as_str().to_owned()),
            ..CreateContext::default()
        };
        let made = held.toolbox.create_context(&request).await;
        let made = made.map_err(|error| trouble(format!("The interpreter did not start: {error}.")))?;
        let tools = Tools {
            toolbox: held.toolbox,
            masks,
            masked: Arc::new(environment.masked),
        };
        self.ready(context, &made.id, tools).await
    }

    /// Installs the packages that the files ask for.
    async fn install(
        &self,
        context: &Context,
        held: &Held,
        contents: &[(FilePath, Bytes)],
    ) -> Result<(), String> {
        let Some(packages) = wanted_packages(self.settings.language, contents) else {
            return Ok(());
        };
        let most = context.config.max_timeout_seconds;
        let request = ExecuteRequest {
            timeout: Some(self.settings.timeout_seconds.min(most).into()),
            ..ExecuteRequest::new(packages.command)
        };
        let failed = |why: String| format!("The packages of {} could not be installed: {why}", packages.file);
        let answer = held.toolbox.execute(request).await;
        let answer = answer.map_err(|error| failed(format!("{error}.")))?;
        if answer.exit_code == 0 {
            return Ok(());
        }
        let said = answer.result.trim();
        let begin = said.ceil_char_boundary(said.len().saturating_sub(TOLD));
        Err(failed(format!(
            "the installer ended with code {}. It said: {}",
            answer.exit_code,
            &said[begin..]
        )))
    }

    /// Notes that it is ready.
    async fn ready(
        &self,
        context: &Context,
        provider_context: &str,
        tools: Tools,
    ) -> Result<Interpreter, RunsError> {
        let json = serde_json::to_string(&*tools.masked).map_err(|error| Invalid(error.to_string()))?;
        let sealed = context.vault.seal(self.id.as_str(), &json)?;
        let store = &context.store;
        if !store
            .interpreter_ready(&self.id, provider_context, &sealed)
            .await?
        {
            return Err(RunsError::NotFound(
                "The interpreter was deleted while it was made.".to_owned(),
            ));
        }
        context.interpreters.insert(&self.id, tools);
        let now = Millis::now();
        store
            .use_interpreter(&self.id, 0, now, expiry(context, now))
            .await?;
        Ok(store.interpreter(&self.agent, &self.id).await?.interpreter)
    }
}
