//! A language server, where one is installed.

use super::{Contract, refused};
use daytona::{ExecuteRequest, LspCompletionParams, LspDocument, LspPosition, LspServer, Toolbox};

pub async fn contract(contract: &Contract, toolbox: &Toolbox) {
    let project = format!("{}/project", toolbox.work_dir().await.expect("a work directory"));
    let server = LspServer {
        language_id: "python".into(),
        path_to_project: project.clone(),
    };
    let document = LspDocument {
        language_id: "python".into(),
        path_to_project: project.clone(),
        uri: format!("file://{project}/a.py"),
    };
    let content = "def greeting():\n    return 'x'\n\ngree\n";
    toolbox
        .upload(vec![(format!("{project}/a.py"), content.into())])
        .await
        .expect("it is written");
    let early = toolbox.lsp_document_symbols(&document).await;
    if contract.may("language servers", not_started(early)).is_none() {
        return;
    }
    let installed = toolbox
        .execute(ExecuteRequest::new("command -v pylsp"))
        .await
        .expect("it runs");
    if installed.exit_code != 0 {
        assert_eq!(refused(toolbox.lsp_start(&server).await).0, 400);
        return;
    }
    toolbox.lsp_start(&server).await.expect("it starts");
    toolbox
        .lsp_did_open(&document)
        .await
        .expect("it knows the document");
    let symbols = toolbox
        .lsp_document_symbols(&document)
        .await
        .expect("its symbols");
    assert!(symbols.iter().any(|symbol| symbol.name == "greeting"));
    let params = LspCompletionParams {
        language_id: "python".into(),
        path_to_project: project,
        uri: document.uri.clone(),
        position: LspPosition {
            line: 3,
            character: 4,
        },
        context: None,
    };
    let completions = toolbox.lsp_completions(&params).await.expect("completions");
    assert!(
        completions
            .items
            .iter()
            .any(|item| item.label.starts_with("greeting"))
    );
    toolbox
        .lsp_sandbox_symbols(&server, "greet")
        .await
        .expect("an answer");
    toolbox
        .lsp_did_close(&document)
        .await
        .expect("it forgets the document");
    toolbox.lsp_stop(&server).await.expect("it ends");
}

/// A server that was not started says so; that is an answer.
fn not_started<T>(result: Result<T, daytona::Error>) -> Result<(), daytona::Error> {
    match result {
        Err(error) if error.code() == Some("LSP_SERVER_NOT_INITIALIZED") => {
            assert_eq!(error.status(), Some(400));
            Ok(())
        }
        other => other.map(drop),
    }
}
