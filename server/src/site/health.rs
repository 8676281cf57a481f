//! For load balancers and service managers: whether the process answers, and
//! whether it can work.

use super::Site;
use axum::{Json, extract::State};
use http::StatusCode;
use serde::Serialize;
use std::time::Duration;
use store::Schema;

/// How long a database that hangs is waited for.
const WITHIN: Duration = Duration::from_secs(1);

/// What `/readyz` says.
#[derive(Debug, Serialize)]
pub struct Ready {
    /// `ready`, `not_ready` or `stopping`.
    status: &'static str,
    checks: Checks,
}

#[derive(Debug, Serialize)]
struct Checks {
    database: Check,
    migrations: Check,
    /// Does not count: without it runs wait, and everything else goes on.
    provider: Check,
}

#[derive(Debug, Serialize)]
struct Check {
    /// `ok`, `failing` or `unknown`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

const OK: Check = Check {
    status: "ok",
    detail: None,
};

const fn failing(detail: &'static str) -> Check {
    Check {
        status: "failing",
        detail: Some(detail),
    }
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers too, with tables of this version, and the server is not stopping.
/// What is known of the provider is what was looked up last: nobody waits for it here.
pub async fn readyz(State(site): State<Site>) -> (StatusCode, Json<Ready>) {
    let asked = tokio::time::timeout(WITHIN, site.services.store.schema()).await;
    let (database, migrations) = match asked {
        Ok(Ok(schema)) => (OK, standing(schema)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            (
                failing("The database does not answer."),
                unknown("The database does not answer."),
            )
        }
        Err(_) => {
            tracing::warn!("not ready: the database takes longer than {WITHIN:?} to answer");
            (
                failing("The database is too slow."),
                unknown("The database is too slow."),
            )
        }
    };
    let provider = match site.observed.readiness.provider() {
        Some(true) => OK,
        Some(false) => failing("The provider of sandboxes does not answer. Runs wait for it."),
        None => unknown("It was not asked yet."),
    };
    let status = if site.shutdown.is_cancelled() {
        "stopping"
    } else if database.status == "ok" && migrations.status == "ok" {
        "ready"
    } else {
        "not_ready"
    };
    let code = match status {
        "ready" => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let checks = Checks {
        database,
        migrations,
        provider,
    };
    (code, Json(Ready { status, checks }))
}

const fn unknown(detail: &'static str) -> Check {
    Check {
        status: "unknown",
        detail: Some(detail),
    }
}

/// A newer server brings the tables further: then this one should get no requests any more.
const fn standing(schema: Schema) -> Check {
    if schema.version < schema.ours {
        return failing("The tables are older than this program. Restart it.");
    }
    if schema.version > schema.ours {
        return failing("The tables are newer than this program. Update it.");
    }
    OK
}
