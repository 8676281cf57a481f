//! Starting, stopping and following runs.

use super::state::{Pressed, Studio};
use crate::{
    ErrorCode, UiError,
    api::{self, LastRevision},
    browser::uuid::new_run_id,
    log::ProgramInput,
    parts::clock,
};
use leptos::{prelude::*, task::spawn_local};
use model::{AgentId, FileEntry, Permission, Run, RunId, RunState, StreamMessage};

/// How often a start that did not reach the server is sent again. It carries
/// the same id, so that it never becomes two runs.
const TRIES: u32 = 4;

impl Studio {
    /// Saves what is changed and starts a run. Nothing when one goes on or is
    /// being started.
    pub fn start(self, fresh: bool) {
        if self.refuses(Permission::Run) {
            return;
        }
        if self.pressed.get_untracked() != Pressed::Nothing || self.active_untracked().is_some() {
            return;
        }
        self.pressed.set(Pressed::Start);
        self.layout.show_logs();
        spawn_local(async move {
            let result = match self.flush().await {
                Ok(()) => {
                    let files = self.files.try_get_untracked();
                    let result = ask(new_run_id(), self.agent_id(), fresh).await;
                    if result.is_ok()
                        && let Some(files) = files
                    {
                        self.ran(files);
                    }
                    result
                }
                Err(error) => Err(error),
            };
            let _ = self.pressed.try_set(Pressed::Nothing);
            match result {
                Ok(run) => {
                    let _ = self.newest.try_set(Some(run.clone()));
                    self.show_run(run);
                }
                Err(error) => {
                    self.notices.fail(&error);
                    // Somebody may have started one elsewhere.
                    self.refresh_runs();
                }
            }
        });
    }

    /// Asks the run that goes on to end.
    pub fn stop(self) {
        let Some(run) = self.active_untracked() else {
            return;
        };
        if self.refuses(Permission::Run) {
            return;
        }
        if self.pressed.get_untracked() == Pressed::Stop {
            return;
        }
        self.pressed.set(Pressed::Stop);
        spawn_local(async move {
            if let Err(error) = api::stop_run(run.id).await {
                let _ = self.pressed.try_set(Pressed::Nothing);
                self.notices.fail(&error);
            }
        });
    }

    /// What the run button does now. `count` is which press in quick
    /// succession it is: the second of a double click means the same as the first,
    /// and not that the run it started shall end.
    pub fn start_or_stop(self, count: i32) {
        const DOUBLE_CLICK: i32 = 2;
        if count == DOUBLE_CLICK {
            return;
        }
        if self.active_untracked().is_some() {
            self.stop()
        } else {
            self.start(false)
        }
    }

    fn active_untracked(self) -> Option<Run> {
        self.newest.get_untracked().filter(|run| !run.state.is_end())
    }

    /// Shows a run and follows its log from the beginning. Browser only.
    pub fn show_run(self, run: Run) {
        let id = run.id.clone();
        self.feed.clear();
        let _ = self.shown.try_set(Some(run));
        let cursor = self.feed.cursor();
        let following = self
            .events
            .follow(id, cursor, move |messages| self.take(&messages));
        let _ = self.following.try_set_value(Some(following));
    }

    /// Takes what came of the shown run.
    fn take(self, messages: &[StreamMessage]) {
        self.feed.apply(messages);
        for message in messages {
            if let StreamMessage::Run { run } = message {
                let is_newest = self
                    .newest
                    .try_with_untracked(|newest| newest.as_ref().is_some_and(|newest| newest.id == run.id));
                let _ = self.shown.try_set(Some((**run).clone()));
                if is_newest == Some(true) {
                    self.newest_became((**run).clone());
                }
            }
        }
    }

    /// Takes over how the newest run stands.
    pub fn newest_became(self, run: Run) {
        let ended = run.state.is_end();
        let was_going = self
            .newest
            .try_with_untracked(|newest| newest.as_ref().is_some_and(|newest| !newest.state.is_end()));
        let has_sandbox = run.state == RunState::Running;
        let _ = self.newest.try_set(Some(run));
        if ended && was_going == Some(true) {
            let _ = self.pressed.try_set(Pressed::Nothing);
            self.check_sandbox();
        } else if has_sandbox && self.live.try_get_untracked().flatten().is_none() {
            self.check_sandbox();
        }
    }

