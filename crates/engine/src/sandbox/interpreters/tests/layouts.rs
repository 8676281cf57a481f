//! The folders of version managers, whole and broken.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::sandbox::interpreters::Language::{self, Node, Python};
use crate::sandbox::interpreters::fitness::{closed_to_others, closed_way, distrusted, too_much};
use crate::sandbox::interpreters::places::hint;

impl Host {
    /// What is found, relative to the root; what cannot be used with why.
    fn found(&self, places: &Places, language: Language) -> Vec<String> {
        let all = places.candidates(language, &[]);
        let shown = |candidate: &super::super::places::Candidate| {
            let path = candidate.path.strip_prefix(&self.root).unwrap().to_string_lossy();
            match &candidate.refused {
                None => path.into_owned(),
                Some(reason) => format!("{path}: {reason}"),
            }
        };
        all.iter().map(shown).collect()
    }
}

#[test]
fn every_place_is_looked_at() {
    let host = Host::new();
    let pythons = [
        "usr/bin/python3",
        "usr/local/bin/python3",
        "opt/python3.12/bin/python3",
        "opt/python/3.11.4/bin/python3",
        "opt/pyenv/versions/3.10.1/bin/python3",
        "opt/hostedtoolcache/Python/3.12.1/x64/bin/python3",
        "home/me/.pyenv/versions/3.13.0/bin/python3",
        "home/me/.pyenv/versions/3.9.18/bin/python3",
        "home/me/.local/share/uv/python/cpython-3.12.8-linux-x86_64-gnu/bin/python3",
        "home/me/.asdf/installs/python/3.12.2/bin/python3",
        "home/me/.local/share/mise/installs/python/3.12.3/bin/python3",
    ];
    let nodes = [
        "usr/bin/node",
        "usr/local/bin/node",
        "usr/local/n/versions/node/18.19.1/bin/node",
        "usr/local/lib/nodejs/node-v20.1.0-linux-x64/bin/node",
        "opt/nvm/versions/node/v22.2.0/bin/node",
        "opt/node-v22/bin/node",
        "home/me/.nvm/versions/node/v22.11.0/bin/node",
        "home/me/.local/share/fnm/node-versions/v20.18.0/installation/bin/node",
        "home/me/.volta/tools/image/node/24.1.0/bin/node",
        "home/me/n/n/versions/node/21.0.0/bin/node",
        "home/me/.nodenv/versions/20.0.1/bin/node",
        "home/me/.asdf/installs/nodejs/20.0.2/bin/node",
        "home/me/.local/share/mise/installs/node/20.0.3/bin/node",
    ];
    for path in pythons.iter().chain(&nodes) {
        host.program(path);
    }
    let places = host.places(&[]);
    assert_eq!(host.found(&places, Python), pythons);
    assert_eq!(host.found(&places, Node), nodes);
}

#[test]
fn variables_of_version_managers_are_heeded() {
    let host = Host::new();
    host.program("srv/pyenv/versions/3.12.1/bin/python3");
    host.program("srv/data/uv/python/cpython-3.12.9/bin/python3");
    host.program("srv/nvm/versions/node/v22.0.0/bin/node");
    let mut places = host.places(&[]);
    for (name, folder) in [
        ("PYENV_ROOT", "srv/pyenv"),
        ("XDG_DATA_HOME", "srv/data"),
        ("NVM_DIR", "srv/nvm"),
    ] {
        places.variables.insert(name.into(), host.root.join(folder));
    }
    assert_eq!(
        host.found(&places, Python),
        [
            "srv/pyenv/versions/3.12.1/bin/python3",
            "srv/data/uv/python/cpython-3.12.9/bin/python3"
        ]
    );
    assert_eq!(
        host.found(&places, Node),
        ["srv/nvm/versions/node/v22.0.0/bin/node"]
    );
}

