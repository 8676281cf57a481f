//! Programs in a sandbox: their output into a spool, their input from a client.

pub(super) mod code_run;
pub(super) mod execute;
mod input;
mod pump;
mod run;

pub(super) use input::{Input, InputError};
pub(super) use pump::{Late, Pipes, pump};
pub(super) use run::{Finished, Program, RunFault, run, run_apart};
