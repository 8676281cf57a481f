//! Language servers.

use super::Toolbox;
use crate::client::{Error, call::Call};
use crate::{LspCompletionParams, LspCompletions, LspDocument, LspServer, LspSymbol};
use http::Method;
use serde::Serialize;

/// Calls to a language server of the sandbox; `server` says which, and for
/// which project. One that was not started answers 400 with the code
/// `LSP_SERVER_NOT_INITIALIZED`.
impl Toolbox {
    /// Starts a server.
    ///
    /// # Errors
    /// 400 for a language without one, or when it is not installed.
    pub async fn lsp_start(&self, server: &LspServer) -> Result<(), Error> {
        self.lsp(&["lsp", "start"], server).await
    }

    /// Ends a server.
    ///
    /// # Errors
    /// As every call.
    pub async fn lsp_stop(&self, server: &LspServer) -> Result<(), Error> {
        self.lsp(&["lsp", "stop"], server).await
    }

    /// Tells a server that a document is worked on.
    ///
    /// # Errors
    /// 400 when the server was not started.
    pub async fn lsp_did_open(&self, document: &LspDocument) -> Result<(), Error> {
        self.lsp(&["lsp", "did-open"], document).await
    }

    /// Tells a server that a document is not worked on any more.
    ///
    /// # Errors
    /// 400 when the server was not started.
    pub async fn lsp_did_close(&self, document: &LspDocument) -> Result<(), Error> {
        self.lsp(&["lsp", "did-close"], document).await
    }

    /// What could be typed at a place.
    ///
    /// # Errors
    /// 400 when the server was not started.
    pub async fn lsp_completions(&self, params: &LspCompletionParams) -> Result<LspCompletions, Error> {
        let call = self.call(Method::POST, &["lsp", "completions"])?;
        self.client.fetch(call.json(params)?).await
    }

    /// The symbols of a document.
    ///
    /// # Errors
    /// 400 when the server was not started.
    pub async fn lsp_document_symbols(&self, document: &LspDocument) -> Result<Vec<LspSymbol>, Error> {
        let call = self.call(Method::GET, &["lsp", "document-symbols"])?;
        let call = of(call, &document.language_id, &document.path_to_project);
        self.client.fetch(call.query("uri", &document.uri)).await
    }

    /// The symbols of the project whose names fit.
    ///
    /// # Errors
    /// 400 when the server was not started.
    pub async fn lsp_sandbox_symbols(
        &self,
        server: &LspServer,
        query: &str,
    ) -> Result<Vec<LspSymbol>, Error> {
        let call = self.call(Method::GET, &["lsp", "workspacesymbols"])?;
        let call = of(call, &server.language_id, &server.path_to_project);
        self.client.fetch(call.query("query", query)).await
    }

    async fn lsp(&self, path: &[&str], request: &impl Serialize) -> Result<(), Error> {
        self.client
            .perform(self.call(Method::POST, path)?.json(request)?)
            .await
    }
}

fn of(call: Call, language: &str, project: &str) -> Call {
    call.query("languageId", language).query("pathToProject", project)
}
