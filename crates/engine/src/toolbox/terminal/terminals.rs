//! The terminals of one sandbox, by id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daytona::{PtySession, codes};
use tokio::sync::OnceCell;

use super::running::Running;
use crate::clock;
use crate::fault::Fault;
use crate::registry::Live;
use crate::sandbox::SandboxError;
use crate::toolbox::process::execute::environment;

/// Terminals at the same time.
const LIMIT: usize = 64;
/// How long an ended terminal can still be looked at.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// The largest width and height.
const LARGEST: u16 = 1000;

/// A terminal's width and height.
pub(super) type Size = (u16, u16);

/// What a terminal is to be.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) cwd: String,
    pub(super) envs: BTreeMap<String, String>,
    pub(super) size: Size,
    pub(super) lazy_start: bool,
}

/// A terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    plan: Plan,
    created_ms: i64,
    size: Mutex<Size>,
    running: OnceCell<Running>,
    deleted: AtomicBool,
}

impl Terminal {
    /// Its shell; started unless it was.
    pub(super) async fn start(&self, live: &Live) -> Result<&Running, Fault> {
        let started = self.running.get_or_try_init(|| async {
            let env = environment(live, Some(&self.plan.envs))?;
            let started = Running::start(live, env, self.plan.cwd.clone(), self.size()).await;
            started.map_err(|error| match error {
                SandboxError::Spawn(_) => Fault::bad_request(error.to_string()),
                other => Fault::from(other),
            })
        });
        let running = started.await?;
        if self.deleted.load(Ordering::SeqCst) {
            // It was deleted while it started.
            live.sandbox.end_tree(&[running.pid], Duration::ZERO).await?;
            return Err(unknown(&self.plan.id));
        }
        Ok(running)
    }

    fn size(&self) -> Size {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes its size.
    pub(super) fn resize(&self, size: Size) -> Result<(), Fault> {
        let gone = self
            .running
            .get()
            .is_some_and(|running| running.ended_for().is_some());
        if gone {
            return Err(Fault::gone(
                format!("PTY session {} has ended", self.plan.id),
                codes::SESSION_ENDED,
            ));
        }
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = size;
        self.running.get().map_or(Ok(()), |running| {
            running
                .resize(size.0, size.1)
                .map_err(|error| Fault::internal(format!("The terminal could not be resized: {error}.")))
        })
    }

    /// Ends its shell with everything that was started in it.
    pub(super) async fn end(&self, live: &Live) -> Result<(), Fault> {
        self.deleted.store(true, Ordering::SeqCst);
        if let Some(running) = self.running.get() {
            live.sandbox.end_tree(&[running.pid], Duration::ZERO).await?;
        }
        Ok(())
    }

    /// As the API shows it.
    pub(super) fn describe(&self) -> PtySession {
        let (columns, rows) = self.size();
        PtySession {
            id: self.plan.id.clone(),
            cwd: self.plan.cwd.clone(),
            envs: self.plan.envs.clone(),
            cols: columns,
            rows,
            created_at: clock::rfc3339(self.created_ms),
            active: self
                .running
                .get()
                .is_some_and(|running| running.ended_for().is_none()),
            lazy_start: self.plan.lazy_start,
        }
    }

    fn ended_for(&self) -> Option<Duration> {
        self.running.get().and_then(Running::ended_for)
    }
}

/// All terminals.
#[derive(Debug, Default)]
pub(crate) struct Terminals {
    all: Mutex<BTreeMap<String, Arc<Terminal>>>,
}

impl Terminals {
    /// All of them, without those that ended long ago.
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Terminal>>> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, terminal| terminal.ended_for().is_none_or(|ago| ago < KEPT));
        all
    }

    /// Adds one. An id is free again when its terminal has ended.
    pub(super) fn add(&self, plan: Plan) -> Result<Added<'_>, Fault> {
        let id = plan.id.clone();
        let mut all = self.all();
        if all.get(&id).is_some_and(|other| other.ended_for().is_none()) {
            return Err(Fault::conflict(format!(
                "PTY session with ID {id} already exists"
            )));
        }
        if all.len() >= LIMIT && !all.contains_key(&id) {
            let ended = all.values().filter(|terminal| terminal.ended_for().is_some());
            let Some(oldest) = ended
                .max_by_key(|terminal| terminal.ended_for())
                .map(|oldest| oldest.plan.id.clone())
            else {
                return Err(Fault::bad_request(format!(
                    "This sandbox has {LIMIT} terminals already. Delete one first."
                )));
            };
            all.remove(&oldest);
        }
        let terminal = Arc::new(Terminal {
            size: Mutex::new(plan.size),
            plan,
            created_ms: clock::now_ms(),
            running: OnceCell::new(),
            deleted: AtomicBool::new(false),
        });
        all.insert(id, Arc::clone(&terminal));
        Ok(Added {
            terminals: self,
            terminal: Some(terminal),
        })
    }

    pub(super) fn get(&self, id: &str) -> Result<Arc<Terminal>, Fault> {
        self.all().get(id).cloned().ok_or_else(|| unknown(id))
    }

    /// Takes it out; nobody finds it any more.
    pub(super) fn take(&self, id: &str) -> Result<Arc<Terminal>, Fault> {
        self.all().remove(id).ok_or_else(|| unknown(id))
    }

    pub(super) fn list(&self) -> Vec<Arc<Terminal>> {
        self.all().values().cloned().collect()
    }
}

fn unknown(id: &str) -> Fault {
    Fault::not_found(format!("PTY session {id} not found")).code(codes::PROCESS_NOT_FOUND)
}

/// A terminal that was added, and goes again unless it is kept.
pub(super) struct Added<'a> {
    terminals: &'a Terminals,
    terminal: Option<Arc<Terminal>>,
}

impl Added<'_> {
    /// Starts its shell and keeps it.
    pub(super) async fn started(self, live: &Live) -> Result<Arc<Terminal>, Fault> {
        if let Some(terminal) = &self.terminal {
            terminal.start(live).await?;
        }
        Ok(self.kept())
    }

    /// Keeps it as it is.
    pub(super) fn kept(mut self) -> Arc<Terminal> {
        self.terminal.take().expect("it is taken only here")
    }
}

impl Drop for Added<'_> {
    fn drop(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            let mut all = self.terminals.all();
            if all
                .get(&terminal.plan.id)
                .is_some_and(|other| Arc::ptr_eq(other, &terminal))
            {
                all.remove(&terminal.plan.id);
            }
        }
    }
}

/// A size as clients give it.
pub(super) fn size(columns: Option<u16>, rows: Option<u16>) -> Result<Size, Fault> {
    let within = |what: &str, number: u16| {
        if (1..=LARGEST).contains(&number) {
            return Ok(number);
        }
        Err(Fault::bad_request(format!(
            "{what} must be between 1 and {LARGEST}, not {number}"
        )))
    };
    Ok((
        within("cols", columns.unwrap_or(80))?,
        within("rows", rows.unwrap_or(24))?,
    ))
}

/// Refuses an id that cannot stand in a path.
pub(super) fn check_id(id: &str) -> Result<(), Fault> {
    let invalid =
        id.is_empty() || id.len() > 255 || id.chars().any(|letter| letter == '/' || letter.is_control());
    if invalid {
        return Err(Fault::bad_request(format!(
            "The PTY session id {:?} cannot be used: give a name of up to 255 letters.",
            id.chars().take(255).collect::<String>()
        )));
    }
    Ok(())
}
