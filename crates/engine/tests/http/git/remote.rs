//! Clone, push and pull, by file and over HTTP with a name and password.

use libtest_mimic::Trial;

use daytona::{GitAddRemote, GitClone, GitCredentials, GitFileState, GitReset, GitTransfer};

use super::support::{commit, init, is, serve, served, shell, told};
use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    trials![
        git_clones_whole_and_in_part,
        git_pushes_and_pulls_between_two_clones,
        git_a_remote_can_refuse,
        git_signs_in_over_http,
        git_passwords_go_to_their_server_alone,
        git_says_when_nobody_answers,
    ]
}

const BARE: &str = "file:///home/daytona/served/r";

async fn git_clones_whole_and_in_part() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    served(&toolbox, "r").await;
    let first = toolbox.git_history("seed-r").await.unwrap()[0].hash.clone();
    toolbox.git_create_branch("seed-r", "dev").await.unwrap();
    let second = commit(&toolbox, "seed-r", "b.txt", "two\n").await;
    shell(&toolbox, "git -C seed-r push -q \"$PWD/served/r\" dev").await;

    toolbox.git_clone(&GitClone::new(BARE, "whole")).await.unwrap();
    let status = toolbox.git_status("whole").await.unwrap();
    assert_eq!(
        (status.current_branch.as_str(), status.upstream.as_deref()),
        ("main", Some("origin/main"))
    );
    assert_eq!(
        (status.ahead, status.behind, status.branch_published),
        (Some(0), Some(0), Some(true))
    );
    // A branch of the remote is checked out by its name.
    toolbox.git_checkout("whole", "dev").await.unwrap();
    assert_eq!(toolbox.git_history("whole").await.unwrap().len(), 2);

    let branch = GitClone {
        branch: Some("dev".into()),
        depth: Some(1),
        ..GitClone::new(BARE, "deep/er/branch")
    };
    toolbox.git_clone(&branch).await.unwrap();
    let history = toolbox.git_history("deep/er/branch").await.unwrap();
    assert_eq!((history.len(), history[0].hash.as_str()), (1, second.as_str()));

    for (path, depth) in [("commit", None), ("old", Some(1))] {
        let request = GitClone {
            commit_id: Some(first.clone()),
            branch: depth.map(|_| "dev".into()),
            depth,
            ..GitClone::new(BARE, path)
        };
        toolbox.git_clone(&request).await.unwrap();
        let status = toolbox.git_status(path).await.unwrap();
        assert_eq!(
            (status.detached, status.file_status.len()),
            (Some(true), 0),
            "{path}"
        );
        assert_eq!(toolbox.git_history(path).await.unwrap()[0].hash, first, "{path}");
    }

    let none = |change: fn(&mut GitClone)| {
        let mut request = GitClone::new(BARE, "none");
        change(&mut request);
        let toolbox = toolbox.clone();
        async move { told(toolbox.git_clone(&request).await) }
    };
    assert_eq!(
        none(|clone| clone.branch = Some("no".into())).await,
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
    assert_eq!(
        none(|clone| clone.commit_id = Some("1".repeat(40))).await,
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
    assert_eq!(
        none(|clone| clone.url.push_str("-not")).await,
        is(404, "GIT_REPO_NOT_FOUND")
    );
    assert_eq!(
        none(|clone| clone.path = "whole".into()).await,
        is(409, "CONFLICT")
    );
    assert_eq!(
        none(|clone| clone.path = "/usr/x".into()).await,
        is(403, "FILE_ACCESS_DENIED")
    );
    // Whatever failed left nothing behind.
    assert!(toolbox.file_info("none").await.unwrap_err().is_not_found());
}

async fn git_pushes_and_pulls_between_two_clones() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    served(&toolbox, "r").await;
    for path in ["one", "two"] {
        toolbox.git_clone(&GitClone::new(BARE, path)).await.unwrap();
    }
    let (one, two) = (GitTransfer::new("one"), GitTransfer::new("two"));
    commit(&toolbox, "one", "a.txt", "from one\n").await;
    assert_eq!(toolbox.git_status("one").await.unwrap().ahead, Some(1));
    toolbox.git_push(&one).await.unwrap();
    // Again: there is nothing to do, which is no error.
    toolbox.git_push(&one).await.unwrap();
    toolbox.git_pull(&one).await.unwrap();

    commit(&toolbox, "two", "b.txt", "from two\n").await;
    assert_eq!(told(toolbox.git_push(&two).await), is(409, "GIT_PUSH_REJECTED"));
    // Histories that went apart are merged, under whatever name there is.
    toolbox.git_pull(&two).await.unwrap();
    assert_eq!(shell(&toolbox, "cat two/a.txt").await, "from one\n");
    toolbox.git_push(&two).await.unwrap();

    toolbox.git_pull(&one).await.unwrap();
    commit(&toolbox, "one", "a.txt", "one again\n").await;
    toolbox.git_push(&one).await.unwrap();
    shell(&toolbox, "echo dirty > two/a.txt").await;
    assert_eq!(told(toolbox.git_pull(&two).await), is(409, "GIT_DIRTY_WORKTREE"));
    commit(&toolbox, "two", "a.txt", "two again\n").await;
    assert_eq!(told(toolbox.git_pull(&two).await), is(409, "GIT_MERGE_CONFLICT"));
    let status = toolbox.git_status("two").await.unwrap();
    assert_eq!(status.file_status[0].staging, GitFileState::Unmerged);
    assert_eq!(told(toolbox.git_pull(&two).await), is(409, "GIT_MERGE_CONFLICT"));
    let back = GitReset {
        path: "two".into(),
        mode: Some("hard".into()),
        ..GitReset::default()
    };
    toolbox.git_reset(&back).await.unwrap();

    // A branch that the remote does not have yet.
    toolbox.git_create_branch("one", "new").await.unwrap();
    let mut upstream = one.clone();
    assert_eq!(
        told(toolbox.git_pull(&upstream).await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
    upstream.set_upstream = Some(true);
    toolbox.git_push(&upstream).await.unwrap();
    assert_eq!(
        toolbox.git_status("one").await.unwrap().upstream.as_deref(),
        Some("origin/new")
    );
    upstream.branch = Some("nowhere".into());
    assert_eq!(
        told(toolbox.git_push(&upstream).await),
        is(404, "GIT_BRANCH_NOT_FOUND")
    );
    upstream.remote = Some("nobody".into());
    assert_eq!(
        told(toolbox.git_push(&upstream).await),
        is(404, "GIT_REPO_NOT_FOUND")
    );

    let remote = GitAddRemote {
        path: "two".into(),
        name: "other".into(),
        url: BARE.into(),
        fetch: Some(true),
        overwrite: None,
    };
    toolbox.git_add_remote(&remote).await.unwrap();
    shell(&toolbox, "git -C two rev-parse -q --verify other/new").await;
}

async fn git_a_remote_can_refuse() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    served(&toolbox, "r").await;
    toolbox.git_clone(&GitClone::new(BARE, "c")).await.unwrap();
    commit(&toolbox, "c", "a.txt", "no\n").await;
    shell(
        &toolbox,
        "cd served/r && printf '#!/bin/sh\\necho not on a Friday >&2\\nexit 1\\n' > hooks/pre-receive && chmod +x hooks/pre-receive",
    )
    .await;
    let error = toolbox.git_push(&GitTransfer::new("c")).await.unwrap_err();
    assert_eq!(
        (error.status(), error.code()),
        (Some(422), Some("GIT_REMOTE_REJECTED"))
    );
    assert!(error.to_string().contains("not on a Friday"), "{error}");
    // An unborn repository without a remote has nothing to give.
    init(&toolbox, "empty").await;
    assert_eq!(told(toolbox.git_push(&GitTransfer::new("empty")).await).0, 404);
}

async fn git_signs_in_over_http() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let base = serve(&toolbox).await;
    served(&toolbox, "r").await;
    toolbox
        .git_clone(&GitClone::new(format!("{base}/r"), "open"))
        .await
        .unwrap();
    let private = format!("{base}/private/r");
    let with = |password: Option<&str>, path: &str| GitClone {
        username: password.map(|_| "me".into()),
        password: password.map(str::to_owned),
        ..GitClone::new(&private, path)
    };
    for password in [None, Some("wrong")] {
        let refused = toolbox.git_clone(&with(password, "p")).await.unwrap_err();
        assert_eq!(
            (refused.status(), refused.code()),
            (Some(401), Some("GIT_AUTH_FAILED"))
        );
        assert!(!refused.to_string().contains("wrong"), "{refused}");
    }
    toolbox.git_clone(&with(Some("s3cret"), "p")).await.unwrap();
    // The same inside the address: it leaves no trace.
    let inside = private.replace("http://", "http://me:s3cret@");
    toolbox.git_clone(&GitClone::new(inside, "q")).await.unwrap();
    assert_eq!(shell(&toolbox, "grep -rls s3cret p q ~/.git* || true").await, "");
    assert_eq!(toolbox.git_remotes("q").await.unwrap()[0].url, private);

    commit(&toolbox, "p", "a.txt", "by http\n").await;
    let mut transfer = GitTransfer::new("p");
    assert_eq!(
        told(toolbox.git_push(&transfer).await),
        is(401, "GIT_AUTH_FAILED")
    );
    transfer.username = Some("me".into());
    transfer.password = Some("s3cret".into());
    toolbox.git_push(&transfer).await.unwrap();
    transfer.path = "q".into();
    toolbox.git_pull(&transfer).await.unwrap();
    assert_eq!(shell(&toolbox, "cat q/a.txt").await, "by http\n");

    for (path, status, code) in [
        ("/forbidden/r", 403, "FORBIDDEN"),
        ("/none", 404, "GIT_REPO_NOT_FOUND"),
    ] {
        let request = GitClone::new(format!("{base}{path}"), "x");
        assert_eq!(
            told(toolbox.git_clone(&request).await),
            is(status, code),
            "{path}"
        );
    }
    // Once told, git signs in by itself.
    let credentials = GitCredentials {
        username: "me".into(),
        password: "s3cret".into(),
        host: Some(base.trim_start_matches("http://").into()),
        protocol: Some("http".into()),
    };
    toolbox.git_authenticate(&credentials).await.unwrap();
    toolbox.git_clone(&with(None, "s")).await.unwrap();
    shell(&toolbox, "git -C s push -q origin main:by-hand").await;
}

