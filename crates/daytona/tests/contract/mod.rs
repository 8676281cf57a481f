//! What a provider has to do for this crate's client: every typed method, tried
//! on a real sandbox. [`provider_contract`] takes any provider's address and
//! key, so that Pitlane's engine and Daytona's cloud are held to the same.
//!
//! A provider need not serve everything (Daytona's containers cannot pause).
//! What it refuses by saying so is reported; anything else ends the test.

mod account;
mod files;
mod git;
mod interpreter;
mod lifecycle;
mod lsp;
mod place;
mod previews;
mod process;
mod resources;
mod sessions;
mod terminals;

use daytona::{Client, Config, CreateSandbox, Error, LANGUAGE_LABEL, Sandbox, SandboxState, Toolbox};
use futures::FutureExt;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a change of state may take, also at a busy provider.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A provider under test.
#[derive(Clone)]
pub struct Contract {
    pub client: Client,
    /// Part of every name, so that runs at the same time do not meet.
    pub mark: String,
    unserved: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl Contract {
    /// What the call gave, or none when the provider says that it does not
    /// serve this.
    ///
    /// # Panics
    /// When it failed in any other way.
    #[track_caller]
    pub fn may<T>(&self, what: &'static str, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) if says_unserved(&error) => {
                self.not_served(what);
                None
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Notes that the provider does not serve this, which it said in another way.
    pub fn not_served(&self, what: &'static str) {
        self.unserved
            .lock()
            .expect("no test panics holding it")
            .insert(what);
    }

    /// A name that nobody else uses.
    pub fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.mark)
    }

    pub fn request(&self, what: &str) -> CreateSandbox {
        CreateSandbox {
            name: Some(self.name(what)),
            labels: BTreeMap::from([
                (LANGUAGE_LABEL.to_owned(), "python".to_owned()),
                ("contract".to_owned(), self.mark.clone()),
            ]),
            env: BTreeMap::from([("CONTRACT".to_owned(), "an env".to_owned())]),
            auto_delete_interval: Some(0),
            ..CreateSandbox::default()
        }
    }

    /// A sandbox that runs.
    pub async fn started(&self, request: &CreateSandbox) -> (Sandbox, Toolbox) {
        let created = self.client.create(request).await.expect("a sandbox is created");
        let wanted = [SandboxState::Started];
        let sandbox = self
            .client
            .wait(&created.id, &wanted, PATIENCE)
            .await
            .expect("it starts");
        let toolbox = self.client.toolbox(&sandbox).await.expect("it has a toolbox");
        (sandbox, toolbox)
    }

    /// Deletes every sandbox of this run, whatever became of the test.
    async fn clean_up(&self) {
        let labels = BTreeMap::from([("contract".to_owned(), self.mark.clone())]);
        for sandbox in self.client.list_all(&labels).await.expect("sandboxes are listed") {
            match self.client.delete(&sandbox.id).await {
                Err(error) if !(error.is_not_found() || error.is_conflict()) => {
                    panic!("{} stays behind: {error}", sandbox.id)
                }
                _ => {}
            }
        }
    }
}

/// Whether the provider says: this is not for you, or not here.
fn says_unserved(error: &Error) -> bool {
    let message = error.message().unwrap_or_default();
    match error.status() {
        Some(403 | 405 | 422 | 501) => true,
        // Nothing at this address, as opposed to nothing of this name.
        Some(404) => message.starts_with("Cannot ") || message.contains("not served"),
        _ => false,
    }
}

/// A plain HTTP client, which has no key.
pub fn anyone() -> reqwest::Client {
    reqwest::Client::new()
}

/// Status and code of a refusal, to compare.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String) {
    match result {
        Ok(value) => panic!("not refused: {value:?}"),
        Err(error) => (
            error.status().unwrap_or_default(),
            error.code().unwrap_or_default().to_owned(),
        ),
    }
}

/// Tries every typed method on the provider at `base_url` (such as
/// `https://app.daytona.io/api`). Answers which it says it does not serve.
///
/// # Panics
/// When it breaks the contract.
pub async fn provider_contract(base_url: &str, key: &str) -> BTreeSet<&'static str> {
    let config = Config {
        api_url: base_url.to_owned(),
        ..Config::new(key)
    };
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970");
    let contract = Contract {
        client: Client::new(config).expect("a client"),
        mark: format!("{:x}-{}", since.as_millis(), std::process::id()),
        unserved: Arc::default(),
    };
    let outcome = AssertUnwindSafe(all(&contract)).catch_unwind().await;
    contract.clean_up().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
    let unserved = contract.unserved.lock().expect("no test panics holding it");
    unserved.clone()
}

async fn all(contract: &Contract) {
    account::contract(contract).await;
    resources::contract(contract).await;
    lifecycle::contract(contract).await;
    let (sandbox, toolbox) = contract.started(&contract.request("contract")).await;
    place::contract(contract, &toolbox).await;
    process::contract(contract, &toolbox).await;
    sessions::contract(&toolbox).await;
    files::contract(contract, &sandbox, &toolbox).await;
    git::contract(&toolbox).await;
    terminals::contract(contract, &toolbox).await;
    interpreter::contract(contract, &toolbox).await;
    lsp::contract(contract, &toolbox).await;
    previews::contract(contract, &sandbox).await;
}
