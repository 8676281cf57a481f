//! The file calls against trees that programs in the sandbox made to trap them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use daytona::{ExecuteRequest, ReplaceRequest, Toolbox};
use libtest_mimic::Trial;
use reqwest::Method;

use crate::support::{Engine, background, eventually};

pub fn trials() -> Vec<Trial> {
    trials![
        links_lead_nowhere_else,
        pipes_and_devices_are_told_and_never_opened,
        proc_gives_and_takes_nothing,
        a_hundred_thousand_entries,
        names_that_are_not_text,
        files_that_change_while_they_are_read,
        texts_that_grow_without_end,
        moves_replace_nothing,
        answers_to_the_letter,
    ]
}

async fn shell(toolbox: &Toolbox, command: &str) -> String {
    let done = toolbox.execute(ExecuteRequest::new(command)).await.unwrap();
    assert_eq!(done.exit_code, 0, "{command}: {}", done.result);
    done.result
}

fn status<T: std::fmt::Debug>(result: Result<T, daytona::Error>) -> u16 {
    result.expect_err("a refusal").status().unwrap_or_default()
}

async fn links_lead_nowhere_else() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    shell(
        &toolbox,
        "mkdir t && cd t && ln -s b a && ln -s a b && ln -s . here && ln -s .. above && ln -s / root \
         && ln -s gone dangling && mkdir real && echo TODO > real/f && ln -s real linked && ln -s /etc/passwd p",
    )
    .await;
    for path in ["t/a", "t/a/x", "t/b"] {
        assert_eq!(status(toolbox.file_info(path).await), 400, "{path}");
        assert_eq!(status(toolbox.download(path).await), 400, "{path}");
        assert_eq!(
            status(toolbox.upload(vec![(path.into(), Bytes::new())]).await),
            400,
            "{path}"
        );
    }
    assert_eq!(status(toolbox.file_info("t/dangling").await), 404);
    // Walks end: links are told, not followed.
    let list = toolbox.list_files_to("t", 50).await.unwrap();
    assert_eq!(list.len(), 10);
    assert!(
        list.iter()
            .filter(|file| file.mode.starts_with('L'))
            .all(|file| !file.is_dir)
    );
    assert_eq!(toolbox.find_in_files("t", "TODO").await.unwrap().len(), 1);
    assert_eq!(
        toolbox.search_files("t", "f").await.unwrap(),
        ["/home/daytona/t/real/f"]
    );
    // A link is removed, not what it leads to; also when that is a folder.
    for link in ["linked", "dangling", "a", "root", "above"] {
        toolbox.delete_file(&format!("t/{link}"), false).await.unwrap();
    }
    assert_eq!(toolbox.download("t/real/f").await.unwrap(), "TODO\n");
    toolbox.delete_file("t", true).await.unwrap();
    toolbox.file_info("/etc/passwd").await.unwrap();
}

async fn pipes_and_devices_are_told_and_never_opened() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    shell(
        &toolbox,
        "mkdir t && cd t && mkfifo pipe && ln -s /dev/zero zero && echo TODO > f \
         && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'",
    )
    .await;
    let start = Instant::now();
    for path in [
        "t/pipe",
        "t/socket",
        "t/zero",
        "/dev/zero",
        "/dev/null",
        "/dev/full",
        "/dev/tty",
    ] {
        assert_eq!(status(toolbox.download(path).await), 400, "{path}");
        assert_eq!(
            status(
                toolbox
                    .upload(vec![(path.into(), Bytes::from_static(b"x"))])
                    .await
            ),
            400,
            "{path}"
        );
        let request = ReplaceRequest {
            files: vec![path.into()],
            pattern: "a".into(),
            new_value: "b".into(),
        };
        assert!(
            !toolbox.replace_in_files(request).await.unwrap()[0].success,
            "{path}"
        );
    }
    assert_eq!(toolbox.list_files("t").await.unwrap().len(), 4);
    assert_eq!(toolbox.find_in_files("t", "TODO").await.unwrap().len(), 1);
    assert_eq!(status(toolbox.find_in_files("t/pipe", "TODO").await), 400);
    assert!(start.elapsed() < Duration::from_secs(60));
    toolbox.delete_file("t/pipe", false).await.unwrap();
}

