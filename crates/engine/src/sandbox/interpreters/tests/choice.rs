//! Which interpreter is taken, what is asked for that, and what is told.

use proptest::prelude::*;

use super::*;
use crate::sandbox::interpreters::question::{self, Facts};
use crate::sandbox::interpreters::survey::{FoundInterpreter, Verdict};
use crate::sandbox::interpreters::{Audience, Interpreters, Language, Offered, Search};
use crate::sandbox::{Level, interpreters::Interpreter};

/// Versions of pyenv, by name, version and what is odd about them.
fn pyenv(versions: &[(&str, &str, &str)]) -> Host {
    let host = Host::new();
    for (name, version, odd) in versions {
        host.python(&format!("home/me/.pyenv/versions/{name}"), version, odd);
    }
    host
}

async fn chosen(host: &Host, configured: &[PathBuf]) -> Option<String> {
    let places = host.places(&[]);
    let mut search = Search::new(Language::Python, &places, configured, Audience::Own);
    search.choose().await;
    search.chosen().map(|found| found.version.clone())
}

async fn listed(host: &Host, configured: &[PathBuf], audience: Audience) -> Vec<FoundInterpreter> {
    let places = host.places(&[]);
    Search::new(Language::Python, &places, configured, audience)
        .list()
        .await
}

#[tokio::test]
async fn the_newest_wins_and_few_are_asked() {
    let host = pyenv(&[
        ("3.9.18", "3.9.18", ""),
        ("3.13.0", "3.13.0", ""),
        ("3.10.1", "3.10.1", ""),
    ]);
    assert_eq!(chosen(&host, &[]).await.as_deref(), Some("3.13.0"));
    assert_eq!(host.asked(), ["3.13.0"]);
    // One whose place tells nothing could be newer.
    host.python("usr", "3.14.1", "");
    assert_eq!(chosen(&host, &[]).await.as_deref(), Some("3.14.1"));
    assert_eq!(host.asked(), ["3.13.0", "3.13.0", "3.14.1"]);
}

#[tokio::test]
async fn of_two_alike_the_first_found_wins() {
    let host = pyenv(&[("3.12.1", "3.12.1", "")]);
    let first = host.python("usr", "3.12.1", "");
    let places = host.places(&[]);
    let mut search = Search::new(Language::Python, &places, &[], Audience::Own);
    search.choose().await;
    assert_eq!(search.chosen().unwrap().path, first.to_str().unwrap());
}

#[tokio::test]
async fn odd_ones_are_taken_only_for_want_of_another() {
    let host = pyenv(&[
        ("3.15.0a1", "3.15.0", "it is no final release"),
        ("3.14.0t", "3.14.0", "it is a free-threaded build"),
    ]);
    assert_eq!(chosen(&host, &[]).await.as_deref(), Some("3.15.0"));
    host.python("home/me/.pyenv/versions/3.9.1", "3.9.1", "");
    assert_eq!(chosen(&host, &[]).await.as_deref(), Some("3.9.1"));
    // Unless it is named.
    let named = host.root.join("home/me/.pyenv/versions/3.14.0t/bin/python3");
    assert_eq!(chosen(&host, &[named]).await.as_deref(), Some("3.14.0"));
}

#[tokio::test]
async fn the_first_usable_of_those_named_wins_and_nothing_else() {
    let host = pyenv(&[
        ("3.13.0", "3.13.0", ""),
        ("3.12.1", "3.12.1", ""),
        ("3.11.1", "3.11.1", ""),
    ]);
    let at = |version: &str| {
        host.root
            .join(format!("home/me/.pyenv/versions/{version}/bin/python3"))
    };
    let named = [
        host.file("broken/python3", "#!/bin/sh\nexit 3\n"),
        at("3.11.1"),
        at("3.12.1"),
    ];
    assert_eq!(chosen(&host, &named).await.as_deref(), Some("3.11.1"));
    let places = host.places(&[]);
    let mut search = Search::new(Language::Python, &places, &named[..1], Audience::Own);
    search.choose().await;
    assert_eq!(search.chosen(), None);
    let sentence = search.unusable().unwrap();
    assert!(
        sentence.starts_with("The Python 3 that is configured cannot be used in sandboxes. ")
            && sentence.ends_with("broken/python3: it does not answer like Python 3."),
        "{sentence}"
    );
    let gone = [PathBuf::from("/nowhere/python3")];
    let mut search = Search::new(Language::Python, &places, &gone, Audience::Own);
    search.choose().await;
    assert!(search.unusable().unwrap().ends_with("there is nothing there."));
}

#[tokio::test]
async fn all_are_listed_with_the_reason() {
    let host = pyenv(&[
        ("3.13.0", "3.13.0", ""),
        ("3.12.1", "3.12.1", ""),
        ("3.14.0rc1", "3.14.0", "it is no final release"),
        ("3.6.15", "3.6.15", ""),
    ]);
    host.file(
        "home/me/.pyenv/versions/3.11.0/bin/python3",
        "#!/bin/sh\nexec yes\n",
    );
    host.file(
        "home/me/.pyenv/versions/3.10.0/bin/python3",
        "neither a script nor a program",
    );
    let told: Vec<(Option<String>, Verdict)> = listed(&host, &[], Audience::Own)
        .await
        .into_iter()
        .map(|found| (found.version, found.verdict))
        .collect();
    let some = |version: &str| Some(version.to_owned());
    assert!(matches!(told[4], (None, Verdict::Refused(_))), "{told:?}");
    assert_eq!(
        [&told[..4], &told[5..]].concat(),
        [
            (some("3.14.0"), Verdict::Passed("it is no final release".into())),
            (some("3.13.0"), Verdict::Chosen),
            (some("3.12.1"), Verdict::Passed("3.13.0 is newer".into())),
            (None, Verdict::Refused("it does not answer like Python 3".into())),
            (
                None,
                Verdict::Refused("3.6.15 is too old, 3.8 or newer is needed".into())
            ),
        ]
    );
}

