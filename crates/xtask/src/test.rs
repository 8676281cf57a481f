//! `cargo xtask test`: every test. First what runs without a browser, against
//! SQLite and a private PostgreSQL; then Daytona's official SDKs against the
//! built engine, and the API against its document, by schemathesis; then the built binary in a real browser.

use crate::process::{cargo, exists, program, run as run_command, say, step};
use crate::workspace::{Profile, binary, root};
use anyhow::{Result, bail};
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Only the tests that need no browser
    #[arg(long, conflicts_with = "browser")]
    no_browser: bool,
    /// Only the tests by Daytona's official SDKs
    #[arg(long, conflicts_with_all = ["browser", "no_browser"])]
    sdk: bool,
    /// Only the test of the API against its document
    #[arg(long, conflicts_with_all = ["browser", "no_browser", "sdk"])]
    schemathesis: bool,
    /// Only the tests in the browser
    #[arg(long)]
    browser: bool,
    /// What is handed on to Playwright
    #[arg(last = true)]
    playwright: Vec<String>,
}

/// Runs them.
pub fn run(options: &Options) -> Result<()> {
    crate::setup::for_building()?;
    crate::setup::for_testing()?;
    // The site and the binary come first: tests of the binary start it.
    crate::build::build(Profile::Debug)?;
    let all = !options.browser && !options.sdk && !options.schemathesis;
    let mut suites = Suites::default();
    if all {
        in_rust(&mut suites);
    }
    if all || options.sdk {
        suites.run("Daytona\u{2019}s SDKs", crate::sdk::test);
    }
    if all {
        suites.run(
            "The figures, read by Prometheus\u{2019} own parser",
            crate::figures::test,
        );
    }
    if all || options.schemathesis {
        suites.run("The API against its document", crate::schemathesis::test);
    }
    if options.browser || (all && !options.no_browser) {
        suites.run("Tests in the browser", || in_browser(&options.playwright));
    }
    suites.end()
}

/// What ran: a suite that fails keeps none of the others from running, so that one run tells all.
#[derive(Default)]
struct Suites {
    failed: Vec<&'static str>,
}

impl Suites {
    fn run(&mut self, name: &'static str, suite: impl FnOnce() -> Result<()>) {
        if let Err(error) = step(name, suite) {
            say(&format!("FAILED: {error:#}"));
            self.failed.push(name);
        }
    }

    fn end(self) -> Result<()> {
        if !self.failed.is_empty() {
            bail!("these suites failed: {}", self.failed.join("; "));
        }
        say("All tests passed.");
        Ok(())
    }
}

fn in_rust(suites: &mut Suites) {
    const POSTGRES: &str = "A private PostgreSQL";
    let mut started = None;
    suites.run(POSTGRES, || {
        started = Some(testkit::postgres::start()?);
        Ok(())
    });
    let Some(postgres) = started else { return };
    // `app` is no default member: its features differ between server and browser.
    let site = ["--package", "app", "--features", "ssr", "--lib"];
    let (mut tests, mut site_tests, mut documentation) = if exists("cargo-nextest") {
        (
            cargo(&["nextest", "run", "--no-fail-fast"]),
            cargo(&["nextest", "run", "--no-fail-fast"]),
            Some(cargo(&["test", "--doc"])),
        )
    } else {
        (
            cargo(&["test", "--no-fail-fast"]),
            cargo(&["test", "--no-fail-fast"]),
            None,
        )
    };
    suites.run("Tests of the site", || run_command(site_tests.args(site)));
    suites.run("Tests of the TypeScript loader", || {
        run_command(&mut program("node", &["--test"], &root().join("frontend/js")))
    });
    suites.run("Tests", || {
        run_command(tests.env("TEST_DATABASE_URL", postgres.url()))
    });
    if let Some(documentation) = &mut documentation {
        suites.run("Examples in the documentation", || run_command(documentation));
    }
}

fn in_browser(arguments: &[String]) -> Result<()> {
    let chromium = crate::setup::chromium()?;
    let mut command = program("npx", &["playwright", "test"], &root().join("end2end"));
    command
        .args(arguments)
        .env("PITLANE_CHROMIUM", &chromium)
        .env("PITLANE_BINARY", binary(Profile::Debug));
    run_command(&mut command)
}
