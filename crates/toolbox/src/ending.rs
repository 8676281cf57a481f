//! Ends a process tree for certain, also one that fights back.
//!
//! An ending is a state that pid 1's loop moves on, so that meanwhile other
//! requests are served and dead processes reaped. First SIGTERM to every
//! process of the tree, then, after the grace, SIGSTOP until the tree no longer
//! grows and SIGKILL to all of it, until no process is left.
//!
//! Whose a process is cannot be told in the middle of an `execve` and on its way
//! out. Both are over soon, and another look tells: a program of another command
//! is not ended by mistake. No process can stay in either for long to hide.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::commands::Commands;
use crate::mark::{self, Mark};
use crate::processes::{self, Process};

/// How long SIGKILL may take before the rest is reported as left.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long, and in how many looks, whose a process is may stay open before it
/// counts as hiding it. An ordinary `execve` takes some microseconds, a starved
/// one longer.
const UNDECIDED: Duration = Duration::from_millis(250);
const UNDECIDED_LOOKS: u32 = 10;
/// A fork bomb needs a few rounds until every process has been stopped.
const FREEZE_ROUNDS: usize = 64;
const FIRST_LOOK: Duration = Duration::from_millis(1);
const SLOWEST_LOOK: Duration = Duration::from_millis(20);

/// What an ending needs to know about the sandbox.
pub(crate) struct Surrounding<'a> {
    pub(crate) commands: &'a Commands,
    /// Forked parts of pid 1 itself.
    pub(crate) helpers: &'a [i32],
    pub(crate) supervisor: i32,
    /// Whether `/proc` is there to look at.
    pub(crate) has_proc: bool,
    /// Whether `/proc` tells a process that is in the middle of `execve`.
    pub(crate) tells_exec: bool,
    /// Whether every process this one may signal is the sandbox's own, so that
    /// all of them can be meant at once. Never true without a pid namespace or
    /// a uid of the sandbox's own.
    pub(crate) owns_all: bool,
    /// Processes reaped since the supervisor started.
    pub(crate) reaped: u32,
}

#[derive(Clone, Copy, Debug)]
struct Undecided {
    since: Instant,
    looks: u32,
}

impl Undecided {
    fn hides(&self, now: Instant) -> bool {
        self.looks >= UNDECIDED_LOOKS && now.duration_since(self.since) >= UNDECIDED
    }
}

/// One tree on its way out.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) request: u32,
    targets: Vec<i32>,
    seen: HashSet<(i32, u64)>,
    /// Processes that cannot be told yet, by number and start.
    undecided: HashMap<(i32, u64), Undecided>,
    /// Those that were undecided while the tree was asked to end, and are still
    /// to be asked when they turn out to belong to it.
    waited: HashSet<(i32, u64)>,
    /// What was read of orphans that are still there: once is enough.
    marks: HashMap<(i32, u64), Mark>,
    /// Whether the tree grew on when it should long have been killed. From then
    /// on what cannot be told is taken to belong to it.
    outgrows: bool,
    looks: u32,
    kill_at: Instant,
    give_up_at: Instant,
    next_look: Instant,
    interval: Duration,
    reaped_before: u32,
}

impl Ending {
    pub(crate) fn new(request: u32, targets: Vec<i32>, grace: Duration, reaped: u32) -> Self {
        let now = Instant::now();
        // A grace no clock can hold is simply a very long one.
        let kill_at = now
            .checked_add(grace)
            .unwrap_or(now + Duration::from_secs(86_400));
        Self {
            request,
            targets,
            seen: HashSet::new(),
            undecided: HashMap::new(),
            waited: HashSet::new(),
            marks: HashMap::new(),
            outgrows: false,
            looks: 0,
            kill_at,
            give_up_at: kill_at + PATIENCE,
            next_look: now,
            interval: FIRST_LOOK,
            reaped_before: reaped,
        }
    }

    /// When [`Ending::look`] wants to be called again at the latest.
    pub(crate) fn next_look(&self) -> Instant {
        self.next_look
    }

    /// Moves on; `Some((ended, left))` when it is over.
    pub(crate) fn look(&mut self, around: &Surrounding<'_>) -> Option<(u32, u32)> {
        let outcome = if around.has_proc {
            self.look_at_processes(around)
        } else {
            self.look_without_proc(around)
        };
        let now = Instant::now();
        self.looks += 1;
        self.interval = if now >= self.kill_at {
            FIRST_LOOK
        } else {
            (self.interval * 2).min(SLOWEST_LOOK)
        };
        self.next_look = (now + self.interval).min(self.kill_at.max(now + FIRST_LOOK));
        outcome
    }

    fn look_at_processes(&mut self, around: &Surrounding<'_>) -> Option<(u32, u32)> {
        let mut members = self.members(around);
        if members.is_empty() && self.undecided.is_empty() {
            // Process numbers that begin anew in the middle of a look hide what
            // takes one behind it.
            members = self.members(around);
            if members.is_empty() && self.undecided.is_empty() {
                return Some((count(self.seen.len()), 0));
            }
        }
        let now = Instant::now();
        if now >= self.give_up_at {
            // What is not known to be another's is not known to be gone.
            let mut left: HashSet<(i32, u64)> = members.iter().map(Process::key).collect();
            left.extend(self.undecided.keys());
            let ended = self.seen.difference(&left).count();
            return Some((count(ended), count(left.len())));
        }
        if now >= self.kill_at {
            self.freeze_and_kill(around, members);
        } else {
            self.ask(&members);
        }
        None
    }

    /// Whether the targets are all there is in the sandbox.
    fn everything(&self, around: &Surrounding<'_>) -> bool {
        around.owns_all && around.helpers.is_empty() && around.commands.all_in(&self.targets)
    }

