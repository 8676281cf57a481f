//! Which Python a program gets: forked from the one that waits, or its own.
//!
//! Most variables count when a program reads them. Some count only when Python
//! or its libraries start, and a fork cannot make up for that.

use crate::registry::Live;
use crate::sandbox::{PythonStart, PythonWorker, SandboxError};

/// Python's own variables that a worker sees to itself, or that change nothing.
const HARMLESS: &[&str] = &["PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "PYTHONUNBUFFERED"];
/// Beginnings of names that count at the start of a process.
const AT_START: &[&str] = &["PYTHON", "LD_", "LC_", "GLIBC_", "MALLOC_"];

/// Whether a program with this environment cannot be forked.
pub(in crate::toolbox) fn needs_own_start(live: &Live, env: &[(String, String)]) -> bool {
    counts_otherwise(env, live.sandbox.python_env())
}

/// Whether an environment differs from `waiting`, with which the waiting Python
/// was started, in what counts at the start.
fn counts_otherwise(env: &[(String, String)], waiting: &[(String, String)]) -> bool {
    let counts = |name: &str| {
        let begins = AT_START.iter().any(|beginning| name.starts_with(beginning));
        (begins && !HARMLESS.contains(&name)) || matches!(name, "LANG" | "LANGUAGE")
    };
    let missing =
        |from: &[(String, String)], pair: &(String, String)| counts(&pair.0) && !from.contains(pair);
    env.iter().any(|pair| missing(waiting, pair)) || waiting.iter().any(|pair| missing(env, pair))
}

/// Gets a worker for a program with this environment.
pub(in crate::toolbox) async fn worker(
    live: &Live,
    env: &[(String, String)],
    cwd: &str,
    merge_stderr: bool,
) -> Result<PythonWorker, SandboxError> {
    let start = if needs_own_start(live, env) {
        PythonStart::Fresh {
            env: env.to_vec(),
            cwd: cwd.to_owned(),
            merge_stderr,
        }
    } else {
        PythonStart::Forked { merge_stderr }
    };
    live.sandbox.python_worker(start).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_what_counts_at_the_start_needs_one() {
        let waiting = env(&[("PATH", "/bin"), ("PYTHONUSERBASE", "/home"), ("LANG", "C.UTF-8")]);
        let with = |name: &str, value: &str| {
            let mut all = waiting.clone();
            all.retain(|(known, _)| known != name);
            all.push((name.to_owned(), value.to_owned()));
            all
        };
        assert!(!counts_otherwise(&waiting, &waiting));
        for (name, value) in [
            ("A", "1"),
            ("PATH", "/usr/bin"),
            ("PYTHONUNBUFFERED", "1"),
            ("TZ", "UTC"),
        ] {
            assert!(!counts_otherwise(&with(name, value), &waiting), "{name}");
        }
        for (name, value) in [
            ("PYTHONPATH", "/x"),
            ("PYTHONUSERBASE", "/other"),
            ("LD_PRELOAD", "x.so"),
            ("LANG", "C"),
            ("LC_ALL", "C"),
        ] {
            assert!(counts_otherwise(&with(name, value), &waiting), "{name}");
        }
        assert!(counts_otherwise(&waiting[..2], &waiting));
    }
}
