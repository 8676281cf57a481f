//! The contract that every provider is held to, held against this engine.

use libtest_mimic::Trial;

use crate::contract::provider_contract;
use crate::support::{Engine, KEY};

pub fn trials() -> Vec<Trial> {
    trials![the_engine_keeps_the_contract]
}

/// What the engine may say that it does not serve.
const UNSERVED: &[&str] = &[
    "create registry",
    "language servers",
    "ssh access",
    "storage",
    "warm pools",
];

async fn the_engine_keeps_the_contract() {
    let engine = Engine::start();
    let unserved = provider_contract(&format!("{}/api", engine.url), KEY).await;
    let more: Vec<_> = unserved.iter().filter(|what| !UNSERVED.contains(what)).collect();
    assert!(more.is_empty(), "not served: {more:?} of {unserved:?}");
}
