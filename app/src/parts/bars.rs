//! The runs of the last 14 days as bars.

use leptos::prelude::*;
use model::DayOfRuns;

/// The tallest bar, in pixels.
const TALLEST: u32 = 22;

/// Each bar's class and height in pixels. A day counts as failed when more
/// than half of its runs did.
fn bars(days: &[DayOfRuns]) -> Vec<(&'static str, u32)> {
    let most = days.iter().map(|day| day.runs).max().unwrap_or(0).max(1);
    days.iter()
        .map(|day| match day.runs {
            0 => ("none", 3),
            runs => {
                let class = if day.failed * 2 > runs { "failed" } else { "" };
                (class, 4 + (TALLEST - 4) * runs / most)
            }
        })
        .collect()
}

/// The runs of the last 14 days as bars, with a sentence for who cannot see them.
#[component]
pub fn Bars(
    /// The days, oldest first.
    days: Vec<DayOfRuns>,
) -> impl IntoView {
    let runs: u32 = days.iter().map(|day| day.runs).sum();
    let failed: u32 = days.iter().map(|day| day.failed).sum();
    let label = format!("{runs} runs in 14 days, {failed} of them did not succeed");
    let bars = bars(&days)
        .into_iter()
        .map(|(class, height)| view! { <i class=class style=format!("height:{height}px")></i> })
        .collect_view();
    view! { <span class="bars" role="img" aria-label=label.clone() title=label>{bars}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_in_proportion_and_failures_are_seen() {
        let day = |runs, failed| DayOfRuns { runs, failed };
        assert_eq!(
            bars(&[day(0, 0), day(9, 1), day(18, 18)]),
            [("none", 3), ("", 13), ("failed", 22)]
        );
        assert!(bars(&[]).is_empty());
    }
}
