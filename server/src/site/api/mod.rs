//! What programs ask for: agents run once, their output, and what became of
//! runs. Handlers are thin; what happens is in `runs`.

pub mod answer;
pub mod audit;
pub mod events;
pub mod execute;
pub mod idempotency;
pub mod interpreter;
pub mod options;
pub mod run;
pub mod session;
pub mod socket;
pub mod usage;
pub mod v1;
mod words;
