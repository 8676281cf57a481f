//! A list of packages, and whether what it names is the same everywhere.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::registry::Live;

/// The most bytes of a list's files.
const MOST: usize = 16 << 20;
/// Most lists do not say exact versions: each week they are installed anew.
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
const REQUIREMENTS: &str = "requirements.txt";
const PACKAGE: &str = "package.json";
const NODE_FILES: &[&str] = &[PACKAGE, "package-lock.json", "npm-shrinkwrap.json", ".npmrc"];
/// Scripts of a project that its installer would run, with files that are not
/// part of the list.
const SCRIPTS: &[&str] = &[
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
];
/// Variables that an installer heeds begin with these, whatever the case.
const SETTINGS: &[&str] = &[
    "pip_",
    "npm_config_",
    "uv_",
    "ssl_cert_",
    "node_extra_ca_certs",
    "requests_ca_",
];

/// Whose packages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Node,
}

/// A list that can be installed away from its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) language: Language,
    /// The folder of the project inside the sandbox.
    pub(crate) folder: String,
    pub(super) files: BTreeMap<String, String>,
}

impl List {
    /// Reads what a client sent.
    ///
    /// # Errors
    /// The sentence that says why it has to be installed in the project itself,
    /// or not at all.
    pub(crate) fn read(
        language: &str,
        folder: String,
        files: BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let language = match language {
            "python" => Language::Python,
            "typescript" | "javascript" => Language::Node,
            other => return Err(format!("Packages of the language {other:?} are not known here.")),
        };
        let (main, known): (&str, &[&str]) = match language {
            Language::Python => (REQUIREMENTS, &[REQUIREMENTS]),
            Language::Node => (PACKAGE, NODE_FILES),
        };
        if let Some(other) = files.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "{other:?} is not one of the files of a list: {}.",
                known.join(", ")
            ));
        }
        let Some(text) = files.get(main) else {
            return Err(format!("The list has no {main}."));
        };
        if files.values().map(String::len).sum::<usize>() > MOST {
            return Err(format!("The list is longer than {MOST} bytes."));
        }
        match language {
            Language::Python => check_requirements(text)?,
            Language::Node => check_package(text)?,
        }
        Ok(Self {
            language,
            folder,
            files,
        })
    }

    /// What its tree is known by.
    pub(super) fn key(&self, live: &Live) -> String {
        let interpreter = match self.language {
            Language::Python => (live.sandbox.python(), live.sandbox.python_version()),
            Language::Node => (live.sandbox.node(), live.sandbox.node_version()),
        };
        let week = crate::clock::now_ms() / WEEK_MS;
        self.key_with(interpreter, &self.settings(live), week)
    }

    fn key_with(
        &self,
        interpreter: (Option<&str>, Option<&str>),
        settings: &[(String, String)],
        week: i64,
    ) -> String {
        let mut hash = Sha256::new();
        // Each with its length, so that no two lists read alike.
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        add(match self.language {
            Language::Python => "python",
            Language::Node => "node",
        });
        add(interpreter.0.unwrap_or_default());
        add(interpreter.1.unwrap_or_default());
        for (name, content) in &self.files {
            add(name);
            add(content);
        }
        add(&week.to_string());
        add("settings");
        for (name, value) in settings {
            add(name);
            add(value);
        }
        hex::encode(hash.finalize())
    }

    /// The variables of a sandbox that an installer heeds.
    pub(super) fn settings(&self, live: &Live) -> Vec<(String, String)> {
        let mut all = live.environment();
        all.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            SETTINGS.iter().any(|start| name.starts_with(start))
        });
        all.sort();
        all
    }
}

/// Refuses what names files of the project.
fn check_requirements(text: &str) -> Result<(), String> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines().map(str::trim) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let lower = line.to_ascii_lowercase();
        let is_option = |names: &[&str]| {
            names.iter().any(|name| {
                lower
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '=', '\t']))
            })
        };
        let names_file = lower.starts_with(['.', '/', '~'])
            || lower.contains("file:")
            || lower.contains("@ .")
            || lower.contains("@ /")
            || is_option(&[
                "-r",
                "-c",
                "-e",
                "-f",
                "--requirement",
                "--constraint",
                "--editable",
                "--find-links",
            ])
            || ["-r", "-c", "-e", "-f"]
                .iter()
                .any(|short| lower.starts_with(short) && !lower.starts_with("--"));
        let is_archive = lower.ends_with(".whl") || lower.ends_with(".tar.gz") || lower.ends_with(".zip");
        if names_file || (is_archive && !lower.contains("://")) {
            return Err(format!(
                "The line {line:?} names a file of the project, so the list is not the same everywhere."
            ));
        }
    }
    Ok(())
}

