//! Which files are run: one, or those of a folder.

use crate::failure::Failure;
use model::{
    FilePath, Language,
    file::{MAX_AGENT_BYTES, MAX_FILES, check_size},
    language,
    time::{byte_words, count_words},
};
use std::path::{Path, PathBuf};

/// A program as it is going to be run.
#[derive(Debug)]
pub struct Program {
    /// What it is called.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// The file that is run.
    pub entrypoint: FilePath,
    /// All files.
    pub files: Vec<(FilePath, Vec<u8>)>,
}

/// Reads the program at `path`.
///
/// # Errors
/// Says what is wrong with it, and what would do.
pub fn program(path: &Path, entrypoint: Option<&str>) -> Result<Program, Failure> {
    let shown = path.display();
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let full = path.canonicalize().map_err(|error| unreadable(path, &error))?;
    let name: String = full
        .file_stem()
        .map_or_else(|| "program".into(), |stem| stem.to_string_lossy())
        .chars()
        .take(80)
        .collect();
    if found.is_dir() {
        return folder(path, name, entrypoint);
    }
    if !found.is_file() {
        return Err(Failure::unusable(format!(
            "{shown} is neither a file nor a folder."
        )));
    }
    if entrypoint.is_some() {
        return Err(Failure::unusable(
            "--entrypoint names a file in a folder, and here a file is run. Name the folder instead.",
        ));
    }
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let entrypoint = FilePath::parse(&file).map_err(|error| Failure::unusable(error.0))?;
    let language = language_of(&entrypoint)?;
    let bytes = read(path, &entrypoint)?;
    Ok(Program {
        name,
        language,
        files: vec![(entrypoint.clone(), bytes)],
        entrypoint,
    })
}

fn folder(path: &Path, name: String, named: Option<&str>) -> Result<Program, Failure> {
    let mut files = Vec::new();
    let mut bytes = 0;
    walk(path, "", &mut |full, relative| {
        let relative = FilePath::parse(relative).map_err(|error| Failure::unusable(error.0))?;
        let content = read(&full, &relative)?;
        bytes += content.len() as u64;
        files.push((relative, content));
        if files.len() > MAX_FILES {
            return Err(Failure::unusable(format!(
                "{} holds more than {} files, which is the limit. Run a folder with the program alone.",
                path.display(),
                count_words(MAX_FILES as u64)
            )));
        }
        if bytes > MAX_AGENT_BYTES {
            return Err(Failure::unusable(format!(
                "The files in {} are more than {}, which is the limit. Keep large data out of the folder and fetch it in the sandbox.",
                path.display(),
                byte_words(MAX_AGENT_BYTES)
            )));
        }
        Ok(())
    })?;
    let paths = || files.iter().map(|(path, _)| path);
    let (language, entrypoint) = match named {
        Some(named) => {
            let language = language_of(&FilePath::parse(named).map_err(|error| Failure::unusable(error.0))?)?;
            let found = language::entrypoint(language, Some(named), &paths().cloned().collect::<Vec<_>>());
            (
                language,
                found.map_err(|_| Failure::unusable(format!("{named} is not in {}.", path.display())))?,
            )
        }
        None => {
            usual_entrypoint(&paths().cloned().collect::<Vec<_>>()).ok_or_else(|| nothing_to_run(path))?
        }
    };
    Ok(Program {
        name,
        language,
        entrypoint,
        files,
    })
}

fn usual_entrypoint(paths: &[FilePath]) -> Option<(Language, FilePath)> {
    Language::ALL
        .into_iter()
        .find_map(|language| Some((language, language::entrypoint(language, None, paths).ok()?)))
}

fn nothing_to_run(path: &Path) -> Failure {
    let usual = Language::ALL
        .map(|language| language.entrypoints().join(", "))
        .join(", ");
    Failure::unusable(format!(
        "{} holds none of {usual}. Name the file to run with --entrypoint.",
        path.display()
    ))
}

fn language_of(path: &FilePath) -> Result<Language, Failure> {
    Language::of_path(path.as_str()).ok_or_else(|| {
        Failure::unusable(format!(
            "{path} is no program Pitlane can run: its name ends in neither .py, .ts nor .js."
        ))
    })
}

