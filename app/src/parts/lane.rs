//! The lane: a run's phases with how long each takes, live while it runs.

use leptos::prelude::*;
use model::{Millis, Phase, PhaseRecord, Run, time::duration_words};

/// One phase as the lane shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    class: &'static str,
    title: String,
    words: String,
}

/// The words under a phase: its length, and what is known of it.
fn words(record: &PhaseRecord, now: Millis) -> String {
    let took = duration_words(record.took.unwrap_or_else(|| now.since(record.started_at)));
    match (&record.detail, record.phase) {
        (None, _) => took,
        (Some(detail), Phase::Files | Phase::Packages) => format!("{detail}, {took}"),
        (Some(detail), _) => format!("{took}, {detail}"),
    }
}

fn cell(phase: Phase, run: Option<&Run>, kept: bool, now: Millis) -> Option<Cell> {
    let record = run.and_then(|run| run.phases.iter().find(|record| record.phase == phase));
    let ended = run.is_some_and(|run| run.state.is_end());
    let title = match (phase, run) {
        (Phase::Run, Some(run)) if record.is_some_and(|record| record.took.is_none()) => {
            format!("Running {}", run.entrypoint)
        }
        (Phase::Run, Some(run)) if record.is_some() => format!("Ran {}", run.entrypoint),
        _ => phase.name().to_owned(),
    };
    let Some(record) = record else {
        // Packages are shown only where there are any.
        if phase == Phase::Packages {
            return None;
        }
        let words = match phase {
            Phase::CleanUp if kept && !ended => "when idle",
            _ => "",
        };
        return Some(Cell {
            class: wide(phase, "phase", "phase wide"),
            title,
            words: words.to_owned(),
        });
    };
    let class = match (record.took.is_some() || ended, record.failed) {
        (_, true) => wide(phase, "phase failed", "phase wide failed"),
        (true, false) => wide(phase, "phase done", "phase wide done"),
        (false, false) => wide(phase, "phase now", "phase wide now"),
    };
    // Whatever ended without saying how long it took shows no running clock.
    let words = if record.took.is_none() && ended {
        String::new()
    } else {
        words(record, now)
    };
    Some(Cell { class, title, words })
}

const fn wide(phase: Phase, usual: &'static str, wide: &'static str) -> &'static str {
    if matches!(phase, Phase::Run) { wide } else { usual }
}

/// The phases of `run`, or those to come when there is none.
#[component]
pub fn Lane(
    /// The run shown.
    #[prop(into)]
    run: Signal<Option<Run>>,
    /// Whether its sandbox is kept after it.
    #[prop(into)]
    kept: Signal<bool>,
    /// The server's clock.
    #[prop(into)]
    now: Signal<Millis>,
) -> impl IntoView {
    let cells = Phase::ALL.map(|phase| {
        let cell = Memo::new(move |_| {
            run.with(|run| {
                // Only a phase that goes on listens to the clock.
                let going = run.as_ref().is_some_and(|run| {
                    !run.state.is_end()
                        && run
                            .phases
                            .iter()
                            .any(|record| record.phase == phase && record.took.is_none())
                });
                let now = if going { now.get() } else { Millis(0) };
                cell(phase, run.as_ref(), kept.get(), now)
            })
        });
        let shown = Memo::new(move |_| cell.with(Option::is_some));
        view! {
            <Show when=move || shown.get()>
                <li class=move || cell.with(|cell| cell.as_ref().map_or("phase", |cell| cell.class))>
                    <b>{move || cell.with(|cell| cell.as_ref().map(|cell| cell.title.clone()))}</b>
                    <span>{move || cell.with(|cell| cell.as_ref().map(|cell| cell.words.clone()))}</span>
                </li>
            </Show>
        }
    });
    view! { <ol class="lane" aria-label="Phases of the run">{cells.into_iter().collect_view()}</ol> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(phase: Phase, took: Option<u64>, detail: Option<&str>) -> PhaseRecord {
        PhaseRecord {
            phase,
            started_at: Millis(1_000),
            took,
            detail: detail.map(str::to_owned),
            failed: false,
        }
    }

    #[test]
    fn a_phase_says_how_long_it_takes() {
        let now = Millis(13_400);
        assert_eq!(words(&record(Phase::Queued, Some(0), None), now), "0 ms");
        assert_eq!(
            words(&record(Phase::Sandbox, Some(9), Some("warm")), now),
            "9 ms, warm"
        );
        assert_eq!(
            words(&record(Phase::Files, Some(4), Some("8 synced")), now),
            "8 synced, 4 ms"
        );
        assert_eq!(words(&record(Phase::Run, None, None), now), "12.4 s");
    }

    #[test]
    fn before_the_first_run_the_phases_to_come_are_shown_without_packages() {
        let cells: Vec<_> = Phase::ALL
            .iter()
            .filter_map(|phase| cell(*phase, None, true, Millis(0)))
            .collect();
        let titles: Vec<_> = cells.iter().map(|cell| cell.title.as_str()).collect();
        assert_eq!(titles, ["Queued", "Sandbox", "Files", "Run", "Clean up"]);
        assert_eq!(cells[4].words, "when idle");
        assert!(cells.iter().all(|cell| !cell.class.contains("now")));
    }
}
