//! Installing what the files ask for before the program is started: the
//! output of the installer is part of the log.

use super::{Work, program::LaunchError};
use crate::handle::session_of;
use crate::{
    handle::Stage,
    ingest::{Notice, Outcome},
};
use bytes::Bytes;
use daytona::{InstallPackages, Toolbox, extension::PACKAGES_COMMAND};
use model::{FilePath, Language, Phase};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// A list of packages and the command that installs it.
pub(crate) struct Packages {
    pub(crate) file: &'static str,
    pub(crate) command: &'static str,
    /// SHA-256 of the list: one that was installed is not installed again in the same sandbox.
    hash: String,
}

impl Work {
    /// Installs the packages, when there are any and the sandbox does not have them.
    ///
    /// # Errors
    /// A sentence that says why they could not be installed.
    pub(super) async fn install_packages(&mut self, files: &[(FilePath, Bytes)]) -> Result<(), String> {
        let Some(packages) = wanted(self.record.run().language, files) else {
            return Ok(());
        };
        let Some(held) = self.held() else { return Ok(()) };
        let id = held.record.id.clone();
        let cut_off = held.sandbox.network_block_all;
        let has_shelf = held.sandbox.pitlane.as_ref().is_some_and(|facts| facts.packages);
        if self.context.sandboxes.manifest(&id).packages.as_ref() == Some(&packages.hash) {
            return Ok(());
        }
        self.record.begin(Phase::Packages);
        self.record.system(format!("$ {}", packages.command));
        let started = match shared_list(self.record.run(), &packages, files).filter(|_| has_shelf) {
            Some(list) => {
                let asked = async |toolbox: &Toolbox| toolbox.install_packages(&list).await;
                match self.start_by(Stage::Packages, PACKAGES_COMMAND, asked).await {
                    // The list belongs to its project: it is installed there.
                    Err(LaunchError::Refused(words)) => {
                        tracing::debug!(words, "the packages are not shared");
                        self.start(Stage::Packages, packages.command).await
                    }
                    other => other,
                }
            }
            None => self.start(Stage::Packages, packages.command).await,
        };
        let mut command = match started {
            Ok(command) => command,
            Err(LaunchError::Refused(words) | LaunchError::Unknown(words)) => return Err(words),
        };
        let seconds = u64::from(self.record.run().timeout_seconds);
        let deadline = tokio::time::sleep(Duration::from_secs(seconds));
        tokio::pin!(deadline);
        let outcome = loop {
            tokio::select! {
                () = &mut deadline => return Err(format!(
                    "The packages of {} could not be installed within {seconds} s, the time a run has.",
                    packages.file
                )),
                Some(notice) = command.notices.recv() => match notice {
                    Notice::Row(words) => self.record.system(words),
                    Notice::Trouble(words) => self.record.reason(words),
                },
                outcome = &mut command.outcome => break outcome,
            }
        };
        match outcome.map_err(|error| format!("The packages could not be installed: {error}."))? {
            Outcome::Exited { code: 0, .. } => {
                let hash = packages.hash;
                self.context
                    .sandboxes
                    .note(&id, |manifest| manifest.packages = Some(hash));
                self.record.end_phase(None, false);
                Ok(())
            }
            Outcome::Exited { code, .. } if cut_off => Err(format!(
                "The packages of {} could not be installed (code {code}): the sandbox has no network. An operator can open it, or the packages can be left out.",
                packages.file
            )),
            Outcome::Exited { code, .. } => Err(format!(
                "The packages of {} could not be installed: the installer ended with code {code}. Its output above says why; without a network it cannot work.",
                packages.file
            )),
            Outcome::Lost { reason } => Err(format!("The packages could not be installed. {reason}")),
        }
    }
}

/// The list as the engine's own call takes it; `None` when a file is not text.
fn shared_list(
    run: &model::Run,
    packages: &Packages,
    files: &[(FilePath, Bytes)],
) -> Option<InstallPackages> {
    let names: &[&str] = match run.language {
        Language::Python => &["requirements.txt"],
        Language::TypeScript | Language::JavaScript => &[
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            ".npmrc",
        ],
    };
    debug_assert!(names.contains(&packages.file), "the list is one of its files");
    let own = files.iter().filter(|(path, _)| names.contains(&path.as_str()));
    let files = own
        .map(|(path, bytes)| Some((path.as_str().to_owned(), String::from_utf8(bytes.to_vec()).ok()?)))
        .collect::<Option<_>>()?;
    let language = match run.language {
        Language::Python => "python",
        Language::TypeScript => "typescript",
        Language::JavaScript => "javascript",
    };
    Some(InstallPackages {
        session_id: session_of(&run.id),
        language: language.to_owned(),
        folder: String::new(),
        files,
    })
}

/// The list of packages among these files, if it names any.
pub(crate) fn wanted(language: Language, files: &[(FilePath, Bytes)]) -> Option<Packages> {
    let content = |name: &str| {
        let file = files.iter().find(|(path, _)| path.as_str() == name);
        file.map(|(_, bytes)| &bytes[..])
    };
    let (file, command, bytes) = match language {
        Language::Python => {
            let bytes = content("requirements.txt").filter(|bytes| names_a_package(bytes))?;
            (
                "requirements.txt",
                "pip install --user -r requirements.txt",
                bytes,
            )
        }
        Language::TypeScript | Language::JavaScript => {
            let bytes = content("package.json").filter(|bytes| has_dependencies(bytes))?;
            ("package.json", "npm install", bytes)
        }
    };
    Some(Packages {
        file,
        command,
        hash: hex::encode(Sha256::digest(bytes)),
    })
}

fn names_a_package(requirements: &[u8]) -> bool {
    String::from_utf8_lossy(requirements)
        .lines()
        .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

fn has_dependencies(package: &[u8]) -> bool {
    let Ok(package) = serde_json::from_slice::<serde_json::Value>(package) else {
        // npm says better than we could what is wrong with it.
        return true;
    };
    let full = |key: &str| package[key].as_object().is_some_and(|list| !list.is_empty());
    full("dependencies") || full("devDependencies") || full("optionalDependencies")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(language: Language, name: &str, content: &str) -> Option<&'static str> {
        let files = [(
            FilePath::parse(name).expect("a path"),
            Bytes::copy_from_slice(content.as_bytes()),
        )];
        wanted(language, &files).map(|packages| packages.command)
    }

    #[test]
    fn only_lists_that_name_a_package_are_installed() {
        let python = |content| command(Language::Python, "requirements.txt", content);
        assert_eq!(python("# none yet\n\n  # still none\n"), None);
        assert_eq!(python(""), None);
        assert_eq!(
            python("# web\nrequests==2.32\n"),
            Some("pip install --user -r requirements.txt")
        );
        let node = |content| command(Language::TypeScript, "package.json", content);
        assert_eq!(node(r#"{"type":"module","dependencies":{}}"#), None);
        assert_eq!(node(r#"{"dependencies":{"zod":"4"}}"#), Some("npm install"));
        assert_eq!(node("{"), Some("npm install"));
        assert_eq!(command(Language::Python, "package.json", "{"), None);
        assert_eq!(command(Language::Python, "lib/requirements.txt", "x"), None);
    }
}
