//! The stateful Python: contexts whose variables survive from one piece of
//! code (a cell) to the next.
//!
//! A context is a task with a queue; its worker is a Python process of the
//! sandbox, started when it is needed and again when it ended. Clients give it
//! cells and hear about them over a WebSocket each.

mod cell;
mod context;
mod contexts;
mod execute;
mod outbox;
mod routes;
mod text;
mod worker;

pub(crate) use contexts::Contexts;
pub(super) use routes::routes;
