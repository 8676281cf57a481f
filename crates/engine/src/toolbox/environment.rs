//! `POST /env`: the environment of programs that are started later.

use std::sync::Arc;

use axum::{Extension, Json as Answer};
use daytona::UpdateEnv;
use serde_json::{Value, json};

use super::process::execute::environment;
use crate::body::Json;
use crate::fault::Fault;
use crate::registry::Live;

/// The most bytes of all names and values: programs have to be started with
/// them, and with their arguments, in one message.
const MOST: usize = 64 << 10;

/// Holds until the sandbox stops, as at Daytona.
pub(super) async fn update(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<UpdateEnv>,
) -> Result<Answer<Value>, Fault> {
    let set = request.set;
    // Refuses names and values that cannot be set.
    environment(&live, Some(&set))?;
    let unset = request.unset;
    let prefix = request.unset_value_prefix.filter(|prefix| !prefix.is_empty());
    live.change_environment(|all| {
        all.retain(|name, value| {
            let has_prefix = prefix.as_ref().is_some_and(|prefix| value.starts_with(prefix));
            !unset.contains(name) && (!has_prefix || set.contains_key(name))
        });
        all.extend(set);
        let size: usize = all.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size <= MOST {
            return Ok(());
        }
        Err(Fault::bad_request(format!(
            "The environment would have {size} bytes; it may have {MOST}."
        )))
    })?;
    Ok(Answer(json!({"message": "Environment updated"})))
}
