//! Transfers of a kept home's files whose client stalls, while their sandbox
//! stops and starts again: the home is one file system the whole time.

use std::time::Duration;

use bytes::Bytes;
use daytona::{CreateSandbox, ExecuteRequest, Toolbox};
use futures::StreamExt;
use libtest_mimic::Trial;

use crate::support::Engine;

/// More than the sockets between client and engine take in.
const LARGE: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

pub fn trials() -> Vec<Trial> {
    trials![
        a_download_that_stalls_ends_with_its_sandbox,
        an_upload_that_stalls_ends_with_its_sandbox,
        what_a_client_takes_of_a_download_is_a_use,
    ]
}

async fn sh(toolbox: &Toolbox, command: &str) -> String {
    let request = ExecuteRequest {
        command: command.to_owned(),
        ..ExecuteRequest::default()
    };
    toolbox.execute(request).await.unwrap().result
}

/// Stops the sandbox, starts it, and finds everything that was written before as
/// it was; then once more, for what a second mount would have written over it.
async fn is_one_home(engine: &Engine, id: &str, sums: &str) {
    let client = engine.client();
    for round in 0..2 {
        client.stop(id).await.unwrap();
        let sandbox = client.start(id).await.unwrap();
        let toolbox = client.toolbox(&sandbox).await.unwrap();
        assert_eq!(sh(&toolbox, "sha256sum large last").await, sums, "round {round}");
        let written = format!("echo {round} > again; sync; cat again; find . -type f | sort");
        assert_eq!(
            sh(&toolbox, &written).await,
            format!("{round}\n./again\n./large\n./last\n")
        );
    }
}

async fn a_download_that_stalls_ends_with_its_sandbox() {
    let engine = Engine::start();
    let client = engine.client();
    let sandbox = client.create(&CreateSandbox::default()).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    sh(&toolbox, &format!("head -c {LARGE} /dev/urandom > large")).await;
    let url = format!("{}/toolbox/{}/files/download?path=large", engine.url, sandbox.id);
    let response = engine.http().get(url).send().await.unwrap();
    assert_eq!(response.content_length(), Some(LARGE as u64));
    let mut body = response.bytes_stream();
    let mut got = body.next().await.unwrap().unwrap().len();
    // Nothing is read any more, and the last thing written is not on the disk yet.
    let sums = sh(&toolbox, "echo last > last; sha256sum large last").await;
    is_one_home(&engine, &sandbox.id, &sums).await;
    // The client is told that it has not everything.
    let rest = async {
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => got += piece.len(),
                Err(_) => return,
            }
        }
        panic!("the download ended as if it were whole, after {got} bytes");
    };
    tokio::time::timeout(PATIENCE, rest).await.unwrap();
    assert!(got < LARGE, "{got}");
    client.delete(&sandbox.id).await.unwrap();
}

async fn an_upload_that_stalls_ends_with_its_sandbox() {
    let engine = Engine::start();
    let client = engine.client();
    let sandbox = client.create(&CreateSandbox::default()).await.unwrap();
    let toolbox = client.toolbox(&sandbox).await.unwrap();
    let sums = sh(
        &toolbox,
        "echo large > large; echo last > last; sha256sum large last",
    )
    .await;
    let (sender, pieces) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(pieces));
    let url = format!("{}/toolbox/{}/files/upload-v2?path=half", engine.url, sandbox.id);
    let sending = tokio::spawn(engine.http().post(url).body(body).send());
    sender.send(Ok(Bytes::from(vec![b'x'; 1 << 20]))).await.unwrap();
    crate::support::eventually("a part of it is there", async || {
        sh(&toolbox, "stat -c %s half 2>/dev/null").await == "1048576\n"
    })
    .await;
    client.stop(&sandbox.id).await.unwrap();
    let again = client.start(&sandbox.id).await.unwrap();
    let toolbox = client.toolbox(&again).await.unwrap();
    assert_eq!(
        sh(&toolbox, "stat -c %s half; rm half").await,
        "1048576\n",
        "what came of it is kept, as when a client leaves"
    );
    is_one_home(&engine, &sandbox.id, &sums).await;
    // The rest is read, and refused with the reason.
    drop(sender);
    let answer = tokio::time::timeout(PATIENCE, sending).await.unwrap().unwrap();
    let answer = answer.unwrap();
    let status = answer.status().as_u16();
    let said = answer.text().await.unwrap();
    assert!(
        status == 502 && said.contains("the sandbox has ended"),
        "{status} {said}"
    );
    client.delete(&sandbox.id).await.unwrap();
}

async fn what_a_client_takes_of_a_download_is_a_use() {
    let engine = Engine::start();
    let client = engine.client();
    let (sandbox, toolbox) = engine.sandbox().await;
    sh(&toolbox, &format!("truncate -s {LARGE} large")).await;
    let last_use = async || client.get(&sandbox.id).await.unwrap().last_activity_at.unwrap();
    let url = format!("{}/toolbox/{}/files/download?path=large", engine.url, sandbox.id);
    for (header, counts) in [
        ("x-nothing", true),
        ("x-daytona-skip-last-activity-update", false),
    ] {
        let response = engine
            .http()
            .get(&url)
            .header(header, "true")
            .send()
            .await
            .unwrap();
        let mut body = response.bytes_stream();
        let mut got = body.next().await.unwrap().unwrap().len();
        // It stalls: whatever was sent ahead is on its way, and then nothing is used any more.
        let mut before = last_use().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        crate::support::eventually("it stalls", async || {
            tokio::time::sleep(Duration::from_millis(100)).await;
            std::mem::replace(&mut before, last_use().await) == before
        })
        .await;
        while got < LARGE {
            got += body.next().await.unwrap().unwrap().len();
        }
        let after = last_use().await;
        assert_eq!(after > before, counts, "{header}: {before} and {after}");
    }
}
