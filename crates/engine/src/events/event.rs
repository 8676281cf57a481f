//! One event, and its text on the wire.

use std::sync::Arc;

use daytona::{DesiredState, SandboxState};
use serde_json::{Value, json};

use crate::control::{Base, describe_record, desired};
use crate::registry::Record;

/// Something that happened to a thing of an organization.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A sandbox was asked for.
    SandboxCreated(Arc<Seen>),
    /// It is in another state.
    SandboxState(Arc<Seen>, SandboxState),
    /// It is to come to another state.
    SandboxDesiredState(Arc<Seen>, DesiredState),
    /// Something of which the whole text is known: its name and its payload.
    Said(&'static str, Arc<Value>),
}

/// A sandbox as it was when the event happened. Its JSON has addresses in it,
/// which are those the listener uses: it is written for each.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub record: Record,
    pub last_activity_ms: i64,
}

impl Event {
    /// The Socket.IO packet for a client that reaches the engine by `base`.
    pub(super) fn packet(&self, base: &Base) -> String {
        let sandbox = |seen: &Seen| json!(describe_record(seen.record.clone(), seen.last_activity_ms, base));
        let (name, payload) = match self {
            Self::SandboxCreated(seen) => ("sandbox.created", sandbox(seen)),
            Self::SandboxState(seen, old) => (
                "sandbox.state.updated",
                json!({"sandbox": sandbox(seen), "oldState": old, "newState": seen.record.state}),
            ),
            Self::SandboxDesiredState(seen, old) => (
                "sandbox.desired-state.updated",
                json!({
                    "sandbox": sandbox(seen),
                    "oldDesiredState": old,
                    "newDesiredState": desired(&seen.record),
                }),
            ),
            Self::Said(name, payload) => (*name, payload.as_ref().clone()),
        };
        format!("42{}", json!([name, payload]))
    }
}
