//! The addresses of teams that are told of events.

use crate::{Result, Store, StoreError, stored, value::values};
use model::{
    Millis, NewTarget, TargetId, TeamId, WebhookTarget,
    webhook::{MOST_TARGETS, OVERLAP_MILLISECONDS},
};

macro_rules! columns {
    () => {
        "id, url, events, is_on, off_reason, created_at, previous_until"
    };
}

#[derive(sqlx::FromRow)]
struct TargetRow {
    id: String,
    url: String,
    events: String,
    is_on: bool,
    off_reason: Option<String>,
    created_at: i64,
    previous_until: Option<i64>,
}

impl TargetRow {
    fn read(self) -> Result<WebhookTarget> {
        Ok(WebhookTarget {
            id: stored::text("the id of a webhook", self.id)?,
            said: NewTarget {
                url: self.url,
                events: stored::json("the events of a webhook", &self.events)?,
            },
            is_on: self.is_on,
            off_reason: self.off_reason,
            created_at: Millis(self.created_at),
            previous_until: stored::time(self.previous_until).filter(|until| *until > Millis::now()),
        })
    }
}

impl Store {
    /// Keeps a new address of a team; it is on.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule, `Conflict` when the team has as many as it may.
    pub async fn create_target(
        &self,
        team: &TeamId,
        id: &TargetId,
        said: NewTarget,
        sealed: &str,
    ) -> Result<WebhookTarget> {
        let said = said.check()?;
        let mut session = self.writer().await?;
        let (count,): (i64,) = session
            .one(
                "select count(*) from webhook_targets where team_id = $1",
                values![team],
            )
            .await?;
        if stored::size(count) >= MOST_TARGETS as u64 {
            return Err(StoreError::Conflict(format!(
                "There are {count} webhooks of this team, as many as it may have. Delete one first."
            )));
        }
        let target = WebhookTarget {
            id: id.clone(),
            said,
            is_on: true,
            off_reason: None,
            created_at: Millis::now(),
            previous_until: None,
        };
        session
            .execute(
                "insert into webhook_targets (id, team_id, url, events, sealed, is_on, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                values![
                    id,
                    team,
                    &target.said.url,
                    &stored::to_json(&target.said.events),
                    sealed,
                    true,
                    target.created_at
                ],
            )
            .await?;
        session.commit().await?;
        Ok(target)
    }

    /// The addresses of a team, oldest first.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_targets(&self, team: &TeamId) -> Result<Vec<WebhookTarget>> {
        let rows: Vec<TargetRow> = self
            .reader()
            .await?
            .all(
                concat!(
                    "select ",
                    columns!(),
                    " from webhook_targets where team_id = $1 order by created_at, id"
                ),
                values![team],
            )
            .await?;
        rows.into_iter().map(TargetRow::read).collect()
    }

    /// Changes an address of a team, and switches it on or off. What waits for one that is off is not sent.
    ///
    /// # Errors
    /// `Invalid` when it breaks a rule, `NotFound` when the team has no such address.
    pub async fn update_target(
        &self,
        team: &TeamId,
        id: &TargetId,
        said: NewTarget,
        is_on: bool,
    ) -> Result<()> {
        let said = said.check()?;
        let mut session = self.writer().await?;
        let updated = session
            .execute(
                "update webhook_targets set url = $3, events = $4, is_on = $5, off_reason = null
                 where id = $1 and team_id = $2",
                values![id, team, &said.url, &stored::to_json(&said.events), is_on],
            )
            .await?;
        if updated == 0 {
            return Err(missing());
        }
        if !is_on {
            session.cancel_deliveries(id).await?;
        }
        session.commit().await
    }

    /// Switches an address off that says it is gone.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn switch_target_off(&self, id: &TargetId, reason: &str) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "update webhook_targets set is_on = false, off_reason = $2 where id = $1 and is_on = true",
                values![id, reason],
            )
            .await?;
        session.cancel_deliveries(id).await?;
        session.commit().await
    }

    /// Puts another secret in the place of an address's; messages are signed with the one before too for a day.
    ///
    /// # Errors
    /// `NotFound` when the team has no such address.
    pub async fn rotate_target(&self, team: &TeamId, id: &TargetId, sealed: &str) -> Result<()> {
        let mut session = self.writer().await?;
        let rotated = session
            .execute(
                "update webhook_targets set sealed_previous = sealed, sealed = $3, previous_until = $4
                 where id = $1 and team_id = $2",
                values![id, team, sealed, Millis::now().0 + OVERLAP_MILLISECONDS],
            )
            .await?;
        if rotated == 0 {
            return Err(missing());
        }
        session.commit().await
    }

    /// Deletes an address with its log.
    ///
    /// # Errors
    /// `NotFound` when the team has no such address.
    pub async fn delete_target(&self, team: &TeamId, id: &TargetId) -> Result<()> {
        let mut session = self.writer().await?;
        let deleted = session
            .execute(
                "delete from webhook_targets where id = $1 and team_id = $2",
                values![id, team],
            )
            .await?;
        if deleted == 0 {
            return Err(missing());
        }
        session.commit().await
    }
}

fn missing() -> StoreError {
    StoreError::NotFound("There is no such webhook. Was it deleted?".to_owned())
}
