//! Language servers: programs of the sandbox that know a language and are
//! asked about the files of a project.
//!
//! They speak the Language Server Protocol over their standard streams, and
//! Daytona's clients ask in a shape of its own. A server is one the sandbox
//! brings (`pylsp`, `typescript-language-server`), so what it says is bounded
//! and checked like everything from inside.

mod answers;
mod connection;
mod documents;
mod framing;
mod routes;
mod server;
mod servers;

pub(super) use routes::routes;
pub(crate) use servers::Servers;