async fn proc_gives_and_takes_nothing() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    for path in [
        "/proc/self/mem",
        "/proc/self/environ",
        "/proc/self/exe",
        "/proc/self/fd/0",
        "/proc/self/fd/3",
        "/proc/1/environ",
        "/proc/1/root/etc/shadow",
        "/proc/kcore",
        "/proc/kmsg",
    ] {
        // Refused, or there is nothing in it.
        if let Ok(content) = toolbox.download(path).await {
            assert!(content.is_empty(), "{path}: {} bytes", content.len());
        }
    }
    for path in [
        "/proc/self/mem",
        "/proc/self/comm",
        "/proc/self/oom_score_adj",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/new",
        "/sys/new",
    ] {
        let refused = toolbox
            .upload(vec![(path.into(), Bytes::from_static(b"0"))])
            .await;
        assert_eq!(status(refused), 400, "{path}");
        assert!(
            matches!(
                status(toolbox.delete_file(path, false).await),
                400 | 403 | 404 | 500
            ),
            "{path}"
        );
    }
    // The tree changes while it is walked; it ends all the same.
    let found = toolbox.find_in_files("/proc/sys", "no such text").await;
    assert!(found.is_ok_and(|found| found.is_empty()));
    let _ = toolbox.list_files_to("/proc", 3).await;
    assert_eq!(toolbox.home_dir().await.unwrap(), "/home/daytona");
}

async fn a_hundred_thousand_entries() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let made = shell(
        &toolbox,
        "mkdir wide; cd wide; python3 - <<'END'\nimport os\nn = 0\ntry:\n    for n in range(100001): os.close(os.open(f'{n:06}', os.O_CREAT))\nexcept OSError: pass\nprint(n)\nEND",
    )
    .await;
    let made: usize = made.trim().parse().unwrap();
    if made == 100_000 {
        let refused = toolbox.list_files("wide").await.unwrap_err();
        assert_eq!(refused.status(), Some(400), "{refused}");
        shell(&toolbox, "rm wide/100000").await;
    }
    let list = toolbox.list_files("wide").await.unwrap();
    assert!(list.len() >= made, "{} of {made}", list.len());
    assert_eq!(
        (list[0].name.as_str(), list[99].name.as_str()),
        ("000000", "000099")
    );
    assert_eq!(toolbox.search_files("wide", "0123*").await.unwrap().len(), 100);
    toolbox.delete_file("wide", true).await.unwrap();
}

async fn names_that_are_not_text() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    shell(
        &toolbox,
        "mkdir t; cd t; touch -- \"$(printf 'n\\377')\" \"$(printf 'line\\nbreak')\" ' ' '-rf' '*' \"$(printf 'f%%2F')\"; \
         mkdir \"$(printf 'd\\200')\"; echo TODO > \"$(printf 'd\\200')/f\"",
    )
    .await;
    let list = toolbox.list_files_to("t", 3).await.unwrap();
    let names: Vec<_> = list.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [" ", "*", "-rf", "d\u{FFFD}", "f%2F", "line\nbreak", "n\u{FFFD}"]
    );
    // Such a name cannot be asked for; that is said, and the others are there.
    assert_eq!(status(toolbox.file_info("t/n\u{FFFD}").await), 404);
    for name in [" ", "-rf", "*", "f%2F", "line\nbreak"] {
        let path = format!("t/{name}");
        toolbox.upload(vec![(path.clone(), "here".into())]).await.unwrap();
        assert_eq!(toolbox.download(&path).await.unwrap(), "here", "{name:?}");
        toolbox.delete_file(&path, false).await.unwrap();
    }
    assert_eq!(toolbox.find_in_files("t", "TODO").await.unwrap(), []);
    let long = format!("t/{}", "n".repeat(256));
    for path in [long, "t/".repeat(3000), "t/n\0ul".to_owned(), "t/../".repeat(900)] {
        assert!(
            matches!(status(toolbox.file_info(&path).await), 400 | 404),
            "{}",
            path.len()
        );
    }
    toolbox.delete_file("t", true).await.unwrap();
}

