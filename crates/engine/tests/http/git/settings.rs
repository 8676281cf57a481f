//! Settings, remotes and passwords that stay.

use libtest_mimic::Trial;

use daytona::{GitAddRemote, GitCredentials, GitSetConfig, GitUser};

use super::support::{init, is, shell, told};
use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    trials![git_settings_and_remotes, git_passwords_are_kept_in_no_file]
}

async fn git_settings_and_remotes() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    init(&toolbox, "r").await;
    assert_eq!(toolbox.git_config("user.name", None, None).await.unwrap(), None);
    let user = |scope: Option<&str>, path: Option<&str>| GitUser {
        name: "Grace H.".into(),
        email: "grace@example.org".into(),
        scope: scope.map(str::to_owned),
        path: path.map(str::to_owned),
    };
    toolbox.git_configure_user(&user(None, None)).await.unwrap();
    assert_eq!(
        toolbox
            .git_config("user.name", Some("global"), None)
            .await
            .unwrap()
            .as_deref(),
        Some("Grace H.")
    );
    assert_eq!(
        toolbox
            .git_config("user.name", Some("local"), Some("r"))
            .await
            .unwrap(),
        None
    );
    let odd = GitSetConfig {
        key: "section.sub section.name".into(),
        value: "-x \"y\"\n z".into(),
        scope: Some("local".into()),
        path: Some("r".into()),
    };
    toolbox.git_set_config(&odd).await.unwrap();
    assert_eq!(
        toolbox
            .git_config(&odd.key, Some("local"), Some("r"))
            .await
            .unwrap()
            .as_ref(),
        Some(&odd.value)
    );
    assert_eq!(
        told(toolbox.git_configure_user(&user(Some("local"), None)).await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(
        told(
            toolbox
                .git_configure_user(&user(Some("local"), Some("/tmp")))
                .await
        ),
        is(404, "GIT_REPO_NOT_FOUND")
    );
    assert_eq!(
        told(toolbox.git_configure_user(&user(Some("system"), None)).await).0,
        403
    );
    assert_eq!(
        told(toolbox.git_config("nodot", None, None).await),
        is(400, "BAD_REQUEST")
    );
    assert_eq!(
        told(toolbox.git_config("a.b", Some("world"), None).await),
        is(400, "BAD_REQUEST")
    );

    assert_eq!(toolbox.git_remotes("r").await.unwrap(), []);
    let mut remote = GitAddRemote {
        path: "r".into(),
        name: "origin".into(),
        url: "https://me:hidden@h.example/x".into(),
        fetch: None,
        overwrite: None,
    };
    toolbox.git_add_remote(&remote).await.unwrap();
    let remotes = toolbox.git_remotes("r").await.unwrap();
    assert_eq!(
        (remotes[0].name.as_str(), remotes[0].url.as_str()),
        ("origin", "https://me@h.example/x")
    );
    assert_eq!(told(toolbox.git_add_remote(&remote).await), is(409, "CONFLICT"));
    remote.overwrite = Some(true);
    remote.url = "file:///home/daytona/none".into();
    toolbox.git_add_remote(&remote).await.unwrap();
    assert_eq!(toolbox.git_remotes("r").await.unwrap()[0].url, remote.url);
    remote.fetch = Some(true);
    assert_eq!(
        told(toolbox.git_add_remote(&remote).await),
        is(404, "GIT_REPO_NOT_FOUND")
    );
    assert_eq!(toolbox.git_remotes("r").await.unwrap(), []);
}

async fn git_passwords_are_kept_in_no_file() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let mut request = GitCredentials {
        username: "me".into(),
        password: "s3cret-of-mine".into(),
        host: Some("h.example".into()),
        protocol: None,
    };
    toolbox.git_authenticate(&request).await.unwrap();
    let filled = shell(
        &toolbox,
        "printf 'protocol=https\\nhost=h.example\\n\\n' | git credential fill",
    )
    .await;
    assert!(
        filled.contains("username=me\npassword=s3cret-of-mine\n"),
        "{filled}"
    );
    let found = shell(&toolbox, "grep -rls s3cret-of-mine ~ /tmp || true").await;
    assert_eq!(found, "");
    for broken in ["", "a\nhost=other"] {
        request.password = broken.into();
        assert_eq!(
            told(toolbox.git_authenticate(&request).await),
            is(400, "BAD_REQUEST")
        );
    }
}
