//! Usage: no time lost and none counted twice, whatever ends when; sums, budgets.

use crate::fresh::{agent, new_run, on_both, server};
use model::{
    AgentId, Budget, Day, Micros, Millis, Month, Provider, Resources, RunId, SandboxId, SandboxRecord,
    SandboxState, TeamId, UsageInterval, UsageState, calendar::DAY_MILLISECONDS, money::cost,
};
use sqlx::Executor as _;
use store::{Hold, Pools, SeenSandbox, Store, StoreError};

async fn execute(store: &Store, sql: &str) {
    match store.pools() {
        Pools::Sqlite(pool) => pool.execute(sql).await.map(|_| ()),
        Pools::Postgres(pool) => pool.execute(sql).await.map(|_| ()),
    }
    .expect("executed");
}

fn intended(agent: &AgentId, run: &RunId) -> SandboxRecord {
    SandboxRecord {
        id: SandboxId::generate(),
        provider: Provider::Embedded,
        provider_id: None,
        agent: agent.clone(),
        run: Some(run.clone()),
        state: SandboxState::Intended,
        resources: Resources {
            cpu: 2,
            memory_gib: 3,
            disk_gib: 4,
        },
        created_at: Millis(10),
        used_at: Millis(10),
        expires_at: None,
    }
}

/// Scout's run, and a sandbox that the provider made for it.
async fn standing(store: &Store) -> (AgentId, RunId, SandboxId) {
    let scout = agent(store, "Scout").await;
    let new = new_run(store, &scout).await;
    store.create_run(&new, &server()).await.expect("a run");
    let record = intended(&scout.id, &new.id);
    store
        .intend_sandbox(&record, &server(), None)
        .await
        .expect("a row");
    assert!(all(store).await.is_empty(), "what is only intended costs nothing");
    store.sandbox_created(&record.id, "p", None).await.expect("made");
    (scout.id, new.id, record.id)
}

/// All intervals, the oldest first.
async fn all(store: &Store) -> Vec<UsageInterval> {
    let (found, _) = store
        .usage_intervals(&TeamId::first(), Day(0), Day(100_000), None, 1000)
        .await
        .expect("intervals");
    found
}

/// That a sandbox's intervals follow each other without a gap, and that the sums of days are theirs.
async fn whole(store: &Store) -> Vec<UsageInterval> {
    let intervals = all(store).await;
    for pair in intervals.windows(2) {
        assert_eq!(pair[0].ended_at, pair[1].started_at, "{pair:?}");
        assert!(!pair[0].is_open);
    }
    let report = store
        .usage_report(&TeamId::first(), Month::of(Millis::now()))
        .await
        .expect("a report");
    if intervals
        .iter()
        .all(|interval| !interval.is_open && Month::of(interval.started_at) == report.month)
    {
        let sum: Micros = intervals.iter().map(|interval| interval.cost).sum();
        assert_eq!(report.total.cost, sum);
        assert_eq!(
            report
                .days
                .iter()
                .map(|(_, amounts)| amounts.cost)
                .sum::<Micros>(),
            sum
        );
        assert_eq!(
            report
                .agents
                .iter()
                .map(|share| share.amounts.cost)
                .sum::<Micros>(),
            sum
        );
        assert_eq!(
            report
                .members
                .iter()
                .map(|share| share.amounts.cost)
                .sum::<Micros>(),
            sum
        );
    }
    as_one(intervals)
}

/// Puts the parts together that midnight divided.
fn as_one(intervals: Vec<UsageInterval>) -> Vec<UsageInterval> {
    let mut whole: Vec<UsageInterval> = Vec::new();
    for interval in intervals {
        match whole.last_mut() {
            Some(last)
                if (&last.run, last.state, last.rate) == (&interval.run, interval.state, interval.rate)
                    && interval.started_at.0 % DAY_MILLISECONDS == 0 =>
            {
                last.ended_at = interval.ended_at;
                last.cost += interval.cost;
                last.is_open = interval.is_open;
            }
            _ => whole.push(interval),
        }
    }
    whole
}

