//! Schedules, and the right to fire at a time, which there is once.

use crate::fresh::{agent, new_run, on_both, server};
use model::{
    FiringState, Millis, MissedPolicy, NewSchedule, OverlapPolicy, RunId, Schedule, ScheduleId, Trigger,
    TriggerKind,
};
use std::time::Duration;
use store::{Claim, NewRun, Replica, Store, StoreError};

fn said(name: &str) -> NewSchedule {
    NewSchedule {
        name: name.to_owned(),
        cron: "0 9 * * *".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        missed: MissedPolicy::RunOnce,
        overlap: OverlapPolicy::Queue,
    }
}

async fn schedule(store: &Store, next_at: i64) -> Schedule {
    let agent = agent(store, "Scout").await;
    let made = store.create_schedule(&agent.id, &agent.owner, said("morning"), Some(Millis(next_at)));
    made.await.expect("a schedule")
}

fn claim(schedule: &Schedule, next_at: Option<i64>) -> Claim {
    let due_at = schedule.next_at.expect("it is due");
    Claim {
        schedule: schedule.id.clone(),
        due_at,
        next_at: next_at.map(Millis),
        firing: Some((due_at, RunId::generate(), None)),
        missed: None,
    }
}

fn named(id: &str) -> Replica {
    Replica {
        id: id.to_owned(),
        name: id.to_owned(),
        lease: Duration::from_secs(60),
        ..server()
    }
}

