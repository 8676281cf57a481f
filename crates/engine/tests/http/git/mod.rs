//! Git in a sandbox: repositories of its own, and a server on its loopback.

mod local;
mod remote;
mod settings;
mod support;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    [local::trials(), remote::trials(), settings::trials()]
        .into_iter()
        .flatten()
        .collect()
}
