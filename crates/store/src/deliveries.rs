//! Messages on their way to addresses: taken by one server at a time, for as
//! long as an attempt may last, and what came of each attempt.

use crate::{Result, Store, StoreError, session::Session, stored, value::values};
use model::{Attempt, Delivery, DeliveryState, Millis, TargetId, TeamId, WebhookEvent};
use std::{collections::HashMap, time::Duration};

/// How many deliveries to one address are under way at once, at all servers together: one that is slow
/// is slow alone.
const OF_ONE_TARGET: i64 = 4;
/// How many attempts of one delivery are remembered.
const REMEMBERED_ATTEMPTS: i64 = 50;

/// A delivery to be made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The delivery.
    pub id: String,
    /// The id of the message.
    pub message: String,
    /// What it tells, as it is sent.
    pub body: String,
    /// The address's id.
    pub target: TargetId,
    /// The address.
    pub url: String,
    /// Its secret.
    pub sealed: String,
    /// The secret before, as long as that counts.
    pub sealed_previous: Option<String>,
    /// How often it was tried since it was sent or replayed.
    pub tries: u32,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It was taken.
    Delivered,
    /// It is tried again then.
    Again(Millis),
    /// It is not tried any more.
    Failed,
}

#[derive(sqlx::FromRow)]
struct ParcelRow {
    id: String,
    message_id: String,
    body: String,
    target_id: String,
    url: String,
    sealed: String,
    sealed_previous: Option<String>,
    previous_until: Option<i64>,
    tries: i64,
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    id: String,
    message_id: String,
    target_id: String,
    event: String,
    state: String,
    next_at: i64,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    delivery_id: String,
    at: i64,
    took: i64,
    status: Option<i64>,
    words: String,
}

impl Session {
    /// Cancels what waits for an address.
    pub(crate) async fn cancel_deliveries(&mut self, target: &TargetId) -> Result<()> {
        self.execute(
            "update webhook_deliveries set state = 'cancelled' where target_id = $1 and state = 'waiting'",
            values![target],
        )
        .await?;
        Ok(())
    }
}

