//! `POST /sandbox/{idOrName}/network-settings`: what a sandbox asks to reach,
//! changed at once; connections that are not allowed any more are cut.

use axum::Json as Answer;
use daytona::{NetworkSettings, Sandbox};

use super::asked::Asked;
use crate::body::Json;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::network::NetworkWish;

/// What is not given stays; `networkBlockAll: false` alone takes the lists away.
pub(super) async fn update(
    sandbox: Asked<Can<permit::WriteSandboxes>>,
    Json(request): Json<NetworkSettings>,
) -> Result<Answer<Sandbox>, Fault> {
    if request == NetworkSettings::default() {
        return Err(Fault::bad_request(
            "Give at least one of networkBlockAll, networkAllowList and domainAllowList",
        ));
    }
    let before = sandbox.record().clone();
    let clears = request.network_block_all == Some(false)
        && request.network_allow_list.is_none()
        && request.domain_allow_list.is_none();
    let kept = |new: Option<String>, old: Option<String>| new.or(old.filter(|_| !clears));
    // A list that is given asks for what it names, whatever was blocked before.
    let is_listed = request.network_allow_list.is_some() || request.domain_allow_list.is_some();
    let block_all = request
        .network_block_all
        .unwrap_or(before.network_block_all && !is_listed);
    let ranges = kept(request.network_allow_list, before.network_allow_list);
    let domains = kept(request.domain_allow_list, before.domain_allow_list);
    let wish = NetworkWish::parse(block_all, ranges.as_deref(), domains.as_deref())
        .map_err(|why| Fault::bad_request(format!("{why}.")))?;
    sandbox.update(|record| {
        record.network_block_all = block_all;
        record.network_allow_list = ranges;
        record.domain_allow_list = domains;
    });
    if let Some(live) = sandbox.live() {
        live.sandbox.set_network(wish);
    }
    Ok(sandbox.shown())
}
