//! Git in a sandbox: repositories of its own, and a server on its loopback.

mod local;
mod remote;
mod support;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    local::trials().into_iter().chain(remote::trials()).collect()
}
