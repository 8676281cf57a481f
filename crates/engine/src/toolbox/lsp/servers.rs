//! The language servers of one sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use daytona::codes;
use tokio::sync::Mutex;

use super::server::Server;
use crate::fault::Fault;
use crate::registry::Live;

/// Servers at the same time: each takes much of a sandbox's memory.
const LIMIT: usize = 8;

/// A language, and the project's path as the client gave it.
type Key = (String, String);

/// All of them. Starting and stopping wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    all: Mutex<BTreeMap<Key, Arc<Server>>>,
}

impl Servers {
    /// Starts a server, unless it runs.
    pub(super) async fn start(&self, live: &Live, language: &str, project: &str) -> Result<(), Fault> {
        let mut all = self.all.lock().await;
        all.retain(|_, server| server.runs());
        let key = (language.to_owned(), project.to_owned());
        if all.contains_key(&key) {
            return Ok(());
        }
        if all.len() >= LIMIT {
            return Err(Fault::bad_request(format!(
                "This sandbox runs {LIMIT} language servers already. Stop one first."
            )));
        }
        let server = Server::start(live, language, project).await?;
        all.insert(key, Arc::new(server));
        Ok(())
    }

    /// Stops a server.
    pub(super) async fn stop(&self, live: &Live, language: &str, project: &str) -> Result<(), Fault> {
        let key = (language.to_owned(), project.to_owned());
        let server = self.all.lock().await.remove(&key);
        server.ok_or_else(|| not_started(language))?.stop(live).await;
        Ok(())
    }

    /// The server that runs.
    pub(super) async fn get(&self, language: &str, project: &str) -> Result<Arc<Server>, Fault> {
        let key = (language.to_owned(), project.to_owned());
        let found = self.all.lock().await.get(&key).cloned();
        found
            .filter(|server| server.runs())
            .ok_or_else(|| not_started(language))
    }
}

fn not_started(language: &str) -> Fault {
    Fault::bad_request(format!(
        "The language server for {language} does not run for this project. Start it first."
    ))
    .code(codes::LSP_SERVER_NOT_INITIALIZED)
}
