//! One run of `git` in a sandbox.

use std::sync::Arc;
use std::time::Duration;

use super::credentials::Credentials;
use super::outcome::Outcome;
use super::refusal;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::SandboxError;
use crate::toolbox::process::execute::environment;
use crate::toolbox::process::{Program, RunFault, run_apart};

/// How long work on the sandbox's own disk may take.
const LOCAL_TIME: Duration = Duration::from_secs(600);
/// How long work with another machine may take.
const NETWORK_TIME: Duration = Duration::from_secs(3600);
/// What the sandbox may set for git: who works, and how others are reached.
/// Everything else named GIT_ could point a run elsewhere or change its output.
const KEPT: &[&str] = &[
    "GIT_AUTHOR_",
    "GIT_COMMITTER_",
    "GIT_SSH",
    "GIT_SSL_",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];
/// Daytona's git runs no hooks. One user and no other owner is inside, so that
/// a repository of another owner is not somebody else's trap.
const SETTINGS: &[&str] = &["core.hooksPath=/dev/null", "safe.directory=*"];

/// A run before it starts.
#[derive(Debug)]
pub(super) struct Git<'a> {
    live: &'a Arc<Live>,
    folder: String,
    settings: Vec<String>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    input: Vec<u8>,
    limit: Duration,
    hidden: Vec<String>,
}

impl<'a> Git<'a> {
    /// A run of `git` with these arguments, started in a folder inside.
    pub(super) fn new(live: &'a Arc<Live>, folder: &str, arguments: &[&str]) -> Self {
        Self {
            live,
            folder: folder.to_owned(),
            settings: SETTINGS.iter().map(|setting| (*setting).to_owned()).collect(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            variables: Vec::new(),
            input: Vec::new(),
            limit: LOCAL_TIME,
            hidden: Vec::new(),
        }
    }

    /// With one more argument.
    pub(super) fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With more arguments when something holds.
    pub(super) fn when(self, holds: bool, argument: &str) -> Self {
        if holds { self.argument(argument) } else { self }
    }

    /// With this to read.
    pub(super) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// With an environment variable.
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the time that other machines may take.
    pub(super) fn over_network(mut self) -> Self {
        self.limit = NETWORK_TIME;
        self
    }

    /// Without a look at the server's certificate.
    pub(super) fn any_certificate(mut self, skip: bool) -> Self {
        if skip {
            self.settings.push("http.sslVerify=false".to_owned());
        }
        self
    }

    /// With a way to sign in at the server of `url`, and at no other.
    pub(super) fn sign_in(mut self, url: &str, credentials: Option<&Credentials>) -> Self {
        if let Some(credentials) = credentials {
            self.settings.extend(credentials.settings(url));
            self.variables.extend(credentials.variables());
            self.hidden.push(credentials.password.clone());
        }
        self
    }

    /// Runs it, whatever it comes to.
    ///
    /// # Errors
    /// When there is no git, or its time was up.
    pub(super) async fn outcome(self) -> Result<Outcome, Fault> {
        let mut argv = vec!["git".to_owned()];
        for setting in self.settings {
            argv.extend(["-c".to_owned(), setting]);
        }
        argv.extend(self.arguments);
        let program = Program {
            argv,
            env: variables(self.live, &self.folder, self.variables)?,
            cwd: self.folder,
            input: self.input,
            limit: Some(self.limit),
        };
        let live = Arc::clone(self.live);
        // A client that leaves must not leave git without its time limit.
        let finished = tokio::spawn(async move { run_apart(&live, program).await })
            .await
            .map_err(|error| Fault::internal(format!("The run of git was lost: {error}.")))?;
        match finished {
            Ok(finished) => Outcome::read(&finished, self.hidden),
            Err(RunFault::Start(SandboxError::Spawn(reason))) => Err(refusal::not_started(&reason)),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Runs it; gives what it printed when it succeeded.
    ///
    /// # Errors
    /// In Daytona's terms, when it did not.
    pub(super) async fn run(self) -> Result<Vec<u8>, Fault> {
        self.outcome().await?.success()
    }
}

/// The sandbox's environment as git gets it.
fn variables(live: &Live, folder: &str, own: Vec<(String, String)>) -> Result<Vec<(String, String)>, Fault> {
    let mut all = environment(live, None)?;
    all.retain(|(name, _)| {
        let known = !name.starts_with("GIT_") || KEPT.iter().any(|kept| name.starts_with(kept));
        known && !name.starts_with("LC_") && name != "LANGUAGE"
    });
    // Without an address of their own, people still commit.
    if !all.iter().any(|(name, _)| name == "EMAIL") {
        all.push(("EMAIL".to_owned(), format!("{}@localhost", crate::sandbox::USER)));
    }
    let above = folder
        .trim_end_matches('/')
        .rsplit_once('/')
        .map_or("", |(above, _)| above);
    let fixed = [
        // Messages are told apart by their English words.
        ("LC_ALL", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", ""),
        ("GIT_EDITOR", ":"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        (
            "GIT_CEILING_DIRECTORIES",
            if above.is_empty() { "/" } else { above },
        ),
    ];
    all.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all.extend(own);
    Ok(all)
}
