//! What sandboxes use, as runs, the reaper and crashes leave it: every moment
//! once, and none more.

use crate::studio::Studio;
use model::{
    Budget, Day, Micros, Millis, Month, RunId, RunState, TeamId, UsageInterval, UsageState,
    calendar::DAY_MILLISECONDS,
};
use runs::RunsError;
use std::time::Duration;
use store::StoreError;

impl Studio {
    pub async fn intervals(&self) -> Vec<UsageInterval> {
        let found = self
            .store
            .usage_intervals(&TeamId::first(), Day(0), Day(100_000), None, 1000)
            .await;
        let (intervals, _) = found.expect("intervals");
        for pair in intervals.windows(2) {
            if pair[0].sandbox == pair[1].sandbox {
                assert_eq!(
                    pair[0].ended_at, pair[1].started_at,
                    "no gap, nothing twice: {pair:?}"
                );
            }
        }
        // What midnight divided is one here.
        let mut whole: Vec<UsageInterval> = Vec::new();
        for interval in intervals {
            match whole.last_mut() {
                Some(last)
                    if last.run == interval.run
                        && last.state == interval.state
                        && interval.started_at.0 % DAY_MILLISECONDS == 0 =>
                {
                    last.ended_at = interval.ended_at;
                    last.is_open = interval.is_open;
                    last.cost += interval.cost;
                }
                _ => whole.push(interval),
            }
        }
        whole
    }
}

#[tokio::test]
async fn a_run_is_counted_from_its_sandbox_to_the_end_of_it() {
    let studio = Studio::open().await;
    studio.provider.world.programs_print("ok\n", 0);
    let told = studio.run_to_end().await;
    let intervals = studio.intervals().await;
    assert!(!intervals.is_empty());
    for interval in &intervals {
        assert!(!interval.is_open, "{interval:?}");
        assert_eq!(interval.run.as_ref(), Some(&told.run().id));
        assert_eq!(
            (interval.state, interval.member_name.as_deref()),
            (UsageState::Running, Some("ada"))
        );
        assert_eq!(interval.agent_name, "Scout");
    }
    let cost = studio.store.run_cost(&told.run().id).await.expect("a cost");
    assert_eq!(cost.cost, intervals.iter().map(|interval| interval.cost).sum());
    let month = Month::of(intervals[0].started_at);
    let report = studio
        .store
        .usage_report(&TeamId::first(), month)
        .await
        .expect("a report");
    assert_eq!(report.agents.len(), 1);
    assert_eq!(report.runs[0].number, Some(1));
}

#[tokio::test]
async fn a_sandbox_that_is_kept_is_its_agents_between_runs() {
    let studio = Studio::with(|_| {}, |settings| settings.keep_minutes = 5).await;
    studio.provider.world.programs_print("ok\n", 0);
    let first = studio.run_to_end().await;
    let second = studio.run_to_end().await;
    let between = studio.intervals().await;
    let runs: Vec<_> = between.iter().map(|interval| interval.run.clone()).collect();
    assert_eq!(
        runs,
        [
            Some(first.run().id.clone()),
            None,
            Some(second.run().id.clone()),
            None
        ]
    );
    assert!(between[3].is_open);
    studio.runs.discard_sandbox(&studio.agent).await.expect("deleted");
    assert!(studio.intervals().await.iter().all(|interval| !interval.is_open));
}

#[tokio::test]
async fn a_restart_counts_on_and_what_vanished_ends_when_it_was_last_seen() {
    let mut studio = Studio::with(
        |config| config.reap_every = Duration::from_secs(3600),
        |settings| settings.keep_minutes = 5,
    )
    .await;
    studio.provider.world.programs_print("ok\n", 0);
    studio.run_to_end().await;
    studio.restart().await;
    // Twice: what is asked for while the first round of a process is still to come begins one more
    // after it, and that one would look while the sandboxes vanish.
    studio.runs.look_again().await.expect("looked");
    studio.runs.look_again().await.expect("looked");
    let seen = Millis::now();
    assert!(
        studio.intervals().await.pop().expect("one").is_open,
        "it stands after the restart"
    );
    studio.provider.world.lose_sandboxes();
    tokio::time::sleep(Duration::from_millis(100)).await;
    studio.runs.look_again().await.expect("looked");
    studio
        .until_true("its time is over", || async {
            studio.intervals().await.iter().all(|interval| !interval.is_open)
        })
        .await;
    let last = studio.intervals().await.pop().expect("one");
    assert!(last.ended_at <= seen, "no longer than it was seen: {last:?}");
}

#[tokio::test]
async fn what_the_provider_stopped_pays_for_its_disk() {
    let studio = Studio::with(
        |config| config.reap_every = Duration::from_millis(100),
        |settings| settings.keep_minutes = 5,
    )
    .await;
    studio.provider.world.programs_print("ok\n", 0);
    studio.run_to_end().await;
    studio.provider.world.stop_sandboxes();
    studio
        .until_true("it is counted as stopped", || async {
            let last = studio.intervals().await.pop().expect("one");
            last.is_open && last.state == UsageState::Stopped && last.rate == Micros(3 * 108)
        })
        .await;
}

#[tokio::test]
async fn a_budget_that_is_used_up_stops_no_run_and_starts_none() {
    let studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let budget = |monthly| Budget {
        monthly: Some(Micros(monthly)),
        free_credit: Micros(0),
    };
    let team = TeamId::first();
    studio.store.set_budget(&team, &budget(0)).await.expect("set");
    let refused = studio.runs.start(studio.request()).await;
    assert!(
        matches!(&refused, Err(RunsError::Store(StoreError::OverBudget(words))) if words.contains("is used up")),
        "{refused:?}"
    );
    // Asked for again, it is the run that goes on.
    let mut again = studio.request();
    again.id = run.clone();
    assert_eq!(studio.runs.start(again).await.expect("the same").id, run);
    assert_eq!(
        studio.store.run(&run).await.expect("a run").state,
        RunState::Running
    );
    studio
        .store
        .set_budget(&team, &budget(1_000_000))
        .await
        .expect("set");
    studio.runs.stop(&run).await.expect("stopped");
    studio.told(&run).await;
    studio.provider.world.programs_print("ok\n", 0);
    let mut next = studio.request();
    next.id = RunId::generate();
    studio.runs.start(next).await.expect("starts");
}
