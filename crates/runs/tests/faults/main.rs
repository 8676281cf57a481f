//! Nothing lost, nothing leaked: runs in real sandboxes behind a network that
//! fails, in processes that are killed.
//!
//! The harness is our own because the same executable is started again as the
//! engine, as the process that forks sandboxes, and as the process that holds
//! runs. `… chaos --minutes N --seed S` is the long way of the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod away;
mod bench;
mod chaos;
mod database;
#[path = "../support/engine_process.rs"]
mod engine_process;
mod file_systems;
mod kills;
mod ledger;
mod programs;
mod replicas;
mod secrets;
mod studio;
#[expect(dead_code, reason = "other suites look at more of it")]
#[path = "../support/told.rs"]
mod told;

use bench::Bench;
use libtest_mimic::{Arguments, Failed, Trial};

/// The tests, by name.
macro_rules! trials {
    ($($module:ident :: $name:ident),* $(,)?) => {
        vec![$(Trial::test(concat!(stringify!($module), "::", stringify!($name)), || {
            on_a_bench(|bench| Box::pin($module::$name(bench)))
        })),*]
    };
}

fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("sandboxd") => engine::sandbox::sandboxd_main(),
        Some("engine") => {
            engine_process::main();
            return std::process::ExitCode::SUCCESS;
        }
        Some("studio") => {
            studio::main();
            return std::process::ExitCode::SUCCESS;
        }
        Some("chaos") => return chaos::main(),
        Some("in-a-namespace") => return file_systems::main(),
        _ => {}
    }
    let mut trials = trials![
        ledger::every_byte_comes_through_every_fault,
        ledger::every_socket_fault_by_itself_costs_no_byte,
        ledger::daytonas_own_stream_is_made_whole,
        ledger::connections_cut_again_and_again_double_nothing,
        ledger::readers_of_every_pace_miss_nothing,
        ledger::only_what_is_over_the_limit_is_a_gap,
        kills::at_every_call_to_the_provider,
        kills::in_the_middle_of_the_output,
        kills::while_it_waits_for_its_turn,
        kills::while_a_stop_is_under_way,
        away::a_stop_is_not_told_before_it_is_true,
        away::a_stop_goes_through_a_provider_in_trouble,
        away::input_is_confirmed_only_when_the_program_has_it,
        away::input_through_faults_comes_in_order_and_once,
        secrets::are_in_nothing_through_every_fault,
        secrets::are_in_nothing_when_processes_are_killed,
        secrets::are_in_nothing_of_daytonas_own_stream,
        database::a_full_disk,
        database::a_read_only_database,
        database::a_database_that_another_program_locks,
        database::a_restored_backup,
        chaos::a_short_storm_breaks_no_promise,
    ];
    let replicas = trials![
        replicas::one_is_killed_and_the_other_goes_on,
        replicas::a_paused_one_neither_writes_nor_deletes,
        replicas::one_that_is_paused_before_the_start_starts_nothing,
        replicas::both_alive_never_drive_one_run,
        replicas::stop_and_input_reach_the_one_that_drives,
        replicas::one_that_ends_politely_leaves_its_runs_at_once,
        database::a_killed_postgres,
        database::a_restored_backup_of_postgresql,
    ];
    // Where PostgreSQL is not installed; `cargo xtask test` sees to it that it is.
    let without = testkit::postgres::find_binaries().is_none();
    trials.extend(replicas.into_iter().map(|trial| trial.with_ignored_flag(without)));
    // Where nobody may mount.
    let cannot = !file_systems::is_possible();
    trials.extend(file_systems::NAMES.map(|name| {
        Trial::test(format!("file_systems::{name}"), move || file_systems::apart(name))
            .with_ignored_flag(cannot)
    }));
    trials.push(Trial::test(
        "chaos::a_seed_says_the_same_again",
        chaos::a_seed_says_the_same_again,
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

type Test<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

fn on_a_bench(
    test: impl for<'a> Fn(&'a mut Bench) -> Test<'a> + std::panic::UnwindSafe,
) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut bench = Bench::start().await?;
        test(&mut bench).await;
        Ok(())
    })
}
