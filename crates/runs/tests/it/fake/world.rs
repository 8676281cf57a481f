//! What the provider of tests knows, and the handles a test moves it by.

use daytona::{Sandbox, SandboxState, wire::Stream};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
    time::Duration,
};
use tokio::sync::watch;

/// What is done to calls instead of answering them.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answered with this status, not executed.
    Status(u16),
    /// Executed later.
    Delay(Duration),
    /// Executed, and the answer breaks off.
    AnswerLost,
}

/// How followed logs are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Pitlane's exact records.
    Exact,
    /// Daytona's markers.
    Markers,
}

/// A command of a session.
#[derive(Clone, Debug)]
pub struct FakeCommand {
    pub id: String,
    pub text: String,
    pub log: Vec<(Stream, Vec<u8>)>,
    pub exit: Option<i32>,
    pub input: Vec<u8>,
    pub eof: bool,
}

/// A sandbox and what is in it.
#[derive(Clone, Debug, Default)]
pub struct FakeSandbox {
    pub sandbox: Sandbox,
    pub files: BTreeMap<String, Vec<u8>>,
    pub sessions: BTreeMap<String, Vec<FakeCommand>>,
}

/// What a program does when it is started.
pub type Program = Box<dyn Fn(&str) -> (Vec<(Stream, Vec<u8>)>, Option<i32>) + Send>;

pub struct Inner {
    pub sandboxes: BTreeMap<String, FakeSandbox>,
    pub program: Program,
    faults: HashMap<String, (Fault, u32)>,
    calls: Vec<String>,
    made: u32,
    pub framing: Framing,
    pub deleted: Vec<String>,
    pub uploads: Vec<Vec<String>>,
    pub left: u32,
    pub list_ignores_labels: bool,
}

/// The provider's state.
pub struct World {
    pub toolbox_url: String,
    inner: Mutex<Inner>,
    /// Told when anything changes; the number counts cuts of all sockets.
    pub changed: watch::Sender<u64>,
}

impl World {
    pub fn new(toolbox_url: String) -> Self {
        Self {
            toolbox_url,
            inner: Mutex::new(Inner {
                sandboxes: BTreeMap::new(),
                program: Box::new(|_| (Vec::new(), None)),
                faults: HashMap::new(),
                calls: Vec::new(),
                made: 0,
                framing: Framing::Exact,
                deleted: Vec::new(),
                uploads: Vec::new(),
                left: 0,
                list_ignores_labels: false,
            }),
            changed: watch::Sender::new(0),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic while it is held")
    }

    fn tell(&self) {
        self.changed.send_modify(|_| {});
    }

    /// What every program started from now on prints at once, and how it ends; none goes on running.
    pub fn programs(&self, program: impl Fn(&str) -> (Vec<(Stream, Vec<u8>)>, Option<i32>) + Send + 'static) {
        self.lock().program = Box::new(program);
    }

    /// Programs that print this and end with this code.
    pub fn programs_print(&self, text: &'static str, code: i32) {
        self.programs(move |_| (vec![(Stream::Stdout, text.as_bytes().to_vec())], Some(code)));
    }

    /// The next `times` calls whose `METHOD /path` contains `call` meet this fault.
    pub fn fail(&self, call: &str, fault: Fault, times: u32) {
        self.lock().faults.insert(call.to_owned(), (fault, times));
    }

    pub fn fault_of(&self, call: &str) -> Option<Fault> {
        let mut inner = self.lock();
        let (_, (fault, times)) = inner
            .faults
            .iter_mut()
            .find(|(part, (_, times))| call.contains(part.as_str()) && *times > 0)?;
        *times -= 1;
        Some(*fault)
    }

    pub fn note_call(&self, call: &str) {
        self.lock().calls.push(call.to_owned());
    }

    /// How many calls contain this.
    pub fn calls(&self, part: &str) -> usize {
        self.lock()
            .calls
            .iter()
            .filter(|call| call.contains(part))
            .count()
    }

    pub fn make(&self, labels: BTreeMap<String, String>) -> Sandbox {
        let mut inner = self.lock();
        inner.made += 1;
        let sandbox = Sandbox {
            id: format!("fake-{:04}", inner.made),
            labels,
            state: Some(SandboxState::Started),
            cpu: 1,
            memory: 1,
            disk: 3,
            toolbox_proxy_url: self.toolbox_url.clone(),
            ..Sandbox::default()
        };
        let fake = FakeSandbox {
            sandbox: sandbox.clone(),
            ..FakeSandbox::default()
        };
        inner.sandboxes.insert(sandbox.id.clone(), fake);
        sandbox
    }

    /// The newest command of all sandboxes.
    pub fn with_command<T>(&self, change: impl FnOnce(&mut FakeCommand) -> T) -> Option<T> {
        let mut inner = self.lock();
        let command = inner
            .sandboxes
            .values_mut()
            .flat_map(|sandbox| sandbox.sessions.values_mut())
            .flat_map(|commands| commands.iter_mut())
            .last()?;
        let value = change(command);
        drop(inner);
        self.tell();
        Some(value)
    }

    pub fn print(&self, stream: Stream, bytes: &[u8]) {
        self.with_command(|command| command.log.push((stream, bytes.to_vec())))
            .expect("a program runs");
    }

    pub fn exit(&self, code: i32) {
        self.with_command(|command| command.exit = Some(code))
            .expect("a program runs");
    }

    /// Ends the programs of all sandboxes.
    pub fn exit_all(&self, code: i32) {
        for sandbox in self.lock().sandboxes.values_mut() {
            for command in sandbox.sessions.values_mut().flatten() {
                command.exit.get_or_insert(code);
            }
        }
        self.tell();
    }

    /// Breaks every followed log.
    pub fn cut(&self) {
        self.changed.send_modify(|cuts| *cuts += 1);
    }

    /// The sandbox vanishes as if its machine had died.
    pub fn lose_sandboxes(&self) {
        self.lock().sandboxes.clear();
        self.cut();
    }

    pub fn stop_sandboxes(&self) {
        for sandbox in self.lock().sandboxes.values_mut() {
            sandbox.sandbox.state = Some(SandboxState::Stopped);
            sandbox.sessions.clear();
        }
        self.cut();
    }

    /// Nothing fails any more.
    pub fn forget_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many calls there were.
    pub fn all_calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// How many sandboxes were ever made.
    pub fn made(&self) -> u32 {
        self.lock().made
    }

    pub fn count(&self) -> usize {
        self.lock().sandboxes.len()
    }
}
