//! Real sandboxes on this machine, attacked from inside and looked at from
//! outside. The executable is sandboxd as well, so it has its own harness.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod abuse;
mod basics;
mod bench;
mod files;
mod kit;
mod life;
mod limits;
mod network;
mod ready;
mod rungs;
mod stopping;

use libtest_mimic::{Arguments, Trial};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("sandboxd") {
        engine::sandbox::sandboxd_main();
    }
    if std::env::args().nth(1).as_deref() == Some(life::HOLD) {
        life::hold();
    }
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = [
        abuse::trials(),
        basics::trials(),
        bench::trials(),
        files::trials(),
        life::trials(),
        limits::trials(),
        network::trials(),
        ready::trials(),
        rungs::trials(),
        stopping::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&arguments, trials).exit();
}
