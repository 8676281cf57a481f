//! `POST /sandbox/{idOrName}/public/{true|false}`: whether previews of its
//! ports need a token.

use axum::Json as Answer;
use axum::extract::Path;
use daytona::Sandbox;

use super::asked::Asked;
use crate::fault::Fault;
use crate::identity::{Can, permit};

pub(super) async fn set_public(
    sandbox: Asked<Can<permit::WriteSandboxes>>,
    Path((_, public)): Path<(String, String)>,
) -> Result<Answer<Sandbox>, Fault> {
    let public = match public.as_str() {
        "true" => true,
        "false" => false,
        other => {
            return Err(Fault::bad_request(format!(
                "public is true or false, not {other:?}"
            )));
        }
    };
    sandbox.update(|record| record.public = public);
    Ok(sandbox.shown())
}
