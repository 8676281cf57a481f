//! What settings win, and what stops the start.

use super::*;

struct Given {
    folder: tempfile::TempDir,
    settings: SettingFlags,
    serve: ServeFlags,
    environment: Vec<(String, String)>,
}

fn given() -> Given {
    Given {
        folder: tempfile::tempdir().expect("a folder"),
        settings: SettingFlags::default(),
        serve: ServeFlags::default(),
        environment: Vec::new(),
    }
}

impl Given {
    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).expect("written");
        self
    }
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
    fn read(&self) -> Result<Configuration, Failure> {
        Configuration::from_parts(
            &self.settings,
            &self.serve,
            true,
            self.folder.path(),
            self.environment.clone(),
        )
    }
    fn refusal(&self) -> String {
        let failure = self.read().expect_err("refused");
        assert_eq!(failure.code, 2);
        failure
            .sentence
            .replace(&format!("{}/", self.folder.path().display()), "")
    }
}

#[test]
fn without_any_setting() {
    let given = given();
    let configuration = given.read().expect("usable");
    assert_eq!(configuration.addr.to_string(), "127.0.0.1:3000");
    assert_eq!(configuration.data, given.folder.path().join("pitlane-data"));
    assert_eq!(
        configuration.database_url,
        format!(
            "sqlite://{}/pitlane-data/pitlane.db",
            given.folder.path().display()
        )
    );
    assert!(configuration.engine.network.is_off());
    assert_eq!(
        configuration.engine.context_idle,
        Duration::from_secs(4 * 60 * 60)
    );
    assert!(configuration.cloud.is_none());
}

#[test]
fn flags_win_over_environment_over_dot_env_over_file() {
    let mut given = given().file(
        "pitlane.toml",
        "addr = \"127.0.0.1:1001\"\nwarm = 1\nstop_grace = 7\nnetwork = \"open\"\n",
    );
    let port = |given: &Given| given.read().expect("usable").addr.port();
    assert_eq!(port(&given), 1001);
    given = given.file(".env", "PITLANE_ADDR=127.0.0.1:1002\nOTHER=x\nPITLANE_WARM=3\n");
    assert_eq!(port(&given), 1002);
    given = given
        .variable("PITLANE_ADDR", "127.0.0.1:1003")
        .variable("PITLANE_WARM", "");
    assert_eq!(port(&given), 1003);
    given.serve.addr = Some("1004".to_owned());
    assert_eq!(port(&given), 1004);
    let configuration = given.read().expect("usable");
    assert_eq!(configuration.engine.warm, 3, "an empty variable is none");
    assert_eq!(configuration.stop_grace, Duration::from_secs(7));
    assert!(configuration.engine.network.is_open());
}

#[test]
fn limits_are_read_and_bounded() {
    let usual = given().read().expect("usable");
    assert_eq!(
        (usual.connections, usual.waiting_runs, usual.limits),
        (4096, 1000, Limits::default())
    );
    let set = given()
        .file(
            "pitlane.toml",
            "concurrency = 200\nconcurrency_per_person = 20\nwaiting_runs = 0\nstarts_per_minute = 0\nstreams_per_person = 7\n",
        )
        .read()
        .expect("usable");
    assert_eq!(
        (set.concurrency, set.concurrency_per_person, set.waiting_runs),
        (200, 20, 0)
    );
    assert_eq!(
        (set.limits.starts_per_minute, set.limits.streams_per_person),
        (0, 7)
    );
    assert_eq!(usual.max_timeout_seconds, 86_400);
    let short = given().variable("PITLANE_MAX_TIMEOUT", "600").read();
    assert_eq!(short.expect("usable").max_timeout_seconds, 600);
    let said = given().variable("PITLANE_MAX_TIMEOUT", "0").refusal();
    assert!(said.contains("from 1 to 86400"), "{said}");
    let said = given().variable("PITLANE_CONNECTIONS", "3").refusal();
    assert!(said.contains("from 16 to 100000"), "{said}");
}

