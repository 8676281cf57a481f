//! The calls about terminals.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json as Answer, Router};
use daytona::{PtyCreate, PtyCreated, PtyResize, PtySession, PtySessions};
use serde_json::{Value, json};

use super::attach::{self, Connection};
use super::offer::Offer;
use super::terminals::{Plan, check_id, size};
use crate::body::{Json, Query};
use crate::fault::Fault;
use crate::registry::Live;
use crate::state::SharedEngine;
use crate::toolbox::process::execute::environment;

pub(in crate::toolbox) fn routes() -> Router<SharedEngine> {
    Router::new()
        .route("/process/pty", post(create).get(list))
        .route("/process/pty/create-connect", get(create_connect))
        .route("/process/pty/{id}", get(show).delete(delete))
        .route("/process/pty/{id}/connect", get(connect))
        .route("/process/pty/{id}/resize", post(resize))
}

/// What the path of a call about one terminal holds.
#[derive(serde::Deserialize)]
struct TerminalPath {
    id: String,
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// The largest message: what is pasted at once.
const LARGEST_MESSAGE: usize = 16 << 20;

/// Reads the upgrade and what the client offers with it.
fn offered(upgrade: Upgrade) -> Result<(WebSocketUpgrade, Offer), Fault> {
    let mut upgrade = upgrade.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let offer = Offer::read(upgrade.requested_protocols())?;
    if let Some(chosen) = &offer.chosen {
        upgrade.set_selected_protocol(chosen.clone());
    }
    let upgrade = upgrade
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE);
    Ok((upgrade, offer))
}

fn plan(live: &Live, id: String, request: PtyCreate) -> Result<Plan, Fault> {
    check_id(&id)?;
    let envs = request.envs.unwrap_or_default();
    // Refused now, also when it starts later.
    environment(live, Some(&envs))?;
    Ok(Plan {
        id,
        cwd: live.resolve(request.cwd.as_deref().unwrap_or("")),
        envs,
        size: size(request.cols, request.rows)?,
        lazy_start: request.lazy_start.unwrap_or(false),
    })
}

async fn create(
    Extension(live): Extension<Arc<Live>>,
    Json(request): Json<PtyCreate>,
) -> Result<(StatusCode, Answer<PtyCreated>), Fault> {
    let session_id = request
        .id
        .clone()
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let plan = plan(&live, session_id.clone(), request)?;
    let lazy = plan.lazy_start;
    let added = live.terminals.add(plan)?;
    if lazy {
        added.kept();
    } else {
        added.started(&live).await?;
    }
    Ok((StatusCode::CREATED, Answer(PtyCreated { session_id })))
}

#[derive(serde::Deserialize)]
struct CreateQuery {
    #[serde(default)]
    id: String,
    cols: Option<u16>,
    rows: Option<u16>,
    cwd: Option<String>,
}

async fn create_connect(
    Extension(live): Extension<Arc<Live>>,
    Query(query): Query<CreateQuery>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Fault> {
    let (upgrade, offer) = offered(upgrade)?;
    let request = PtyCreate {
        cwd: query.cwd,
        envs: Some(offer.envs),
        cols: query.cols,
        rows: query.rows,
        ..PtyCreate::default()
    };
    let plan = plan(&live, query.id, request)?;
    let terminal = live.terminals.add(plan)?.started(&live).await?;
    let connection = Connection::new(&live, offer.exit_control, &headers);
    Ok(upgrade.on_upgrade(move |socket| attach::attach(socket, connection, terminal)))
}

/// Daytona says only on the socket that there is no such terminal.
async fn connect(
    Extension(live): Extension<Arc<Live>>,
    Path(TerminalPath { id }): Path<TerminalPath>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Fault> {
    let (upgrade, offer) = offered(upgrade)?;
    let connection = Connection::new(&live, offer.exit_control, &headers);
    Ok(match live.terminals.get(&id) {
        Ok(terminal) => upgrade.on_upgrade(move |socket| attach::attach(socket, connection, terminal)),
        Err(fault) => upgrade.on_upgrade(move |socket| attach::refuse(socket, fault)),
    })
}

async fn list(Extension(live): Extension<Arc<Live>>) -> Answer<PtySessions> {
    let terminals = live.terminals.list();
    Answer(PtySessions {
        sessions: terminals.iter().map(|terminal| terminal.describe()).collect(),
    })
}

async fn show(
    Extension(live): Extension<Arc<Live>>,
    Path(TerminalPath { id }): Path<TerminalPath>,
) -> Result<Answer<PtySession>, Fault> {
    Ok(Answer(live.terminals.get(&id)?.describe()))
}

async fn resize(
    Extension(live): Extension<Arc<Live>>,
    Path(TerminalPath { id }): Path<TerminalPath>,
    Json(request): Json<PtyResize>,
) -> Result<Answer<PtySession>, Fault> {
    let terminal = live.terminals.get(&id)?;
    terminal.resize(size(Some(request.cols), Some(request.rows))?)?;
    Ok(Answer(terminal.describe()))
}

async fn delete(
    Extension(live): Extension<Arc<Live>>,
    Path(TerminalPath { id }): Path<TerminalPath>,
) -> Result<Answer<Value>, Fault> {
    live.terminals.take(&id)?.end(&live).await?;
    Ok(Answer(json!({"message": "PTY session deleted"})))
}
