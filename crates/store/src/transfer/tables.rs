//! Every table there is, and whether it goes into a backup and moves to
//! another database. One list serves both: a table that is in the schema and
//! not here fails a test (`store transfer`), so that none can be forgotten.

/// A table, and what becomes of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Why its rows stay behind; none when they are kept.
    pub left_out: Option<&'static str>,
}

const fn kept(name: &'static str) -> Table {
    Table { name, left_out: None }
}

const fn left_out(name: &'static str, why: &'static str) -> Table {
    Table {
        name,
        left_out: Some(why),
    }
}

/// All of them, each after those it refers to.
pub const TABLES: &[Table] = &[
    kept("users"),
    kept("teams"),
    kept("team_members"),
    kept("sign_in_tokens"),
    kept("agents"),
    kept("blobs"),
    kept("files"),
    kept("revisions"),
    kept("revision_files"),
    kept("runs"),
    kept("run_events"),
    kept("log_chunks"),
    kept("sandboxes"),
    kept("installation"),
    left_out(
        "servers",
        "servers that are alive now; each announces itself at its start",
    ),
    left_out("driver_requests", "what servers ask of each other at this moment"),
    kept("secrets"),
    kept("agent_variables"),
    kept("run_environments"),
    kept("tokens"),
    kept("run_requests"),
    kept("schedules"),
    kept("schedule_firings"),
    kept("agent_hooks"),
    kept("hook_messages"),
    kept("webhook_targets"),
    kept("webhook_messages"),
    kept("webhook_deliveries"),
    kept("webhook_attempts"),
    kept("made_once"),
    kept("prices"),
    kept("usage_intervals"),
    kept("usage_days"),
    kept("team_budgets"),
    kept("budget_events"),
    kept("audit_records"),
    kept("audit_head"),
    kept("audit_anchors"),
    left_out("sessions", "who was signed in signs in again"),
    kept("identities"),
    kept("invitations"),
    kept("interpreters"),
];

/// Tables of libraries, which are no rows of ours: the list of migrations is made by opening a database,
/// and who was signed in signs in again.
pub const OF_LIBRARIES: &[&str] = &["_sqlx_migrations", "tower_sessions"];

/// A new database has rows in these already, which its migrations made: the first team, the usual
/// prices, and where the audit log begins.
pub const NEVER_EMPTY: [&str; 3] = ["teams", "prices", "audit_head"];

/// Those whose rows are kept.
pub fn kept_tables() -> impl Iterator<Item = &'static str> {
    TABLES
        .iter()
        .filter(|table| table.left_out.is_none())
        .map(|table| table.name)
}