#[test]
fn interpreters_are_lists_like_any_setting() {
    let mut given = given()
        .file("pitlane.toml", "python = \"/bin/sh\"\nnode = \"/bin/cat\"\n")
        .variable("PITLANE_PYTHON", "/bin/ls, /bin/sh");
    let engine = given.read().expect("usable").engine;
    assert_eq!(engine.python, [Path::new("/bin/ls"), Path::new("/bin/sh")]);
    assert_eq!(engine.node, [Path::new("/bin/cat")]);
    given.settings.python = Some("/bin/cat".to_owned());
    assert_eq!(
        given.read().expect("usable").engine.python,
        [Path::new("/bin/cat")]
    );
    given.settings.python = Some("/bin/cat,/nowhere".to_owned());
    assert!(given.refusal().starts_with("--python is "));
}

#[test]
fn the_cloud_is_used_when_there_is_a_key() {
    let configuration = given()
        .variable("DAYTONA_API_KEY", "dtn_x")
        .read()
        .expect("usable");
    let cloud = configuration.cloud.expect("the cloud");
    assert_eq!(cloud.api_url, "https://app.daytona.io/api");
    assert!(!format!("{cloud:?}").contains("dtn_x"), "a key is never printed");
}

#[test]
fn an_unknown_key_stops_the_start() {
    let said = given().file("pitlane.toml", "adr = \"127.0.0.1:1\"").refusal();
    assert!(said.starts_with("pitlane.toml sets \u{201c}adr\u{201d}, which Pitlane does not know. Is addr meant? It knows addr, "), "{said}");
    let said = given().file("pitlane.toml", "[server]\nport = 1").refusal();
    assert!(said.contains("\u{201c}server\u{201d}"), "{said}");
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let said = given().file("pitlane.toml", "warm = 1\naddr = \n").refusal();
    assert!(said.starts_with("pitlane.toml, line 2, is not TOML: "), "{said}");
}

#[test]
fn unusable_values_are_told_with_where_they_are() {
    let said = given().variable("PITLANE_WARM", "many").refusal();
    assert_eq!(
        said,
        "PITLANE_WARM in the environment is \u{201c}many\u{201d}, which cannot be used: a whole number from 0 to 64 is needed."
    );
    let said = given().file("pitlane.toml", "network = \"on\"").refusal();
    assert_eq!(
        said,
        "network in pitlane.toml is \u{201c}on\u{201d}, which cannot be used: off, open, or a list of domains, addresses and ranges such as example.com,*.example.org,10.1.2.0/24 is needed."
    );
    let said = given().file(".env", "PITLANE_ISOLATION=docker").refusal();
    assert!(
        said.starts_with("PITLANE_ISOLATION in .env is \u{201c}docker\u{201d}, which cannot be used: "),
        "{said}"
    );
    for (name, value) in [
        ("PITLANE_ADDR", "nowhere"),
        ("PITLANE_PUBLIC_URL", "pitlane.example"),
        ("PITLANE_PUBLIC_URL", "https://pitlane.example/path"),
        ("DATABASE_URL", "mysql://x"),
        ("PITLANE_IMAGES", "debian=/nowhere/at/all"),
        ("PITLANE_IMAGE_SUBSTITUTION", "perhaps"),
        ("PITLANE_STOP_GRACE", "-1"),
        ("PITLANE_STOP_GRACE", "NaN"),
        ("PITLANE_CONTEXT_IDLE", "0"),
        ("PITLANE_CONTEXT_IDLE", "4h"),
        ("PITLANE_PYTHON", "/nowhere/python3"),
        ("PITLANE_NODE", "/bin/sh,node"),
        ("PITLANE_LOG", "info,="),
        ("PITLANE_CONCURRENCY", "0"),
    ] {
        let said = given().variable(name, value).refusal();
        assert!(
            said.starts_with(&format!("{name} in the environment is ")),
            "{said}"
        );
    }
}

#[test]
fn a_named_file_must_exist() {
    let mut given = given();
    given.settings.config = Some(PathBuf::from("/nowhere/pitlane.toml"));
    assert!(
        given
            .refusal()
            .starts_with("The file of settings /nowhere/pitlane.toml cannot be read: ")
    );
}