#[test]
fn stand_ins_on_the_path_are_told_and_not_taken() {
    let host = Host::new();
    let why = "a version manager put it in front of the real one";
    let script = "#!/usr/bin/env bash\nexec pyenv exec python3 \"$@\"\n";
    host.file("home/me/.pyenv/shims/python3", script);
    host.file("home/me/bin/python3", script);
    host.program("home/me/.local/bin/mise");
    host.link(
        "home/me/.local/share/mise/shims/node",
        host.root.join("home/me/.local/bin/mise"),
    );
    host.program("home/me/.volta/bin/volta-shim");
    host.link("home/me/.volta/bin/node", "volta-shim");
    host.program("home/me/.asdf/shims/node");
    host.program("usr/bin/python3.11");
    host.link("usr/bin/python3", "python3.11");
    let places = host.places(&["home/me/.pyenv/shims", "home/me/bin", "home/me/empty", "usr/bin"]);
    assert_eq!(
        host.found(&places, Python),
        [
            &format!("home/me/.pyenv/shims/python3: {why}"),
            &format!("home/me/bin/python3: {why}"),
            "usr/bin/python3"
        ]
    );
    let places = host.places(&[
        "home/me/.local/share/mise/shims",
        "home/me/.volta/bin",
        "home/me/.asdf/shims",
    ]);
    let found = host.found(&places, Node);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|told| told.ends_with(why)), "{found:?}");
}

#[test]
fn a_program_is_found_once_where_it_really_is() {
    let host = Host::new();
    let real = host.program("home/me/.pyenv/versions/3.12.1/bin/python3.12");
    host.link("home/me/.pyenv/versions/3.12.1/bin/python3", "python3.12");
    host.link("home/me/.pyenv/versions/3.12", "3.12.1");
    host.link("usr/local/bin/python3", &real);
    // A virtual environment that is active.
    host.link("home/me/project/.venv/bin/python3", &real);
    let places = host.places(&["home/me/project/.venv/bin", "usr/local/bin"]);
    assert_eq!(
        host.found(&places, Python),
        ["home/me/.pyenv/versions/3.12.1/bin/python3"]
    );
    let named = places.candidates(Python, &[host.root.join("usr/local/bin/python3")]);
    assert!(named.len() == 1 && named[0].configured);
}

#[test]
fn what_is_broken_is_told_and_nothing_hangs() {
    let host = Host::new();
    let versions = "home/me/.pyenv/versions";
    host.link(&format!("{versions}/3.14.0/bin/python3"), "/nowhere/python3");
    host.link(&format!("{versions}/3.13.0/bin/python3"), "python3");
    fs::create_dir_all(host.root.join(format!("{versions}/3.12.0/bin/python3"))).unwrap();
    fs::create_dir_all(host.root.join(format!("{versions}/3.11.0/bin"))).unwrap();
    let pipe = host.root.join(format!("{versions}/3.11.0/bin/python3"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o777),
        0,
    )
    .unwrap();
    // Python 2 has none of this name, and a file is no version.
    host.program(&format!("{versions}/2.7.18/bin/python2"));
    host.file(&format!("{versions}/notes"), "");
    let found = host.found(&host.places(&[]), Python);
    assert_eq!(
        found,
        [
            format!("{versions}/3.14.0/bin/python3: it is a link that leads nowhere"),
            format!("{versions}/3.13.0/bin/python3: it is a link that leads nowhere"),
            format!("{versions}/3.12.0/bin/python3: it is no program"),
            format!("{versions}/3.11.0/bin/python3: it is no program"),
        ]
    );
}

