//! Daytona's API over HTTP, served by a real engine with real sandboxes. The
//! executable is the engine and sandboxd as well, so it has its own harness.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

/// The trials of a module: each its name and its function, on a runtime of its own.
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        vec![$(Trial::test(concat!(module_path!(), "::", stringify!($name)), || {
            tokio::runtime::Runtime::new()?.block_on($name());
            Ok(())
        })),*]
    };
}

mod api;
mod builds;
mod charts;
#[path = "../../../daytona/tests/contract/mod.rs"]
mod contract;
mod control;
mod copies;
mod cycles;
mod endurance;
mod engine;
mod entrypoint;
mod events;
mod execute;
mod files;
mod git;
mod hostile_bytes;
mod hostile_files;
mod identity;
mod images;
mod interpreter;
mod interpreters;
mod lsp;
mod network;
mod node;
mod packages;
mod ports;
mod previews;
mod provider;
mod python;
mod sandbox_packages;
mod secrets;
mod service;
mod sessions;
mod signed;
mod snapshots;
mod sockets;
mod speed;
mod ssh;
mod stalled;
mod states;
mod support;
mod telemetry;
mod terminal;
mod volumes;
mod warm_pools;

use libtest_mimic::Arguments;

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("sandboxd") => ::engine::sandbox::sandboxd_main(),
        Some("engine") => return engine::main(),
        _ => {}
    }
    // The plain HTTP client wants one chosen for the process, although it speaks no TLS here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trials = [
        builds::trials(),
        charts::trials(),
        control::trials(),
        copies::trials(),
        cycles::trials(),
        endurance::trials(),
        entrypoint::trials(),
        events::trials(),
        execute::trials(),
        files::trials(),
        git::trials(),
        hostile_bytes::trials(),
        hostile_files::trials(),
        identity::trials(),
        images::trials(),
        interpreter::trials(),
        interpreters::trials(),
        lsp::trials(),
        node::trials(),
        network::trials(),
        packages::trials(),
        ports::trials(),
        python::trials(),
        secrets::trials(),
        service::trials(),
        previews::trials(),
        provider::trials(),
        sessions::trials(),
        signed::trials(),
        snapshots::trials(),
        speed::trials(),
        states::trials(),
        ssh::trials(),
        stalled::trials(),
        telemetry::trials(),
        terminal::trials(),
        warm_pools::trials(),
        volumes::trials(),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().flatten().collect()).exit();
}