async fn files_that_change_while_they_are_read() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("s").await.unwrap();
    let unrest = "python3 - <<'END'\nimport os, time\nend = time.time() + 300\nwhile time.time() < end and not os.path.exists('stop'):\n    with open('f', 'wb') as f:\n        for _ in range(40): f.write(b'x' * 65536); f.flush()\n    os.truncate('f', 10)\n    os.unlink('f')\nEND\n";
    toolbox.session_exec("s", background(unrest)).await.unwrap();
    eventually("a file", async || toolbox.file_info("f").await.is_ok()).await;
    let (mut read, mut rounds) = (0, 0);
    let begun = Instant::now();
    while rounds < 60 || (read == 0 && begun.elapsed() < Duration::from_secs(120)) {
        rounds += 1;
        // Whole as it was, or refused, or broken off: never other bytes, never for ever.
        match tokio::time::timeout(Duration::from_secs(30), toolbox.download("f"))
            .await
            .unwrap()
        {
            Ok(content) => {
                read += 1;
                assert!(content.iter().all(|byte| *byte == b'x'));
            }
            Err(error) => assert!(error.status().is_none_or(|status| status == 404), "{error}"),
        }
        let _ = toolbox.find_in_files("f", "y").await;
    }
    assert!(read > 0);
    shell(&toolbox, "touch stop").await;
}

async fn texts_that_grow_without_end() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    shell(&toolbox, "mkdir t; head -c 20000000 /dev/zero | tr '\\0' a > t/long; head -c 100000000 /dev/zero | tr '\\0' a > huge").await;
    let request = ReplaceRequest {
        files: vec!["t/long".into(), "huge".into()],
        pattern: "a".into(),
        new_value: "b".repeat(1 << 20),
    };
    for result in toolbox.replace_in_files(request).await.unwrap() {
        assert!(!result.success && result.error.unwrap().contains("MiB"));
    }
    assert_eq!(toolbox.file_info("t/long").await.unwrap().size, 20_000_000);
    // The one line is shown in part.
    let found = toolbox.find_in_files("t", "a").await.unwrap();
    assert_eq!((found.len(), found[0].content.len()), (1, 64 << 10));
    // Bytes around the text stay what they are.
    toolbox
        .upload(vec![("raw".into(), Bytes::from_static(b"\xffold\xfe"))])
        .await
        .unwrap();
    let request = ReplaceRequest {
        files: vec!["raw".into()],
        pattern: "old".into(),
        new_value: "new".into(),
    };
    assert!(toolbox.replace_in_files(request).await.unwrap()[0].success);
    assert_eq!(toolbox.download("raw").await.unwrap(), &b"\xffnew\xfe"[..]);
}

async fn moves_replace_nothing() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    shell(&toolbox, "mkdir -p a/b /tmp/c/d; echo 1 > a/f; echo 2 > g; ln -s gone dangling; echo 3 > /tmp/c/d/e; ln -s /etc /tmp/c/l; chmod 640 /tmp/c/d/e").await;
    for taken in ["g", "a", "a/b", "dangling"] {
        assert_eq!(status(toolbox.move_file("a/f", taken).await), 409, "{taken}");
    }
    assert_eq!(status(toolbox.move_file("a", "a/b/c").await), 400);
    let missing = toolbox.move_file("g", "none/x").await.unwrap_err();
    assert_eq!(missing.status(), Some(404));
    assert!(missing.to_string().contains("none/x"), "{missing}");
    assert_eq!(status(toolbox.move_file("none", "x").await), 404);
    assert_eq!(status(toolbox.move_file("g", "/usr/g").await), 403);
    assert_eq!(toolbox.download("g").await.unwrap(), "2\n");
    // From one file system to another, with all that is below.
    toolbox.move_file("/tmp/c", "moved").await.unwrap();
    assert_eq!(toolbox.download("moved/d/e").await.unwrap(), "3\n");
    assert_eq!(toolbox.file_info("moved/d/e").await.unwrap().permissions, "0640");
    assert_eq!(
        shell(
            &toolbox,
            "readlink moved/l; ls -A /tmp/c 2>/dev/null | wc -l; ls -A | grep -c moving || true"
        )
        .await,
        "/etc\n0\n0\n"
    );
    shell(&toolbox, "echo 4 > /tmp/g").await;
    assert_eq!(status(toolbox.move_file("/tmp/g", "g").await), 409);
    assert_eq!(status(toolbox.move_file("/tmp/g", "none/g").await), 404);
    assert_eq!(shell(&toolbox, "cat g /tmp/g").await, "2\n4\n");
}

