//! `POST /sandbox/{idOrName}/public/{true|false}`: whether previews of its
//! ports need a token.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::Sandbox;

use super::present::{Base, describe};
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::state::SharedEngine;

pub(super) async fn set_public(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path((sandbox, public)): Path<(String, String)>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    let public = match public.as_str() {
        "true" => true,
        "false" => false,
        other => {
            return Err(Fault::bad_request(format!(
                "public is true or false, not {other:?}"
            )));
        }
    };
    entry.update(|record| record.public = public);
    Ok(Answer(describe(&entry, &base)))
}