async fn git_passwords_go_to_their_server_alone() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let base = serve(&toolbox).await;
    served(&toolbox, "r").await;
    // It redirects to another server, which would take the password.
    let request = GitClone {
        username: Some("me".into()),
        password: Some("s3cret".into()),
        ..GitClone::new(format!("{base}/elsewhere/r"), "x")
    };
    assert_eq!(
        told(toolbox.git_clone(&request).await),
        is(401, "GIT_AUTH_FAILED")
    );
    // While git runs, no command line has it.
    let watched = "for i in $(seq 200); do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; done | grep -c 's3cre[t]' || true";
    toolbox.create_session("watch").await.unwrap();
    let watch = toolbox
        .session_exec("watch", crate::support::background(watched))
        .await
        .unwrap()
        .cmd_id;
    for number in 0..3 {
        let request = GitClone {
            username: Some("me".into()),
            password: Some("s3cret".into()),
            ..GitClone::new(format!("{base}/private/r"), format!("w{number}"))
        };
        toolbox.git_clone(&request).await.unwrap();
    }
    let log = crate::support::follow(&toolbox, "watch", &watch, 0).await;
    assert_eq!(String::from_utf8(log.stdout).unwrap(), "0\n");
}

async fn git_says_when_nobody_answers() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    for url in [
        "http://127.0.0.1:9/x",
        "http://nobody.invalid/x",
        "git://127.0.0.1:9/x",
    ] {
        let refused = toolbox.git_clone(&GitClone::new(url, "x")).await;
        assert_eq!(told(refused), is(502, "GIT_TRANSPORT_FAILED"), "{url}");
    }
}
