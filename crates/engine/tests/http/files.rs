//! Files, through the client and as raw HTTP.

use crate::support::Engine;
use bytes::Bytes;
use daytona::ReplaceRequest;
use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    trials![
        files_go_in_and_out_unchanged,
        one_bad_path_does_not_stop_the_others,
        folders_and_names,
        single_transfers_and_ranges,
    ]
}

async fn files_go_in_and_out_unchanged() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let odd = Bytes::from_static(b"\0\xff--boundary\r\n\r\nx");
    let large = Bytes::from(vec![7_u8; 20 << 20]);
    let files = vec![
        ("a.txt".to_owned(), Bytes::from_static(b"hello TODO\nx\n")),
        ("/home/daytona/deep/er/\u{fc} \"q\".bin".to_owned(), odd.clone()),
        ("empty".to_owned(), Bytes::new()),
        ("large".to_owned(), large.clone()),
    ];
    let written = toolbox.upload(files.clone()).await.unwrap();
    assert_eq!(
        written.iter().map(|file| file.bytes).collect::<Vec<_>>(),
        [13, odd.len() as u64, 0, 20 << 20]
    );
    for (path, content) in &files {
        assert_eq!(toolbox.download(path).await.unwrap(), content, "{path}");
    }
    let many = ["a.txt".to_owned(), "none".to_owned()];
    let many = toolbox.download_many(&many).await.unwrap();
    assert_eq!(many[0].as_ref().unwrap(), "hello TODO\nx\n");
    assert!(many[1].as_ref().unwrap_err().is_not_found());
    // Over what is there: shorter content leaves nothing of the longer one.
    toolbox
        .upload(vec![("a.txt".into(), Bytes::from_static(b"short"))])
        .await
        .unwrap();
    assert_eq!(toolbox.download("a.txt").await.unwrap(), "short");
}

async fn one_bad_path_does_not_stop_the_others() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let files = vec![
        ("/proc/version".to_owned(), Bytes::from_static(b"x")),
        ("/usr/bin/new".to_owned(), Bytes::from_static(b"x")),
        ("good".to_owned(), Bytes::from_static(b"y")),
    ];
    let refused = toolbox.upload(files).await.unwrap_err();
    assert_eq!(refused.status(), Some(400), "{refused:?}");
    assert_eq!(toolbox.download("good").await.unwrap(), "y");
    let names = toolbox.upload(vec![("n\0ul".into(), Bytes::new())]).await;
    assert!(names.is_err());
}

async fn folders_and_names() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_folder("d/e", "750").await.unwrap();
    toolbox
        .upload(vec![
            ("d/a.txt".into(), "TODO one\ntwo TODO".into()),
            ("d/e/b.TXT".into(), "TODO\0".into()),
        ])
        .await
        .unwrap();
    let list = toolbox.list_files("d").await.unwrap();
    let short: Vec<_> = list
        .iter()
        .map(|file| (file.name.as_str(), file.is_dir, file.permissions.as_str()))
        .collect();
    assert_eq!(short, [("a.txt", false, "0644"), ("e", true, "0750")]);
    let info = toolbox.file_info("d/a.txt").await.unwrap();
    assert_eq!((info.size, info.mode.as_str()), (17, "-rw-r--r--"));

    let found = toolbox.find_in_files("d", "TODO").await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.file.as_str(), found.line, found.content.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("/home/daytona/d/a.txt", 1, "TODO one"),
            ("/home/daytona/d/a.txt", 2, "two TODO")
        ]
    );
    assert_eq!(
        toolbox.search_files("d", "*.[tT][xX]?").await.unwrap(),
        ["/home/daytona/d/a.txt", "/home/daytona/d/e/b.TXT"]
    );

    let request = ReplaceRequest {
        files: vec!["d/a.txt".into(), "d/none".into()],
        pattern: "TODO".into(),
        new_value: "DONE".into(),
    };
    let replaced = toolbox.replace_in_files(request).await.unwrap();
    assert_eq!(
        replaced.iter().map(|file| file.success).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(toolbox.download("d/a.txt").await.unwrap(), "DONE one\ntwo DONE");

    assert!(
        toolbox
            .move_file("d/a.txt", "d/e/b.TXT")
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert!(toolbox.move_file("d/none", "x").await.unwrap_err().is_not_found());
    toolbox.move_file("d/a.txt", "moved").await.unwrap();
    assert_eq!(
        toolbox.delete_file("d", false).await.unwrap_err().status(),
        Some(400)
    );
    toolbox.delete_file("d", true).await.unwrap();
    toolbox.delete_file("moved", false).await.unwrap();
    let gone = toolbox.file_info("moved").await.unwrap_err();
    assert_eq!((gone.status(), gone.code()), (Some(404), Some("FILE_NOT_FOUND")));
}

async fn single_transfers_and_ranges() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let http = engine.http();
    let base = format!("{}/toolbox/{}/files", engine.url, sandbox.id);
    let up = http
        .post(format!("{base}/upload-v2?path=x%2Fraw"))
        .body("0123456789")
        .send()
        .await
        .unwrap();
    assert_eq!(up.status(), 200);
    let form =
        reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::text("form").file_name("f"));
    let up = http
        .post(format!("{base}/upload-v2?path=x/form"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(
        up.json::<serde_json::Value>().await.unwrap()["path"],
        "/home/daytona/x/form"
    );
    let get = |range: &str| {
        http.get(format!("{base}/download?path=x/raw"))
            .header("range", range.to_owned())
            .send()
    };
    let part = get("bytes=2-4").await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.text().await.unwrap(), "234");
    assert_eq!(get("bytes=-2").await.unwrap().text().await.unwrap(), "89");
    let outside = get("bytes=10-").await.unwrap();
    assert_eq!(
        (
            outside.status().as_u16(),
            outside.headers()["content-range"].to_str().unwrap()
        ),
        (416, "bytes */10")
    );
    let folder = http.get(format!("{base}/download?path=x")).send().await.unwrap();
    assert_eq!(folder.status(), 400);
}
