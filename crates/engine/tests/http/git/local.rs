//! What needs no other machine.

use libtest_mimic::Trial;

use daytona::{CreateSandbox, GitClone, GitCommit, GitFileState, GitInit, GitReset, GitRestore, GitTransfer};

use super::support::{commit, init, is, message, shell, told};
use crate::support::{Engine, ephemeral};

pub fn trials() -> Vec<Trial> {
    trials![
        git_tells_what_changed_and_commits_it,
        git_branches_are_made_checked_out_and_deleted,
        git_resets_and_restores,
        git_refuses_what_is_no_repository,
        git_takes_no_options_from_names,
        git_copes_with_a_hostile_repository,
        git_missing_is_said_in_a_sentence,
    ]
}

async fn git_tells_what_changed_and_commits_it() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, "r").await;
    let fresh = toolbox.git_status("r").await.unwrap();
    assert_eq!(
        (fresh.current_branch.as_str(), fresh.file_status.len()),
        ("main", 0)
    );
    assert_eq!(toolbox.git_history("r").await.unwrap(), []);
    let branches = toolbox.git_branches("r").await.unwrap();
    assert_eq!(
        (branches.branches.len(), branches.current.as_deref()),
        (0, Some("main"))
    );

    let first = commit(&toolbox, "r", "a b.txt", "one\n").await;
    shell(
        &toolbox,
        "cd r && echo two >> 'a b.txt' && echo x > new && mkdir d && echo y > d/ü",
    )
    .await;
    let status = toolbox.git_status("/home/daytona/r/").await.unwrap();
    let short: Vec<_> = status
        .file_status
        .iter()
        .map(|file| (file.name.as_str(), file.staging, file.worktree))
        .collect();
    use GitFileState::{Deleted, Modified, Renamed, Unmodified, Untracked};
    assert_eq!(
        short,
        [
            ("a b.txt", Unmodified, Modified),
            ("d/ü", Untracked, Untracked),
            ("new", Untracked, Untracked)
        ]
    );
    assert_eq!(
        (status.branch_published, status.detached),
        (Some(false), Some(false))
    );

    toolbox.git_add("r", vec![".".into()]).await.unwrap();
    let second = toolbox
        .git_commit(&message("r", "Second\n\nWith more.\n"))
        .await
        .unwrap();
    let history = toolbox.git_history("r").await.unwrap();
    assert_eq!(
        history
            .iter()
            .map(|commit| commit.hash.as_str())
            .collect::<Vec<_>>(),
        [second.as_str(), first.as_str()]
    );
    assert_eq!(history[0].message.trim_end(), "Second\n\nWith more.");
    assert_eq!(
        (history[0].author.as_str(), history[0].email.as_str()),
        ("Ada L.", "ada@example.org")
    );
    assert!(history[0].timestamp.starts_with("20"));

    shell(&toolbox, "cd r && git mv new newer && rm 'a b.txt'").await;
    let status = toolbox.git_status("r").await.unwrap();
    assert_eq!(
        (
            status.file_status[0].name.as_str(),
            status.file_status[0].worktree
        ),
        ("a b.txt", Deleted)
    );
    assert_eq!(
        (
            status.file_status[1].name.as_str(),
            status.file_status[1].extra.as_str(),
            status.file_status[1].staging
        ),
        ("newer", "new", Renamed)
    );
    // A file that is gone is added as gone.
    toolbox.git_add("r", vec!["a b.txt".into()]).await.unwrap();
    assert_eq!(
        toolbox.git_status("r").await.unwrap().file_status[0].staging,
        Deleted
    );
    toolbox.git_commit(&message("r", "Third")).await.unwrap();

    assert_eq!(
        told(toolbox.git_commit(&message("r", "None")).await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(
        told(toolbox.git_commit(&message("r", " \n")).await),
        is(400, "BAD_REQUEST")
    );
    let empty = GitCommit {
        allow_empty: Some(true),
        ..message("r", "Empty")
    };
    toolbox.git_commit(&empty).await.unwrap();
    assert_eq!(
        told(toolbox.git_add("r", vec!["none".into()]).await),
        is(404, "FILE_NOT_FOUND")
    );
    assert_eq!(
        told(toolbox.git_add("r", vec!["../x".into()]).await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(told(toolbox.git_add("r", vec![]).await), is(400, "BAD_REQUEST"));
}

async fn git_branches_are_made_checked_out_and_deleted() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, "r").await;
    let first = commit(&toolbox, "r", "a", "1\n").await;
    toolbox.git_create_branch("r", "feature/x").await.unwrap();
    let branches = toolbox.git_branches("r").await.unwrap();
    assert_eq!(branches.branches, ["feature/x", "main"]);
    assert_eq!(branches.current.as_deref(), Some("feature/x"));
    assert_eq!(
        told(toolbox.git_create_branch("r", "main").await),
        is(409, "GIT_BRANCH_EXISTS")
    );
    assert_eq!(
        told(toolbox.git_create_branch("r", "a b").await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(
        told(toolbox.git_delete_branch("r", "feature/x").await),
        is(409, "CONFLICT")
    );
    assert_eq!(
        told(toolbox.git_delete_branch("r", "none").await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
    assert_eq!(
        told(toolbox.git_checkout("r", "none").await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );

    commit(&toolbox, "r", "a", "2\n").await;
    shell(&toolbox, "echo 3 > r/a").await;
    assert_eq!(
        told(toolbox.git_checkout("r", "main").await),
        is(409, "GIT_DIRTY_WORKTREE")
    );
    shell(&toolbox, "cd r && git checkout -q a").await;
    toolbox.git_checkout("r", "main").await.unwrap();
    toolbox.git_delete_branch("r", "feature/x").await.unwrap();

    toolbox.git_checkout("r", &first).await.unwrap();
    let status = toolbox.git_status("r").await.unwrap();
    assert_eq!(
        (status.current_branch.as_str(), status.detached),
        ("HEAD", Some(true))
    );
    let branches = toolbox.git_branches("r").await.unwrap();
    assert_eq!(
        (branches.branches.as_slice(), branches.current),
        (["main".to_owned()].as_slice(), None)
    );
    assert_eq!(
        told(toolbox.git_push(&GitTransfer::new("r")).await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
}

async fn git_resets_and_restores() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, "r").await;
    let first = commit(&toolbox, "r", "a", "1\n").await;
    commit(&toolbox, "r", "a", "2\n").await;
    let reset = |mode: Option<&str>, target: Option<&str>, files: Option<Vec<String>>| {
        let request = GitReset {
            path: "r".into(),
            mode: mode.map(str::to_owned),
            target: target.map(str::to_owned),
            files,
        };
        let toolbox = toolbox.clone();
        async move { toolbox.git_reset(&request).await }
    };
    shell(&toolbox, "echo 3 > r/a").await;
    toolbox.git_add("r", vec!["a".into()]).await.unwrap();
    reset(None, None, Some(vec!["a".into()])).await.unwrap();
    let status = toolbox.git_status("r").await.unwrap();
    assert_eq!(status.file_status[0].staging, GitFileState::Unmodified);
    assert_eq!(status.file_status[0].worktree, GitFileState::Modified);
    reset(Some("hard"), Some(&first), None).await.unwrap();
    assert_eq!(shell(&toolbox, "cat r/a").await, "1\n");
    assert_eq!(told(reset(Some("odd"), None, None).await), is(400, "BAD_REQUEST"));
    assert_eq!(
        told(reset(Some("hard"), None, Some(vec!["a".into()])).await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(
        told(reset(None, Some("none"), None).await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );

    let restore = |files: &[&str], staged, worktree, source: Option<&str>| {
        let request = GitRestore {
            path: "r".into(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            staged,
            worktree,
            source: source.map(str::to_owned),
        };
        let toolbox = toolbox.clone();
        async move { toolbox.git_restore(&request).await }
    };
    shell(&toolbox, "cd r && echo 4 > a && git add a && echo 5 > a").await;
    restore(&["a"], None, None, None).await.unwrap();
    assert_eq!(shell(&toolbox, "cat r/a").await, "4\n");
    restore(&["a"], Some(true), None, None).await.unwrap();
    assert_eq!(shell(&toolbox, "cat r/a").await, "4\n");
    restore(&["."], Some(true), Some(true), Some("HEAD"))
        .await
        .unwrap();
    assert_eq!(shell(&toolbox, "cat r/a").await, "1\n");
    assert_eq!(
        told(restore(&["none"], None, None, None).await),
        is(404, "FILE_NOT_FOUND")
    );
    assert_eq!(
        told(restore(&["a"], Some(false), None, None).await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(
        told(restore(&["a"], None, None, Some("none")).await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
}

async fn git_refuses_what_is_no_repository() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, ".").await;
    shell(&toolbox, "mkdir below; echo x > file").await;
    // Not the repository above: that was not named.
    for path in ["below", "none", "file", "/proc/self/fd"] {
        assert_eq!(
            told(toolbox.git_status(path).await),
            is(404, "GIT_REPO_NOT_FOUND"),
            "{path}"
        );
        assert_eq!(
            told(toolbox.git_branches(path).await),
            is(404, "GIT_REPO_NOT_FOUND"),
            "{path}"
        );
        assert_eq!(
            told(toolbox.git_history(path).await),
            is(404, "GIT_REPO_NOT_FOUND"),
            "{path}"
        );
        assert_eq!(
            told(toolbox.git_remotes(path).await),
            is(404, "GIT_REPO_NOT_FOUND"),
            "{path}"
        );
        let commit = toolbox.git_commit(&message(path, "x")).await;
        assert_eq!(told(commit), is(404, "GIT_REPO_NOT_FOUND"), "{path}");
    }
    assert_eq!(told(toolbox.git_status("").await), is(400, "BAD_REQUEST"));
    toolbox.git_status("~").await.unwrap();
    let denied = GitInit {
        path: "/usr/new".into(),
        ..GitInit::default()
    };
    assert_eq!(
        told(toolbox.git_init(&denied).await),
        is(403, "FILE_ACCESS_DENIED")
    );
}

async fn git_takes_no_options_from_names() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, "r").await;
    commit(&toolbox, "r", "a", "1\n").await;
    shell(&toolbox, "cd r && touch -- --patch -n ':(exclude)a' '*'").await;
    // Files of any name are files.
    let odd: Vec<String> = ["--patch", "-n", ":(exclude)a", "*"].map(str::to_owned).into();
    toolbox.git_add("r", odd).await.unwrap();
    assert_eq!(
        shell(&toolbox, "cd r && git diff --cached --name-only | wc -l")
            .await
            .trim(),
        "4"
    );
    for name in ["--orphan", "-f", "a\nb", ""] {
        for refused in [
            toolbox.git_create_branch("r", name).await,
            toolbox.git_delete_branch("r", name).await,
            toolbox.git_checkout("r", name).await,
            toolbox.git_clone(&GitClone::new(name, "x")).await,
        ] {
            assert_eq!(told(refused), is(400, "BAD_REQUEST"), "{name:?}");
        }
    }
    let ran = "touch /tmp/ran";
    for url in [
        format!("--upload-pack={ran}"),
        format!("ext::{ran}"),
        format!("-u{ran}"),
    ] {
        assert!(toolbox.git_clone(&GitClone::new(url, "y")).await.is_err());
    }
    let mut transfer = GitTransfer::new("r");
    transfer.remote = Some(format!("--receive-pack={ran}"));
    assert_eq!(told(toolbox.git_push(&transfer).await), is(400, "BAD_REQUEST"));
    assert_eq!(told(toolbox.git_pull(&transfer).await), is(400, "BAD_REQUEST"));
    shell(&toolbox, "test ! -e /tmp/ran").await;
}

async fn git_copes_with_a_hostile_repository() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, "r").await;
    commit(&toolbox, "r", "a", "1\n").await;
    // Hooks do not run, names are not UTF-8, and folders lead nowhere and in circles.
    shell(
        &toolbox,
        "cd r && printf '#!/bin/sh\\nexit 1\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit \
         && mkfifo fifo && ln -s . circle && ln -s /nowhere dangling && touch \"$(printf 'n\\377')\"",
    )
    .await;
    let status = toolbox.git_status("r").await.unwrap();
    let names: Vec<_> = status.file_status.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["circle", "dangling", "n\u{FFFD}"]);
    toolbox.git_add("r", vec![".".into()]).await.unwrap();
    toolbox.git_commit(&message("r", "Odd")).await.unwrap();
    // A repository that another process holds, and a broken one.
    shell(&toolbox, "touch r/.git/index.lock; echo x > r/b").await;
    assert_eq!(
        told(toolbox.git_add("r", vec!["b".into()]).await),
        is(409, "CONFLICT")
    );
    shell(&toolbox, "rm r/.git/index.lock; echo garbage > r/.git/index").await;
    assert_eq!(told(toolbox.git_status("r").await).0, 400);
    shell(&toolbox, "echo garbage > r/.git/HEAD").await;
    assert_eq!(told(toolbox.git_status("r").await), is(404, "GIT_REPO_NOT_FOUND"));
}

async fn git_missing_is_said_in_a_sentence() {
    let engine = Engine::start();
    let client = engine.client();
    let mut request = CreateSandbox { ..ephemeral() };
    request.env.insert("PATH".into(), "/nowhere".into());
    let sandbox = client.create(&request).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    let error = toolbox
        .git_init(&GitInit {
            path: "r".into(),
            ..GitInit::default()
        })
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(400));
    assert!(error.to_string().contains("has no git"), "{error}");
}
