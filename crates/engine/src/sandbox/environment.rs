//! The environment every program in a sandbox starts with.

use std::path::Path;

use super::interpreters::{Interpreter, Interpreters};
use super::{HOME, USER, Wiring};
use crate::network::plan::PROXY_PORT;

/// Where the runtime folder is inside a sandbox with a mount namespace.
pub(super) const RUNTIME: &str = "/opt/pitlane";
const TYPESCRIPT_LOADER: &str = "typescript.mjs";
const TYPESCRIPT_RUNNER: &str = "typescript-run.cjs";

/// What the environment depends on.
#[derive(Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) interpreters: &'a Interpreters,
    /// Where the runtime folder is, as programs see it, and on the host.
    pub(super) runtime: Option<(&'a Path, &'a Path)>,
    pub(super) home: &'a str,
    pub(super) wiring: Wiring,
}

/// The variables, in a fixed order.
pub(super) fn base(circumstances: &Circumstances<'_>) -> Vec<(String, String)> {
    let Circumstances {
        interpreters,
        runtime,
        home,
        wiring,
    } = circumstances;
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
    set("PATH", path(interpreters, home));
    set("HOME", (*home).to_owned());
    set("USER", USER.to_owned());
    set("LOGNAME", USER.to_owned());
    set("SHELL", "/bin/bash".to_owned());
    set("LANG", "C.UTF-8".to_owned());
    set("TERM", "xterm-256color".to_owned());
    // Packages go to the home folder, where alone they can be written, without
    // a virtual environment to activate.
    set("PIP_USER", "1".to_owned());
    set("PIP_BREAK_SYSTEM_PACKAGES", "1".to_owned());
    set("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_owned());
    set("PYTHONUSERBASE", format!("{home}/.local"));
    let offered = interpreters.offered.as_ref();
    if let Some(folder) = offered.and_then(super::interpreters::Offered::python_path) {
        set("PYTHONPATH", folder);
    }
    set("npm_config_prefix", format!("{home}/.local"));
    set("npm_config_update_notifier", "false".to_owned());
    if let Some(options) = interpreters
        .node
        .as_ref()
        .and_then(|node| node_options(node, *runtime))
    {
        set("NODE_OPTIONS", options);
    }
    if *home != HOME {
        // No mount namespace: the host's /tmp is out of reach.
        set("TMPDIR", format!("{home}/.tmp"));
    }
    if *wiring == Wiring::Proxy {
        let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
        for name in [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "npm_config_proxy",
            "npm_config_https_proxy",
        ] {
            set(name, proxy.clone());
        }
        for name in ["NO_PROXY", "no_proxy", "npm_config_noproxy"] {
            set(name, "localhost,127.0.0.1,::1".to_owned());
        }
        set("NODE_USE_ENV_PROXY", "1".to_owned());
    }
    variables
}

/// Along what programs are looked up.
pub(super) fn path(interpreters: &Interpreters, home: &str) -> String {
    let mut folders = vec![format!("{home}/.local/bin")];
    folders.extend(interpreters.folders());
    folders.extend(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(str::to_owned));
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders.join(":")
}

/// Lets `node program.ts` work: newer versions strip types themselves, older
/// ones need a loader that does.
fn node_options(node: &Interpreter, runtime: Option<(&Path, &Path)>) -> Option<String> {
    if strips_types(&node.version) {
        // It says on each run that this is new.
        return Some("--disable-warning=ExperimentalWarning".to_owned());
    }
    let (inside, outside) = runtime?;
    let loader = outside.join(TYPESCRIPT_LOADER);
    loader
        .exists()
        .then(|| format!("--import={}", inside.join(TYPESCRIPT_LOADER).display()))
}

/// What Node.js is given so that it runs TypeScript from its standard input;
/// `None` where it cannot.
pub(super) fn typescript(node: &Interpreter, runtime: Option<(&Path, &Path)>) -> Option<Vec<String>> {
    if let Some((inside, outside)) = runtime
        && outside.join(TYPESCRIPT_RUNNER).exists()
    {
        return Some(vec![inside.join(TYPESCRIPT_RUNNER).to_str()?.to_owned()]);
    }
    let own = [
        "--experimental-transform-types",
        "--disable-warning=ExperimentalWarning",
        "-",
    ];
    strips_types(&node.version).then(|| own.map(str::to_owned).to_vec())
}

fn strips_types(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(22), Some(minor)) => minor >= 18,
        (Some(23), Some(minor)) => minor >= 6,
        (Some(major), _) => major >= 24,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_newer_nodes_strip_types() {
        for (version, expected) in [
            ("20.20.2", false),
            ("22.17.1", false),
            ("22.18.0", true),
            ("23.5.0", false),
            ("23.6.0", true),
            ("24.1.0", true),
            ("odd", false),
        ] {
            assert_eq!(strips_types(version), expected, "{version}");
        }
    }

    #[test]
    fn an_older_node_gets_the_loader_when_it_is_there() {
        let runtime = tempfile::tempdir().unwrap();
        let node = Interpreter {
            path: "/usr/bin/node".into(),
            version: "20.20.2".into(),
            prefix: None,
            ..Interpreter::default()
        };
        let given = Some((Path::new(RUNTIME), runtime.path()));
        assert_eq!(node_options(&node, given), None);
        std::fs::write(runtime.path().join(TYPESCRIPT_LOADER), "").unwrap();
        assert_eq!(
            node_options(&node, given).as_deref(),
            Some("--import=/opt/pitlane/typescript.mjs")
        );
    }

    #[test]
    fn typescript_runs_by_the_runner_or_by_a_newer_node() {
        let runtime = tempfile::tempdir().unwrap();
        let node = |version: &str| Interpreter {
            path: "/usr/bin/node".into(),
            version: version.into(),
            prefix: None,
            ..Interpreter::default()
        };
        let given = Some((Path::new(RUNTIME), runtime.path()));
        assert_eq!(typescript(&node("20.20.2"), given), None);
        let own = typescript(&node("24.1.0"), None).unwrap();
        assert_eq!(own.last().map(String::as_str), Some("-"));
        std::fs::write(runtime.path().join(TYPESCRIPT_RUNNER), "").unwrap();
        assert_eq!(
            typescript(&node("20.20.2"), given).unwrap(),
            ["/opt/pitlane/typescript-run.cjs"]
        );
    }

    #[test]
    fn an_interpreter_outside_usr_is_on_the_path() {
        let python = Interpreter {
            path: "/opt/python/3.12/bin/python3".into(),
            version: "3.12.1".into(),
            prefix: Some("/opt/python/3.12".into()),
            ..Interpreter::default()
        };
        let found = Interpreters {
            python: Some(python),
            ..Interpreters::default()
        };
        assert_eq!(
            path(&found, HOME),
            "/home/daytona/.local/bin:/opt/python/3.12/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        );
    }
}
