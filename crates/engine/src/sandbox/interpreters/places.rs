//! Where interpreters are on a host: the system's folders, `PATH`, and what
//! version managers installed. Only looks at names; nothing is run here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use super::Language;

/// The most versions that are looked at in one folder of a version manager.
const MOST_VERSIONS: usize = 128;
/// Version managers: the variable that names their folder, where it is in a
/// home when none does, and the interpreters below it.
type Manager = (&'static str, &'static [&'static str], &'static str);
const PYTHON_MANAGERS: &[Manager] = &[
    ("PYENV_ROOT", &[".pyenv"], "versions/*/bin/python3"),
    (
        "UV_PYTHON_INSTALL_DIR",
        &[".local/share/uv/python"],
        "*/bin/python3",
    ),
    ("ASDF_DATA_DIR", &[".asdf"], "installs/python/*/bin/python3"),
    (
        "MISE_DATA_DIR",
        &[".local/share/mise"],
        "installs/python/*/bin/python3",
    ),
];
const NODE_MANAGERS: &[Manager] = &[
    ("NVM_DIR", &[".nvm", ".config/nvm"], "versions/node/*/bin/node"),
    (
        "FNM_DIR",
        &[".local/share/fnm", ".fnm"],
        "node-versions/*/installation/bin/node",
    ),
    ("VOLTA_HOME", &[".volta"], "tools/image/node/*/bin/node"),
    ("N_PREFIX", &["n", ".n"], "n/versions/node/*/bin/node"),
    ("NODENV_ROOT", &[".nodenv"], "versions/*/bin/node"),
    ("ASDF_DATA_DIR", &[".asdf"], "installs/nodejs/*/bin/node"),
    (
        "MISE_DATA_DIR",
        &[".local/share/mise"],
        "installs/node/*/bin/node",
    ),
];
const PYTHON_GLOBAL: &[&str] = &[
    "usr/bin/python3",
    "usr/local/bin/python3",
    "opt/python*/bin/python3",
    "opt/python/*/bin/python3",
    "opt/pyenv/versions/*/bin/python3",
    "opt/hostedtoolcache/Python/*/x64/bin/python3",
];
const NODE_GLOBAL: &[&str] = &[
    "usr/bin/node",
    "usr/local/bin/node",
    "usr/local/n/versions/node/*/bin/node",
    "usr/local/lib/nodejs/*/bin/node",
    "usr/local/nvm/versions/node/*/bin/node",
    "usr/local/share/nvm/versions/node/*/bin/node",
    "opt/nvm/versions/node/*/bin/node",
    "opt/node*/bin/node",
    "opt/nodejs/*/bin/node",
    "opt/hostedtoolcache/node/*/x64/bin/node",
];

/// What the search starts from.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) root: PathBuf,
    pub(super) home: Option<PathBuf>,
    pub(super) path: Vec<PathBuf>,
    /// The variables of version managers.
    pub(super) variables: BTreeMap<String, PathBuf>,
}

/// A program that may be an interpreter, or a place that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its usual name where it really is, such as `/opt/python/bin/python3`.
    pub(super) path: PathBuf,
    /// The operator named it.
    pub(super) configured: bool,
    /// Why it cannot be one.
    pub(super) refused: Option<String>,
}

impl Places {
    /// Those of this process.
    pub(super) fn of_this_process() -> Self {
        let managers = PYTHON_MANAGERS.iter().chain(NODE_MANAGERS);
        let named = managers.map(|manager| manager.0).chain(["XDG_DATA_HOME"]);
        let variables = named
            .filter_map(|name| Some((name.to_owned(), PathBuf::from(std::env::var_os(name)?))))
            .filter(|(_, folder)| folder.is_absolute())
            .collect();
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            root: "/".into(),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            path: std::env::split_paths(&path)
                .filter(|folder| folder.is_absolute())
                .collect(),
            variables,
        }
    }

    /// Everything there is, each program once: what the operator named first,
    /// then what is found on `PATH`, in the system's folders, and at version
    /// managers.
    pub(super) fn candidates(&self, language: Language, configured: &[PathBuf]) -> Vec<Candidate> {
        let mut found = Found {
            name: language.program(),
            ..Found::default()
        };
        for path in configured {
            found.add(path, true, None);
        }
        for folder in &self.path {
            let path = folder.join(language.program());
            let stands_in = stands_in(&path, language);
            found.add(&path, false, stands_in);
        }
        let (global, managers) = match language {
            Language::Python => (PYTHON_GLOBAL, PYTHON_MANAGERS),
            Language::Node => (NODE_GLOBAL, NODE_MANAGERS),
        };
        for pattern in global {
            self.expand(&self.root, pattern, &mut found);
        }
        for (variable, in_home, pattern) in managers {
            let mut roots: Vec<PathBuf> = self.variables.get(*variable).cloned().into_iter().collect();
            for folder in *in_home {
                roots.extend(self.home.as_ref().map(|home| home.join(folder)));
                let data = self.variables.get("XDG_DATA_HOME");
                let below_data = folder.strip_prefix(".local/share/");
                roots.extend(data.zip(below_data).map(|(data, rest)| data.join(rest)));
            }
            for root in roots {
                self.expand(&root, pattern, &mut found);
            }
        }
        found.all
    }

    /// Adds what a pattern with one `*` names.
    fn expand(&self, root: &Path, pattern: &str, found: &mut Found) {
        let Some((before, after)) = pattern.split_once('*') else {
            return found.add(&root.join(pattern), false, None);
        };
        let (folder, start) = before.rsplit_once('/').unwrap_or(("", before));
        let folder = root.join(folder);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return found.unreadable(&folder);
            }
            Err(_) => return,
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<OsString> = names
            .filter(|name| name.as_encoded_bytes().starts_with(start.as_bytes()))
            .collect();
        // Newest first, so that the bound leaves out the oldest.
        names.sort_by_key(|name| std::cmp::Reverse((numbers(&name.to_string_lossy()), name.clone())));
        for name in names.iter().take(MOST_VERSIONS) {
            found.add(
                &folder.join(name).join(after.trim_start_matches('/')),
                false,
                None,
            );
        }
    }
}

