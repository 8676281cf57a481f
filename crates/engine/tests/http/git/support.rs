//! Repositories made inside a sandbox, and served there.

use daytona::{Error, ExecuteRequest, GitCommit, GitInit, LogPiece, Toolbox};

use crate::support::background;

/// Runs a shell text that has to succeed; gives what it printed.
pub async fn shell(toolbox: &Toolbox, command: &str) -> String {
    let done = toolbox.execute(ExecuteRequest::new(command)).await.unwrap();
    assert_eq!(done.exit_code, 0, "{command}: {}", done.result);
    done.result
}

/// An empty repository with the branch `main`.
pub async fn init(toolbox: &Toolbox, path: &str) {
    let request = GitInit {
        path: path.to_owned(),
        bare: None,
        initial_branch: Some("main".to_owned()),
    };
    toolbox.git_init(&request).await.unwrap();
}

/// Writes a file and commits it.
pub async fn commit(toolbox: &Toolbox, repository: &str, file: &str, content: &str) -> String {
    toolbox
        .upload(vec![(format!("{repository}/{file}"), content.to_owned().into())])
        .await
        .unwrap();
    toolbox.git_add(repository, vec![file.to_owned()]).await.unwrap();
    toolbox
        .git_commit(&message(repository, &format!("Write {file}")))
        .await
        .unwrap()
}

pub fn message(repository: &str, message: &str) -> GitCommit {
    GitCommit {
        path: repository.to_owned(),
        message: message.to_owned(),
        author: "Ada L.".to_owned(),
        email: "ada@example.org".to_owned(),
        allow_empty: None,
    }
}

/// Status and code of a refusal.
pub fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, String) {
    let error = result.expect_err("a refusal");
    (
        error.status().unwrap_or_default(),
        error.code().unwrap_or_default().to_owned(),
    )
}

pub fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Serves the bare repositories below the home folder's `served`; gives the
/// base of their addresses.
pub async fn serve(toolbox: &Toolbox) -> String {
    toolbox
        .upload(vec![("server.py".into(), include_str!("server.py").into())])
        .await
        .unwrap();
    toolbox.create_session("server").await.unwrap();
    let command = background("mkdir -p served; exec python3 server.py \"$PWD/served\"");
    let id = toolbox.session_exec("server", command).await.unwrap().cmd_id;
    let mut log = toolbox.follow_logs("server", &id, 0).await.unwrap();
    match log.next().await {
        Some(Ok(LogPiece::Output { bytes, .. })) => {
            let port = String::from_utf8(bytes.to_vec()).unwrap();
            format!("http://127.0.0.1:{}", port.trim())
        }
        other => panic!("the server did not start: {other:?}"),
    }
}

/// A bare repository that is served as `name`, with one commit on `main`.
pub async fn served(toolbox: &Toolbox, name: &str) {
    let bare = format!("served/{name}");
    shell(
        toolbox,
        &format!("mkdir -p served && git init -q --bare -b main {bare} && git -C {bare} config http.receivepack true"),
    )
    .await;
    let seed = format!("seed-{name}");
    init(toolbox, &seed).await;
    commit(toolbox, &seed, "a.txt", "one\n").await;
    shell(toolbox, &format!("git -C {seed} push -q \"$PWD/{bare}\" main")).await;
}
