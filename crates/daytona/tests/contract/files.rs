//! Files: all calls, whole and in pieces.

use super::{Contract, refused};
use bytes::Bytes;
use daytona::{ReplaceRequest, Sandbox, Toolbox};
use futures::TryStreamExt;
use std::time::Duration;

pub async fn contract(contract: &Contract, sandbox: &Sandbox, toolbox: &Toolbox) {
    let odd = Bytes::from_static(b"\0\xff\r\n--x");
    let files = vec![
        ("c/a.txt".to_owned(), Bytes::from_static(b"hello PATTERN\n")),
        ("c/d/\u{fc} 1.bin".to_owned(), odd.clone()),
    ];
    let written = toolbox.upload(files).await.expect("they are written");
    assert_eq!(
        written.iter().map(|file| file.bytes).sum::<u64>(),
        14 + odd.len() as u64
    );
    assert_eq!(
        toolbox.download("c/d/\u{fc} 1.bin").await.expect("it is read"),
        odd
    );
    let many = toolbox
        .download_many(&["c/a.txt".into(), "c/none".into()])
        .await
        .expect("an answer");
    assert_eq!(many[0].as_ref().expect("it is read"), "hello PATTERN\n");
    assert!(many[1].as_ref().expect_err("it is not there").is_not_found());

    let list = toolbox.list_files("c").await.expect("it is listed");
    assert_eq!(list.iter().filter(|file| file.is_dir).count(), 1);
    let deep = toolbox.list_files_to("c", 2).await.expect("it is listed");
    assert_eq!((list.len(), deep.len()), (2, 3));
    let info = toolbox.file_info("c/a.txt").await.expect("it is there");
    assert_eq!((info.size, info.is_dir), (14, false));
    assert_eq!(
        refused(toolbox.file_info("c/none").await),
        (404, "FILE_NOT_FOUND".into())
    );
    assert_eq!(
        toolbox.find_in_files("c", "PATTERN").await.expect("it is found")[0].line,
        1
    );
    assert_eq!(
        toolbox
            .search_files("c", "*.txt")
            .await
            .expect("it is found")
            .len(),
        1
    );
    let replace = ReplaceRequest {
        files: vec!["c/a.txt".into(), "c/none".into()],
        pattern: "PATTERN".into(),
        new_value: "WORD".into(),
    };
    let replaced = toolbox.replace_in_files(replace).await.expect("an answer");
    assert_eq!(
        replaced.iter().map(|file| file.success).collect::<Vec<_>>(),
        [true, false]
    );
    toolbox
        .create_folder("c/new/er", "750")
        .await
        .expect("it is made");
    toolbox
        .set_permissions("c/a.txt", Some("600"), None, None)
        .await
        .expect("they are set");
    assert_eq!(
        toolbox
            .file_info("c/a.txt")
            .await
            .expect("it is there")
            .permissions,
        "0600"
    );
    toolbox
        .move_file("c/a.txt", "c/new/b.txt")
        .await
        .expect("it moves");
    assert_eq!(refused(toolbox.move_file("c/new/b.txt", "c/new/er").await).0, 409);
    assert_eq!(
        toolbox.download("c/new/b.txt").await.expect("it is read"),
        "hello WORD\n"
    );

    streams(toolbox).await;
    signed(contract, sandbox, toolbox).await;
    assert_eq!(refused(toolbox.delete_file("c", false).await).0, 400);
    toolbox.delete_file("c", true).await.expect("it is removed");
    assert_eq!(refused(toolbox.delete_file("c", true).await).0, 404);
}

async fn streams(toolbox: &Toolbox) {
    let pieces: Vec<Bytes> = (0..64_u8)
        .map(|number| Bytes::from(vec![number; 64 << 10]))
        .collect();
    let whole = pieces.concat();
    let source = futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    toolbox
        .upload_stream("c/large", source)
        .await
        .expect("it is written");
    let mut download = toolbox.download_stream("c/large", 0).await.expect("it is read");
    let mut read = Vec::new();
    while let Some(piece) = download.next().await.expect("nothing breaks") {
        read.extend_from_slice(&piece);
    }
    assert!(read == whole, "{} of {} bytes", read.len(), whole.len());
    let end = toolbox
        .download_stream("c/large", whole.len() as u64 - 3)
        .await
        .expect("its end is read");
    let end: Vec<Bytes> = end.into_stream().try_collect().await.expect("nothing breaks");
    assert_eq!(end.concat(), [63; 3]);
    assert_eq!(refused(toolbox.download_stream("c/none", 0).await).0, 404);
    let broken = futures::stream::iter([Ok(Bytes::from_static(b"a")), Err(std::io::Error::other("gone"))]);
    assert!(toolbox.upload_stream("c/broken", broken).await.is_err());
}

/// Addresses that need no key: made here, opened by anyone.
async fn signed(contract: &Contract, sandbox: &Sandbox, toolbox: &Toolbox) {
    let client = &contract.client;
    let Some(key) = contract.may("signing key", client.signing_key(&sandbox.id).await) else {
        return;
    };
    let anyone = super::anyone();
    let minute = Some(Duration::from_secs(60));
    let up = toolbox.upload_url(&key, "c/signed", minute).expect("an address");
    assert!(
        anyone
            .post(&up)
            .body("by anyone")
            .send()
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
    let down = toolbox.download_url(&key, "c/signed", None).expect("an address");
    let read = async |url: &str| anyone.get(url).send().await.expect("an answer");
    assert_eq!(read(&down).await.text().await.expect("its content"), "by anyone");
    let other = down.replace("signed", "large");
    assert_eq!(read(&other).await.status(), 401);
    let over = toolbox
        .download_url(&key, "c/signed", Some(Duration::ZERO))
        .expect("an address");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(read(&over).await.status(), 401);
    let new = client
        .rotate_signing_key(&sandbox.id)
        .await
        .expect("it is changed");
    assert!(new != key && client.signing_key(&sandbox.id).await.expect("it is there") == new);
}
