//! What all parts of the studio share. `Copy`: every field is a handle.

use super::{documents::Document, layout::Layout};
use crate::{
    api::{LastRevision, LiveSandboxView, StudioData},
    browser::{
        editor::EditorHandle,
        events::{Events, Following, use_events},
    },
    log::LogFeed,
    parts::{
        clock::clock,
        notices::{Notices, use_notices},
    },
};
use leptos::prelude::*;
use model::{Agent, AgentId, FileEntry, Millis, Permission, Rights, Run};
use std::collections::{BTreeMap, BTreeSet};

/// What the run button is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// Nothing.
    Nothing,
    /// Files are saved and a run is asked for.
    Start,
    /// The run is asked to end.
    Stop,
}

/// A studio's state.
#[derive(Clone, Copy)]
pub struct Studio {
    /// The agent's id; never changes.
    pub id: StoredValue<AgentId>,
    /// The agent.
    pub agent: RwSignal<Agent>,
    /// Its files as they are saved.
    pub files: RwSignal<Vec<FileEntry>>,
    /// The revision they are compared with; none before the first run.
    pub last: RwSignal<Option<LastRevision>>,
    /// The folders that are closed in the tree.
    pub closed_folders: RwSignal<BTreeSet<String>>,
    /// The paths of the open files, in the order of their tabs.
    pub tabs: RwSignal<Vec<String>>,
    /// The path of the file shown.
    pub current: RwSignal<Option<String>>,
    /// How the open files are doing.
    pub documents: RwSignal<BTreeMap<String, Document>>,
    /// Their texts.
    pub editor: EditorHandle,
    /// The cursor: line and column.
    pub cursor: RwSignal<(u32, u32)>,
    /// The run whose log is shown.
    pub shown: RwSignal<Option<Run>>,
    /// The agent's newest run of the studio. Those that programs started are in the history.
    pub newest: RwSignal<Option<Run>>,
    /// The shown run's log.
    pub feed: LogFeed,
    /// Keeps the shown run followed.
    pub following: StoredValue<Option<Following>>,
    /// How often a save began to wait for its sandbox: the newest wait is the one that goes on.
    pub syncs_awaited: StoredValue<u64>,
    /// The sandbox that stands for the next run.
    pub live: RwSignal<Option<LiveSandboxView>>,
    /// What the run button is about to do.
    pub pressed: RwSignal<Pressed>,
    /// Whether the session ended while the page was open.
    pub signed_out: RwSignal<bool>,
    /// What whoever looks may do.
    pub rights: Rights,
    /// Where the panels stand.
    pub layout: Layout,
    /// The server's clock.
    pub now: Signal<Millis>,
    /// The tab's stream.
    pub events: Events,
    /// Where notices go.
    pub notices: Notices,
}

impl Studio {
    /// The state of a studio that opens with `data`. The first file is given
    /// to the editor at once, so that the server paints its text.
    #[must_use]
    pub fn new(data: StudioData, rights: Rights) -> Self {
        let editor = EditorHandle::new();
        let mut documents = BTreeMap::new();
        let mut tabs = Vec::new();
        if let Some(file) = data.open {
            let path = file.entry.path.to_string();
            if let Some(text) = &file.text {
                editor.open(&path, text);
                editor.show(&path);
                documents.insert(path.clone(), Document::saved(file.entry.version));
                tabs.push(path);
            }
        }
        let current = RwSignal::new(tabs.first().cloned());
        let shown = RwSignal::new(data.run);
        let newest = RwSignal::new(data.newest);
        let going = Signal::derive(move || {
            let is_going = |run: &Option<Run>| run.as_ref().is_some_and(|run| !run.state.is_end());
            newest.with(is_going) || shown.with(is_going)
        });
        // A memo, so that the clock is set anew only when a run begins or ends.
        let going = Memo::new(move |_| going.get());
        let seen = Signal::derive(move || {
            newest.with(|run| {
                let run = run.as_ref()?;
                Some(run.phases.last().map_or(run.created_at, |phase| phase.started_at))
            })
        });
        Self {
            id: StoredValue::new(data.agent.id.clone()),
            agent: RwSignal::new(data.agent),
            files: RwSignal::new(data.files),
            last: RwSignal::new(data.last),
            closed_folders: RwSignal::new(BTreeSet::new()),
            tabs: RwSignal::new(tabs),
            current,
            documents: RwSignal::new(documents),
            editor,
            cursor: RwSignal::new((1, 1)),
            shown,
            newest,
            feed: LogFeed::new(),
            following: StoredValue::new(None),
            syncs_awaited: StoredValue::new(0),
            live: RwSignal::new(data.live),
            pressed: RwSignal::new(Pressed::Nothing),
            signed_out: RwSignal::new(false),
            rights,
            layout: Layout::new(),
            now: clock(data.now, going.into(), seen),
            events: use_events(),
            notices: use_notices(),
        }
    }

    /// Whether whoever looks may change the agent and its files.
    #[must_use]
    pub fn may_edit(self) -> bool {
        self.rights.may(Permission::Edit)
    }

    /// Whether they may not do this; then they are told why, for a key was pressed that no button stands for.
    pub fn refuses(self, permission: Permission) -> bool {
        let why_not = self.rights.why_not(permission);
        if let Some(why) = why_not {
            self.notices.say(why);
        }
        why_not.is_some()
    }

    /// The agent's id.
    #[must_use]
    pub fn agent_id(self) -> AgentId {
        self.id.get_value()
    }

    /// The agent's run that has not ended, if any.
    #[must_use]
    pub fn active(self) -> Option<Run> {
        self.newest.get().filter(|run| !run.state.is_end())
    }

    /// The saved file of this path.
    #[must_use]
    pub fn entry(self, path: &str) -> Option<FileEntry> {
        self.files
            .with_untracked(|files| files.iter().find(|entry| entry.path.as_str() == path).cloned())
    }

    /// Takes over what the server says of a file that was saved.
    pub fn put_entry(self, entry: FileEntry) {
        let _ = self.files.try_update(
            |files| match files.iter_mut().find(|old| old.path == entry.path) {
                Some(old) => *old = entry,
                None => files.push(entry),
            },
        );
    }

    /// Shows a file: its tab, its text, and on narrow windows the code.
    pub fn show(self, path: &str) {
        self.tabs.update(|tabs| {
            if !tabs.iter().any(|tab| tab == path) {
                tabs.push(path.to_owned());
            }
        });
        self.current.set(Some(path.to_owned()));
        self.editor.show(path);
        self.layout.show_code();
    }
}

/// The studio of this page.
///
/// # Panics
/// Outside of the studio's page, which is a fault of ours.
#[must_use]
pub fn use_studio() -> Studio {
    use_context().expect("the studio's page provides its state to all of its parts")
}
