//! What a program says of itself when it is asked whether it is an interpreter.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::Language;

/// Nothing of it may be in the host's memory yet, just after its start.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one that is written to is tried again, and the time between.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);
/// The longest answer that is read.
const LONGEST: u64 = 64 << 10;
/// Answers with parts that end in a zero byte, as paths may hold anything else.
/// Of a virtual environment it names the Python that it was made from. Modules
/// are looked for without loading them, and pip without the sites' own code.
const PYTHON: &str = r#"
import sys, os, site, _frozen_importlib_external as loader
def there(name):
    return name in sys.builtin_module_names or loader.PathFinder.find_spec(name) is not None
lacks = [name for name in ("ssl", "zlib") if not there("_ssl" if name == "ssl" else name)]
odd = []
if sys.implementation.name != "cpython": odd.append("it is " + sys.implementation.name)
if sys.version_info.releaselevel != "final": odd.append("it is no final release")
if "t" in sys.abiflags: odd.append("it is a free-threaded build")
if lacks: odd.append("it lacks " + " and ".join(lacks))
pip = any(os.path.isfile(os.path.join(folder, "pip", "__main__.py")) for folder in site.getsitepackages())
for part in (getattr(sys, "_base_executable", None) or sys.executable, sys.base_prefix, "%d.%d.%d" % sys.version_info[:3],
             os.__file__, ", and ".join(odd), "pip" if pip else ""):
    sys.stdout.buffer.write(os.fsencode(part) + b"\0")
"#;
const NODE: &str = r#"
const odd = process.versions.node.includes("-") ? "it is no final release" : "";
const prefix = require("path").dirname(require("path").dirname(process.execPath));
for (const part of [process.execPath, prefix, process.versions.node.split("-")[0], process.execPath, odd, ""])
    process.stdout.write(part + "\0");
"#;

/// What it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) executable: PathBuf,
    /// The folder that has all it needs.
    pub(super) prefix: PathBuf,
    pub(super) version: String,
    /// A file that it cannot do without.
    pub(super) needed: PathBuf,
    /// Why another is better.
    pub(super) odd: Option<String>,
    /// Whether it brings the installer of packages.
    pub(super) has_pip: bool,
}

/// Asks; the reason when no usable answer comes. With a home, a version
/// manager's stand-in can find what it stands for.
pub(super) async fn ask(language: Language, program: &Path, home: Option<&Path>) -> Result<Facts, String> {
    let arguments: &[&str] = match language {
        Language::Python => &["-I", "-S", "-c", PYTHON],
        Language::Node => &["-e", NODE],
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(home.map(|home| ("HOME", home)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut attempts = 0;
    let mut child = loop {
        match command.spawn() {
            Ok(child) => break child,
            // Somebody just installs it.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && attempts < ATTEMPTS => {
                attempts += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err("the engine's user may not run it".into());
            }
            Err(error) => return Err(format!("it does not start: {error}")),
        }
    };
    let said = async {
        let mut said = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(LONGEST).read_to_end(&mut said).await?;
        }
        Ok::<_, std::io::Error>((said, child.wait().await?))
    };
    let (said, status) = tokio::time::timeout(PATIENCE, said)
        .await
        .map_err(|_| format!("it says nothing within {} seconds", PATIENCE.as_secs()))?
        .map_err(|error| format!("it does not answer: {error}"))?;
    let understood = status.success().then(|| read(&said)).flatten();
    understood.ok_or_else(|| format!("it does not answer like {}", language.name()))
}

/// The parts of an answer.
pub(super) fn read(said: &[u8]) -> Option<Facts> {
    let text = std::str::from_utf8(said).ok()?;
    let mut parts = text.split('\0');
    let mut path = || parts.next().map(PathBuf::from).filter(|path| path.is_absolute());
    let (executable, prefix) = (path()?, path()?);
    let version = parts.next()?;
    let is_version =
        version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok());
    let needed = PathBuf::from(parts.next()?);
    let odd = parts.next()?;
    let has_pip = parts.next()? == "pip";
    (is_version && parts.next() == Some("")).then(|| Facts {
        executable,
        prefix,
        version: version.to_owned(),
        needed,
        odd: (!odd.is_empty()).then(|| odd.to_owned()),
        has_pip,
    })
}
