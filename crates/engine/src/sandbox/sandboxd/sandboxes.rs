//! The living sandboxes as sandboxd holds them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

use super::birth::{self, Born};
use super::cgroup::{Group, Hierarchy, Leftovers};
use super::cradle::Cradle;
use super::orders::{Action, Cause, Event, Limits, Measure, News, Plan};
use super::uids::Uids;
use super::watchdog::{self, Verdict, Watch};
use crate::sandbox::inside::{Filters, Inheritance, Shape, landlock_version};
use crate::sandbox::{Enforcer, Level, Standing};

/// Without a uid of the sandbox's own, only from this version on does Landlock
/// keep signals inside.
const LANDLOCK_WITH_SCOPES: u32 = 6;

/// Attempts to remove the groups of a dead sandbox, a few milliseconds apart.
const REMOVE_ATTEMPTS: u32 = 1000;

struct Living {
    pid: i32,
    watch: OwnedFd,
    group: Group,
    uid: u32,
    level: Level,
    limits: Limits,
    memory_watch: Option<Watch>,
    killed: bool,
    out_of_memory: bool,
    /// Reaped, but its groups are still busy.
    ended: Option<Cause>,
    /// How often removing its groups failed.
    attempts: u32,
}

/// All sandboxes, by the engine's number.
pub(super) struct Sandboxes {
    living: HashMap<u64, Living>,
    filters: HashMap<Shape, Filters>,
    hierarchy: Hierarchy,
    /// Waits for the next sandbox, where that saves time.
    cradle: Option<Cradle>,
    /// None can be made here.
    no_cradles: bool,
    leftovers: Leftovers,
    uids: Uids,
    /// Held open by every first process; its other end is held here alone.
    life: OwnedFd,
    standing: Standing,
    is_root: bool,
    uid: u32,
}

