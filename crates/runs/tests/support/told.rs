//! What a reader of a run was told, gathered.

use model::{LogEnd, LogFrame, Phase, Run, RunEvent, RunState, StreamMessage};
use runs::Follower;
use std::time::Duration;

/// What a reader was told.
#[derive(Debug, Default)]
pub struct Told {
    pub run: Option<Run>,
    pub states: Vec<RunState>,
    pub events: Vec<RunEvent>,
    pub frames: Vec<LogFrame>,
    pub end: Option<LogEnd>,
}

impl Told {
    pub fn run(&self) -> &Run {
        self.run.as_ref().expect("a run was told")
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.frames.iter().flat_map(LogFrame::bytes).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Our own rows, one per line.
    pub fn rows(&self) -> String {
        let rows = self.events.iter().filter_map(|event| match &event.kind {
            model::EventKind::System { text } => Some(text.clone()),
            _ => None,
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    pub fn take(&mut self, message: StreamMessage) {
        match message {
            StreamMessage::Run { run } => {
                if self.states.last() != Some(&run.state) {
                    self.states.push(run.state);
                }
                self.run = Some(*run);
            }
            StreamMessage::Events { events, .. } => self.events.extend(events),
            StreamMessage::Log { frames, .. } => self.frames.extend(frames),
            StreamMessage::End { log, .. } => self.end = Some(log),
            StreamMessage::Bye { .. } => {}
        }
    }

    pub fn phase(&self, phase: Phase) -> Option<&model::PhaseRecord> {
        self.run().phases.iter().find(|record| record.phase == phase)
    }

    /// Everything until the end of the run.
    pub async fn all(follower: Follower) -> Self {
        Self::within(Duration::from_secs(240), follower).await
    }

    /// The same, with how long the run may take.
    pub async fn within(time: Duration, mut follower: Follower) -> Self {
        let mut told = Self::default();
        let all = async {
            while let Some(messages) = follower.next().await {
                for message in messages {
                    told.take(message);
                }
            }
        };
        tokio::time::timeout(time, all).await.expect("the run ends");
        told
    }
}
