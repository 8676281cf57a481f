//! Git, with a repository that lies beside.

use super::refused;
use daytona::{
    ExecuteRequest, GitAddRemote, GitClone, GitCommit, GitCredentials, GitFileState, GitInit, GitReset,
    GitRestore, GitSetConfig, GitTransfer, GitUser, Toolbox,
};

pub async fn contract(toolbox: &Toolbox) {
    let home = toolbox.work_dir().await.expect("a work directory");
    let bare = GitInit {
        path: "git/bare".into(),
        bare: Some(true),
        initial_branch: Some("main".into()),
    };
    toolbox.git_init(&bare).await.expect("a repository");
    let url = format!("file://{home}/git/bare");
    toolbox
        .git_clone(&GitClone::new(&url, "git/one"))
        .await
        .expect("a clone");
    let user = GitUser {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        ..GitUser::default()
    };
    toolbox.git_configure_user(&user).await.expect("a user");
    let hash = commit(toolbox, "first\n").await;
    let history = toolbox.git_history("git/one").await.expect("a history");
    assert_eq!((history.len(), history[0].hash.as_str()), (1, hash.as_str()));
    let push = GitTransfer {
        set_upstream: Some(true),
        ..GitTransfer::new("git/one")
    };
    toolbox.git_push(&push).await.expect("it is pushed");
    let status = toolbox.git_status("git/one").await.expect("a status");
    assert_eq!(
        (status.file_status.len(), status.branch_published),
        (0, Some(true))
    );
    let main = status.current_branch;

    toolbox
        .git_create_branch("git/one", "side")
        .await
        .expect("a branch");
    let branches = toolbox.git_branches("git/one").await.expect("branches");
    assert!(branches.branches.contains(&"side".to_owned()));
    assert_eq!(refused(toolbox.git_create_branch("git/one", "side").await).0, 409);
    toolbox
        .git_checkout("git/one", &main)
        .await
        .expect("it is checked out");
    toolbox
        .git_delete_branch("git/one", "side")
        .await
        .expect("it is deleted");
    assert_eq!(refused(toolbox.git_checkout("git/one", "none").await).0, 404);

    toolbox
        .git_clone(&GitClone::new(&url, "git/two"))
        .await
        .expect("a clone");
    commit(toolbox, "second\n").await;
    toolbox
        .git_push(&GitTransfer::new("git/one"))
        .await
        .expect("it is pushed");
    toolbox
        .git_pull(&GitTransfer::new("git/two"))
        .await
        .expect("it is pulled");
    assert_eq!(
        toolbox.download("git/two/a.txt").await.expect("it is there"),
        "second\n"
    );

    changes(toolbox).await;
    let remote = GitAddRemote {
        path: "git/one".into(),
        name: "other".into(),
        url: url.clone(),
        fetch: Some(true),
        overwrite: None,
    };
    toolbox.git_add_remote(&remote).await.expect("a remote");
    assert_eq!(toolbox.git_remotes("git/one").await.expect("remotes").len(), 2);
    let setting = GitSetConfig {
        key: "contract.key".into(),
        value: "-v".into(),
        scope: Some("local".into()),
        path: Some("git/one".into()),
    };
    toolbox.git_set_config(&setting).await.expect("it is set");
    let value = toolbox
        .git_config("contract.key", Some("local"), Some("git/one"))
        .await;
    assert_eq!(value.expect("it is read").as_deref(), Some("-v"));
    let credentials = GitCredentials {
        username: "me".into(),
        password: "p".into(),
        host: Some("git.example.org".into()),
        protocol: None,
    };
    toolbox
        .git_authenticate(&credentials)
        .await
        .expect("it is remembered");
    assert_eq!(refused(toolbox.git_status("git").await).0, 404);
    let missing = GitClone::new(format!("{url}-not"), "git/three");
    assert_eq!(refused(toolbox.git_clone(&missing).await).0, 404);
}

async fn commit(toolbox: &Toolbox, content: &str) -> String {
    let file = ("git/one/a.txt".to_owned(), content.to_owned().into());
    toolbox.upload(vec![file]).await.expect("it is written");
    toolbox
        .git_add("git/one", vec![".".into()])
        .await
        .expect("it is added");
    let request = GitCommit {
        path: "git/one".into(),
        message: format!("Say {content}"),
        author: "Ada".into(),
        email: "ada@example.org".into(),
        allow_empty: None,
    };
    toolbox.git_commit(&request).await.expect("it is committed")
}

async fn changes(toolbox: &Toolbox) {
    let dirty = toolbox
        .execute(ExecuteRequest::new("echo dirty > git/one/a.txt"))
        .await;
    assert_eq!(dirty.expect("it runs").exit_code, 0);
    let status = toolbox.git_status("git/one").await.expect("a status");
    assert_eq!(status.file_status[0].worktree, GitFileState::Modified);
    let restore = GitRestore {
        path: "git/one".into(),
        files: vec!["a.txt".into()],
        ..GitRestore::default()
    };
    toolbox.git_restore(&restore).await.expect("it is restored");
    let reset = GitReset {
        path: "git/one".into(),
        mode: Some("hard".into()),
        target: Some("HEAD~1".into()),
        files: None,
    };
    toolbox.git_reset(&reset).await.expect("it is reset");
    assert_eq!(
        toolbox.download("git/one/a.txt").await.expect("it is there"),
        "first\n"
    );
}