impl Sandboxes {
    pub(super) fn new(life: OwnedFd) -> Self {
        let standing = Standing::find();
        let hierarchy = Hierarchy::find();
        Self {
            living: HashMap::new(),
            filters: HashMap::new(),
            leftovers: hierarchy.leftovers(),
            hierarchy,
            cradle: None,
            no_cradles: false,
            uids: Uids::new(),
            life,
            standing,
            is_root: standing.is_root(),
            uid: rustix::process::geteuid().as_raw(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.living.is_empty()
    }

    /// Descriptors that become readable when a sandbox's first process ends.
    pub(super) fn watches(&self) -> impl Iterator<Item = &OwnedFd> {
        self.living
            .values()
            .filter(|living| living.ended.is_none())
            .map(|living| &living.watch)
    }

    pub(super) fn has_unfinished(&self) -> bool {
        !self.leftovers.is_empty() || self.living.values().any(|living| living.ended.is_some())
    }

    pub(super) fn has_watched(&self) -> bool {
        self.living.values().any(|living| living.memory_watch.is_some())
    }

    /// Whether the next sandbox can be made ready for. The first one has to be
    /// made before, so that its filters are there.
    pub(super) fn wants_cradle(&self) -> bool {
        self.cradle.is_none()
            && !self.no_cradles
            && self.is_root
            && self.hierarchy.moves_slowly()
            && !self.filters.is_empty()
    }

    /// Makes ready for it.
    pub(super) fn prepare_cradle(&mut self) {
        match Cradle::prepare(&self.hierarchy, &self.filters) {
            Ok(cradle) => self.cradle = Some(cradle),
            // Sandboxes are made without one, only slower.
            Err(_) => self.no_cradles = true,
        }
    }

    /// Carries out an order; the answer goes back at once unless it has to wait
    /// for the sandbox's end.
    pub(super) fn carry_out(&mut self, slot: u64, action: Action) -> Option<(Event, Option<OwnedFd>)> {
        match action {
            Action::Create(plan) => Some(match self.create(slot, &plan) {
                Ok((event, control)) => (event, Some(control)),
                Err((reason, errno)) => (Event::Refused { reason, errno }, None),
            }),
            Action::Limit(limits) => {
                let living = self.living.get_mut(&slot);
                let changed = living.is_some_and(|living| {
                    let changed = living.group.limit(&limits);
                    if changed {
                        living.limits = limits;
                    }
                    changed
                });
                Some((Event::Limited { changed }, None))
            }
            Action::Measure => Some((Event::Measured(self.measure(slot)), None)),
            Action::Kill => match self.living.get_mut(&slot) {
                Some(living) => {
                    living.killed = true;
                    end(living, self.is_root);
                    None
                }
                None => Some((Event::Gone(Cause::Unknown), None)),
            },
        }
    }

    fn create(&mut self, slot: u64, plan: &Plan) -> Result<(Event, OwnedFd), (String, i32)> {
        let level = plan.level;
        self.check(level)?;
        let busy = || ("no host uid is free for it".to_owned(), libc::EAGAIN);
        let shared = !level.has_namespaces();
        let uid = self
            .uids
            .take(plan.uid, shared && self.is_root)
            .ok_or_else(busy)?;
        let made = self.create_as(slot, plan, uid);
        if made.is_err() {
            self.uids.give_back(uid);
        }
        made
    }

    /// What has to be known before anything is made.
    fn check(&self, level: Level) -> Result<(), (String, i32)> {
        if self.standing == Standing::Unclear && level != Level::UnsafeNone {
            return Err((
                "the engine is root in a user namespace that has no user ids for sandboxes, and may be the host's own \
                 root"
                .into(),
                libc::EPERM,
            ));
        }
        match level {
            Level::NamespacesRoot if !self.is_root => {
                Err(("the engine does not run as root".into(), libc::EPERM))
            }
            Level::Landlock => match landlock_version() {
                0 => Err((
                    "this kernel has no Landlock, or it is switched off".into(),
                    libc::EOPNOTSUPP,
                )),
                version if !self.is_root && version < LANDLOCK_WITH_SCOPES => Err((
                    format!(
                        "Landlock is version {version} here and keeps signals inside only from version \
                         {LANDLOCK_WITH_SCOPES} on"
                    ),
                    libc::EOPNOTSUPP,
                )),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn create_as(&mut self, slot: u64, plan: &Plan, uid: u32) -> Result<(Event, OwnedFd), (String, i32)> {
        let level = plan.level;
        let mut cradle = self
            .cradle
            .take_if(|cradle| level == Level::NamespacesRoot && cradle.is_ready());
        let adopted = cradle
            .as_mut()
            .and_then(|cradle| cradle.adopt(slot, &plan.limits).ok());
        let cradle = cradle.filter(|_| adopted.is_some());
        let group = match adopted {
            Some(group) => group,
            None => self.hierarchy.create(slot, &plan.limits).map_err(|error| {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                (format!("its control groups: {error}"), errno)
            })?,
        };
        let enforced = group.enforced();
        let shape = Shape {
            shares_the_host: level == Level::Landlock,
            shares_the_user: level == Level::Landlock && !self.is_root,
            fixed_processors: enforced.cpu == Enforcer::Priority,
        };
        let filters = match self.filters.entry(shape) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => match Filters::compile(shape) {
                Ok(compiled) => new.insert(compiled),
                Err(reason) => {
                    group.remove();
                    return Err((reason, libc::EINVAL));
                }
            },
        };
        let given = Inheritance {
            plan,
            uid,
            outside_uid: if self.is_root { uid } else { self.uid },
            host_is_root: self.is_root,
            filters,
            enforced,
            late_cgroup_namespace: matches!(group, Group::V1(_))
                && level.has_namespaces()
                && cradle.is_none(),
        };
        let ahead = cradle.is_some();
        let born = match cradle {
            Some(cradle) => cradle.give_birth(&given, shape, &self.life),
            None => birth::give_birth(&given, &group, &self.life),
        };
        match born {
            Ok(Born { pid, watch, control }) => {
                let memory_watch = (enforced.memory == Enforcer::Watchdog).then(Watch::default);
                let living = Living {
                    pid,
                    watch,
                    group,
                    uid,
                    level,
                    limits: plan.limits,
                    memory_watch,
                    killed: false,
                    out_of_memory: false,
                    ended: None,
                    attempts: 0,
                };
                self.living.insert(slot, living);
                Ok((Event::Created { uid, enforced }, control))
            }
            Err(_) if ahead => {
                // As it would have been made without.
                group.remove();
                self.create_as(slot, plan, uid)
            }
            Err(error) => {
                group.remove();
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                let what = match errno {
                    libc::ENOSPC if level.needs_user_namespace() => "no user namespace may be made",
                    _ => "its first process does not start",
                };
                Err((format!("{what}: {error}"), errno))
            }
        }
    }

    fn measure(&self, slot: u64) -> Measure {
        let Some(living) = self.living.get(&slot) else {
            return Measure::default();
        };
        living.group.measure().unwrap_or_else(|| {
            let (memory_bytes, processes) = watchdog::measure(living.pid, living.level.has_namespaces());
            Measure {
                memory_bytes,
                cache_bytes: 0,
                cpu_micros: 0,
                processes,
            }
        })
    }

    pub(super) fn kill_all(&mut self) {
        for living in self.living.values_mut() {
            living.killed = true;
            end(living, self.is_root);
        }
    }

    /// Reaps what ended and removes its groups; the news for the engine.
    pub(super) fn collect(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        if !self.leftovers.is_empty() {
            self.leftovers.sweep();
        }
        for living in self.living.values_mut().filter(|living| living.ended.is_none()) {
            let reaped = waitpid(Pid::from_raw(living.pid), WaitOptions::NOHANG);
            if let Ok(Some((_, status))) = reaped {
                living.ended = Some(cause(living, status));
                if !living.level.has_namespaces() {
                    end(living, self.is_root);
                }
            }
        }
        reap_orphans(&self.living);
        let uids = &mut self.uids;
        self.living.retain(|slot, living| {
            let Some(cause) = living.ended else { return true };
            living.attempts += 1;
            // Its processes are gone all the same; somebody else's may have
            // been put into its groups, which then stay.
            if !living.group.remove() && living.attempts < REMOVE_ATTEMPTS {
                return true;
            }
            uids.give_back(living.uid);
            news.push(News {
                slot: *slot,
                event: Event::Gone(cause),
            });
            false
        });
        news
    }

    /// Looks at the sandboxes whose memory no cgroup holds.
    pub(super) fn watch(&mut self) {
        for living in self.living.values_mut() {
            let Some(watch) = &mut living.memory_watch else {
                continue;
            };
            match watch.look(
                living.pid,
                living.level.has_namespaces(),
                living.limits.memory_bytes,
            ) {
                Verdict::Fine => {}
                Verdict::End(pids) => {
                    for pid in pids.into_iter().filter_map(Pid::from_raw) {
                        // One that ended meanwhile is what was wanted.
                        let _ = kill_process(pid, Signal::KILL);
                    }
                }
                Verdict::EndAll => {
                    living.out_of_memory = true;
                    end(living, self.is_root);
                }
            }
        }
    }
}

fn cause(living: &Living, status: WaitStatus) -> Cause {
    if living.killed {
        return Cause::Killed;
    }
    if living.out_of_memory {
        return Cause::OutOfMemory;
    }
    match (status.terminating_signal(), status.exit_status()) {
        (Some(libc::SIGKILL), _) if living.group.ran_out_of_memory() => Cause::OutOfMemory,
        (Some(signal), _) => Cause::Signalled(signal),
        (None, code) => Cause::Exited(code.unwrap_or(-1)),
    }
}

/// Ends the first process, and with it the process namespace; where there is
/// none, everything below it or of its uid.
fn end(living: &Living, is_root: bool) {
    if !living.level.has_namespaces() {
        if is_root {
            birth::kill_user(living.uid);
        } else {
            kill_tree(living.pid);
        }
    }
    birth::kill(&living.watch);
}

/// Stops a tree until it no longer grows, then kills it.
fn kill_tree(first: i32) {
    const ROUNDS: usize = 64;
    let send = |pids: &[i32], signal| {
        for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(pid, signal);
        }
    };
    let mut before = Vec::new();
    for _ in 0..ROUNDS {
        let mut now = watchdog::descendants(first);
        now.retain(|pid| *pid != first);
        send(&now, Signal::STOP);
        now.sort_unstable();
        if now == before {
            break;
        }
        before = now;
    }
    send(&before, Signal::KILL);
}

/// Where there is no process namespace, what a sandbox leaves behind comes to
/// sandboxd. The first processes are left for `collect`.
fn reap_orphans(living: &HashMap<u64, Living>) {
    if living.values().all(|living| living.level.has_namespaces()) {
        return;
    }
    let first: Vec<i32> = living.values().map(|living| living.pid).collect();
    for pid in watchdog::children_of_self() {
        if !first.contains(&pid) {
            let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
        }
    }
}
