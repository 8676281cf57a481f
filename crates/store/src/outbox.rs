//! What happened, on its way to the addresses that are told: written in the
//! transaction in which it happens, so that nothing is told that did not
//! happen, and nothing that happened is forgotten. Ids are made from what
//! happened: whoever writes it again, because the answer of the database was
//! lost, writes the same.

use crate::{Result, Store, session::Session, stored, value::values};
use model::{Millis, Run, RunState, TeamId, WebhookEvent};
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How long messages are remembered, in milliseconds.
const REMEMBERED: i64 = 30 * 24 * 3600 * 1000;

fn rfc3339(at: Millis) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000);
    at.ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// An id that is the same for the same parts.
fn id_of(prefix: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{prefix}_{}", hex::encode(&hash.finalize()[..16]))
}

impl Session {
    /// Puts an event of a team into the outbox, for each of its addresses that wants to be told. `key`
    /// names what happened among events of its kind: the same again is nothing new.
    pub(crate) async fn announce(
        &mut self,
        team: &TeamId,
        event: WebhookEvent,
        key: &str,
        data: &serde_json::Value,
    ) -> Result<()> {
        let targets: Vec<(String, String)> = self
            .all(
                "select id, events from webhook_targets where team_id = $1 and is_on = true",
                values![team],
            )
            .await?;
        let mut wanted = Vec::new();
        for (target, events) in targets {
            let events: Vec<WebhookEvent> = stored::json("the events of a webhook", &events)?;
            if events.contains(&event) {
                wanted.push(target);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let now = Millis::now();
        let message = id_of("msg", &[team.as_str(), event.as_str(), key]);
        let body = serde_json::json!({ "type": event, "timestamp": rfc3339(now), "data": data });
        self.execute(
            "insert into webhook_messages (id, team_id, event, body, created_at) values ($1, $2, $3, $4, $5)
             on conflict (id) do nothing",
            values![&message, team, event.as_str(), &body.to_string(), now],
        )
        .await?;
        for target in &wanted {
            self.execute(
                "insert into webhook_deliveries
                 (id, message_id, target_id, state, tries, next_at, claimed_until, created_at)
                 values ($1, $2, $3, 'waiting', 0, $4, 0, $4) on conflict (message_id, target_id) do nothing",
                values![&id_of("dlv", &[&message, target]), &message, target, now],
            )
            .await?;
        }
        Ok(())
    }

    /// Announces the end of a run.
    pub(crate) async fn announce_end(&mut self, run: &Run) -> Result<()> {
        let Some((team, slug, agent)) = self
            .optional::<(String, String, String)>(
                "select a.team_id, a.slug, a.name from agents a where a.id = $1
                 and exists (select 1 from webhook_targets t where t.team_id = a.team_id and t.is_on = true)",
                values![&run.agent],
            )
            .await?
        else {
            return Ok(());
        };
        let event = match run.state {
            RunState::Failed | RunState::TimedOut | RunState::Lost => WebhookEvent::RunFailed,
            _ => WebhookEvent::RunFinished,
        };
        let data = serde_json::json!({
            "run_id": run.id,
            "number": run.number,
            "agent_id": run.agent,
            "agent_slug": slug,
            "agent_name": agent,
            "state": run.state,
            "success": run.state == RunState::Succeeded,
            "exit_code": run.exit_code,
            "reason": run.reason,
            "trigger": run.trigger,
            "created_at": rfc3339(run.created_at),
            "started_at": run.started_at.map(rfc3339),
            "ended_at": run.ended_at.map(rfc3339),
        });
        let team = stored::text("the id of a team", team)?;
        self.announce(&team, event, run.id.as_str(), &data).await
    }
}

impl Store {
    /// Announces an event of a team to its addresses. `key` names what happened among events of its kind:
    /// the same again is nothing new, so that it may be announced by every server that sees it.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn announce(
        &self,
        team: &TeamId,
        event: WebhookEvent,
        key: &str,
        data: &serde_json::Value,
    ) -> Result<()> {
        let mut session = self.writer().await?;
        session.announce(team, event, key, data).await?;
        session.commit().await
    }

    /// Forgets messages that are old and not on their way any more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn forget_old_messages(&self) -> Result<()> {
        let mut session = self.writer().await?;
        session
            .execute(
                "delete from webhook_messages where created_at < $1 and not exists (select 1
                 from webhook_deliveries d where d.message_id = webhook_messages.id and d.state = 'waiting')",
                values![Millis::now().0 - REMEMBERED],
            )
            .await?;
        session.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_their_parts_and_of_no_others() {
        assert_eq!(id_of("msg", &["a", "b"]), id_of("msg", &["a", "b"]));
        assert_ne!(id_of("msg", &["a", "b"]), id_of("msg", &["ab", ""]));
        assert_eq!(id_of("msg", &[]).len(), 36);
        assert_eq!(rfc3339(Millis(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
    }
}
