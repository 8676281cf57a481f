//! Language servers of the toolbox.

use serde::{Deserialize, Serialize};

/// Body of `POST /lsp/start` and `POST /lsp/stop`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LspServer {
    /// `python`, `typescript` or `javascript`.
    pub language_id: String,
    /// The project it serves.
    pub path_to_project: String,
}

/// Body of `POST /lsp/did-open` and `POST /lsp/did-close`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LspDocument {
    /// As of the server.
    pub language_id: String,
    /// As of the server.
    pub path_to_project: String,
    /// The document: `file://` and its path.
    pub uri: String,
}

/// Body of `POST /lsp/completions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LspCompletionParams {
    /// As of the server.
    pub language_id: String,
    /// As of the server.
    pub path_to_project: String,
    /// The document.
    pub uri: String,
    /// Where in it.
    pub position: LspPosition,
    /// What made the editor ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<LspCompletionContext>,
}

/// What made the editor ask for completions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LspCompletionContext {
    /// 1 invoked, 2 a character, 3 again after an incomplete list.
    pub trigger_kind: i64,
    /// The character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_character: Option<String>,
}

/// A place in a document, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspPosition {
    /// The line.
    pub line: u32,
    /// The UTF-16 unit in the line.
    pub character: u32,
}

/// A part of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspRange {
    /// Where it begins.
    pub start: LspPosition,
    /// Where it ends; the first place that is not part of it.
    pub end: LspPosition,
}

/// A part of a named document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspLocation {
    /// The document.
    pub uri: String,
    /// The part.
    pub range: LspRange,
}

/// Answer of `POST /lsp/completions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LspCompletions {
    /// Whether more would come after more typing.
    pub is_incomplete: bool,
    /// The proposals.
    pub items: Vec<LspCompletion>,
}

/// A proposal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LspCompletion {
    /// What is shown.
    pub label: String,
    /// What it is, by the protocol's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// More about it, such as its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its documentation: a text, or an object with a kind and a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<serde_json::Value>,
    /// What is sorted by instead of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_text: Option<String>,
    /// What is filtered by instead of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_text: Option<String>,
    /// What is inserted instead of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insert_text: Option<String>,
}

/// A symbol of `GET /lsp/document-symbols` and `GET /lsp/workspacesymbols`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LspSymbol {
    /// What it is, by the protocol's number.
    pub kind: i64,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: LspLocation,
}
