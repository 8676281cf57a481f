//! `cargo xtask test`: every test. First what runs without a browser, against
//! SQLite and a private PostgreSQL; then Daytona's official SDKs against the
//! built engine, and the API against its document; then the built binary in a real browser.

use crate::process::{cargo, exists, program, run as run_command, say, step};
use crate::workspace::{Profile, binary, root};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub struct Options {
    /// Only the tests that need no browser
    #[arg(long, conflicts_with = "browser")]
    no_browser: bool,
    /// Only the tests by Daytona's official SDKs
    #[arg(long, conflicts_with_all = ["browser", "no_browser"])]
    sdk: bool,
    /// Only the test of the API against its document, by schemathesis
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
    if options.schemathesis {
        crate::schemathesis::install()?;
        return crate::schemathesis::test();
    }
    if !options.browser {
        if !options.sdk {
            in_rust()?;
        }
        crate::sdk::test()?;
        if !options.sdk {
            step(
                "The figures, read by Prometheus\u{2019} own parser",
                crate::figures::test,
            )?;
        }
    }
    if !options.no_browser && !options.sdk {
        in_browser(&options.playwright)?;
    }
    say("All tests passed.");
    Ok(())
}

fn in_rust() -> Result<()> {
    let postgres = step("A private PostgreSQL", testkit::postgres::start)?;
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
    step("Tests of the site", || run_command(site_tests.args(site)))?;
    step("Tests of the TypeScript loader", || {
        run_command(&mut program("node", &["--test"], &root().join("frontend/js")))
    })?;
    step("Tests", || {
        run_command(tests.env("TEST_DATABASE_URL", postgres.url()))
    })?;
    if let Some(documentation) = &mut documentation {
        step("Examples in the documentation", || run_command(documentation))?;
    }
    Ok(())
}

fn in_browser(arguments: &[String]) -> Result<()> {
    let chromium = crate::setup::chromium()?;
    step("Tests in the browser", || {
        let mut command = program("npx", &["playwright", "test"], &root().join("end2end"));
        command
            .args(arguments)
            .env("PITLANE_CHROMIUM", &chromium)
            .env("PITLANE_BINARY", binary(Profile::Debug));
        run_command(&mut command)
    })
}
