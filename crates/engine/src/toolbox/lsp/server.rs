//! A language server that runs, and what is asked of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use daytona::{LspCompletionParams, LspCompletions, LspSymbol, codes};
use serde_json::{Value, json};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;

use super::answers;
use super::connection::{Connection, LspError};
use super::documents::{Document, Documents, uri};
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::{Exit, Process, SandboxError, Spawn, StdinKind};
use crate::toolbox::files::transfer;

/// The longest document.
const LONGEST: u64 = 8 << 20;
/// How long a server may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);
/// How much of what a server complains is repeated.
const COMPLAINT: usize = 500;

/// What serves a language, and how it is had.
struct Program {
    argv: &'static [&'static str],
    install: &'static str,
}

fn program(language: &str) -> Result<Program, Fault> {
    match language {
        "python" => Ok(Program {
            argv: &["pylsp"],
            install: "pip install python-lsp-server",
        }),
        "typescript" | "javascript" => Ok(Program {
            argv: &["typescript-language-server", "--stdio"],
            install: "npm install -g typescript-language-server typescript",
        }),
        other => Err(Fault::bad_request(format!(
            "There is no language server for {other:?}: use python, typescript or javascript."
        ))),
    }
}

/// A running language server of one project.
#[derive(Debug)]
pub(super) struct Server {
    pid: i32,
    exit: watch::Receiver<Option<Exit>>,
    connection: Connection,
    documents: Mutex<Documents>,
    searches_workspace: bool,
}

impl Server {
    /// Starts one and waits until it knows the project.
    pub(super) async fn start(live: &Live, language: &str, project: &str) -> Result<Self, Fault> {
        let program = program(language)?;
        let spawn = Spawn {
            argv: program.argv.iter().map(|part| (*part).to_owned()).collect(),
            env: live.environment(),
            cwd: live.resolve(""),
            stdin: StdinKind::Pipe,
            merge_stderr: false,
        };
        let process = live.sandbox.spawn(spawn).await.map_err(|error| match error {
            SandboxError::Spawn(reason) => Fault::bad_request(format!(
                "The language server for {language} could not be started: {reason}. Install it in the sandbox: {}",
                program.install
            )),
            other => other.into(),
        })?;
        let pid = process.pid;
        let started = Self::initialize(process, &live.resolve(project)).await;
        if started.is_err() {
            end(live, pid, Duration::ZERO).await;
        }
        started.map_err(|(error, complaint)| {
            let said = if complaint.is_empty() {
                String::new()
            } else {
                format!(" It said: {complaint}")
            };
            Fault::new(StatusCode::BAD_GATEWAY, format!("{error}{said}"))
        })
    }

    async fn initialize(process: Process, project: &str) -> Result<Self, (LspError, String)> {
        let Process {
            pid,
            stdin,
            stdout,
            stderr,
            exit,
        } = process;
        let complaints = Complaints::listen(stderr);
        let asked = async {
            let stdin = stdin.ok_or(LspError::Ended)?;
            let connection = Connection::new(stdin, stdout).map_err(|_| LspError::Ended)?;
            let answer = connection.request("initialize", introduction(project)).await?;
            connection.notify("initialized", json!({})).await?;
            let provider = &answer["capabilities"]["workspaceSymbolProvider"];
            let searches = !(provider.is_null() || provider == &Value::Bool(false));
            Ok((connection, searches))
        };
        match asked.await {
            Ok((connection, searches_workspace)) => Ok(Self {
                pid,
                exit,
                connection,
                documents: Mutex::default(),
                searches_workspace,
            }),
            Err(error) => Err((error, complaints.last())),
        }
    }

    /// Whether it can be asked.
    pub(super) fn runs(&self) -> bool {
        self.exit.borrow().is_none() && self.exit.has_changed().is_ok()
    }