async fn answers_to_the_letter() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let http = engine.http();
    let base = format!("{}/toolbox/{}/files", engine.url, sandbox.id);
    shell(&toolbox, "mkdir -p d/e/f; echo 12345 > d/x; echo TODO > d/e/f/y").await;
    let status_of = async |method: Method, path: &str| {
        let url = format!("{base}{path}");
        http.request(method, url).send().await.unwrap().status().as_u16()
    };
    for (method, path, expected) in [
        (Method::POST, "/folder?path=n/m&mode=700", 201),
        (Method::POST, "/folder?path=n/m&mode=rwx", 400),
        (Method::POST, "/folder?path=d/x&mode=755", 400),
        (Method::GET, "?path=d&depth=0", 400),
        (Method::GET, "?path=d&depth=-1", 400),
        (Method::GET, "?path=none", 404),
        (Method::GET, "?path=d/x", 400),
        (Method::GET, "", 200),
        (Method::GET, "/info?path=none", 404),
        (Method::GET, "/search?path=d&pattern=%5B", 400),
        (Method::GET, "/find?path=d", 400),
        (Method::DELETE, "?path=d", 400),
        (Method::DELETE, "?path=n/m", 400),
        (Method::DELETE, "?path=n/m&recursive=true", 204),
        (Method::DELETE, "?path=n/m&recursive=true", 404),
        (
            Method::POST,
            "/permissions?path=d/x&mode=600&owner=daytona&group=daytona",
            200,
        ),
        (Method::POST, "/permissions?path=d/x&mode=600&owner=root", 403),
        (Method::POST, "/permissions?path=d/x&mode=9", 400),
        (Method::POST, "/permissions?path=none&mode=600", 404),
        (Method::POST, "/move?source=d/x&destination=d/z", 200),
        (Method::POST, "/move?source=d/z", 400),
        (Method::GET, "/download?path=d/none", 404),
        (Method::GET, "/download?path=/etc/shadow", 404),
    ] {
        assert_eq!(status_of(method.clone(), path).await, expected, "{method} {path}");
    }
    // Levels: what lies deeper is not told.
    assert_eq!(toolbox.list_files_to("d", 2).await.unwrap().len(), 3);
    assert_eq!(
        toolbox.find_in_files("d/e/f/y", "TODO").await.unwrap()[0].file,
        "/home/daytona/d/e/f/y"
    );
    assert_eq!(toolbox.search_files("d", "[a-f]").await.unwrap().len(), 2);

    let head = http
        .head(format!("{base}/download?path=d/z"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            head.status().as_u16(),
            head.headers()["content-length"].to_str().unwrap()
        ),
        (200, "6")
    );
    assert_eq!(head.headers()["accept-ranges"], "bytes");
    assert!(head.bytes().await.unwrap().is_empty());

    // Who still sends is heard out, and then told.
    let large = vec![0_u8; 24 << 20];
    let up = http
        .post(format!("{base}/upload?path=/usr/x"))
        .body(large.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(up.status(), 403);
    let part = reqwest::multipart::Part::bytes(large).file_name("f");
    let form = reqwest::multipart::Form::new().part("other", part);
    let up = http
        .post(format!("{base}/upload-v2?path=y"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    assert_eq!(up.status(), 400);
    let body: serde_json::Value = up.json().await.unwrap();
    assert_eq!(
        (body["source"].as_str(), body["method"].as_str()),
        (Some("DAYTONA_DAEMON"), Some("POST"))
    );
}
