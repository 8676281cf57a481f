//! The spans of a run: itself, and one for each of its phases.

use super::{CALLER, MOST_CALLERS, Sending, Traces};
use model::{EventKind, Millis, Run, RunId, RunState};
use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, Status, TraceContextExt as _, Tracer as _},
};
use runs::Notice;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Traces {
    /// Takes in what happened to runs.
    pub fn notice(&self, notice: Notice<'_>) {
        let Some(sending) = &self.0 else { return };
        match notice {
            Notice::Asked(run) => sending.asked(run),
            Notice::NotStarted(run) => sending.forget(run),
            Notice::Changed { run, events } => {
                let has_ended = events
                    .iter()
                    .any(|event| matches!(event.kind, EventKind::State { state, .. } if state.is_end()));
                if has_ended {
                    sending.tell(run);
                }
            }
            Notice::Stored(_) => {}
        }
    }
}

impl Sending {
    fn asked(&self, run: &RunId) {
        // Nobody's request: a schedule, a run in the terminal.
        let Ok(caller) = CALLER.try_with(Context::clone) else {
            return;
        };
        let mut callers = self.callers();
        if callers.len() < MOST_CALLERS {
            callers.entry(run.clone()).or_insert(caller);
        }
    }

    /// Forgets who asked, if that is who asks now: a run that is asked for again keeps its first caller.
    fn forget(&self, run: &RunId) {
        let now = CALLER.try_with(|caller| caller.span().span_context().span_id());
        let mut callers = self.callers();
        let then = callers
            .get(run)
            .map(|caller| caller.span().span_context().span_id());
        if then.is_some() && then == now.ok() {
            callers.remove(run);
        }
    }

    fn tell(&self, run: &Run) {
        let caller = self.callers().remove(&run.id);
        let parent = caller.unwrap_or_default();
        let mut attributes = vec![
            KeyValue::new("pitlane.run.id", run.id.as_str().to_owned()),
            KeyValue::new("pitlane.run.number", run.number),
            KeyValue::new("pitlane.run.state", run.state.as_str()),
            KeyValue::new("pitlane.agent.id", run.agent.as_str().to_owned()),
            KeyValue::new("pitlane.language", run.language.as_str()),
            KeyValue::new("pitlane.provider", run.provider.as_str()),
            KeyValue::new(
                "pitlane.log.bytes",
                i64::try_from(run.log_bytes).unwrap_or(i64::MAX),
            ),
        ];
        attributes.extend(
            run.exit_code
                .map(|code| KeyValue::new("process.exit.code", i64::from(code))),
        );
        let span = self
            .tracer
            .span_builder("run")
            .with_start_time(time(run.created_at))
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        let context = Context::new().with_span(span);
        for record in &run.phases {
            // One that an earlier process began and nobody ended has no known length.
            let Some(took) = record.took else { continue };
            let began = time(record.started_at);
            let detail = record.detail.clone();
            let mut phase = self
                .tracer
                .span_builder(record.phase.as_str())
                .with_start_time(began)
                .with_attributes(detail.map(|detail| KeyValue::new("pitlane.phase.detail", detail)))
                .start_with_context(&self.tracer, &context);
            if record.failed {
                phase.set_status(Status::error(""));
            }
            phase.end_with_timestamp(began + Duration::from_millis(took));
        }
        if run.state != RunState::Succeeded {
            context
                .span()
                .set_status(Status::error(run.reason.clone().unwrap_or_default()));
        }
        context
            .span()
            .end_with_timestamp(time(run.ended_at.unwrap_or_else(Millis::now)));
    }
}

fn time(at: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0))
}
