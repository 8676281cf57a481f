//! A message to the webhook of an agent: whether it is from who has the secret,
//! is new, and what run it starts.
//!
//! The run's id is made from the webhook and the message, so that a message that
//! comes twice, because its sender heard no answer or somebody sends it again,
//! is one run.

use super::signature::is_signed;
use crate::{Instead, Once, Runs, RunsError, StartRun, Stdin};
use model::{
    Action, Actor, ActorKind, FilePath, HookBody, HookId, Invalid, Millis, Run, RunId, Trigger, TriggerKind,
    webhook::{BODY_FILE, LONGEST_MESSAGE_ID, WINDOW_SECONDS},
};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, sync::Arc};
use store::{Doing, SealedHook};

/// The longest content type that the program is told, in bytes.
const LONGEST_TYPE: usize = 200;

/// What a message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`, in seconds since 1970.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signatures: String,
    /// `content-type`.
    pub content_type: Option<String>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not from who has the secret, or too old.
    #[error("{0}")]
    NotTrusted(String),
    /// Anything else.
    #[error(transparent)]
    Runs(#[from] RunsError),
}

impl From<store::StoreError> for Refused {
    fn from(error: store::StoreError) -> Self {
        Self::Runs(error.into())
    }
}

impl From<Invalid> for Refused {
    fn from(error: Invalid) -> Self {
        Self::Runs(error.into())
    }
}

impl Incoming {
    /// Checks what can be checked before the body is read.
    ///
    /// # Errors
    /// When no body could make it good.
    pub fn check(&self, now: Millis) -> Result<(), Refused> {
        let is_id = (1..=LONGEST_MESSAGE_ID).contains(&self.id.len())
            && self
                .id
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'.');
        if !is_id {
            return Err(Invalid(format!(
                "webhook-id has 1 to {LONGEST_MESSAGE_ID} visible ASCII characters, no full stop among them."
            ))
            .into());
        }
        let off = now.0 / 1000 - self.timestamp;
        if off.unsigned_abs() > WINDOW_SECONDS.unsigned_abs() {
            return Err(Refused::NotTrusted(format!(
                "webhook-timestamp is {} s {} our clock, and {WINDOW_SECONDS} s is the limit. Sign the message anew when it is sent again.",
                off.unsigned_abs(),
                if off > 0 { "behind" } else { "ahead of" }
            )));
        }
        Ok(())
    }
}

impl Runs {
    /// The webhook of this id, if it is there and on.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn open_hook(&self, id: &HookId) -> Result<SealedHook, RunsError> {
        let hook = self.context.store.hook(id).await?;
        hook.filter(|found| found.hook.is_on).ok_or_else(|| {
            RunsError::NotFound("There is no webhook at this address, or it is switched off.".to_owned())
        })
    }

    /// Takes a message, and starts its run; the same message again is the same run.
    ///
    /// # Errors
    /// When it is not signed as it should be, too old, or its id came with another body; and as
    /// [`Runs::start`].
    pub async fn receive(&self, hook: SealedHook, incoming: Incoming, body: Vec<u8>) -> Result<Run, Refused> {
        incoming.check(Millis::now())?;
        let id = hook.hook.id.clone();
        let sealed = std::iter::once(&hook.sealed).chain(&hook.sealed_previous);
        let secrets: Vec<_> = sealed
            .filter_map(|sealed| self.context.vault.open(id.as_str(), sealed).ok())
            .collect();
        if !is_signed(
            &secrets,
            &incoming.signatures,
            &incoming.id,
            incoming.timestamp,
            &body,
        ) {
            return Err(Refused::NotTrusted(
                "webhook-signature is not that of this message. It is v1, and the base64 of HMAC-SHA-256 over webhook-id, webhook-timestamp and the body with full stops between, with the secret of this webhook."
                    .to_owned(),
            ));
        }
        let run = run_of(&id, &incoming.id)?;
        let sha256 = hex::encode(Sha256::digest(&body));
        let store = &self.context.store;
        if !store
            .remember_hook_message(&id, &incoming.id, &sha256, &run)
            .await?
        {
            return Err(RunsError::Conflict(
                "This webhook-id came with another body before. Use a new id for another message.".to_owned(),
            )
            .into());
        }
        let request = StartRun {
            id: run,
            agent: hook.hook.agent,
            args: Vec::new(),
            timeout_seconds: None,
            fresh: true,
            person: Some(hook.user),
            trigger: Trigger::new(TriggerKind::Webhook, &incoming.id, "webhook"),
            in_studio: false,
        };
        // As the webhook's doing in the audit log.
        let actor = Actor::new(ActorKind::Webhook, Some(incoming.id.as_str()), "webhook");
        let team = store.agent(&request.agent).await?.team;
        let doing = Arc::new(Doing::new(actor, Action::RunStart).of_team(team));
        let once = given(hook.hook.body, incoming, body)?;
        Ok(doing.scope(self.execute(request, once)).await?)
    }
}

/// What the run is given of the message.
fn given(how: HookBody, incoming: Incoming, body: Vec<u8>) -> Result<Once, Invalid> {
    let mut env = BTreeMap::from([
        ("WEBHOOK_ID".to_owned(), incoming.id),
        ("WEBHOOK_TIMESTAMP".to_owned(), incoming.timestamp.to_string()),
    ]);
    let kind = incoming.content_type.filter(|kind| kind.len() <= LONGEST_TYPE);
    env.extend(kind.map(|kind| ("WEBHOOK_CONTENT_TYPE".to_owned(), kind)));
    let mut once = Once::default();
    match how {
        HookBody::Stdin => {
            once.stdin = Stdin {
                bytes: body,
                close: true,
            };
        }
        HookBody::File => {
            once.instead = Some(Instead::Beside(vec![(FilePath::parse(BODY_FILE)?, body)]));
            once.stdin.close = true;
            env.insert("WEBHOOK_FILE".to_owned(), BODY_FILE.to_owned());
        }
    }
    once.env = env;
    Ok(once)
}

/// The run that a message stands for.
fn run_of(hook: &HookId, message: &str) -> Result<RunId, Invalid> {
    let hash = Sha256::digest(format!("{hook} {message}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    RunId::parse(&uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(id: &str, timestamp: i64) -> Incoming {
        Incoming {
            id: id.to_owned(),
            timestamp,
            signatures: String::new(),
            content_type: None,
        }
    }

    #[test]
    fn only_what_is_new_and_has_an_id_is_read() {
        let now = Millis(1_700_000_000_999);
        for at in [1_700_000_000, 1_699_999_700, 1_700_000_300] {
            assert!(incoming("msg_1", at).check(now).is_ok(), "{at}");
        }
        for at in [1_699_999_699, 1_700_000_301, 0, i64::MIN / 2, i64::MAX / 2] {
            let refused = incoming("msg_1", at).check(now);
            assert!(matches!(refused, Err(Refused::NotTrusted(_))), "{at}");
        }
        for id in ["", "a.b", "a b", "a\u{e9}", &"x".repeat(201)] {
            assert!(incoming(id, 1_700_000_000).check(now).is_err(), "{id}");
        }
    }

    #[test]
    fn a_message_is_one_run_of_one_webhook() {
        let (one, two) = (HookId::generate(), HookId::generate());
        assert_eq!(run_of(&one, "m"), run_of(&one, "m"));
        assert_ne!(run_of(&one, "m"), run_of(&one, "n"));
        assert_ne!(run_of(&one, "m"), run_of(&two, "m"));
    }
}
