//! Lists of packages: installed once, in a sandbox of their own, and found
//! ready by the next. The registries are files served by this test.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use daytona::{Client, Config, CreateSandbox, ExecuteRequest, InstallPackages, Toolbox};
use libtest_mimic::Trial;

use crate::support::{Engine, ephemeral, follow};

pub fn trials() -> Vec<Trial> {
    trials![
        the_second_sandbox_finds_pythons_packages_ready,
        the_second_sandbox_finds_nodes_packages_ready,
        what_a_program_prepared_does_not_come_into_the_tree,
        organizations_do_not_share_trees,
        lists_of_a_projects_own_files_are_refused,
        a_list_that_cannot_be_installed_leaves_nothing,
    ]
}

/// A server of the files in a folder, which counts what it is asked for.
pub struct Registry {
    folder: tempfile::TempDir,
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Registry {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (root, count) = (folder.path().to_owned(), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (root, count) = (root.clone(), Arc::clone(&count));
                std::thread::spawn(move || serve(stream, &root, &count));
            }
        });
        Self { folder, port, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn url(&self) -> String {
        format!("http://10.0.2.2:{}", self.port)
    }

    /// An engine whose sandboxes reach this registry alone.
    fn engine(&self) -> Engine {
        self.engine_with(&[])
    }

    /// The same with further settings.
    pub fn engine_with(&self, further: &[(&str, &str)]) -> Engine {
        let env = format!(
            "PIP_INDEX_URL={url}/simple,PIP_TRUSTED_HOST=10.0.2.2,npm_config_registry={url}/npm/",
            url = self.url()
        );
        let network = format!("127.0.0.1:{}", self.port);
        let mut settings = vec![("ENGINE_NETWORK", network.as_str()), ("ENGINE_SANDBOX_ENV", &env)];
        settings.extend(further);
        Engine::start_with(&settings)
    }

    /// A Python package with a module and a command.
    pub fn python_package(&self, name: &str, answer: &str) {
        let script = format!(
            r#"
import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1], "w")
info = "{name}-1.0.dist-info"
wheel.writestr("{name}.py", "def answer(): return '{answer}'\ndef main(): print(answer())\n")
wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
wheel.writestr(info + "/entry_points.txt", "[console_scripts]\n{name}-says = {name}:main\n")
wheel.writestr(info + "/RECORD", "")
wheel.close()
"#
        );
        let file = format!("{name}-1.0-py3-none-any.whl");
        let made = Command::new("/usr/bin/python3")
            .args(["-c", &script])
            .arg(self.folder.path().join(&file))
            .status()
            .unwrap();
        assert!(made.success());
        self.file(
            &format!("simple/{name}/index.html"),
            format!("<!DOCTYPE html><html><body><a href=\"/{file}\">{file}</a></body></html>"),
        );
    }

    /// A Node.js package that is one function.
    fn node_package(&self, name: &str, answer: &str) {
        let package = format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\",\"main\":\"index.js\"}}");
        let program = format!("module.exports = () => {answer:?};\n");
        let content = tempfile::tempdir().unwrap();
        let folder = content.path().join("package");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("package.json"), &package).unwrap();
        std::fs::write(folder.join("index.js"), program).unwrap();
        let archive = self.folder.path().join(format!("{name}-1.0.0.tgz"));
        let packed = Command::new("tar")
            .arg("-czf")
            .arg(&archive)
            .arg("-C")
            .arg(content.path())
            .arg("package")
            .status()
            .unwrap();
        assert!(packed.success());
        let url = self.url();
        self.file(
            &format!("npm/{name}"),
            format!(
                r#"{{"name":"{name}","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{{"name":"{name}","version":"1.0.0","main":"index.js","dist":{{"tarball":"{url}/{name}-1.0.0.tgz"}}}}}}}}"#
            ),
        );
    }
}

