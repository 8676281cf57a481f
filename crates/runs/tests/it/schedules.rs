//! Schedules: fired at once and no more, whatever goes on, ends or comes back.

use crate::{
    fake::FakeProvider,
    studio::{Studio, path},
};
use model::{
    AgentSettings, Firing, FiringState, InstanceRole, Language, Millis, MissedPolicy, NewSchedule,
    OverlapPolicy, Provider, Run, RunId, RunState, Schedule, TriggerKind,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use runs::{Runs, RunsConfig};
use sqlx::Executor as _;
use std::{collections::BTreeSet, time::Duration};
use store::{Claim, Pools, Store};

const SOON: Duration = Duration::from_millis(20);

fn said(missed: MissedPolicy, overlap: OverlapPolicy) -> NewSchedule {
    NewSchedule {
        name: "hourly".to_owned(),
        cron: "0 * * * *".to_owned(),
        zone: "UTC".to_owned(),
        missed,
        overlap,
    }
}

/// Looks often, so that a test is short.
fn often(config: &mut RunsConfig) {
    config.schedules_every = SOON;
}

async fn execute(store: &Store, sql: &str) {
    match store.pools() {
        Pools::Sqlite(pool) => pool.execute(sql).await.map(|_| ()),
        Pools::Postgres(pool) => pool.execute(sql).await.map(|_| ()),
    }
    .unwrap();
}

const HOUR: i64 = 3_600_000;

/// The last full hour, or an earlier one, for all of a test: one that begins in the last minute of an hour
/// waits for the next, so that it does not go on into it.
async fn hours() -> impl Fn(i64) -> Millis + Copy {
    while Millis::now().0 % HOUR >= HOUR - 60_000 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last = Millis::now().0 / HOUR;
    move |before| Millis((last - before) * HOUR)
}

/// Makes the schedule due since then.
async fn due(store: &Store, schedule: &Schedule, at: Millis) {
    let sql = format!(
        "update schedules set next_at = {} where id = '{}'",
        at.0, schedule.id
    );
    execute(store, &sql).await;
}

impl Studio {
    async fn scheduled(&self, missed: MissedPolicy, overlap: OverlapPolicy) -> Schedule {
        let owner = self.store.agent(&self.agent).await.unwrap().owner;
        let said = said(missed, overlap);
        self.runs
            .create_schedule(&self.agent, &owner, said)
            .await
            .unwrap()
    }

    /// Claims a time as a server that then is gone.
    async fn claimed_by_nobody(&self, schedule: &Schedule, at: Millis) -> RunId {
        // Not due at any moment, so that the server here does not claim it before.
        let later = Millis(Millis::now().0 + 1000 * HOUR);
        due(&self.store, schedule, later).await;
        let run = RunId::generate();
        let claim = Claim {
            schedule: schedule.id.clone(),
            due_at: later,
            next_at: Some(later),
            firing: Some((at, run.clone(), None)),
            missed: None,
        };
        assert!(self.store.claim_firing(&claim, &self.server()).await.unwrap());
        run
    }

    async fn firing(&self, schedule: &Schedule, at: Millis) -> Option<Firing> {
        let firings = self.store.firings(&schedule.id, 100).await.unwrap();
        firings.into_iter().find(|firing| firing.due_at == at)
    }

    async fn until_fired(&self, schedule: &Schedule, at: Millis, state: FiringState) -> Firing {
        self.until_true(&format!("it is {state:?}"), || async {
            self.firing(schedule, at)
                .await
                .is_some_and(|firing| firing.state == state)
        })
        .await;
        self.firing(schedule, at).await.unwrap()
    }

    async fn all_runs(&self) -> Vec<Run> {
        self.store
            .list_runs(&model::TeamId::first(), None, None, 500)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_is_due_starts_a_run_that_knows_its_schedule() {
    let hour = hours().await;
    let mut studio = Studio::with(often, |settings| settings.keep_minutes = 15).await;
    studio.provider.world.programs_print("done", 0);
    let schedule = studio.scheduled(MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    assert!(schedule.next_at.is_some_and(|at| at > Millis::now()));
    due(&studio.store, &schedule, hour(0)).await;
    let firing = studio.until_fired(&schedule, hour(0), FiringState::Started).await;
    let told = studio.told(&firing.run).await;
    assert_eq!(told.run().state, RunState::Succeeded);
    let trigger = &told.run().trigger;
    assert_eq!(
        (trigger.kind, trigger.id.as_deref(), trigger.name.as_deref()),
        (TriggerKind::Schedule, Some(schedule.id.as_str()), Some("hourly"))
    );
    let next = studio.store.schedule(&schedule.id).await.unwrap().next_at;
    assert_eq!(next, Some(hour(-1)));
    studio.restart().await;
    tokio::time::sleep(10 * SOON).await;
    assert_eq!(studio.all_runs().await.len(), 1, "once is once");
    assert_eq!(
        studio.provider.world.count(),
        0,
        "nobody waits for the sandbox, so it is not kept"
    );
}

#[tokio::test]
async fn times_without_a_server_are_skipped_or_made_up_for_by_one_run() {
    let hour = hours().await;
    let mut studio = Studio::with(often, |_| {}).await;
    studio.provider.world.programs_print("done", 0);
    let skips = studio.scheduled(MissedPolicy::Skip, OverlapPolicy::Skip).await;
    let once = studio.scheduled(MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    studio.runs.shutdown().await;
    // In the first minute of an hour its time is not missed.
    let now = Millis::now();
    let since = |back: i64| Millis(hour(back).0);
    due(&studio.store, &skips, since(5)).await;
    due(&studio.store, &once, since(5)).await;
    studio.restart().await;
    let in_time = now.0 - hour(0).0 < 120_000;
    if !in_time {
        let missed = studio.until_fired(&skips, hour(0), FiringState::Missed).await;
        assert_eq!(
            missed.words.as_deref(),
            Some("No server was running: 6 times left out.")
        );
        let made_up = studio.until_fired(&once, hour(0), FiringState::Started).await;
        assert!(made_up.words.is_some_and(|words| words.contains("6 times")));
        assert_eq!(studio.all_runs().await.len(), 1);
    }
    for schedule in [&skips, &once] {
        studio
            .until_true("the next time is to come", || async {
                let next = studio.store.schedule(&schedule.id).await.unwrap().next_at;
                next.is_some_and(|next| next > now)
            })
            .await;
    }
}

#[tokio::test]
async fn while_the_former_run_goes_on_a_time_is_left_out() {
    let hour = hours().await;
    let studio = Studio::with(often, |_| {}).await;
    let schedule = studio.scheduled(MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    due(&studio.store, &schedule, hour(1)).await;
    let first = studio.until_fired(&schedule, hour(0), FiringState::Started).await;
    studio.until(&first.run, RunState::Running).await;
    let run = studio.claimed_by_nobody(&schedule, hour(2)).await;
    let skipped = studio.until_fired(&schedule, hour(2), FiringState::Skipped).await;
    assert!(skipped.words.is_some_and(|words| words.contains("former run")));
    assert!(studio.store.run(&run).await.is_err(), "it was never started");
    studio.provider.world.exit(0);
    studio.told(&first.run).await;
}

#[tokio::test]
async fn queued_times_run_one_after_the_other() {
    let hour = hours().await;
    let studio = Studio::with(often, |_| {}).await;
    let schedule = studio
        .scheduled(MissedPolicy::RunOnce, OverlapPolicy::Queue)
        .await;
    let first = studio.claimed_by_nobody(&schedule, hour(3)).await;
    studio.until_fired(&schedule, hour(3), FiringState::Started).await;
    studio.until(&first, RunState::Running).await;
    let second = studio.claimed_by_nobody(&schedule, hour(2)).await;
    let third = studio.claimed_by_nobody(&schedule, hour(1)).await;
    tokio::time::sleep(10 * SOON).await;
    for at in [hour(2), hour(1)] {
        assert_eq!(
            studio.firing(&schedule, at).await.unwrap().state,
            FiringState::Waiting
        );
    }
    for (run, next) in [(&first, Some(&second)), (&second, Some(&third)), (&third, None)] {
        studio.until(run, RunState::Running).await;
        studio.provider.world.exit(0);
        let ended = studio.told(run).await;
        assert_eq!(ended.run().state, RunState::Succeeded);
        if let Some(next) = next {
            studio
                .until_true("the next starts", || async {
                    studio.store.run(next).await.is_ok()
                })
                .await;
            let next = studio.store.run(next).await.unwrap();
            assert!(
                Some(next.created_at) >= ended.run().ended_at,
                "one after the other"
            );
        }
    }
    assert_eq!(studio.all_runs().await.len(), 3);
}

#[tokio::test]
async fn the_former_run_is_stopped_when_that_is_wanted() {
    let hour = hours().await;
    let studio = Studio::with(often, |_| {}).await;
    let schedule = studio
        .scheduled(MissedPolicy::RunOnce, OverlapPolicy::StopFormer)
        .await;
    let first = studio.claimed_by_nobody(&schedule, hour(3)).await;
    studio.until_fired(&schedule, hour(3), FiringState::Started).await;
    studio.until(&first, RunState::Running).await;
    let second = studio.claimed_by_nobody(&schedule, hour(2)).await;
    studio.until(&first, RunState::Stopped).await;
    studio.until_fired(&schedule, hour(2), FiringState::Started).await;
    studio.until(&second, RunState::Running).await;
    studio.provider.world.exit(0);
    studio.told(&second).await;
}

#[tokio::test]
async fn what_cannot_start_is_told_and_the_schedule_goes_on() {
    let hour = hours().await;
    let studio = Studio::with(often, |_| {}).await;
    let schedule = studio.scheduled(MissedPolicy::RunOnce, OverlapPolicy::Skip).await;
    studio
        .store
        .delete_file(&studio.agent, &path("agent.py"), None)
        .await
        .unwrap();
    due(&studio.store, &schedule, hour(0)).await;
    let failed = studio.until_fired(&schedule, hour(0), FiringState::Failed).await;
    assert!(failed.words.is_some_and(|words| words.contains("agent.py")));
    let kept = studio.store.schedule(&schedule.id).await.unwrap();
    assert!(kept.is_on && kept.next_at == Some(hour(-1)));
    let damaged = format!("update schedules set cron = 'x' where id = '{}'", schedule.id);
    execute(&studio.store, &damaged).await;
    due(&studio.store, &schedule, hour(1)).await;
    studio.until_fired(&schedule, hour(1), FiringState::Missed).await;
}

#[tokio::test]
async fn what_is_said_of_a_schedule_is_checked_before_it_is_saved() {
    let studio = Studio::open().await;
    let owner = studio.store.agent(&studio.agent).await.unwrap().owner;
    let usual = said(MissedPolicy::Skip, OverlapPolicy::Skip);
    for (cron, zone) in [("0 0 30 2 *", "UTC"), ("x", "UTC"), ("@daily", "Mars/Base")] {
        let odd = NewSchedule {
            cron: cron.to_owned(),
            zone: zone.to_owned(),
            ..usual.clone()
        };
        let refused = studio
            .runs
            .create_schedule(&studio.agent, &owner, odd.clone())
            .await;
        assert!(
            matches!(refused, Err(runs::RunsError::Invalid(_))),
            "{cron} {zone}"
        );
        assert!(runs::schedules::next_times(&odd, Millis(0)).is_empty());
    }
    let made = studio
        .runs
        .create_schedule(&studio.agent, &owner, usual.clone())
        .await
        .unwrap();
    studio
        .runs
        .update_schedule(&made.id, usual.clone(), false)
        .await
        .unwrap();
    let off = studio.store.schedule(&made.id).await.unwrap();
    assert_eq!((off.is_on, off.next_at), (false, None));
    studio
        .runs
        .update_schedule(&made.id, usual.clone(), true)
        .await
        .unwrap();
    let on = studio.store.schedule(&made.id).await.unwrap();
    assert!(on.is_on && on.next_at.is_some_and(|at| at > Millis::now()));
    let next = runs::schedules::next_times(&usual, Millis(0));
    assert_eq!((next.len(), next[0].1.as_str()), (5, "Thu 1970-01-01 01:00 UTC"));
}

/// Lives of our process that end anywhere between the time that is due and its run's end.
#[test]
fn killed_anywhere_a_time_is_fired_at_once() {
    const LIVES: usize = 120;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/pitlane.db", folder.path().display());
    let outside = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut config = RunsConfig::new("crashing", Provider::Embedded);
    often(&mut config);
    config.stop_grace = Duration::from_millis(10);
    let (provider, agents) = outside.block_on(async {
        let provider = FakeProvider::start().await;
        provider.world.programs_print("done", 0);
        let store = Store::open(&url).await.unwrap();
        let owner = store.create_user("ada", InstanceRole::Owner, None).await.unwrap();
        let mut agents = Vec::new();
        for _ in 0..4 {
            let settings = AgentSettings::new("Scout", "", Language::Python);
            let files = [(path("agent.py"), b"1\n".to_vec())];
            agents.push(
                store
                    .create_agent(&model::TeamId::first(), &owner.id, &settings, &files)
                    .await
                    .unwrap(),
            );
        }
        store.close().await;
        (provider, agents)
    });
    let hour = outside.block_on(hours());
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut schedules = Vec::new();
    for life in 0..LIVES {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let turns = random.random_range(0..500);
        runtime.block_on(async {
            let store = Store::open(&url).await.unwrap();
            let agent = &agents[life % agents.len()];
            let said = NewSchedule {
                // These lives may go on into the next hour: it is due once, as it is told below.
                cron: "0 0 1 1 *".to_owned(),
                ..said(MissedPolicy::RunOnce, OverlapPolicy::Queue)
            };
            let made = store.create_schedule(&agent.id, &agent.owner, said, Some(hour(0)));
            schedules.push(made.await.unwrap().id);
            let runs = Runs::open(config.clone(), store, provider.client())
                .await
                .unwrap();
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            drop(runs);
        });
        runtime.shutdown_background();
    }
    outside.block_on(async {
        let store = Store::open(&url).await.unwrap();
        let runs = Runs::open(config, store.clone(), provider.client())
            .await
            .unwrap();
        for _ in 0..1500 {
            let mut firings = Vec::new();
            for schedule in &schedules {
                firings.extend(store.firings(schedule, 10).await.unwrap());
            }
            let all = store
                .list_runs(&model::TeamId::first(), None, None, 500)
                .await
                .unwrap();
            let is_started = |firing: &Firing| firing.state == FiringState::Started;
            if firings.len() >= LIVES
                && firings.iter().all(is_started)
                && all.iter().all(|run| run.state.is_end())
            {
                assert_eq!(firings.len(), LIVES, "each time is one time");
                let fired: BTreeSet<_> = firings.iter().map(|firing| &firing.run).collect();
                let started: BTreeSet<_> = all.iter().map(|run| &run.id).collect();
                assert_eq!(fired, started, "and has its one run");
                runs.shutdown().await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not everything was started");
    });
}

/// Two servers that look at the same moments, on one database.
#[tokio::test]
async fn two_servers_fire_once() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        return;
    };
    let schema = format!("test_{}", RunId::generate().as_str().replace('-', ""));
    let admin = Store::open(&url).await.unwrap();
    execute(&admin, &format!("create schema {schema}")).await;
    admin.close().await;
    let url = format!("{url}?options[search_path]={schema}");
    let hour = hours().await;
    let one = Studio::at(&url, often, |_| {}).await;
    one.provider.world.programs_print("done", 0);
    let mut config = one.config.clone();
    config.server = "two".to_owned();
    let second = Store::open(&url).await.unwrap();
    let two = Runs::open(config, second.clone(), one.provider.client())
        .await
        .unwrap();
    let owner = one.store.agent(&one.agent).await.unwrap().owner;
    let mut schedules = Vec::new();
    for _ in 0..20 {
        let said = said(MissedPolicy::RunOnce, OverlapPolicy::Queue);
        let schedule = one.runs.create_schedule(&one.agent, &owner, said).await;
        schedules.push(schedule.unwrap());
    }
    for schedule in &schedules {
        due(&one.store, schedule, hour(0)).await;
    }
    for schedule in &schedules {
        one.until_fired(schedule, hour(0), FiringState::Started).await;
    }
    tokio::time::sleep(10 * SOON).await;
    let all = one.all_runs().await;
    assert_eq!(all.len(), schedules.len(), "each once");
    for schedule in &schedules {
        assert_eq!(one.store.firings(&schedule.id, 10).await.unwrap().len(), 1);
    }
    two.shutdown().await;
    one.runs.shutdown().await;
    one.store.close().await;
    second.close().await;
}