    /// The processes that are to go; notes those that cannot be told yet.
    fn members(&mut self, around: &Surrounding<'_>) -> Vec<Process> {
        let mut marks = HashMap::new();
        let everything = around.commands.all_in(&self.targets);
        let all = processes::below(around.supervisor, |process| {
            if everything
                || around.commands.alive(process.pid)
                || around.commands.known(process.session)
                || around.helpers.contains(&process.pid)
            {
                return;
            }
            let mark = match self.marks.remove(&process.key()) {
                Some(mark) => mark,
                None => mark::mark(process.pid, around.tells_exec),
            };
            marks.insert(process.key(), mark);
        });
        let found = processes::members(
            &all,
            around.commands,
            around.helpers,
            &self.targets,
            around.supervisor,
            |orphan| marks.get(&orphan.key()).cloned().unwrap_or(Mark::Leaving),
        );
        marks.retain(|_, mark| matches!(mark, Mark::Of(_)));
        self.marks = marks;
        let mut members = found.certain;
        let now = Instant::now();
        let mut undecided = HashMap::new();
        let changing = found.changing.into_iter().map(|process| (process, true));
        let leaving = found.leaving.into_iter().map(|process| (process, false));
        for (process, changes) in changing.chain(leaving) {
            let key = process.key();
            let mut state = self
                .undecided
                .get(&key)
                .copied()
                .unwrap_or(Undecided { since: now, looks: 0 });
            state.looks += 1;
            // One that was known to belong is on its way out; one that stays in
            // the middle hides whose it is.
            let hides = changes && now >= self.kill_at && state.hides(now);
            if hides || self.outgrows || self.seen.contains(&key) {
                members.push(process);
            }
            undecided.insert(key, state);
        }
        self.undecided = undecided;
        members
    }

    /// SIGTERM once to each: by group where the group is the command's own
    /// (which misses no fork), one by one for those that left it. The second
    /// look catches what was forked while the first one went on.
    fn ask(&mut self, members: &[Process]) {
        if self.looks == 0 {
            for target in &self.targets {
                signal_group(*target, Signal::TERM);
                signal_group(*target, Signal::CONT);
            }
        }
        if self.looks < 2 {
            self.waited.extend(self.undecided.keys());
        }
        for process in members {
            let key = process.key();
            let wanted = self.looks < 2 || self.waited.contains(&key);
            let new = self.seen.insert(key) && wanted;
            let in_group = self.looks == 0 && self.targets.contains(&process.group);
            if new && !in_group {
                signal(process.pid, Signal::TERM);
                signal(process.pid, Signal::CONT);
            }
        }
    }

    fn freeze_and_kill(&mut self, around: &Surrounding<'_>, mut members: Vec<Process>) {
        let everything = self.everything(around);
        // First one call for many processes: under a fork bomb each look costs
        // time the bomb uses to grow.
        if everything {
            signal_all(libc::SIGSTOP);
        } else {
            for target in &self.targets {
                signal_group(*target, Signal::STOP);
            }
        }
        let mut known: HashSet<(i32, u64)> = HashSet::new();
        for _ in 0..FREEZE_ROUNDS {
            let mut grew = false;
            for process in &members {
                if known.insert(process.key()) {
                    grew = true;
                    signal(process.pid, Signal::STOP);
                }
            }
            if !grew {
                break;
            }
            members = self.members(around);
        }
        if everything {
            signal_all(libc::SIGKILL);
        }
        for (pid, _) in &known {
            signal(*pid, Signal::KILL);
        }
        let before = self.seen.len();
        self.seen.extend(known);
        let grew = self.seen.len() > before;
        self.outgrows |= grew && Instant::now() >= self.kill_at + UNDECIDED;
    }

    /// Where a container masks `/proc`, single processes cannot be looked at:
    /// groups, or everything when everything is meant.
    fn look_without_proc(&mut self, around: &Surrounding<'_>) -> Option<(u32, u32)> {
        let everything = self.everything(around);
        let alive = if everything {
            any_below()
        } else {
            self.targets.iter().any(|pid| group_exists(*pid))
        };
        let ended = around.reaped - self.reaped_before;
        let now = Instant::now();
        if !alive {
            return Some((ended, 0));
        }
        if now >= self.give_up_at {
            return Some((ended, 1));
        }
        if now < self.kill_at && self.looks > 0 {
            return None;
        }
        let number = if now >= self.kill_at {
            Signal::KILL
        } else {
            Signal::TERM
        };
        if everything {
            signal_all(number.as_raw());
            signal_all(libc::SIGCONT);
        } else {
            for target in &self.targets {
                signal_group(*target, number);
                signal_group(*target, Signal::CONT);
            }
        }
        None
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

// A process that is gone already is what was wanted: errors do not matter here.
pub(crate) fn signal(pid: i32, number: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, number);
    }
}

fn signal_group(pid: i32, number: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process_group(pid, number);
    }
}

fn group_exists(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process_group(pid).is_ok())
}

/// Sends to every process of the sandbox but pid 1 in one call, so that none
/// can fork its way past it.
pub(crate) fn signal_all(number: i32) {
    // SAFETY: kill(2) has no memory effects; -1 is every process this one may
    // signal, and callers have checked that those are the sandbox's own.
    unsafe { libc::kill(-1, number) };
}

/// Whether any process is left below this one: orphans come here too, so that
/// without a child there is no descendant.
fn any_below() -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let looked = waitid(
        WaitId::All,
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT,
    );
    !matches!(looked, Err(rustix::io::Errno::CHILD))
}
