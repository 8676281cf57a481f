//! The contract that every provider is held to, held against this engine.

use libtest_mimic::Trial;

use crate::contract::provider_contract;
use crate::support::{Engine, KEY};

pub fn trials() -> Vec<Trial> {
    trials![the_engine_keeps_the_contract]
}

/// What the engine says that it does not serve.
const UNSERVED: [&str; 2] = ["create registry", "storage"];

async fn the_engine_keeps_the_contract() {
    let engine = Engine::start_with(&[("ENGINE_SSH", "127.0.0.1:0")]);
    let unserved = provider_contract(&format!("{}/api", engine.url), KEY).await;
    assert!(unserved.iter().eq(&UNSERVED), "not served: {unserved:?}");
}