impl Store {
    /// Takes deliveries that are due, at most `limit`, for so long; no other server has them meanwhile.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn take_parcels(&self, limit: u32, time: Duration) -> Result<Vec<Parcel>> {
        // Looked for before it is written: there is most often nothing.
        let due: Vec<(String,)> = self
            .reader()
            .await?
            .all(
                "select id from (select id, next_at, claimed_until, now, row_number() over (partition by target_id
                   order by case when claimed_until > now then 0 else 1 end, next_at, id) as place
                   from webhook_deliveries, clock where state = 'waiting' and next_at <= now) due
                 where place <= $1 and claimed_until <= now order by next_at, id limit $2",
                values![OF_ONE_TARGET, limit],
            )
            .await?;
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let mut parcels = Vec::new();
        for (id,) in due {
            let mut session = self.writer().await?;
            let mine = session
                .execute(
                    "update webhook_deliveries set claimed_until = (select now from clock) + $2
                     where id = $1 and state = 'waiting' and next_at <= (select now from clock)
                     and claimed_until <= (select now from clock)",
                    values![&id, time],
                )
                .await?;
            if mine == 0 {
                continue;
            }
            let row: ParcelRow = session
                .one(
                    "select d.id, d.message_id, m.body, d.target_id, t.url, t.sealed, t.sealed_previous,
                     t.previous_until, d.tries from webhook_deliveries d
                     join webhook_messages m on m.id = d.message_id
                     join webhook_targets t on t.id = d.target_id where d.id = $1",
                    values![&id],
                )
                .await?;
            session.commit().await?;
            let counts = row.previous_until.is_some_and(|until| until > Millis::now().0);
            parcels.push(Parcel {
                id: row.id,
                message: row.message_id,
                body: row.body,
                target: stored::text("the id of a webhook", row.target_id)?,
                url: row.url,
                sealed: row.sealed,
                sealed_previous: row.sealed_previous.filter(|_| counts),
                tries: stored::count(row.tries),
            });
        }
        Ok(parcels)
    }

    /// Writes what came of an attempt, and lets go of the delivery.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn note_attempt(&self, delivery: &str, attempt: &Attempt, next: Next) -> Result<()> {
        let (state, next_at) = match next {
            Next::Delivered => (DeliveryState::Delivered, attempt.at),
            Next::Again(at) => (DeliveryState::Waiting, at),
            Next::Failed => (DeliveryState::Failed, attempt.at),
        };
        let mut session = self.writer().await?;
        // One that was cancelled meanwhile stays so, unless it arrived.
        let there = session
            .execute(
                "update webhook_deliveries set claimed_until = 0, tries = tries + 1, next_at = $3,
                 state = case when state = 'waiting' or $2 = 'delivered' then $2 else state end
                 where id = $1",
                values![delivery, state.as_str(), next_at],
            )
            .await?;
        if there == 0 {
            return Ok(());
        }
        session
            .execute(
                "insert into webhook_attempts (delivery_id, number, at, took, status, words)
                 select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5
                 from webhook_attempts where delivery_id = $1",
                values![
                    delivery,
                    attempt.at,
                    attempt.took,
                    attempt.status.map(i64::from),
                    &attempt.words
                ],
            )
            .await?;
        session
            .execute(
                "delete from webhook_attempts where delivery_id = $1 and number <=
                 (select max(number) from webhook_attempts where delivery_id = $1) - $2",
                values![delivery, REMEMBERED_ATTEMPTS],
            )
            .await?;
        session.commit().await
    }

    /// Sends a message again, whatever became of it.
    ///
    /// # Errors
    /// `NotFound` when the team has no such delivery, `Conflict` when its address is off.
    pub async fn replay_delivery(&self, team: &TeamId, delivery: &str) -> Result<()> {
        let mut session = self.writer().await?;
        let target: Option<(bool,)> = session
            .optional(
                "select t.is_on from webhook_deliveries d join webhook_targets t on t.id = d.target_id
                 where d.id = $1 and t.team_id = $2",
                values![delivery, team],
            )
            .await?;
        match target {
            None => {
                return Err(StoreError::NotFound(
                    "There is no such delivery. It may be too old: they are kept for 30 days.".to_owned(),
                ));
            }
            Some((false,)) => {
                return Err(StoreError::Conflict(
                    "This webhook is switched off. Switch it on first.".to_owned(),
                ));
            }
            Some((true,)) => {}
        }
        session
            .execute(
                "update webhook_deliveries set state = 'waiting', tries = 0, next_at = (select now from clock)
                 where id = $1",
                values![delivery],
            )
            .await?;
        session.commit().await
    }

    /// The newest deliveries of a team or of one of its addresses, newest first, made before `before`.
    /// At most `limit` and at most 200.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn list_deliveries(
        &self,
        team: &TeamId,
        target: Option<&TargetId>,
        before: Option<(Millis, &str)>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let (at, id) = before.unwrap_or((Millis(i64::MAX), "~"));
        let target = target.map_or("", |target| target.as_str());
        let mut session = self.reader().await?;
        let rows: Vec<DeliveryRow> = session
            .all(
                "select d.id, d.message_id, d.target_id, m.event, d.state, d.next_at, d.created_at
                 from webhook_deliveries d join webhook_messages m on m.id = d.message_id
                 where m.team_id = $1 and ($2 = '' or d.target_id = $2) and (d.created_at, d.id) < ($3, $4)
                 order by d.created_at desc, d.id desc limit $5",
                values![team, target, at, id, limit.min(200)],
            )
            .await?;
        let mut attempts: HashMap<String, Vec<Attempt>> = HashMap::new();
        for row in &rows {
            let of_one: Vec<AttemptRow> = session
                .all(
                    "select delivery_id, at, took, status, words from webhook_attempts
                     where delivery_id = $1 order by number desc",
                    values![&row.id],
                )
                .await?;
            for attempt in of_one {
                attempts.entry(attempt.delivery_id).or_default().push(Attempt {
                    at: Millis(attempt.at),
                    took: stored::size(attempt.took),
                    status: attempt.status.and_then(|status| u16::try_from(status).ok()),
                    words: attempt.words,
                });
            }
        }
        rows.into_iter()
            .map(|row| {
                let state = stored::word("the state of a delivery", &row.state, DeliveryState::parse)?;
                Ok(Delivery {
                    attempts: attempts.remove(&row.id).unwrap_or_default(),
                    id: row.id,
                    message: row.message_id,
                    target: stored::text("the id of a webhook", row.target_id)?,
                    event: stored::word("an event", &row.event, WebhookEvent::parse)?,
                    state,
                    next_at: (state == DeliveryState::Waiting).then_some(Millis(row.next_at)),
                    created_at: Millis(row.created_at),
                })
            })
            .collect()
    }
}
