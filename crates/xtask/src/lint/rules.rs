//! Rules of this project that no compiler knows: which crate may import which,
//! what may be compiled for the browser, how long a file may be.

use crate::process::{cargo, output, say};
use crate::workspace::{files_below, root};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Who may import whom, of our own crates. `testkit` may be a development
/// dependency of all, and development dependencies of tests are free.
const IMPORTS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("daytona", &[]),
    ("toolbox", &[]),
    ("engine", &["daytona", "toolbox"]),
    ("store", &["model"]),
    ("runs", &["model", "daytona", "store"]),
    ("app", &["model", "runs", "store"]),
    ("frontend", &["app"]),
    (
        "server",
        &["app", "model", "runs", "store", "daytona", "engine", "toolbox"],
    ),
    ("testkit", &[]),
    ("xtask", &["testkit"]),
];

/// Crates of the server that `app` may import only where it is not compiled
/// for the browser, and only when its `ssr` feature is on.
const SERVER_SIDE_OF_APP: [&str; 2] = ["runs", "store"];

/// The longest a source file may be, in lines.
const MAX_LINES: usize = 500;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    optional: bool,
    target: Option<String>,
    path: Option<PathBuf>,
    features: Vec<String>,
}

/// Fails when a crate imports one of ours that it may not.
pub fn imports() -> Result<()> {
    let json = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Metadata = serde_json::from_str(&json)?;
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == package.name) else {
            bail!(
                "{} is a new crate: say in {} which crates it may import.",
                package.name,
                file!()
            );
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.path.is_some() && d.kind.as_deref() != Some("dev"))
        {
            wrong.extend(complaint(&package.name, dependency, allowed));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

fn complaint(package: &str, dependency: &Dependency, allowed: &[&str]) -> Option<String> {
    let name = dependency.name.as_str();
    if !allowed.contains(&name) {
        let only = if allowed.is_empty() {
            "nothing of ours".to_owned()
        } else {
            allowed.join(", ")
        };
        return Some(format!("{package} imports {name}, and may import only: {only}."));
    }
    if package == "engine"
        && name == "daytona"
        && dependency.features.iter().any(|feature| feature == "client")
    {
        return Some("engine uses daytona's types alone, without its feature client.".to_owned());
    }
    let is_guarded =
        dependency.optional && dependency.target.as_deref() == Some("cfg(not(target_family = \"wasm\"))");
    if package == "app" && SERVER_SIDE_OF_APP.contains(&name) && !is_guarded {
        return Some(format!(
            "app imports {name} without keeping it from the browser (optional, not for WASM)."
        ));
    }
    None
}

/// Fails when a crate is compiled for the browser that is not in the list.
pub fn wasm_dependencies() -> Result<()> {
    let listed = std::fs::read_to_string(wasm_list()).context("reading frontend/wasm-dependencies.txt")?;
    let listed: BTreeSet<&str> = listed.lines().filter(|line| !line.starts_with('#')).collect();
    let found = compiled_for_wasm()?;
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let new: Vec<_> = found.difference(&listed).copied().collect();
    if !new.is_empty() {
        bail!(
            "New crates are compiled for the browser: {}. If they are worth their weight, run \
             `cargo xtask lint --accept-wasm-dependencies` and commit the list.",
            new.join(", ")
        );
    }
    let gone: Vec<_> = listed.difference(&found).copied().collect();
    if !gone.is_empty() {
        bail!(
            "No longer compiled for the browser: {}. Run `cargo xtask lint --accept-wasm-dependencies`.",
            gone.join(", ")
        );
    }
    Ok(())
}

/// Writes the list anew.
pub fn accept_wasm_dependencies() -> Result<()> {
    let found = compiled_for_wasm()?;
    let mut text =
        String::from("# Crates compiled for the browser. `cargo xtask lint` fails when there is another.\n");
    for name in &found {
        text.push_str(name);
        text.push('\n');
    }
    std::fs::write(wasm_list(), text)?;
    say(&format!("    {} crates", found.len()));
    Ok(())
}

fn wasm_list() -> PathBuf {
    root().join("frontend/wasm-dependencies.txt")
}

fn compiled_for_wasm() -> Result<BTreeSet<String>> {
    let arguments = [
        "tree",
        "--package",
        "frontend",
        "--target",
        "wasm32-unknown-unknown",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree = output(&mut cargo(&arguments))?;
    Ok(tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

/// Fails when a source file is too long to be read in one go.
pub fn lengths() -> Result<()> {
    let mut long = Vec::new();
    for file in files_below(root(), &["target", "node_modules", ".git", "package-lock.json"])? {
        let ending = file
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        if !["rs", "ts", "js", "mjs", "css", "sql", "py"].contains(&ending) {
            continue;
        }
        let lines = std::fs::read_to_string(&file).map_or(0, |text| text.lines().count());
        if lines > MAX_LINES {
            long.push(format!(
                "{} has {lines} lines, and {MAX_LINES} is the limit",
                file.display()
            ));
        }
    }
    if !long.is_empty() {
        bail!("{}", long.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, optional: bool, target: Option<&str>, features: &[&str]) -> Dependency {
        Dependency {
            name: name.into(),
            kind: None,
            optional,
            target: target.map(Into::into),
            path: Some("x".into()),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        }
    }

    #[test]
    fn forbidden_imports_are_named() {
        let said = complaint("model", &dependency("store", false, None, &[]), &[]).expect("a complaint");
        assert!(said.starts_with("model imports store"), "{said}");
        assert!(complaint("store", &dependency("model", false, None, &[]), &["model"]).is_none());
    }

    #[test]
    fn the_engine_may_not_use_the_client() {
        assert!(
            complaint(
                "engine",
                &dependency("daytona", false, None, &["client"]),
                &["daytona"]
            )
            .is_some()
        );
        assert!(complaint("engine", &dependency("daytona", false, None, &[]), &["daytona"]).is_none());
    }

    #[test]
    fn the_server_side_of_the_interface_is_kept_from_the_browser() {
        let guarded = Some("cfg(not(target_family = \"wasm\"))");
        assert!(complaint("app", &dependency("store", true, guarded, &[]), &["store"]).is_none());
        assert!(complaint("app", &dependency("store", false, guarded, &[]), &["store"]).is_some());
        assert!(complaint("app", &dependency("store", true, None, &[]), &["store"]).is_some());
    }
}