fn serve(mut stream: std::net::TcpStream, root: &Path, count: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    count.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head
        .split_whitespace()
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/');
    // Through a proxy the whole address may be named.
    let path = path.split_once("://").map_or(path, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    let mut file: PathBuf = root.join(path);
    if file.is_dir() {
        file = file.join("index.html");
    }
    let (status, kind, body) = match std::fs::read(&file) {
        Ok(body) if file.extension().is_some_and(|end| end == "html") => ("200 OK", "text/html", body),
        Ok(body) => ("200 OK", "application/octet-stream", body),
        Err(_) => ("404 Not Found", "text/plain", b"not here".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

pub fn list(language: &str, name: &str, text: &str) -> InstallPackages {
    InstallPackages {
        session_id: "packages".into(),
        language: language.into(),
        folder: String::new(),
        files: BTreeMap::from([(name.to_owned(), text.to_owned())]),
    }
}

/// Installs a list; the exit code and what was printed.
pub async fn install(toolbox: &Toolbox, list: &InstallPackages) -> (i32, String) {
    // It may be there from an earlier list.
    let _ = toolbox.create_session(&list.session_id).await;
    let command = toolbox.install_packages(list).await.unwrap().cmd_id;
    let log = follow(toolbox, &list.session_id, &command, 0).await;
    let code = toolbox
        .session_command(&list.session_id, &command)
        .await
        .unwrap()
        .exit_code;
    let text = [log.stdout, log.stderr].concat();
    (code.unwrap(), String::from_utf8_lossy(&text).into_owned())
}

async fn sh(toolbox: &Toolbox, command: &str) -> String {
    toolbox
        .execute(ExecuteRequest::new(command))
        .await
        .unwrap()
        .result
}

async fn the_second_sandbox_finds_pythons_packages_ready() {
    let registry = Registry::start();
    registry.python_package("shelved", "from the shelf");
    let engine = registry.engine();
    let wanted = list("python", "requirements.txt", "shelved==1.0\n");
    let use_it = "python3 -c 'import shelved; print(shelved.answer(), shelved.__file__)'; shelved-says; python3 -c 'from importlib.metadata import version; print(version(\"shelved\"))'";

    let (made, toolbox) = engine.sandbox().await;
    assert!(made.pitlane.as_ref().unwrap().packages);
    let (code, log) = install(&toolbox, &wanted).await;
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("Successfully installed shelved-1.0"), "{log}");
    let said = sh(&toolbox, use_it).await;
    assert!(said.starts_with("from the shelf /opt/packages/"), "{said}");
    assert!(said.ends_with("from the shelf\n1.0\n"), "{said}");

    let asked = registry.asked();
    assert!(asked > 0);
    let client = engine.client();
    let kept = client.create(&CreateSandbox::default()).await.unwrap();
    let second = client.toolbox(&kept).await.unwrap();
    let (code, log) = install(&second, &wanted).await;
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("taken from the shelf"), "{log}");
    assert_eq!(sh(&second, use_it).await, said);
    assert_eq!(registry.asked(), asked, "nothing was fetched");

    // Nobody can change what others use, also not the packages' own user.
    let changed = sh(
        &second,
        "cd /opt/packages/*/ && (touch x; rm -rf .local; chmod 777 .; echo 1 > .local/lib/python3*/site-packages/shelved.py) 2>&1 | grep -c -e 'Read-only' -e 'denied'",
    )
    .await;
    assert!(changed.trim().parse::<u32>().unwrap_or(0) > 2, "{changed}");
    assert_eq!(sh(&toolbox, use_it).await, said);
    // It is there again after a stop, and can be added to.
    client.stop(&kept.id).await.unwrap();
    client.start(&kept.id).await.unwrap();
    let second = client
        .toolbox(&client.get(&kept.id).await.unwrap())
        .await
        .unwrap();
    assert_eq!(sh(&second, use_it).await, said);
    registry.python_package("added", "later");
    let added = sh(&second, "pip install added >/dev/null 2>&1; python3 -c 'import added, shelved; print(added.answer(), shelved.answer())'").await;
    assert_eq!(added, "later from the shelf\n");
    client.delete(&kept.id).await.unwrap();
}

async fn the_second_sandbox_finds_nodes_packages_ready() {
    let registry = Registry::start();
    registry.node_package("shelved", "from the shelf");
    let engine = registry.engine();
    let package = r#"{"name":"project","type":"module","dependencies":{"shelved":"^1.0.0"}}"#;
    let wanted = list("javascript", "package.json", package);
    let use_it = format!(
        "printf '%s' '{package}' > package.json; echo \"import shelved from 'shelved'; console.log(shelved())\" > main.js; node main.js"
    );
    let (_, toolbox) = engine.sandbox().await;
    let (code, log) = install(&toolbox, &wanted).await;
    assert_eq!(code, 0, "{log}");
    assert_eq!(sh(&toolbox, &use_it).await, "from the shelf\n");
    let asked = registry.asked();
    let (_, second) = engine.sandbox().await;
    let (code, log) = install(&second, &wanted).await;
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("taken from the shelf"), "{log}");
    assert_eq!(sh(&second, &use_it).await, "from the shelf\n");
    assert_eq!(registry.asked(), asked, "nothing was fetched");
    // Another list is another tree; the link follows it.
    registry.node_package("other", "another");
    let both = list(
        "javascript",
        "package.json",
        r#"{"dependencies":{"shelved":"1.0.0","other":"1.0.0"}}"#,
    );
    let (code, log) = install(&second, &both).await;
    assert_eq!(code, 0, "{log}");
    let said = sh(
        &second,
        "node -e 'console.log(require(\"shelved\")(), require(\"other\")())'",
    )
    .await;
    assert_eq!(said, "from the shelf another\n");
}

async fn what_a_program_prepared_does_not_come_into_the_tree() {
    let registry = Registry::start();
    registry.python_package("shelved", "from the registry");
    let engine = registry.engine();
    let wanted = list("python", "requirements.txt", "shelved\n");
    let (_, hostile) = engine.sandbox().await;
    // All an installer of this sandbox would heed.
    let prepare = "own=$(python3 -c 'import site; print(site.getusersitepackages())')
        mkdir -p ~/.config/pip ~/.pip ~/.local/bin $own
        printf '[global]\\nindex-url = http://10.0.2.2:1/simple\\n' | tee ~/.config/pip/pip.conf ~/.pip/pip.conf >/dev/null
        printf '#!/bin/sh\\necho hostile' > ~/.local/bin/pip; chmod +x ~/.local/bin/pip
        cp ~/.local/bin/pip ~/.local/bin/python3
        echo 'def answer(): return \"hostile\"' > $own/shelved.py
        echo 'import sys; sys.exit(9)' > $own/usercustomize.py";
    sh(&hostile, prepare).await;
    install(&hostile, &wanted).await;
    let (_, victim) = engine.sandbox().await;
    let (code, log) = install(&victim, &wanted).await;
    assert_eq!(code, 0, "{log}");
    let said = sh(&victim, "python3 -c 'import shelved; print(shelved.answer())'").await;
    assert_eq!(said, "from the registry\n");
}

async fn organizations_do_not_share_trees() {
    let registry = Registry::start();
    registry.python_package("shelved", "one");
    let engine = registry.engine();
    let wanted = list("python", "requirements.txt", "shelved\n");
    let (_, toolbox) = engine.sandbox().await;
    assert_eq!(install(&toolbox, &wanted).await.0, 0);
    let (_, key) = crate::identity::new_organization(&engine, "other").await;
    let mut config = Config::new(key);
    config.api_url = format!("{}/api", engine.url);
    let other = Client::new(config).unwrap();
    let made = other.create(&ephemeral()).await.unwrap();
    let theirs = other.toolbox(&made).await.unwrap();
    assert_eq!(sh(&theirs, "ls /opt/packages | wc -l").await, "0\n");
    registry.python_package("shelved", "two");
    let (code, log) = install(&theirs, &wanted).await;
    assert_eq!(code, 0, "{log}");
    let say = "python3 -c 'import shelved; print(shelved.answer())'";
    assert_eq!(sh(&theirs, say).await, "two\n");
    assert_eq!(sh(&toolbox, say).await, "one\n");
}

async fn lists_of_a_projects_own_files_are_refused() {
    let registry = Registry::start();
    let engine = registry.engine();
    let (_, toolbox) = engine.sandbox().await;
    toolbox.create_session("packages").await.unwrap();
    for list in [
        list("python", "requirements.txt", "-r other.txt\n"),
        list("javascript", "package.json", r#"{"dependencies":{"a":"file:a"}}"#),
        list("perl", "requirements.txt", ""),
        list("python", "../requirements.txt", ""),
    ] {
        let refused = toolbox.install_packages(&list).await.unwrap_err();
        assert!(refused.to_string().contains("400"), "{refused}");
    }
    let mut lost = list("python", "requirements.txt", "");
    lost.session_id = "none".into();
    assert!(toolbox.install_packages(&lost).await.unwrap_err().is_not_found());
}

async fn a_list_that_cannot_be_installed_leaves_nothing() {
    let registry = Registry::start();
    let engine = registry.engine();
    let (_, toolbox) = engine.sandbox().await;
    let wanted = list("python", "requirements.txt", "shelved\n");
    let (code, log) = install(&toolbox, &wanted).await;
    assert_ne!(code, 0);
    assert!(
        log.contains("No matching distribution found for shelved"),
        "{log}"
    );
    for shelf in std::fs::read_dir(engine.data.join("packages")).unwrap().flatten() {
        if shelf.path().is_dir() {
            assert_eq!(std::fs::read_dir(shelf.path()).unwrap().count(), 0);
        }
    }
    assert_eq!(std::fs::read_dir(engine.data.join("homes")).unwrap().count(), 0);
    registry.python_package("shelved", "now");
    let (code, log) = install(&toolbox, &wanted).await;
    assert_eq!(code, 0, "{log}");
}