/// Has the open interval begun so long ago, in milliseconds, and seen last so long ago.
async fn begun_ago(store: &Store, ago: i64, seen_ago: i64) {
    // Two looks at the clock may be a millisecond apart.
    for change in [
        format!("started_at = (select now from clock) - {ago}"),
        format!("seen_at = started_at + {}", ago - seen_ago),
    ] {
        execute(
            store,
            &format!("update usage_intervals set {change} where ended_at is null"),
        )
        .await;
    }
}

on_both! {
    async fn from_the_first_moment_to_the_last(store: Store) {
        let (scout, run, sandbox) = standing(&store).await;
        begun_ago(&store, 60_000, 0).await;
        store.sandbox_state(&sandbox, SandboxState::Idle, Some(Millis(50)), None).await.expect("kept");
        assert!(store.claim_sandbox(&sandbox, &Hold::first(&run), &server(), Millis(60)).await.expect("asked").is_some());
        store.sandbox_state(&sandbox, SandboxState::Deleting, None, None).await.expect("to be deleted");
        assert!(all(&store).await.last().expect("one").is_open, "what is being deleted stands still");
        store.sandbox_state(&sandbox, SandboxState::Deleted, None, None).await.expect("gone");
        let intervals = whole(&store).await;
        let runs: Vec<_> = intervals.iter().map(|interval| interval.run.as_ref()).collect();
        assert_eq!(runs, [Some(&run), None, Some(&run)]);
        assert!(intervals.iter().all(|interval| interval.state == UsageState::Running && interval.agent == scout));
        assert!(intervals.iter().all(|interval| interval.member_name.as_deref() == Some("ada")));
        let rate = Micros(2 * 50_400 + 3 * 16_200 + 4 * 108);
        assert_eq!(intervals[0].rate, rate);
        let took = intervals[0].ended_at.since(intervals[0].started_at);
        assert!(took >= 60_000 && intervals[0].cost == cost(rate, took));
        let spent = store.run_cost(&run).await.expect("a cost");
        assert_eq!((spent.cost, spent.rate), (intervals[0].cost + intervals[2].cost, Micros(0)));
        // Said again, it changes nothing.
        store.sandbox_state(&sandbox, SandboxState::Deleted, None, None).await.expect("gone");
        store.sandbox_created(&sandbox, "late", None).await.expect("noted");
        let seen = SeenSandbox { id: sandbox, usage: UsageState::Running, created_at: None, changed_at: None };
        store.see_sandboxes(&[seen]).await.expect("seen");
        assert_eq!(whole(&store).await, intervals);
    }

    async fn what_a_dead_server_left_open_ends_when_it_was_last_seen(store: Store) {
        let (_, run, sandbox) = standing(&store).await;
        begun_ago(&store, 3_600_000, 3_000_000).await;
        // As it is shown before anybody has looked: no longer than it was seen.
        let open = &as_one(all(&store).await)[0];
        assert!(open.is_open);
        assert_eq!(open.ended_at.since(open.started_at), 600_000);
        assert_eq!(store.run_cost(&run).await.expect("a cost").rate, Micros(0));
        store.sandbox_vanished(&sandbox).await.expect("noted");
        let ended = whole(&store).await;
        assert_eq!((ended.len(), ended[0].ended_at.since(ended[0].started_at)), (1, 600_000));
        assert_eq!(store.sandbox(&sandbox).await.expect("a row").state, SandboxState::Deleted);
    }

    async fn what_outlived_its_server_is_counted_on(store: Store) {
        let (_, run, sandbox) = standing(&store).await;
        begun_ago(&store, 3_600_000, 3_000_000).await;
        let seen = SeenSandbox { id: sandbox.clone(), usage: UsageState::Running, created_at: None, changed_at: None };
        store.see_sandboxes(std::slice::from_ref(&seen)).await.expect("seen");
        let open = &as_one(all(&store).await)[0];
        assert!(open.is_open && open.ended_at.since(open.started_at) >= 3_600_000);
        assert_eq!(store.run_cost(&run).await.expect("a cost").rate, open.rate);
        // Driven by a server that lives, it is seen too.
        begun_ago(&store, 3_600_000, 3_000_000).await;
        execute(&store, "update runs set started_at = 1").await;
        store.see_driven_sandboxes(&server()).await.expect("seen");
        assert!(as_one(all(&store).await)[0].ended_at.since(open.started_at) >= 3_600_000);
    }

    async fn a_sandbox_that_was_made_and_never_noted_is_counted_from_its_beginning(store: Store) {
        let scout = agent(&store, "Scout").await;
        let run = new_run(&store, &scout).await;
        store.create_run(&run, &server()).await.expect("a run");
        let record = SandboxRecord { created_at: Millis(Millis::now().0 - 90_000), ..intended(&scout.id, &run.id) };
        store.intend_sandbox(&record, &server(), None).await.expect("a row");
        let made = Millis(record.created_at.0 + 1000);
        let seen = SeenSandbox { id: record.id.clone(), usage: UsageState::Running, created_at: Some(made), changed_at: None };
        store.see_sandboxes(&[seen]).await.expect("seen");
        let open = &all(&store).await[0];
        assert_eq!((open.started_at, open.run.as_ref()), (made, Some(&run.id)));
    }

    async fn a_stopped_sandbox_pays_for_its_disk_and_an_archived_one_for_nothing(store: Store) {
        let (_, run, sandbox) = standing(&store).await;
        begun_ago(&store, 50_000, 40_000).await;
        let began = all(&store).await[0].started_at;
        let seen = |usage, ago| SeenSandbox {
            id: sandbox.clone(),
            usage,
            created_at: None,
            changed_at: Some(Millis(Millis::now().0 - ago)),
        };
        store.see_sandboxes(&[seen(UsageState::Stopped, 30_000)]).await.expect("seen");
        store.see_sandboxes(&[seen(UsageState::Stopped, 30_000)]).await.expect("seen");
        // A clock that is far behind ours cannot move what was seen.
        store.see_sandboxes(&[seen(UsageState::Archived, 9_000_000)]).await.expect("seen");
        let intervals = whole(&store).await;
        let states: Vec<_> = intervals.iter().map(|interval| interval.state).collect();
        assert_eq!(states, [UsageState::Running, UsageState::Stopped, UsageState::Archived]);
        let ran = intervals[0].ended_at.since(began);
        assert!((10_000..=25_000).contains(&ran), "{ran}");
        assert_eq!((intervals[1].rate, intervals[2].rate), (Micros(4 * 108), Micros(0)));
        assert!(intervals.iter().all(|interval| interval.run.as_ref() == Some(&run)));
    }

    async fn what_goes_on_over_midnight_is_counted_by_day(store: Store) {
        let (_, _, sandbox) = standing(&store).await;
        let long = 2 * DAY_MILLISECONDS + 5;
        begun_ago(&store, long, 0).await;
        store.sandbox_state(&sandbox, SandboxState::Deleted, None, None).await.expect("gone");
        let intervals = all(&store).await;
        assert!(intervals.len() >= 3, "{intervals:?}");
        for interval in &intervals {
            assert_eq!(Day::of(interval.started_at), Day::of(Millis(interval.ended_at.0 - 1)));
        }
        for pair in intervals.windows(2) {
            assert_eq!(pair[0].ended_at, pair[1].started_at);
        }
        let sum: Micros = intervals.iter().map(|interval| interval.cost).sum();
        let whole = intervals[intervals.len() - 1].ended_at.since(intervals[0].started_at);
        assert_eq!(sum, cost(intervals[0].rate, whole));
    }

    async fn one_sandbox_is_counted_once_by_however_many_at_once(store: Store) {
        let (_, run, sandbox) = standing(&store).await;
        let changes = (0..12).map(|n| {
            let (store, sandbox, run) = (store.clone(), sandbox.clone(), run.clone());
            tokio::spawn(async move {
                let usage = if n % 2 == 0 { UsageState::Running } else { UsageState::Stopped };
                let seen = SeenSandbox { id: sandbox.clone(), usage, created_at: None, changed_at: None };
                match n % 3 {
                    0 => store.see_sandboxes(&[seen]).await,
                    1 => store.sandbox_state(&sandbox, SandboxState::Idle, None, None).await,
                    _ => store.claim_sandbox(&sandbox, &Hold::first(&run), &server(), Millis(60)).await.map(drop),
                }
            })
        });
        for change in changes.collect::<Vec<_>>() {
            change.await.expect("no panic").expect("changed");
        }
        store.sandbox_state(&sandbox, SandboxState::Deleted, None, None).await.expect("gone");
        let mut intervals = all(&store).await;
        assert!(intervals.iter().all(|interval| !interval.is_open));
        intervals.sort_by_key(|interval| (interval.started_at, interval.ended_at));
        for pair in intervals.windows(2) {
            assert_eq!(pair[0].ended_at, pair[1].started_at, "no gap and nothing twice: {intervals:?}");
        }
    }

    async fn pages_of_intervals_give_each_once(store: Store) {
        let (_, _, sandbox) = standing(&store).await;
        for _ in 0..6 {
            store.sandbox_state(&sandbox, SandboxState::Idle, None, None).await.expect("kept");
        }
        let (mut found, mut after) = (0, None);
        loop {
            let (page, last) = store
                .usage_intervals(&TeamId::first(), Day(0), Day(100_000), after.as_deref(), 2)
                .await
                .expect("a page");
            found += page.len();
            let Some(last) = last else { break };
            after = Some(last);
        }
        assert_eq!(found, 7);
        let other = TeamId::generate();
        let (none, _) = store.usage_intervals(&other, Day(0), Day(100_000), None, 10).await.expect("a page");
        assert!(none.is_empty(), "another team sees nothing");
        assert_eq!(store.usage_report(&other, Month::of(Millis::now())).await.expect("a report").total.cost, Micros(0));
        assert!(store.usage_intervals(&other, Day(0), Day(1), Some("x"), 1).await.is_err());
    }

    async fn prices_count_from_now_on(store: Store) {
        let (_, _, sandbox) = standing(&store).await;
        let price = model::Price::parse("cpu=1, memory=0, disk=0").expect("prices");
        store.set_price(&price).await.expect("set");
        assert_eq!(store.price().await.expect("prices"), price);
        store.sandbox_state(&sandbox, SandboxState::Idle, None, None).await.expect("kept");
        let rates: Vec<_> = all(&store).await.iter().map(|interval| interval.rate).collect();
        assert_eq!(rates, [Micros(149_832), Micros(2_000_000)]);
    }

    async fn a_budget_warns_and_then_blocks_and_says_each_once_a_month(store: Store) {
        let team = TeamId::first();
        let (_, _, sandbox) = standing(&store).await;
        store.check_budget(&team).await.expect("no budget blocks nothing");
        assert!(store.teams_with_budgets().await.expect("teams").is_empty());
        store.sandbox_state(&sandbox, SandboxState::Deleted, None, None).await.expect("gone");
        execute(&store, "update usage_days set cost = case when day = (select max(day) from usage_days) then 850000 else 0 end").await;
        let set = |monthly: Option<i64>, free_credit| Budget { monthly: monthly.map(Micros), free_credit: Micros(free_credit) };
        store.set_budget(&team, &set(Some(10_000_000), 0)).await.expect("set");
        assert!(store.note_budget(&team).await.expect("looked").is_empty());
        store.set_budget(&team, &set(Some(1_000_000), 0)).await.expect("set");
        assert_eq!(store.teams_with_budgets().await.expect("teams"), std::slice::from_ref(&team));
        let percents = async || -> Vec<u64> {
            let noted = store.note_budget(&team).await.expect("looked");
            noted.iter().map(|event| event.percent).collect()
        };
        assert_eq!(percents().await, [80]);
        assert!(percents().await.is_empty());
        store.check_budget(&team).await.expect("a warning blocks nothing");
        store.set_budget(&team, &set(Some(800_000), 0)).await.expect("set");
        assert_eq!(percents().await, [100]);
        let refused = store.check_budget(&team).await;
        assert!(matches!(&refused, Err(StoreError::OverBudget(words)) if words.contains("$0.85 of $0.80")), "{refused:?}");
        // Free credit is used first; so is a higher budget.
        store.set_budget(&team, &set(Some(800_000), 500_000)).await.expect("set");
        store.check_budget(&team).await.expect("credit covers it");
        assert!(percents().await.is_empty());
        let standing = store.budget_standing(&team, Month::of(Millis::now())).await.expect("standing");
        assert_eq!((standing.charged(), standing.credit_left()), (Micros(350_000), Micros(0)));
    }
}