#[test]
fn hostile_names_are_names() {
    let host = Host::new();
    let versions = "home/me/.pyenv/versions";
    let names: [&[u8]; 5] = [b"3.12.1\n3.99.9", b"-rf", b"$(id)", b"* '\"", b"3.1\xff"];
    for name in names {
        let folder = host.root.join(versions).join(OsStr::from_bytes(name)).join("bin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("python3"), "").unwrap();
    }
    host.program(&format!("{versions}/{}/bin/python3", "9".repeat(200)));
    let all = host.places(&[]).candidates(Python, &[]);
    assert_eq!(all.len(), 6);
    let refused: Vec<_> = all.iter().filter_map(|found| found.refused.as_deref()).collect();
    assert_eq!(refused, ["its path is not UTF-8"]);
}

#[test]
fn of_very_many_versions_the_newest_are_looked_at() {
    let host = Host::new();
    for number in 0..300 {
        host.program(&format!("home/me/.nvm/versions/node/v20.{number}.0/bin/node"));
    }
    let found = host.found(&host.places(&[]), Node);
    assert_eq!(found.len(), 128);
    assert!(found[0].contains("v20.299.0"), "{}", found[0]);
}

/// On a thread that is nobody, because root may read everything.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::thread::Uid::from_raw(65_534);
                rustix::thread::set_thread_res_uid(None, nobody, None).unwrap();
            }
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn what_may_not_be_read_is_told() {
    let host = Host::new();
    let closed = |path: &str| {
        let folder = host.root.join(path);
        let mode = PermissionsExt::from_mode(0o000);
        fs::set_permissions(&folder, mode).unwrap();
        folder
    };
    host.program("home/me/.pyenv/versions/3.12.1/bin/python3");
    host.program("opt/closed/bin/node");
    host.link("usr/local/bin/node", host.root.join("opt/closed/bin/node"));
    let folders = [closed("home/me/.pyenv/versions"), closed("opt/closed")];
    let places = host.places(&[]);
    let told = as_nobody(|| [host.found(&places, Python), host.found(&places, Node)].concat());
    for folder in folders {
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    assert_eq!(
        told,
        [
            "home/me/.pyenv/versions: the engine's user may not look into this folder",
            "usr/local/bin/node: the engine's user may not read it",
        ]
    );
}

#[test]
fn versions_are_guessed_from_places() {
    let host = Host::new();
    let hinted = |path: &str| hint(&host.program(path)).unwrap_or_default();
    assert_eq!(hinted("a/3.12.1/bin/python3.12"), [3, 12, 1]);
    assert_eq!(hinted("b/cpython-3.13.0-linux/bin/python3.13"), [3, 13, 0]);
    assert_eq!(
        hinted("c/node-versions/v20.18.0/installation/bin/node"),
        [20, 18, 0]
    );
    // A name of a folder that means something else.
    assert_eq!(hinted("d/work2/bin/python3.11"), [3, 11]);
    assert_eq!(hinted("e/f/bin/node"), [0u32; 0]);
}

#[test]
fn whole_homes_are_not_shown() {
    let home = Path::new("/srv/me");
    let much = |folder: &str| too_much(Path::new(folder), Some(home));
    for folder in [
        "/",
        "/home",
        "/home/bob",
        "/root",
        "/opt",
        "/srv",
        "/srv/me",
        "/home/bob/.local",
        "/root/.pyenv",
        "/srv/me/.config",
        "relative",
    ] {
        assert!(much(folder), "{folder}");
    }
    for folder in [
        "/opt/python/3.12",
        "/home/bob/.pyenv/versions/3.12.1",
        "/home/bob/miniconda3",
        "/srv/me/n",
    ] {
        assert!(!much(folder), "{folder}");
    }
}

#[test]
fn others_have_to_be_let_in() {
    let host = Host::new();
    let program = host.program("prefix/bin/python3");
    let library = host.file("prefix/lib/python3.12/os.py", "");
    let prefix = host.root.join("prefix");
    let told = || closed_to_others(&prefix, &program, &library);
    assert_eq!(told(), None);
    for (path, mode) in [
        ("prefix", 0o700),
        ("prefix/lib", 0o750),
        ("prefix/bin/python3", 0o754),
    ] {
        let path = host.root.join(path);
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        assert!(
            told().is_some_and(|reason| reason.contains(path.to_str().unwrap())),
            "{path:?}"
        );
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    assert_eq!(closed_way(&prefix), None);
    fs::set_permissions(&host.root, PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(told(), None, "the way to it is another question");
    assert!(closed_way(&prefix).is_some());
}

#[test]
fn the_superuser_runs_only_what_nobody_else_could_have_put_there() {
    let real = fs::canonicalize("/usr/bin/env").unwrap();
    assert_eq!(distrusted(&real), None);
    let host = Host::new();
    let program = host.program("opt/python/bin/python3");
    fs::set_permissions(program.parent().unwrap(), PermissionsExt::from_mode(0o777)).unwrap();
    assert!(distrusted(&program).is_some());
    assert!(distrusted(Path::new("/nowhere/python3")).is_some());
}
