//! Sessions: a shell that stays, and commands given to it one after another.
//!
//! The shell is `bash` reading from a pipe, so what a command changes (working
//! directory, variables, functions) is there for the next. Each command has
//! pipes of its own for input, output and errors, opened by name inside the
//! sandbox; the shell's own output is only used to tell exit codes, and no
//! command inherits it.

mod command;
mod end;
mod entrypoint;
mod exec;
mod follow;
mod input;
mod logs;
mod own;
mod past;
mod routes;
mod sessions;
mod shell;

pub(crate) use entrypoint::run as run_entrypoint;
pub(super) use own::OwnCommand;
pub(crate) use past::Past;
pub(super) use routes::routes;
pub(crate) use sessions::Sessions;
