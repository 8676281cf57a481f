//! Whose doing a change is. Whoever changes something for a person or a program
//! does it within [`Doing::scope`]; the first transaction that commits in there
//! writes the record of the audit log with it, so that neither is without the
//! other. What changes nothing in the database is written by [`Doing::finish`].
//!
//! It travels with the task, not through the arguments of every method: so no
//! method of the store can be called without it, and none has to remember it.

use crate::{Result, Store};
use model::{Action, Actor, Target, TeamId};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

tokio::task_local! {
    static DOING: Arc<Doing>;
}

/// The longest name or address of a client that is kept, in characters.
const LONGEST: usize = 300;

/// What is being done, by whom, from where.
#[derive(Debug)]
pub struct Doing {
    pub(crate) actor: Mutex<Actor>,
    pub(crate) team: Option<TeamId>,
    pub(crate) action: Action,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
    about: Mutex<About>,
    recorded: AtomicBool,
}

/// What it is done to.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) target: Option<Target>,
    pub(crate) details: BTreeMap<String, String>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A text without what cannot be stored or read, and not too long.
fn fit(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    printable.take(LONGEST).collect()
}

impl Doing {
    /// Somebody does something.
    #[must_use]
    pub fn new(actor: Actor, action: Action) -> Self {
        Self {
            actor: Mutex::new(Actor {
                name: fit(&actor.name),
                ..actor
            }),
            team: None,
            action,
            address: None,
            user_agent: None,
            about: Mutex::default(),
            recorded: AtomicBool::new(false),
        }
    }

    /// In a team.
    #[must_use]
    pub fn of_team(self, team: TeamId) -> Self {
        Self {
            team: Some(team),
            ..self
        }
    }

    /// From an address, with a client that calls itself so.
    #[must_use]
    pub fn from(self, address: String, user_agent: Option<&str>) -> Self {
        Self {
            address: Some(fit(&address)),
            user_agent: user_agent.map(fit),
            ..self
        }
    }

    /// To this, unless the change itself knows better.
    #[must_use]
    pub fn to(self, target: Option<Target>) -> Self {
        locked(&self.about).target = target;
        self
    }

    /// The same, as something else that came of it.
    #[must_use]
    pub fn turned_into(&self, action: Action) -> Self {
        Self {
            actor: Mutex::new(self.actor()),
            team: self.team.clone(),
            action,
            address: self.address.clone(),
            user_agent: self.user_agent.clone(),
            about: Mutex::new(self.about()),
            recorded: AtomicBool::new(false),
        }
    }

    /// Says who it was that did it, when that is known only now.
    pub fn done_by(&self, actor: Actor) {
        *locked(&self.actor) = Actor {
            name: fit(&actor.name),
            ..actor
        };
    }

    /// Does it: what is awaited here is this doing.
    pub async fn scope<F: Future>(self: &Arc<Self>, doing: F) -> F::Output {
        DOING.scope(Arc::clone(self), doing).await
    }

    /// Does it on this thread: so is what a runtime of this thread is given to do there.
    pub fn scope_here<T>(self: &Arc<Self>, doing: impl FnOnce() -> T) -> T {
        DOING.sync_scope(Arc::clone(self), doing)
    }

    /// Writes the record if no change did.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn finish(&self, store: &Store) -> Result<()> {
        if self.is_recorded() {
            return Ok(());
        }
        let mut session = store.writer().await?;
        session.record(self).await?;
        session.commit_apart().await?;
        self.is_in_the_record();
        Ok(())
    }

    /// Whether the record is written.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Acquire)
    }

    pub(crate) fn is_in_the_record(&self) {
        self.recorded.store(true, Ordering::Release);
    }

    pub(crate) fn add_detail(&self, name: &str, words: &str) {
        locked(&self.about).details.insert(name.to_owned(), fit(words));
    }

    pub(crate) fn about(&self) -> About {
        locked(&self.about).clone()
    }

    pub(crate) fn actor(&self) -> Actor {
        locked(&self.actor).clone()
    }
}

/// What is being done here, if the record of it is not written yet.
pub(crate) fn unrecorded() -> Option<Arc<Doing>> {
    DOING
        .try_with(Arc::clone)
        .ok()
        .filter(|doing| !doing.is_recorded())
}

/// Says what is being done to what. Nothing happens when nobody does anything here.
pub fn concerns(kind: &str, id: &str, name: &str) {
    let _ = DOING.try_with(|doing| {
        locked(&doing.about).target = Some(Target::new(kind, fit(id), fit(name)));
    });
}

/// Says more about it. Never a secret value.
pub fn detail(name: &str, words: &str) {
    let _ = DOING.try_with(|doing| doing.add_detail(name, words));
}

/// Takes what is being done here along to another task.
pub fn carried<F: Future>(going_on: F) -> impl Future<Output = F::Output> {
    Carrier::here().carry(going_on)
}

/// What is being done at a place, to be taken along to what begins only later.
#[derive(Clone, Debug)]
pub struct Carrier(Option<Arc<Doing>>);

impl Carrier {
    /// What is being done here, if anything.
    #[must_use]
    pub fn here() -> Self {
        Self(DOING.try_with(Arc::clone).ok())
    }

    /// Does this as a part of it.
    pub async fn carry<F: Future>(self, going_on: F) -> F::Output {
        match self.0 {
            Some(doing) => DOING.scope(doing, going_on).await,
            None => going_on.await,
        }
    }
}