on_both! {
    async fn a_schedule_is_kept_changed_and_deleted(store: Store) {
        let made = schedule(&store, 1000).await;
        assert_eq!(store.schedule(&made.id).await.expect("kept"), made);
        assert_eq!(store.schedules_of(&made.agent).await.expect("listed"), std::slice::from_ref(&made));
        let all = store.list_schedules(&store.agent(&made.agent).await.expect("an agent").team).await.expect("listed");
        assert_eq!((all[0].slug.as_str(), &all[0].schedule), ("scout", &made));
        let other = NewSchedule { overlap: OverlapPolicy::StopFormer, ..said("evening") };
        store.update_schedule(&made.id, other.clone(), false, None).await.expect("changed");
        let changed = store.schedule(&made.id).await.expect("kept");
        assert_eq!((&changed.said, changed.is_on, changed.next_at), (&other, false, None));
        assert!(store.due_schedules(Millis(i64::MAX)).await.expect("looked").is_empty());
        store.delete_schedule(&made.id).await.expect("deleted");
        for missing in [
            store.delete_schedule(&made.id).await.expect_err("gone"),
            store.schedule(&made.id).await.expect_err("gone"),
            store.update_schedule(&ScheduleId::generate(), other, true, None).await.expect_err("none"),
        ] {
            assert!(matches!(missing, StoreError::NotFound(_)), "{missing:?}");
        }
    }

    async fn an_agent_has_a_limit_of_them(store: Store) {
        let made = schedule(&store, 1000).await;
        let owner = store.agent(&made.agent).await.expect("an agent").owner;
        for _ in 1..model::schedule::MOST {
            store.create_schedule(&made.agent, &owner, said("x"), None).await.expect("kept");
        }
        let many = store.create_schedule(&made.agent, &owner, said("x"), None).await;
        assert!(matches!(many, Err(StoreError::Conflict(_))), "{many:?}");
        let odd = store.create_schedule(&made.agent, &owner, said(""), None).await;
        assert!(odd.is_err());
    }

    async fn one_of_many_has_the_right_to_fire(store: Store) {
        let made = schedule(&store, 1000).await;
        assert_eq!(store.due_schedules(Millis(999)).await.expect("looked"), []);
        assert_eq!(store.due_schedules(Millis(1000)).await.expect("looked"), std::slice::from_ref(&made));
        let servers: Vec<_> = (0..8).map(|number| named(&format!("server-{number}"))).collect();
        for server in &servers {
            store.register_server(server).await.expect("alive");
        }
        // On SQLite there is one server at a time, which asks as often.
        let claims = servers.iter().map(|server| {
            let (store, claim, server) = (store.clone(), claim(&made, Some(2000)), server.clone());
            tokio::spawn(async move { store.claim_firing(&claim, &server).await.expect("asked") })
        });
        let mut had = 0;
        for claim in claims.collect::<Vec<_>>() {
            had += usize::from(claim.await.expect("no panic"));
        }
        assert_eq!(had, 1);
        assert_eq!(store.firings(&made.id, 10).await.expect("times").len(), 1);
        assert_eq!(store.schedule(&made.id).await.expect("kept").next_at, Some(Millis(2000)));
        assert!(!store.claim_firing(&claim(&made, Some(2000)), &servers[0]).await.expect("asked"), "it was due once");
        let twice = store.update_schedule(&made.id, made.said.clone(), true, Some(Millis(1000))).await;
        twice.expect("as a server whose clock is behind would have it");
        store.claim_firing(&claim(&made, Some(2000)), &servers[0]).await.expect("asked");
        assert_eq!(store.firings(&made.id, 10).await.expect("times").len(), 1, "the time was fired at");
    }

    async fn what_a_server_left_is_taken_over_when_it_is_gone(store: Store) {
        let made = schedule(&store, 1000).await;
        let (one, two) = (named("one"), named("two"));
        store.register_server(&one).await.expect("alive");
        let claimed = claim(&made, None);
        assert!(store.claim_firing(&claimed, &one).await.expect("asked"));
        let run = claimed.firing.map(|(_, run, _)| run).expect("a run");
        if store.is_shared() {
            assert!(store.waiting_firings(&two).await.expect("looked").is_empty(), "that one is alive");
        }
        assert_eq!(store.waiting_firings(&one).await.expect("looked")[0].run, run);
        store.leave_server(&one).await.expect("gone");
        store.register_server(&two).await.expect("alive");
        let taken = store.waiting_firings(&two).await.expect("looked");
        assert_eq!((&taken[0].run, taken[0].name.as_str(), taken.len()), (&run, "morning", 1));
        assert!(store.waiting_firings(&one).await.expect("looked").is_empty(), "paused, it comes back");
        store.conclude_firing(&made.id, Millis(1000), FiringState::Started, None).await.expect("written");
        store.conclude_firing(&made.id, Millis(1000), FiringState::Failed, Some("late")).await.expect("written");
        let firing = &store.firings(&made.id, 10).await.expect("times")[0];
        assert_eq!((firing.state, &firing.run, &firing.words), (FiringState::Started, &run, &None));
    }

    async fn switched_off_nothing_waits(store: Store) {
        let made = schedule(&store, 1000).await;
        store.claim_firing(&claim(&made, Some(2000)), &server()).await.expect("asked");
        store.update_schedule(&made.id, made.said.clone(), false, None).await.expect("off");
        assert!(store.waiting_firings(&server()).await.expect("looked").is_empty());
        let firing = &store.firings(&made.id, 10).await.expect("times")[0];
        assert_eq!((firing.state, firing.words.as_deref()), (FiringState::Skipped, Some("The schedule was switched off.")));
    }

    async fn a_run_knows_what_started_it(store: Store) {
        let agent = agent(&store, "Scout").await;
        let trigger = Trigger::new(TriggerKind::Schedule, ScheduleId::generate(), "morning");
        let new = NewRun { trigger: trigger.clone(), ..new_run(&store, &agent).await };
        let (made, _) = store.create_run(&new, &server()).await.expect("a run");
        let kept = store.run(&made.id).await.expect("kept");
        assert_eq!((&kept.trigger, kept.trigger.words().as_str()), (&trigger, "schedule morning"));
        let id = ScheduleId::parse(trigger.id.as_deref().expect("an id")).expect("an id");
        assert_eq!(store.unfinished_runs_of_schedule(&id).await.expect("looked"), [made.id]);
        assert!(store.unfinished_runs_of_schedule(&ScheduleId::generate()).await.expect("looked").is_empty());
    }
}