#[tokio::test]
async fn what_would_show_too_much_or_too_little_is_refused() {
    let host = Host::new();
    let named = [
        // A home, and a program that is not in the folder it calls its own.
        host.python("home/me", "3.12.1", ""),
        host.file(
            "elsewhere/bin/python3",
            format!(
                "#!/bin/sh\nprintf '%s\\0' '{0}/elsewhere/bin/python3' '{0}/home/me/x' 3.12.1 /usr/bin/env '' pip\n",
                host.root.display()
            ),
        ),
    ];
    fs::create_dir_all(host.root.join("home/me/x")).unwrap();
    let told = listed(&host, &named, Audience::Own).await;
    let reasons: Vec<_> = told.iter().map(|found| format!("{:?}", found.verdict)).collect();
    assert!(
        reasons[0].contains("holds more than an interpreter"),
        "{reasons:?}"
    );
    assert!(reasons[1].contains("lies outside its folder"), "{reasons:?}");
}

#[tokio::test]
async fn sandboxes_with_users_of_their_own_need_an_open_folder() {
    let host = Host::new();
    let named = [host.python("opt/mine", "3.12.1", "")];
    let prefix = host.root.join("opt/mine");
    let others = |given| Audience::Others { given };
    assert_eq!(
        listed(&host, &named, others(true)).await[0].verdict,
        Verdict::Chosen
    );
    fs::set_permissions(host.root.join("opt"), PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(
        listed(&host, &named, others(true)).await[0].verdict,
        Verdict::Chosen
    );
    assert!(matches!(
        listed(&host, &named, others(false)).await[0].verdict,
        Verdict::Refused(_)
    ));
    fs::set_permissions(&prefix, PermissionsExt::from_mode(0o700)).unwrap();
    assert!(matches!(
        listed(&host, &named, others(true)).await[0].verdict,
        Verdict::Refused(_)
    ));
    assert_eq!(
        listed(&host, &named, Audience::Own).await[0].verdict,
        Verdict::Chosen
    );
}

#[tokio::test]
async fn a_stand_in_is_never_chosen() {
    let found = Interpreters::find(&[], &[], Level::NamespacesRoot).await.unwrap();
    let python = found.python.expect("this machine has a Python");
    assert!(!python.path.contains("/shims/"), "{}", python.path);
    assert!(python.version.starts_with("3."));
}

#[tokio::test]
async fn a_python_without_pip_is_given_one() {
    let found = Interpreters::find(&[], &[], Level::UnsafeNone).await.unwrap();
    let own = found
        .python
        .as_ref()
        .map(|python| Path::new(&python.path).parent().unwrap().to_owned());
    let own = own.expect("this machine has a Python");
    let without = |level| {
        let python = found.python.clone().map(|python| Interpreter {
            has_pip: false,
            ..python
        });
        (
            Interpreters {
                python,
                ..Interpreters::default()
            },
            level,
        )
    };
    let data = tempfile::tempdir().unwrap();
    // Half of one, of an engine that ended in between.
    let half = data.path().join("interpreters/pip-26.3-partial/unpacked");
    fs::create_dir_all(&half).unwrap();
    for _ in 0..2 {
        let (interpreters, level) = without(Level::UnsafeNone);
        let offered = Offered::prepare(&interpreters, data.path(), level)
            .await
            .unwrap()
            .unwrap();
        let folder = offered.python_path().unwrap();
        assert!(!half.exists());
        let said = tokio::process::Command::new(Path::new(&offered.programs()).join("pip"))
            .arg("--version")
            .env("PATH", format!("{}:/usr/bin:/bin", own.display()))
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            said.starts_with(&format!("pip 26.3 from {folder}/pip ")),
            "{said}"
        );
    }
    let (interpreters, level) = without(Level::NamespacesRoot);
    let offered = Offered::prepare(&interpreters, data.path(), level)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        offered.python_path().as_deref(),
        Some("/opt/interpreters/pip-26.3")
    );
    assert_eq!(offered.programs(), "/opt/interpreters/bin");
    // One that has it needs none.
    let mut whole = interpreters.clone();
    whole.python = whole.python.map(|python| Interpreter {
        has_pip: true,
        ..python
    });
    let offered = Offered::prepare(&whole, data.path(), level).await.unwrap();
    assert!(offered.is_none_or(|offered| offered.python_path().is_none()));
}

#[test]
fn only_a_whole_answer_is_read() {
    let whole = b"/p/bin/python3\0/p\x003.12.1\0/p/lib/os.py\0it is odd\0pip\0";
    assert_eq!(
        question::read(whole),
        Some(Facts {
            executable: "/p/bin/python3".into(),
            prefix: "/p".into(),
            version: "3.12.1".into(),
            needed: "/p/lib/os.py".into(),
            odd: Some("it is odd".into()),
            has_pip: true,
        })
    );
    for length in 0..whole.len() {
        assert_eq!(question::read(&whole[..length]), None, "{length}");
    }
    for other in [
        &b"bin/python3\0/p\x003.12.1\0/p/lib/os.py\0\0pip\0"[..],
        b"/p/bin/python3\0/p\x003.12\0/p/lib/os.py\0\0pip\0",
        b"/p/bin/python3\0/p\x003.12.x\0/p/lib/os.py\0\0pip\0",
        b"/p/\xff\0/p\x003.12.1\0/p/lib/os.py\0\0pip\0",
    ] {
        assert_eq!(question::read(other), None);
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_or_not(said in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = question::read(&said);
    }
}