    fn documents(&self) -> MutexGuard<'_, Documents> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it end in order, and sees that it does.
    pub(super) async fn stop(&self, live: &Live) {
        if self.runs() {
            let mut exit = self.exit.clone();
            let polite = async {
                self.connection.request("shutdown", Value::Null).await?;
                self.connection.notify("exit", Value::Null).await?;
                let _ = exit.wait_for(Option::is_some).await;
                Ok::<_, LspError>(())
            };
            if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, polite).await {
                tracing::debug!(%error, "a language server does not end in order");
            }
        }
        end(live, self.pid, FAREWELL).await;
    }

    /// Shows it a document as it is now.
    pub(super) async fn open(&self, live: &Live, language: &str, given: &str) -> Result<(), Fault> {
        let document = Document::new(live, given);
        let content = transfer::read(live, &document.path, LONGEST).await?;
        let item = json!({
            "uri": document.uri,
            "languageId": language_of(&document.path, language),
            "version": 1,
            "text": String::from_utf8_lossy(&content),
        });
        if self.documents().is_open(&document.uri) {
            self.close(live, given).await?;
        }
        if !self.documents().open(document) {
            return Err(Fault::bad_request(
                "Too many documents are open. Close some first.",
            ));
        }
        let opened = self
            .connection
            .notify("textDocument/didOpen", json!({"textDocument": item}))
            .await;
        opened.map_err(Into::into)
    }

    /// Takes a document back; one that is not open is closed already.
    pub(super) async fn close(&self, live: &Live, given: &str) -> Result<(), Fault> {
        let document = Document::new(live, given);
        if !self.documents().close(&document.uri) {
            return Ok(());
        }
        let params = json!({"textDocument": {"uri": document.uri}});
        Ok(self.connection.notify("textDocument/didClose", params).await?)
    }

    /// A document that is asked about is opened when the client did not.
    async fn opened(&self, live: &Live, language: &str, given: &str) -> Result<Document, Fault> {
        let document = Document::new(live, given);
        if !self.documents().is_open(&document.uri) {
            self.open(live, language, given).await?;
        }
        Ok(document)
    }

    pub(super) async fn completions(
        &self,
        live: &Live,
        asked: &LspCompletionParams,
    ) -> Result<LspCompletions, Fault> {
        let document = self.opened(live, &asked.language_id, &asked.uri).await?;
        let mut params = json!({"textDocument": {"uri": document.uri}, "position": asked.position});
        if let Some(context) = &asked.context {
            params["context"] = json!(context);
        }
        let answer = self.connection.request("textDocument/completion", params).await?;
        Ok(answers::completions(answer))
    }

    pub(super) async fn symbols_of(
        &self,
        live: &Live,
        language: &str,
        given: &str,
    ) -> Result<Vec<LspSymbol>, Fault> {
        let document = self.opened(live, language, given).await?;
        self.document_symbols(&document).await
    }

    async fn document_symbols(&self, document: &Document) -> Result<Vec<LspSymbol>, Fault> {
        let params = json!({"textDocument": {"uri": document.uri}});
        let answer = self
            .connection
            .request("textDocument/documentSymbol", params)
            .await?;
        Ok(answers::symbols(answer, &document.uri, &self.documents()))
    }

    /// Searches the project; where the server cannot, the open documents.
    pub(super) async fn search(&self, query: &str) -> Result<Vec<LspSymbol>, Fault> {
        if self.searches_workspace {
            let asked = self
                .connection
                .request("workspace/symbol", json!({"query": query}));
            let answer = asked.await?;
            return Ok(answers::symbols(answer, "", &self.documents()));
        }
        let wanted = query.to_lowercase();
        let mut found = Vec::new();
        let open = self.documents().all();
        for document in open {
            let symbols = self.document_symbols(&document).await?;
            found.extend(
                symbols
                    .into_iter()
                    .filter(|symbol| symbol.name.to_lowercase().contains(&wanted)),
            );
        }
        Ok(found)
    }
}

/// What a server is told about its client and the project.
fn introduction(project: &str) -> Value {
    let root = uri(project);
    json!({
        "processId": null,
        "clientInfo": {"name": "pitlane"},
        "rootPath": project,
        "rootUri": root,
        "workspaceFolders": [{"uri": root, "name": project}],
        "capabilities": {
            "textDocument": {
                "synchronization": {"didSave": false},
                "completion": {
                    "contextSupport": true,
                    "completionItem": {"documentationFormat": ["markdown", "plaintext"]},
                },
                "documentSymbol": {"hierarchicalDocumentSymbolSupport": false},
            },
            "workspace": {"symbol": {}, "configuration": true, "workspaceFolders": true},
        },
    })
}

/// What the protocol calls the language of a file.
fn language_of<'a>(path: &str, language: &'a str) -> &'a str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("tsx") => "typescriptreact",
        Some("jsx") => "javascriptreact",
        Some("ts" | "mts" | "cts") => "typescript",
        Some("js" | "mjs" | "cjs") => "javascript",
        _ => language,
    }
}

async fn end(live: &Live, pid: i32, grace: Duration) {
    if let Err(error) = live.sandbox.end_tree(&[pid], grace).await {
        tracing::debug!(%error, "a language server could not be ended");
    }
}

/// What a server prints on its standard error, read so that it is not held up.
struct Complaints(std::sync::Arc<Mutex<Vec<u8>>>);

impl Complaints {
    fn listen(stderr: Option<std::os::fd::OwnedFd>) -> Self {
        let kept = std::sync::Arc::new(Mutex::new(Vec::new()));
        if let Some(mut pipe) = stderr.and_then(|pipe| Receiver::from_owned_fd(pipe).ok()) {
            let kept = std::sync::Arc::clone(&kept);
            tokio::spawn(async move {
                let mut buffer = vec![0; 4 << 10];
                while let Ok(length) = tokio::io::AsyncReadExt::read(&mut pipe, &mut buffer).await {
                    if length == 0 {
                        return;
                    }
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(&buffer[..length]);
                    let old = kept.len().saturating_sub(COMPLAINT);
                    kept.drain(..old);
                }
            });
        }
        Self(kept)
    }

    fn last(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

impl From<LspError> for Fault {
    fn from(error: LspError) -> Self {
        match error {
            LspError::Refused(_) => Self::bad_request(error.to_string()),
            LspError::Silent => Self::new(StatusCode::GATEWAY_TIMEOUT, error.to_string()),
            LspError::Ended => Self::bad_request(error.to_string()).code(codes::LSP_SERVER_NOT_INITIALIZED),
        }
    }
}
