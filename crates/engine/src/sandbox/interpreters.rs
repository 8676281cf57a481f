//! The Python and Node.js that sandboxes get: real executables with what they
//! need, not version managers' stand-ins, which start many times slower.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::sandboxd::orders::Bind;

const PATIENCE: Duration = Duration::from_secs(5);
const DESCRIBE: &str =
    "import sys;print(sys.executable);print(sys.base_prefix);print('%d.%d.%d'%sys.version_info[:3])";
/// Visible in every sandbox anyway.
const SHARED: &str = "/usr";
/// A whole home or system folder is too much to show for an interpreter.
const TOO_MUCH: &[&str] = &[
    "/", "/home", "/root", "/opt", "/var", "/etc", "/tmp", "/srv", "/mnt", "/proc", "/sys", "/dev",
];

/// An interpreter as programs inside find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its executable, the same path inside as outside.
    pub path: String,
    /// Such as `3.11.2`.
    pub version: String,
    /// The folder that has to be visible for it, if `/usr` is not enough.
    pub prefix: Option<PathBuf>,
}

/// The interpreters of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interpreters {
    pub(super) python: Option<Interpreter>,
    pub(super) node: Option<Interpreter>,
}

impl Interpreters {
    /// Looks for both at the same time; a configured one goes first.
    pub(super) async fn find(python: Option<&Path>, node: Option<&Path>) -> Self {
        let (python, node) = tokio::join!(find_python(python), find_node(node));
        Self { python, node }
    }

    /// Those of an image, whatever it has: found by name on its own `PATH`.
    pub(super) fn of_image() -> Self {
        let named = |name: &str| {
            Some(Interpreter {
                path: name.to_owned(),
                version: String::new(),
                prefix: None,
            })
        };
        Self {
            python: named("python3"),
            node: named("node"),
        }
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        let prefixes = [&self.python, &self.node]
            .into_iter()
            .flatten()
            .filter_map(|found| found.prefix.clone());
        let mut binds: Vec<Bind> = Vec::new();
        for prefix in prefixes {
            if !binds.iter().any(|bind| prefix.starts_with(&bind.source)) {
                binds.push(Bind {
                    source: prefix.clone(),
                    target: prefix,
                });
            }
        }
        binds
    }
}

async fn find_python(configured: Option<&Path>) -> Option<Interpreter> {
    let mut candidates: Vec<PathBuf> = configured.map(Path::to_owned).into_iter().collect();
    candidates.extend(on_path("python3").filter(|path| !path.to_string_lossy().contains("/.pyenv/shims/")));
    candidates.push("/usr/bin/python3".into());
    candidates.push("/usr/local/bin/python3".into());
    candidates.extend(managed_pythons());
    for candidate in candidates {
        if let Some(found) = describe_python(&candidate).await {
            return Some(found);
        }
    }
    None
}

/// Pythons of pyenv and uv, newest first.
fn managed_pythons() -> Vec<PathBuf> {
    let Some(home) = std::env::home_dir() else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = [".pyenv/versions", ".local/share/uv/python"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(home.join(folder)).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin/python3")))
        .filter(|path| path.exists())
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(version_in(path)));
    found
}

/// The numbers in the name of a version's folder.
fn version_in(path: &Path) -> Vec<u32> {
    let name = path
        .ancestors()
        .nth(2)
        .and_then(Path::file_name)
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    name.split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

async fn describe_python(path: &Path) -> Option<Interpreter> {
    let said = say(path, &["-I", "-S", "-c", DESCRIBE]).await?;
    let mut lines = said.lines();
    let (executable, base, version) = (lines.next()?, Path::new(lines.next()?), lines.next()?);
    // A virtual environment's own executable is a link to the base's.
    let real = if Path::new(executable).starts_with(base) || base.starts_with(SHARED) {
        executable.to_owned()
    } else {
        base.join("bin/python3").to_str()?.to_owned()
    };
    interpreter(real, version, base)
}

async fn find_node(configured: Option<&Path>) -> Option<Interpreter> {
    let mut candidates: Vec<PathBuf> = configured.map(Path::to_owned).into_iter().collect();
    candidates.extend(on_path("node"));
    candidates.push("/usr/bin/node".into());
    candidates.push("/usr/local/bin/node".into());
    for candidate in candidates {
        let Ok(real) = std::fs::canonicalize(&candidate) else {
            continue;
        };
        let Some(said) = say(&real, &["--version"]).await else {
            continue;
        };
        let Some(version) = said.trim().strip_prefix('v') else {
            continue;
        };
        // <prefix>/bin/node
        let Some(prefix) = real.parent().and_then(Path::parent) else {
            continue;
        };
        let shown = if real.starts_with(SHARED) {
            candidate.as_path()
        } else {
            real.as_path()
        };
        if let Some(found) = shown
            .to_str()
            .and_then(|path| interpreter(path.to_owned(), version, prefix))
        {
            return Some(found);
        }
    }
    None
}

fn interpreter(path: String, version: &str, prefix: &Path) -> Option<Interpreter> {
    let shared = prefix.starts_with(SHARED);
    let fits = shared || (prefix.is_absolute() && !too_much(prefix));
    fits.then(|| Interpreter {
        path,
        version: version.to_owned(),
        prefix: (!shared).then(|| prefix.to_owned()),
    })
}

/// Whether showing this folder would show much more than an interpreter.
fn too_much(prefix: &Path) -> bool {
    let is_home = prefix.parent() == Some(Path::new("/home"));
    let own_home = std::env::home_dir().is_some_and(|home| home.starts_with(prefix));
    is_home || own_home || TOO_MUCH.iter().any(|folder| prefix == Path::new(folder))
}

fn on_path(name: &'static str) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    folders
        .into_iter()
        .map(move |folder| folder.join(name))
        .filter(|path| path.exists())
}

/// What a program prints; `None` unless it ends well and soon.
async fn say(program: &Path, arguments: &[&str]) -> Option<String> {
    let running = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, running).await.ok()?.ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_homes_are_not_shown() {
        for folder in ["/", "/home/bob", "/root", "/opt"] {
            assert!(too_much(Path::new(folder)), "{folder}");
        }
        assert!(!too_much(Path::new("/opt/python/3.12")));
        assert!(!too_much(Path::new("/home/bob/.pyenv/versions/3.12.1")));
    }

    #[test]
    fn newer_versions_go_first() {
        assert!(
            version_in(Path::new("/x/3.12.1/bin/python3")) > version_in(Path::new("/x/3.9.18/bin/python3"))
        );
        assert!(version_in(Path::new("/x/cpython-3.13.0-linux/bin/python3")) > vec![3, 12]);
    }

    #[tokio::test]
    async fn a_stand_in_is_never_chosen() {
        let found = Interpreters::find(None, None).await;
        let python = found.python.expect("this machine has a Python");
        assert!(!python.path.contains("/shims/"), "{}", python.path);
        assert!(python.version.starts_with("3."));
    }
}
