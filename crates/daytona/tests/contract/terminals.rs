//! Terminals: made, left, come back to, ended.

use super::{Contract, refused};
use daytona::{Pty, PtyCreate, PtyExit, PtyOutput, Toolbox};
use std::collections::BTreeMap;
use std::time::Duration;

pub async fn contract(contract: &Contract, toolbox: &Toolbox) {
    let request = PtyCreate {
        id: Some("one".into()),
        cwd: Some("/tmp".into()),
        envs: Some(BTreeMap::from([("T".to_owned(), "a \"value\"".to_owned())])),
        cols: Some(100),
        rows: Some(30),
        lazy_start: None,
    };
    let Some(mut first) = contract.may("terminals", toolbox.create_pty(&request).await) else {
        return;
    };
    let again = toolbox.create_pty(&request).await.map(|_| ());
    assert_eq!(refused(again).0, 409);
    first
        .send("echo \"[$PWD $T $(stty size)]\"\n")
        .await
        .expect("it is typed");
    until(&mut first, "[/tmp a \"value\" 30 100]").await;
    first.resize(120, 40).await.expect("it is resized");
    first
        .send("stty size; echo \"<$?>\"\n")
        .await
        .expect("it is typed");
    until(&mut first, "40 120").await;

    let info = toolbox.pty("one").await.expect("it is there");
    assert_eq!((info.cols, info.rows, info.active), (120, 40, true));
    // Two look at the same; one of them leaves, and it goes on.
    let mut second = toolbox.connect_pty("one").await.expect("it is connected");
    drop(first);
    let input = second.input();
    input.send("echo s$((40 + 2))een\n").await.expect("it is typed");
    until(&mut second, "s42een").await;
    let listed = toolbox.list_ptys().await.expect("they are listed");
    assert!(listed.iter().any(|session| session.id == "one"));
    input.send("exit 3\n").await.expect("it is typed");
    assert_eq!(end(&mut second).await.exit_code, 3);
    assert!(second.next().await.is_none());

    let id = toolbox
        .create_detached_pty(&PtyCreate {
            id: Some("two".into()),
            ..PtyCreate::default()
        })
        .await;
    let id = id.expect("another");
    let mut killed = toolbox.connect_pty(&id).await.expect("it is connected");
    toolbox.delete_pty(&id).await.expect("it is ended");
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        while let Some(Ok(PtyOutput::Bytes(_))) = killed.next().await {}
    });
    ended.await.expect("its end is told");
    assert_eq!(refused(toolbox.pty(&id).await).0, 404);
    assert!(toolbox.connect_pty("none").await.is_err());
}

/// Reads until the text was shown.
async fn until(pty: &mut Pty, text: &str) {
    let mut shown = String::new();
    let seen = async {
        while !shown.contains(text) {
            match pty.next().await {
                Some(Ok(PtyOutput::Bytes(bytes))) => shown.push_str(&String::from_utf8_lossy(&bytes)),
                other => panic!("{other:?} before {text:?}"),
            }
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), seen).await;
    assert!(seen.is_ok(), "never shown: {text:?} in {shown:?}");
}

async fn end(pty: &mut Pty) -> PtyExit {
    let end = async {
        loop {
            match pty.next().await {
                Some(Ok(PtyOutput::Bytes(_))) => {}
                Some(Ok(PtyOutput::Exited(exit))) => return exit,
                other => panic!("{other:?} instead of an end"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), end)
        .await
        .expect("it ends")
}
