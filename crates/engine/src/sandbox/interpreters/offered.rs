//! What the engine adds to the host's interpreters: names under which they are
//! found where `PATH` would lead to others, and a pip for a Python that has
//! none, as Debian's without `python3-pip`.
//!
//! The pip is the wheel of the Python Packaging Authority, byte for byte, so
//! that `pip install` needs nothing but the registry it asks for. It is unpacked
//! once below the data folder, by the Python that will run it.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::{Audience, Interpreter, Interpreters, Language, fitness, places};
use crate::sandbox::sandboxd::orders::Bind;
use crate::sandbox::{Level, SandboxError};

/// Where a sandbox with mounts of its own sees it.
const INSIDE: &str = "/opt/interpreters";
const WHEEL: &[u8] = include_bytes!("../../../assets/pip-26.3-py3-none-any.whl");
/// The version of the wheel.
pub(super) const PIP_VERSION: &str = "26.3";
/// The oldest Python it runs on.
const OLDEST_FOR_PIP: &str = "3.10";
/// Folders of programs that every sandbox has.
const SYSTEM: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];
const UNPACK: &str = "
import os, sys, zipfile
os.umask(0o022)
zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])
";
/// Python cannot keep what it compiles in a folder that it only reads.
const COMPILE: &str = "
import compileall, os, sys
os.umask(0o022)
os.nice(10)
compileall.compile_dir(sys.argv[1], quiet=2)
";

/// A folder of the engine's that sandboxes see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Offered {
    outside: PathBuf,
    inside: PathBuf,
    /// The folder below it that holds pip, when it is there.
    pip: Option<String>,
}

/// Whether it runs the pip that this program carries.
pub(super) fn takes_pip(python: &Interpreter) -> bool {
    places::numbers(&python.version) >= places::numbers(OLDEST_FOR_PIP)
}

impl Offered {
    /// Puts it below the data folder; `None` when nothing has to be added.
    pub(super) async fn prepare(
        interpreters: &Interpreters,
        data_dir: &Path,
        level: Level,
    ) -> Result<Option<Self>, SandboxError> {
        let found = [
            (Language::Python, &interpreters.python),
            (Language::Node, &interpreters.node),
        ];
        let folders = interpreters.folders();
        let hidden: Vec<(&str, &str)> = found
            .iter()
            .filter_map(|(language, found)| Some((language.program(), found.as_ref()?.path.as_str())))
            .filter(|(name, path)| !leads_to(&folders, name, Path::new(path)))
            .collect();
        let python = interpreters
            .python
            .as_ref()
            .filter(|python| !python.has_pip && takes_pip(python));
        if hidden.is_empty() && python.is_none() {
            return Ok(None);
        }
        let outside = data_dir.join("interpreters");
        if Audience::of(level) == (Audience::Others { given: false })
            && let Some(reason) = fitness::closed_way(&outside)
        {
            tracing::warn!(%reason, "names of interpreters, or pip, are missing in sandboxes");
            return Ok(None);
        }
        let inside = match level.has_namespaces() {
            true => PathBuf::from(INSIDE),
            false => outside.clone(),
        };
        let failed = |what: &str, error: io::Error| {
            SandboxError::System(format!(
                "{what} cannot be put into {}: {error}",
                outside.display()
            ))
        };
        let mut offered = Self {
            outside: outside.clone(),
            inside,
            pip: None,
        };
        if let Some(python) = python {
            match offered.unpack_pip(python).await {
                Ok(folder) => offered.pip = Some(folder),
                // Sandboxes are as good as without it.
                Err(error) => tracing::warn!(%error, python = python.path, "sandboxes have no pip"),
            }
        }
        offered
            .link(&hidden)
            .map_err(|error| failed("Names of interpreters", error))?;
        Ok(Some(offered))
    }

    pub(super) fn bind(&self) -> Bind {
        Bind {
            source: self.outside.clone(),
            target: self.inside.clone(),
        }
    }

    /// The folder of its programs, as sandboxes see it.
    pub(super) fn programs(&self) -> String {
        self.inside.join("bin").to_string_lossy().into_owned()
    }

    /// Where Python finds the module `pip`, as sandboxes see it.
    pub(in crate::sandbox) fn python_path(&self) -> Option<String> {
        let folder = self.inside.join(self.pip.as_ref()?);
        Some(folder.to_string_lossy().into_owned())
    }

    /// Makes the folder of programs anew: it tells what was found this time.
    fn link(&self, hidden: &[(&str, &str)]) -> io::Result<()> {
        let programs = self.outside.join("bin");
        match std::fs::remove_dir_all(&programs) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        open_folder(&self.outside)?;
        open_folder(&programs)?;
        for (name, path) in hidden {
            symlink(path, programs.join(name))?;
        }
        let Some(folder) = self.python_path() else {
            return Ok(());
        };
        for name in ["pip", "pip3"] {
            let file = programs.join(name);
            // The first Python on the path, so that a virtual environment's own
            // one installs there; and by its place, whatever PYTHONPATH says.
            std::fs::write(
                &file,
                format!("#!/bin/sh\nexec python3 '{}/pip' \"$@\"\n", quoted(&folder)),
            )?;
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755))?;
        }
        Ok(())
    }

    /// Unpacks pip, unless an earlier engine did; gives the name of its folder.
    async fn unpack_pip(&self, python: &Interpreter) -> io::Result<String> {
        let name = format!("pip-{PIP_VERSION}");
        let folder = self.outside.join(&name);
        open_folder(&self.outside)?;
        if !folder.join("pip/__main__.py").exists() {
            // A name of its own: an engine may have ended half-way.
            let partial = tempdir(&self.outside, &name)?;
            let wheel = partial.join("wheel");
            std::fs::write(&wheel, WHEEL)?;
            run(python, UNPACK, &[&wheel, &partial.join("unpacked")]).await?;
            open_folder(&partial.join("unpacked"))?;
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::rename(partial.join("unpacked"), &folder)?;
            std::fs::remove_dir_all(&partial)?;
        }
        let compiled = self.outside.join(format!("{name}-compiled-{}", python.version));
        if !compiled.exists() {
            let python = python.clone();
            // It works meanwhile, only slower.
            tokio::spawn(async move {
                let done = run(&python, COMPILE, &[&folder]).await;
                if let Err(error) = done.and_then(|()| std::fs::write(&compiled, "")) {
                    tracing::warn!(%error, "pip starts slowly in sandboxes: it could not be compiled");
                }
            });
        }
        Ok(name)
    }
}

/// A new folder for what is not whole yet; what others left goes.
fn tempdir(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let folder = parent.join(format!("{name}-partial"));
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::create_dir(&folder)?;
    Ok(folder)
}

/// A folder that everybody may look into, whatever this process's umask.
fn open_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755))
}

/// A text between single quotes of a shell.
fn quoted(text: &str) -> String {
    text.replace('\'', r"'\''")
}

async fn run(python: &Interpreter, program: &str, arguments: &[&Path]) -> io::Result<()> {
    let done = Command::new(&python.path)
        .args(["-I", "-S", "-c", program])
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    let failed = || io::Error::other(format!("{} failed at it", python.path));
    done.success().then_some(()).ok_or_else(failed)
}

/// Whether a name leads to this program where these folders are looked through
/// before the system's.
fn leads_to(folders: &[String], name: &str, program: &Path) -> bool {
    let all = folders.iter().map(Path::new).chain(SYSTEM.iter().map(Path::new));
    let first = all.map(|folder| folder.join(name)).find(|path| path.exists());
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    first.is_some_and(|first| first == program || real(&first) == real(program))
}