/// What was found, each program once.
#[derive(Debug, Default)]
struct Found {
    name: &'static str,
    all: Vec<Candidate>,
    /// Where the programs really are.
    real: Vec<PathBuf>,
}

impl Found {
    /// Notes a path, unless nothing is there.
    fn add(&mut self, path: &Path, configured: bool, refused: Option<String>) {
        if refused.is_some() {
            return self.note(path.to_owned(), configured, refused);
        }
        match resolve(path, self.name) {
            Ok((real, path)) => {
                if self.real.contains(&real) {
                    return;
                }
                self.real.push(real);
                self.note(path, configured, None);
            }
            Err(Some(reason)) => self.note(path.to_owned(), configured, Some(reason)),
            Err(None) if configured => {
                self.note(path.to_owned(), configured, Some("there is nothing there".into()));
            }
            Err(None) => {}
        }
    }

    fn unreadable(&mut self, folder: &Path) {
        let reason = "the engine's user may not look into this folder";
        self.note(folder.to_owned(), false, Some(reason.into()));
    }

    fn note(&mut self, path: PathBuf, configured: bool, refused: Option<String>) {
        if !self.all.iter().any(|other| other.path == path) {
            self.all.push(Candidate {
                path,
                configured,
                refused,
            });
        }
    }
}

/// Where a program really is, once and for all, and its usual name there.
/// Refused without a reason when there is nothing.
pub(super) fn resolve(path: &Path, name: &str) -> Result<(PathBuf, PathBuf), Option<String>> {
    let real = match std::fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(Some("the engine's user may not read it".into()));
        }
        Err(_) if path.symlink_metadata().is_ok() => {
            return Err(Some("it is a link that leads nowhere".into()));
        }
        Err(_) => return Err(None),
    };
    if real.to_str().is_none() {
        return Err(Some("its path is not UTF-8".into()));
    }
    // Never opened: a pipe would not answer.
    if !real.metadata().is_ok_and(|found| found.is_file()) {
        return Err(Some("it is no program".into()));
    }
    let usual = real.with_file_name(name);
    let same = std::fs::canonicalize(&usual).is_ok_and(|other| other == real);
    Ok((real.clone(), if same { usual } else { real }))
}

/// Whether something on `PATH` only starts an interpreter that is elsewhere, as
/// version managers do. Those start many times slower, and not in a sandbox.
fn stands_in(path: &Path, language: Language) -> Option<String> {
    let reason = || Some("a version manager put it in front of the real one".to_owned());
    if path
        .components()
        .any(|part| part == Component::Normal(OsStr::new("shims")))
    {
        return path.symlink_metadata().is_ok().then(reason).flatten();
    }
    let real = std::fs::canonicalize(path).ok().filter(|real| real.is_file())?;
    let is_named = real
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(language.word().as_bytes()));
    let mut magic = [0; 4];
    let is_program = std::fs::File::open(&real)
        .and_then(|mut file| file.read_exact(&mut magic))
        .is_ok_and(|()| magic == *b"\x7fELF");
    // One that cannot be read is refused for that, later.
    let is_readable = rustix::fs::access(&real, rustix::fs::Access::READ_OK).is_ok();
    (is_readable && !(is_named && is_program)).then(reason).flatten()
}

/// The numbers in a name, such as `[3, 12, 1]`.
pub(super) fn numbers(name: &str) -> Vec<u32> {
    name.split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// The version that a program's path tells, as far as it does; it may be wrong.
pub(super) fn hint(path: &Path) -> Option<Vec<u32>> {
    let real = std::fs::canonicalize(path).ok()?;
    let own = numbers(&real.file_name()?.to_string_lossy());
    // <version>/bin/python3, or <version>/installation/bin/node
    let folders = real.ancestors().skip(2).take(2);
    let named = folders
        .filter_map(|folder| Some(numbers(&folder.file_name()?.to_string_lossy())))
        .find(|numbers| !numbers.is_empty())
        .unwrap_or_default();
    let hint = if named.starts_with(&own) { named } else { own };
    (!hint.is_empty()).then_some(hint)
}