    /// Looks which run is the newest: one may have been started elsewhere.
    pub fn refresh_runs(self) {
        spawn_local(async move {
            let Ok(Some(run)) = api::newest_studio_run(self.agent_id()).await else {
                return;
            };
            let known = self.newest.try_get_untracked().flatten();
            let is_new = known.as_ref().is_none_or(|known| known.id != run.id);
            let goes_on = !run.state.is_end();
            self.newest_became(run.clone());
            if is_new && goes_on {
                self.show_run(run);
            }
        });
    }

    /// Asks for the sandbox that stands.
    pub fn check_sandbox(self) {
        spawn_local(async move {
            if let Ok(live) = api::live_sandbox(self.agent_id()).await {
                let _ = self.live.try_set(live);
            }
        });
    }

    /// After a save: waits until the sandbox has it.
    pub fn check_sandbox_soon(self) {
        if self.live.try_get_untracked().flatten().is_none() {
            return;
        }
        let _ = self.live.try_update(|live| {
            if let Some(live) = live {
                live.synced = false;
            }
        });
        let _ = self.syncs_awaited.try_update_value(|awaited| *awaited += 1);
        let Some(mine) = self.syncs_awaited.try_get_value() else {
            return;
        };
        spawn_local(async move {
            // A run that goes on is synced when it ends: the longer it takes, the less often is asked.
            let more = std::iter::successors(Some(2000), |wait| Some((wait * 2).min(30_000)));
            for wait in [400, 600, 1000].into_iter().chain(more) {
                clock::pause(wait).await;
                if self.syncs_awaited.try_get_value() != Some(mine) {
                    return;
                }
                let live = match api::live_sandbox(self.agent_id()).await {
                    Ok(live) => live,
                    Err(error) if error.code == ErrorCode::Offline => continue,
                    Err(_) => return,
                };
                // A later save may have begun to wait meanwhile.
                if self.syncs_awaited.try_get_value() != Some(mine) {
                    return;
                }
                let done = live.as_ref().is_none_or(|live| live.synced);
                if self.live.try_set(live).is_some() || done {
                    return;
                }
            }
        });
    }

    /// Deletes the sandbox that stands.
    pub fn discard_sandbox(self) {
        spawn_local(async move {
            match api::discard_sandbox(self.agent_id()).await {
                Ok(()) => {
                    let _ = self.live.try_set(None);
                    self.notices.say("The sandbox is deleted.");
                }
                Err(error) => self.notices.fail(&error),
            }
        });
    }

    /// Sends input to the program of the shown run.
    pub fn send_input(self, input: ProgramInput) {
        let Some(run) = self.shown.get_untracked() else {
            return;
        };
        let (text, end) = match input {
            ProgramInput::Line(line) => (format!("{line}\n"), false),
            ProgramInput::End => (String::new(), true),
            ProgramInput::Interrupt => return self.stop(),
        };
        spawn_local(async move {
            if let Err(error) = api::send_input(run.id, text, end).await {
                self.notices.fail(&error);
            }
        });
    }

    /// These files are compared with from now on: they are the newest revision, whose number the server has.
    fn ran(self, files: Vec<FileEntry>) {
        spawn_local(async move {
            if let Ok(agent) = api::load_agent(self.agent_id()).await {
                let number = agent.revision_number;
                let _ = self.last.try_set(Some(LastRevision { number, files }));
                let _ = self.agent.try_set(agent);
            }
        });
    }
}

async fn ask(id: RunId, agent: AgentId, fresh: bool) -> Result<Run, UiError> {
    for _ in 1..TRIES {
        match api::start_run(id.clone(), agent.clone(), fresh).await {
            Err(error) if error.code == ErrorCode::Offline => clock::pause(1000).await,
            result => return result,
        }
    }
    api::start_run(id, agent, fresh).await
}