fn check_package(text: &str) -> Result<(), String> {
    let package: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("{PACKAGE} is not JSON: {error}."))?;
    if !package["workspaces"].is_null() {
        return Err("The project has workspaces, so the list is not the same everywhere.".into());
    }
    if let Some(script) = SCRIPTS.iter().find(|name| package["scripts"][**name].is_string()) {
        return Err(format!("The project's script {script:?} runs in the project."));
    }
    for kind in [
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "overrides",
    ] {
        let names = package[kind].as_object().into_iter().flatten();
        for (name, version) in names {
            let version = version.as_str().unwrap_or_default();
            let names_file = ["file:", "link:", "portal:", ".", "/", "~/"]
                .iter()
                .any(|start| version.starts_with(start));
            if names_file {
                return Err(format!(
                    "The package {name:?} is a file of the project, so the list is not the same everywhere."
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(language: &str, name: &str, text: &str) -> Result<List, String> {
        List::read(
            language,
            String::new(),
            BTreeMap::from([(name.to_owned(), text.to_owned())]),
        )
    }

    #[test]
    fn lists_that_name_only_packages_are_read() {
        for text in [
            "",
            "requests==2.32\n# -r other\nflask[async]>=3 ; python_version > '3.8'\n",
            "--index-url https://example.com/simple\n--pre\nnumpy\n",
            "tool @ https://example.com/tool-1.0-py3-none-any.whl\n",
            "colorama --hash=sha256:aa \\\n  --hash=sha256:bb\n",
        ] {
            assert!(read("python", REQUIREMENTS, text).is_ok(), "{text}");
        }
        assert!(
            read(
                "typescript",
                PACKAGE,
                r#"{"dependencies":{"zod":"^4","x":"npm:y@1"},"scripts":{"test":"x"}}"#
            )
            .is_ok()
        );
    }

    #[test]
    fn what_belongs_to_the_project_is_refused() {
        for text in [
            "-r other.txt",
            "-rother.txt",
            "--requirement=other.txt",
            "-e .",
            "-c limits.txt",
            "./tool",
            "/tmp/tool.whl",
            "tool-1.0-py3-none-any.whl",
            "tool @ file:///tmp/tool",
            "tool @ ./tool",
            "--find-links wheels",
            "tool \\\n@ ./tool",
        ] {
            assert!(read("python", REQUIREMENTS, text).is_err(), "{text}");
        }
        for text in [
            "[",
            r#"{"workspaces":["a"]}"#,
            r#"{"scripts":{"postinstall":"x"}}"#,
            r#"{"dependencies":{"a":"file:../a"}}"#,
            r#"{"devDependencies":{"a":"../a"}}"#,
        ] {
            assert!(read("javascript", PACKAGE, text).is_err(), "{text}");
        }
        assert!(read("python", PACKAGE, "{}").is_err());
        assert!(read("python", "../requirements.txt", "").is_err());
        assert!(read("perl", REQUIREMENTS, "").is_err());
    }

    #[test]
    fn everything_that_decides_is_in_the_key() {
        let list = read("python", REQUIREMENTS, "a==1\n").unwrap();
        let known = (Some("/usr/bin/python3"), Some("3.11.2"));
        let key = list.key_with(known, &[], 1);
        assert_eq!(key, list.key_with(known, &[], 1));
        assert_eq!(key.len(), 64);
        let other = read("python", REQUIREMENTS, "a==2\n").unwrap();
        let settings = [("PIP_INDEX_URL".to_owned(), "x".to_owned())];
        for different in [
            other.key_with(known, &[], 1),
            list.key_with((Some("/usr/bin/python3"), Some("3.11.3")), &[], 1),
            list.key_with((Some("/opt/python3"), Some("3.11.2")), &[], 1),
            list.key_with(known, &settings, 1),
            list.key_with(known, &[], 2),
        ] {
            assert_ne!(key, different);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = read("python", REQUIREMENTS, &text);
            let _ = read("javascript", PACKAGE, &text);
        }
    }
}