/// Calls `take` with each regular file below `folder`, in order of name.
fn walk(
    folder: &Path,
    below: &str,
    take: &mut impl FnMut(PathBuf, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|error| unreadable(folder, &error))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else {
            return Err(Failure::unusable(format!(
                "The name of {} is not UTF-8, so it cannot be put into a sandbox.",
                entry.path().display()
            )));
        };
        // Of the entry itself: a symbolic link is neither a file nor a folder here.
        let kind = entry
            .file_type()
            .map_err(|error| unreadable(&entry.path(), &error))?;
        if name.starts_with('.') || is_of_tools(&name) {
            continue;
        }
        let relative = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if kind.is_file() {
            take(entry.path(), &relative)?;
        } else if kind.is_dir() && !entry.path().join("pyvenv.cfg").exists() {
            walk(&entry.path(), &relative, take)?;
        }
    }
    Ok(())
}

/// Folders that tools fill and can fill again.
fn is_of_tools(name: &str) -> bool {
    matches!(name, "node_modules" | "__pycache__")
}

/// Reads a file, after a look at its size.
fn read(path: &Path, relative: &FilePath) -> Result<Vec<u8>, Failure> {
    let too_large = |bytes: u64| check_size(relative, bytes).map_err(|error| Failure::unusable(error.0));
    too_large(
        std::fs::metadata(path)
            .map_err(|error| unreadable(path, &error))?
            .len(),
    )?;
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    too_large(bytes.len() as u64)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "its permissions do not let you".to_owned(),
        _ => error.to_string(),
    };
    Failure::unusable(format!("{} cannot be read: {why}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, bytes) in files {
            let full = folder.path().join(path);
            std::fs::create_dir_all(full.parent().expect("a parent")).expect("made");
            std::fs::write(full, bytes).expect("written");
        }
        folder
    }

    #[test]
    fn a_folder_without_what_tools_leave() {
        let folder = with(&[
            ("main.ts", b"1"),
            ("tools/a.py", b"2"),
            (".git/config", b"3"),
            (".env", b"secret"),
            ("node_modules/x/index.js", b"4"),
            ("tools/__pycache__/a.pyc", b"5"),
            ("env/pyvenv.cfg", b"6"),
            ("env/lib/x.py", b"7"),
        ]);
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.py")).expect("linked");
        std::os::unix::fs::symlink("/etc", folder.path().join("etc")).expect("linked");
        let program = program(folder.path(), None).expect("a program");
        let names: Vec<_> = program.files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["main.ts", "tools/a.py"]);
        assert_eq!(
            (program.language, program.entrypoint.as_str()),
            (Language::TypeScript, "main.ts")
        );
    }

    #[test]
    fn one_file_is_run_alone() {
        let folder = with(&[("hello.py", b"print(1)"), ("other.py", b"")]);
        let program = program(&folder.path().join("hello.py"), None).expect("a program");
        assert_eq!((program.name.as_str(), program.files.len()), ("hello", 1));
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        let folder = with(&[
            ("notes.txt", b""),
            ("big.py", &vec![b'#'; 20_000_000]),
            ("sub/run.js", b""),
        ]);
        let refusal = |path: &str, entrypoint| {
            let failure = program(&folder.path().join(path), entrypoint).expect_err("refused");
            failure
                .sentence
                .replace(&format!("{}/", folder.path().display()), "")
        };
        assert_eq!(
            refusal("gone.py", None),
            "gone.py cannot be read: it does not exist."
        );
        assert_eq!(
            refusal("notes.txt", None),
            "notes.txt is no program Pitlane can run: its name ends in neither .py, .ts nor .js."
        );
        let said = refusal("big.py", None);
        assert!(
            said.starts_with("big.py is 20.0 MB, and a file may have 5.0 MB at most."),
            "{said}"
        );
        assert!(
            refusal("sub", None).starts_with("sub holds none of agent.py, main.py, index.py, agent.ts, ")
        );
        assert_eq!(refusal("sub", Some("gone.js")), "gone.js is not in sub.");
        let program = program(&folder.path().join("sub"), Some("run.js")).expect("named");
        assert_eq!(program.entrypoint.as_str(), "run.js");
    }
}
