//! Runs in real sandboxes: the engine as a process of its own, reached by the
//! client over HTTP, with real programs in it.
//!
//! The harness is our own because the same executable is started again as the
//! engine and as the process that forks sandboxes, which has to be the first
//! thing that `main` looks at.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod ends;
#[path = "../support/engine_process.rs"]
mod engine_process;
mod environment;
mod host;
mod life;
mod load;
mod output;
#[path = "../support/told.rs"]
mod told;

use host::Host;
use libtest_mimic::{Arguments, Failed, Trial};

/// The tests, by name.
macro_rules! trials {
    ($($module:ident :: $name:ident),* $(,)?) => {
        vec![$(Trial::test(concat!(stringify!($module), "::", stringify!($name)), || {
            in_host(|host| Box::pin($module::$name(host)))
        })),*]
    };
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("sandboxd") => engine::sandbox::sandboxd_main(),
        Some("engine") => return engine_process::main(),
        _ => {}
    }
    let trials = trials![
        life::a_program_runs_and_nothing_of_it_remains,
        life::input_is_read_to_its_end,
        life::the_next_run_finds_the_kept_sandbox,
        life::resources_reach_the_engine,
        life::packages_are_installed_once_for_all_sandboxes,
        ends::exit_codes_and_signals,
        ends::a_stop_leaves_nothing_alive,
        ends::a_stop_asks_before_it_kills,
        ends::a_kept_sandbox_holds_nothing_of_a_stopped_run,
        ends::a_run_past_its_time_is_ended,
        ends::the_engine_killed_in_the_middle_makes_the_run_lost,
        ends::a_restart_of_ours_changes_nothing,
        environment::variables_are_the_runs_alone,
        environment::an_installer_has_them_and_tells_no_secret,
        environment::a_prompt_comes_at_once,
        output::every_byte_is_the_programs_own,
        output::a_million_lines_are_all_there,
        load::fifty_runs_at_once_and_two_hundred_readers_miss_no_byte,
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

type Test<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

fn in_host(test: impl for<'a> Fn(&'a mut Host) -> Test<'a> + std::panic::UnwindSafe) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let Some(mut host) = Host::start().await? else {
            return Ok(());
        };
        test(&mut host).await;
        host.end().await;
        Ok(())
    })
}