#[test]
fn variables_that_look_like_ours_are_noted() {
    let configuration = given()
        .variable("PITLANE_PORT", "1")
        .variable("PITLANE_TOKEN", "plt_x")
        .variable("HOME", "/")
        .read()
        .expect("usable");
    assert_eq!(configuration.unknown_variables, ["PITLANE_PORT"]);
}

#[test]
fn public_addresses() {
    let read = |text| PublicUrl::parse(text).map(|url| (url.origin(), url.host().to_owned()));
    assert_eq!(
        read("https://Pitlane.example:443/"),
        Ok(("https://pitlane.example".into(), "pitlane.example".into()))
    );
    assert_eq!(
        read("http://[::1]:3000"),
        Ok(("http://[::1]:3000".into(), "[::1]".into()))
    );
    assert!(read("https://user@pitlane.example").is_err());
}

#[test]
fn a_sign_in_provider_is_whole_or_the_start_stops() {
    let usual = given().read().expect("usable").sign_in;
    assert!(usual.provider.is_none() && usual.passwords);
    let with = |settings: &[(&str, &str)]| {
        settings
            .iter()
            .fold(given(), |given, (name, value)| given.variable(name, value))
    };
    let issuer = ("PITLANE_OIDC_ISSUER", "https://id.example.com/realms/x");
    let id = ("PITLANE_OIDC_CLIENT_ID", "pitlane");
    let set = with(&[
        issuer,
        id,
        ("PITLANE_OIDC_CLIENT_SECRET", "hush"),
        ("PITLANE_OIDC_SCOPES", "email groups"),
        ("PITLANE_OIDC_ALLOW", "example.com"),
        ("PITLANE_OIDC_ROLE", "viewer"),
        ("PITLANE_PASSWORD_SIGN_IN", "false"),
    ]);
    let set = set.read().expect("usable").sign_in;
    assert!(!format!("{set:?}").contains("hush"), "a secret is never printed");
    let provider = set.provider.expect("a provider");
    assert_eq!(provider.scopes, ["openid", "email", "groups"]);
    assert_eq!(
        (provider.name.as_str(), provider.role),
        ("id.example.com", model::Role::Viewer)
    );
    assert!(!set.passwords);
    for (settings, said) in [
        (
            vec![issuer],
            "PITLANE_OIDC_ISSUER is set and PITLANE_OIDC_CLIENT_ID is not.",
        ),
        (
            vec![id],
            "PITLANE_OIDC_CLIENT_ID is set and PITLANE_OIDC_ISSUER is not",
        ),
        (
            vec![("PITLANE_PASSWORD_SIGN_IN", "false")],
            "PITLANE_PASSWORD_SIGN_IN is false",
        ),
        (
            vec![("PITLANE_OIDC_ISSUER", "http://id.example.com"), id],
            "http only for a provider on this machine",
        ),
        (
            vec![("PITLANE_OIDC_ISSUER", "id.example.com"), id],
            "an address such as",
        ),
        (
            vec![issuer, id, ("PITLANE_OIDC_ROLE", "owner")],
            "admin, member or viewer is needed",
        ),
        (
            vec![issuer, id, ("PITLANE_OIDC_ALLOW", "*.example.com")],
            "domains and e-mail addresses",
        ),
    ] {
        let refusal = with(&settings).refusal();
        assert!(refusal.contains(said), "{refusal}");
    }
}

#[test]
fn the_examples_for_operators_set_what_there_is() {
    let known: Vec<&str> = NAMES.iter().map(|name| name.variable).collect();
    for text in [
        include_str!("../../../docs/operate/compose.yaml"),
        include_str!("../../../docs/operate/example.env"),
        include_str!("../../../docs/operate/Dockerfile"),
        include_str!("../../../docs/operate/Caddyfile"),
        include_str!("../../../docs/operate/prometheus.yml"),
        include_str!("../../../docs/operate/pitlane.service"),
        include_str!("../../../docs/operate/README.md"),
    ] {
        let words = text.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'));
        for word in words.filter(|word| word.starts_with("PITLANE_")) {
            // The name of the site for the proxy, and the key that only the engine reads.
            let is_known = known.contains(&word) || ["PITLANE_HOST", "PITLANE_ENGINE_KEY"].contains(&word);
            assert!(is_known, "{word}");
        }
    }
}
