//! The state of a run as a coloured dot and a few words.

use leptos::prelude::*;
use model::{Millis, RunState, RunSummary, time};

/// The dot's class for a state.
#[must_use]
pub const fn dot(state: Option<RunState>) -> &'static str {
    match state {
        None | Some(RunState::Stopped) => "dot",
        Some(RunState::Succeeded) => "dot ok",
        Some(RunState::Failed | RunState::TimedOut | RunState::Lost) => "dot bad",
        Some(RunState::Queued | RunState::Preparing | RunState::Running | RunState::Finishing) => "dot run",
    }
}

/// `Running, 12.0 s`, `Failed, code 1, 2 h ago`, `Not run yet`.
#[must_use]
pub fn words(run: Option<&RunSummary>, now: Millis) -> String {
    match run {
        None => "Not run yet".to_owned(),
        Some(run) => match run.ended_at {
            None => format!(
                "{}, {}",
                run.words(),
                time::duration_words(now.since(run.created_at))
            ),
            Some(ended) => format!("{}, {}", run.words(), time::ago_words(now.since(ended))),
        },
    }
}

/// The last run of an agent.
#[component]
pub fn LastRun(
    /// The run, if there was one.
    run: Option<RunSummary>,
    /// The server's clock.
    now: Millis,
) -> impl IntoView {
    view! {
        <span class="state">
            <span class=dot(run.as_ref().map(|run| run.state))></span>
            {words(run.as_ref(), now)}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::RunId;

    #[test]
    fn a_run_is_said_with_its_age() {
        let mut run = RunSummary {
            id: RunId::parse("0199f3b2-6c1e-7d4a-8f00-0123456789ab").expect("an id"),
            number: 3,
            state: RunState::Running,
            exit_code: None,
            created_at: Millis(1_000),
            ended_at: None,
        };
        assert_eq!(words(Some(&run), Millis(13_000)), "Running, 12.0 s");
        run.state = RunState::Failed;
        run.exit_code = Some(1);
        run.ended_at = Some(Millis(2_000));
        assert_eq!(words(Some(&run), Millis(7_202_000)), "Failed, code 1, 2 h ago");
        assert_eq!(words(None, Millis(0)), "Not run yet");
    }
}
