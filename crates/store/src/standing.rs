//! How the database stands, for readiness checks and an operator's figures.

use crate::{
    Result, Store,
    database::{Database, newest_migration},
    stored,
};
use model::{BudgetStanding, SandboxState, TeamId};

/// Which version the tables are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The database's.
    pub version: i64,
    /// The one this program was made for. A newer server on the same database brings it further.
    pub ours: i64,
}

/// What is counted in the database, for all servers together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sandboxes that are not known to be deleted, by state.
    pub sandboxes: Vec<(SandboxState, u64)>,
    /// Servers that are alive.
    pub servers: u64,
    /// How the budget stands this month, of each team that has one.
    pub budgets: Vec<(TeamId, BudgetStanding)>,
}

impl Store {
    /// The version of the tables. As quick as [`Store::ping`], and says as much.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schema(&self) -> Result<Schema> {
        let (version,): (i64,) = self
            .reader()
            .await?
            .one(
                "select coalesce(max(version), 0) from _sqlx_migrations where success = true",
                &[],
            )
            .await?;
        Ok(Schema {
            version,
            ours: newest_migration(),
        })
    }

    /// Counts.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn counts(&self) -> Result<Counts> {
        let mut session = self.reader().await?;
        let rows: Vec<(String, i64)> = session
            .all(
                "select state, count(*) from sandboxes where state <> 'deleted' group by state",
                &[],
            )
            .await?;
        // SQLite has one server, which renews no lease.
        let servers = if matches!(self.database, Database::Sqlite { .. }) {
            1
        } else {
            let (alive,): (i64,) = session
                .one(
                    "select count(*) from servers, clock where lease_until >= now",
                    &[],
                )
                .await?;
            stored::size(alive)
        };
        let sandboxes = rows
            .into_iter()
            .filter_map(|(state, count)| Some((SandboxState::parse(&state)?, stored::size(count))))
            .collect();
        let mut budgets = Vec::new();
        let month = session.this_month().await?;
        for team in session.teams_with_budgets().await? {
            let standing = session.standing(&team, month).await?;
            budgets.push((team, standing));
        }
        Ok(Counts {
            sandboxes,
            servers,
            budgets,
        })
    }
}
