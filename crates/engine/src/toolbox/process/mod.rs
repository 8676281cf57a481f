//! Programs in a sandbox: their output into a spool, their input from a client.

mod charts;
pub(super) mod code_run;
pub(super) mod execute;
mod input;
mod node_run;
mod pump;
mod python_run;
mod record;
mod run;
mod sources;

pub(super) use input::{Input, InputError};
pub(super) use pump::{Late, pump};
pub(super) use run::{Finished, Program, RunFault, attend, run, run_apart};
pub(super) use sources::Pipes;
