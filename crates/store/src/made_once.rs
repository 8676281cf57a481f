//! What requests that may be sent again have made.

use crate::{Result, Store, value::values};
use model::Millis;

/// How long it is remembered what a request has made: a day.
const KEPT_MILLISECONDS: i64 = 24 * 3600 * 1000;

/// The answer to a request that has made something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Where what was made is found.
    pub location: String,
    /// Its body; none when that may be told only once.
    pub body: Option<String>,
}

/// Where a request that may be sent again stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeOnce {
    /// It comes for the first time.
    New,
    /// It is being answered, or its answer was never noted.
    UnderWay,
    /// It was answered.
    Answered(MadeAnswer),
    /// Something else was asked for under this id.
    Another,
}

impl Store {
    /// Notes that a request is being answered, if it comes for the first time. `id` names who asks and
    /// their key, `sha256` what is asked for.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn begin_once(&self, id: &str, sha256: &str) -> Result<MadeOnce> {
        let now = Millis::now();
        let mut session = self.writer().await?;
        session
            .execute(
                "delete from made_once where created_at < $1",
                values![now.0 - KEPT_MILLISECONDS],
            )
            .await?;
        let new = session
            .execute(
                "insert into made_once (id, sha256, created_at) values ($1, $2, $3) on conflict (id) do nothing",
                values![id, sha256, now],
            )
            .await?;
        let (first, status, location, body): (String, Option<i64>, Option<String>, Option<String>) = session
            .one(
                "select sha256, status, location, body from made_once where id = $1",
                values![id],
            )
            .await?;
        session.commit_apart().await?;
        Ok(match status.and_then(|status| u16::try_from(status).ok()) {
            _ if new == 1 => MadeOnce::New,
            _ if first != sha256 => MadeOnce::Another,
            None => MadeOnce::UnderWay,
            Some(status) => MadeOnce::Answered(MadeAnswer {
                status,
                location: location.unwrap_or_default(),
                body,
            }),
        })
    }

    /// Notes how the request was answered.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn finish_once(&self, id: &str, answer: &MadeAnswer) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "update made_once set status = $2, location = $3, body = $4 where id = $1",
                values![
                    id,
                    u32::from(answer.status),
                    &answer.location,
                    answer.body.as_deref()
                ],
            )
            .await?;
        session.commit_apart().await
    }

    /// Forgets a request that has made nothing, so that it can come again.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_once(&self, id: &str) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute("delete from made_once where id = $1", values![id])
            .await?;
        session.commit_apart().await
    }
}
