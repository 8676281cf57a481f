//! Sandboxes on an operator's image: an unpacked root file system instead of
//! the host's own programs.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    trials![a_sandbox_runs_on_an_image]
}

/// A small root: the shell and a few programs of the host with their
/// libraries, under `/usr` as today's distributions have it.
fn image(root: &Path) {
    for folder in [
        "usr/bin",
        "etc",
        "opt/tool",
        "var/lib",
        "home/somebody",
        "srv",
        "data-of-image",
    ] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    for name in ["bin", "lib", "lib64", "sbin"] {
        std::fs::create_dir_all(root.join("usr").join(name)).unwrap();
        symlink(format!("usr/{name}"), root.join(name)).unwrap();
    }
    let programs = [
        "bash", "cat", "ls", "mkdir", "tar", "gzip", "rm", "id", "touch", "readlink", "env", "stat",
    ];
    for program in programs {
        let source = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(program));
        let source = source.iter().find(|path| path.exists()).unwrap();
        std::fs::copy(source, root.join("usr/bin").join(program)).unwrap();
        let libraries = Command::new("ldd").arg(source).output().unwrap();
        for word in String::from_utf8_lossy(&libraries.stdout).split_whitespace() {
            let library = Path::new(word);
            if library.is_absolute() && library.exists() {
                let library = library.canonicalize().unwrap();
                let name = Path::new(word).file_name().unwrap();
                // Where the loader looks in any case, and where programs name it.
                for folder in ["usr/lib", "usr/lib64"] {
                    let _ = std::fs::copy(&library, root.join(folder).join(name));
                }
            }
        }
    }
    symlink("bash", root.join("usr/bin/sh")).unwrap();
    std::fs::write(root.join("usr/image-says"), "hello\n").unwrap();
    std::fs::write(root.join("etc/image.conf"), "conf\n").unwrap();
    std::fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    std::fs::write(root.join("etc/shadow"), "root:secret-hash:::::::\n").unwrap();
    symlink("/usr/image-says", root.join("etc/link")).unwrap();
    std::fs::write(root.join("opt/tool/t"), "tool\n").unwrap();
    std::fs::write(root.join("data-of-image/d"), "data\n").unwrap();
    std::fs::write(root.join("home/somebody/private"), "x").unwrap();
}

async fn a_sandbox_runs_on_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    image(&root);
    let variable = format!("small:1={}", root.display());
    let data = tempfile::tempdir().unwrap();
    let mut engine = Engine::start_in(
        data.path().to_owned(),
        &[("ENGINE_IMAGES", &variable), ("ENGINE_WARM", "1")],
    );
    let general = engine.get("/snapshots/small:1").await.ok();
    assert_eq!(
        (&general["general"], &general["imageName"]),
        (&json!(true), &json!("small:1"))
    );
    let health = engine.get("/health").await.ok();
    if !health["isolation"].as_str().unwrap().starts_with("namespaces") {
        let refused = engine.post("/sandbox", json!({"snapshot": "small:1"})).await;
        assert!(refused.status >= 400 && refused.body["message"].as_str().unwrap().contains("namespaces"));
        return;
    }
    let id = engine.make(json!({"snapshot": "small:1"})).await;
    let shown =
        "cat /usr/image-says /etc/image.conf /etc/link /opt/tool/t /data-of-image/d; id -un; ls /home";
    let expected = "hello\nconf\nhello\ntool\ndata\ndaytona\ndaytona\n";
    assert_eq!(engine.output(&id, shown).await, expected);
    let (code, _) = engine.run(&id, "ls /usr/bin/python3").await;
    assert_ne!(code, 0, "the host's programs are not there");
    let (code, _) = engine.run(&id, "cat /etc/shadow").await;
    assert_ne!(code, 0);
    for path in [
        "/usr/new",
        "/opt/tool/new",
        "/data-of-image/new",
        "/etc/new",
        "/var/lib/new",
    ] {
        let (code, said) = engine.run(&id, &format!("touch {path}")).await;
        assert_ne!(code, 0, "{path}: {said}");
    }
    engine.output(&id, "touch /tmp/x /var/tmp/x ~/kept").await;

    // FROM it, and snapshots of it, stay on it.
    let build = json!({"buildInfo": {"dockerfileContent": "FROM small:1\nWORKDIR /app\nRUN cat /usr/image-says > said\n"}});
    let built = engine.post("/sandbox", build).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    engine.wait(&built, "started").await;
    assert_eq!(
        engine.output(&built, "cat said /usr/image-says").await,
        "hello\nhello\n"
    );
    engine
        .post(&format!("/sandbox/{id}/snapshot"), json!({"name": "of-small"}))
        .await
        .ok();
    let copy = engine
        .make(json!({"snapshot": "of-small", "autoDeleteInterval": 0}))
        .await;
    assert_eq!(
        engine.output(&copy, "ls; cat /usr/image-says").await,
        "kept\nhello\n"
    );
    for path in ["stop", "archive", "start"] {
        engine
            .post(&format!("/sandbox/{id}/{path}"), json!({}))
            .await
            .ok();
    }
    assert_eq!(engine.output(&id, "ls").await, "kept\n");

    // An operator who takes it away is told about at the next start.
    assert!(engine.end());
    let engine = Engine::start_in(data.path().to_owned(), &[]);
    let refused = engine
        .post(&format!("/sandbox/{id}/start"), json!({}))
        .await
        .refused(400);
    assert!(refused.contains("small:1"), "{refused}");
}
