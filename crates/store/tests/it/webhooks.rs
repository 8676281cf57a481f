//! Webhooks: what happened is told once to each address that wants to know,
//! by one server at a time.

use crate::fresh::{agent, new_run, on_both, server};
use model::{
    Agent, Attempt, Delivery, DeliveryState, HookBody, HookId, Millis, NewTarget, Run, RunId, RunState,
    TargetId, TeamId, WebhookEvent, WebhookTarget,
};
use serde_json::json;
use std::time::Duration;
use store::{Hold, Next, Store, StoreError};

const ALL: [WebhookEvent; 4] = WebhookEvent::ALL;

async fn target(store: &Store, team: &TeamId, events: &[WebhookEvent]) -> WebhookTarget {
    let said = NewTarget {
        url: "https://example.com/hook".to_owned(),
        events: events.to_vec(),
    };
    let made = store
        .create_target(team, &TargetId::generate(), said, "sealed")
        .await;
    made.expect("an address")
}

async fn deliveries(store: &Store, team: &TeamId) -> Vec<Delivery> {
    store
        .list_deliveries(team, None, None, 200)
        .await
        .expect("deliveries")
}

async fn ended(store: &Store, agent: &Agent, state: RunState) -> (Hold, Run) {
    let new = new_run(store, agent).await;
    let (mut run, _) = store.create_run(&new, &server()).await.expect("a run");
    let hold = Hold::first(&run.id);
    run.state = state;
    run.ended_at = Some(Millis(5));
    run.reason = Some("Because.".to_owned());
    store.save_run(&hold, &run, &[]).await.expect("its end");
    (hold, run)
}

fn attempt(at: i64) -> Attempt {
    Attempt {
        at: Millis(at),
        took: 12,
        status: Some(500),
        words: "oh no".to_owned(),
    }
}

on_both! {
    async fn the_end_of_a_run_is_told_with_it_and_once(store: Store) {
        let agent = agent(&store, "Scout").await;
        let both = target(&store, &agent.team, &ALL).await;
        let failures = target(&store, &agent.team, &[WebhookEvent::RunFailed]).await;
        let other_team = TeamId::generate();
        target(&store, &other_team, &ALL).await;
        let (hold, run) = ended(&store, &agent, RunState::Succeeded).await;
        // Written again, because the answer of the database was lost.
        store.save_run(&hold, &run, &[]).await.expect("the same");
        let told = deliveries(&store, &agent.team).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0].target, told[0].event), (&both.id, WebhookEvent::RunFinished));
        let parcels = store.take_parcels(10, Duration::from_secs(60)).await.expect("parcels");
        let body: serde_json::Value = serde_json::from_str(&parcels[0].body).expect("JSON");
        assert_eq!(body["type"], "run.finished");
        assert_eq!(body["data"]["run_id"], run.id.as_str());
        assert_eq!(body["data"]["agent_slug"], "scout");
        assert_eq!(body["data"]["ended_at"], "1970-01-01T00:00:00.005Z");
        assert_eq!(parcels[0].message, told[0].message);

        ended(&store, &agent, RunState::TimedOut).await;
        let told = deliveries(&store, &agent.team).await;
        let of = |target: &TargetId| told.iter().filter(|one| one.target == *target).count();
        assert_eq!((of(&both.id), of(&failures.id)), (2, 1));
        assert_eq!(deliveries(&store, &other_team).await, []);
    }

    async fn what_several_servers_see_is_told_once(store: Store) {
        let agent = agent(&store, "Scout").await;
        target(&store, &agent.team, &ALL).await;
        for _ in 0..3 {
            let told = store.announce(&agent.team, WebhookEvent::BudgetWarning, "2026-11", &json!({"spent": 80})).await;
            told.expect("announced");
        }
        store.announce(&agent.team, WebhookEvent::BudgetWarning, "2026-12", &json!({})).await.expect("announced");
        store.announce(&agent.team, WebhookEvent::BudgetExhausted, "2026-11", &json!({})).await.expect("announced");
        assert_eq!(deliveries(&store, &agent.team).await.len(), 3);
    }

    async fn a_delivery_is_one_servers_for_a_while(store: Store) {
        let agent = agent(&store, "Scout").await;
        let slow = target(&store, &agent.team, &ALL).await;
        for number in 0..10 {
            store.announce(&agent.team, WebhookEvent::BudgetWarning, &number.to_string(), &json!({})).await.expect("announced");
        }
        let takes = (0..6).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take_parcels(16, Duration::from_secs(60)).await.expect("parcels") })
        });
        let mut taken = Vec::new();
        for take in takes.collect::<Vec<_>>() {
            taken.extend(take.await.expect("no panic"));
        }
        let mut ids: Vec<_> = taken.iter().map(|parcel| parcel.id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), taken.len(), "nobody has what another has");
        assert_eq!(taken.len(), 4, "one address holds up no other");
        let fast = target(&store, &agent.team, &ALL).await;
        store.announce(&agent.team, WebhookEvent::BudgetExhausted, "x", &json!({})).await.expect("announced");
        let next = store.take_parcels(16, Duration::from_secs(60)).await.expect("parcels");
        assert_eq!(next.iter().map(|parcel| &parcel.target).collect::<Vec<_>>(), [&fast.id]);

        let one = &taken[0].id;
        store.note_attempt(one, &attempt(7), Next::Again(Millis(0))).await.expect("noted");
        let again = store.take_parcels(16, Duration::ZERO).await.expect("parcels");
        assert!(again.iter().any(|parcel| parcel.id == *one && parcel.tries == 1), "{again:?}");
        store.note_attempt(one, &attempt(8), Next::Delivered).await.expect("noted");
        let log = deliveries(&store, &agent.team).await;
        let log = log.into_iter().find(|delivery| delivery.id == *one).expect("it is there");
        assert_eq!((log.state, log.next_at), (DeliveryState::Delivered, None));
        assert_eq!(log.attempts, [attempt(8), attempt(7)]);

        store.replay_delivery(&agent.team, one).await.expect("again");
        let replayed = deliveries(&store, &agent.team).await;
        let replayed = replayed.into_iter().find(|delivery| delivery.id == *one).expect("it is there");
        assert_eq!((replayed.state, &replayed.message), (DeliveryState::Waiting, &log.message));
        let other = store.replay_delivery(&TeamId::generate(), one).await;
        assert!(matches!(other, Err(StoreError::NotFound(_))), "{other:?}");

        store.switch_target_off(&slow.id, "It is gone.").await.expect("off");
        let refused = store.replay_delivery(&agent.team, one).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        let left = deliveries(&store, &agent.team).await;
        assert!(left.iter().all(|one| one.target != slow.id || one.state == DeliveryState::Cancelled));
        let off = store.list_targets(&agent.team).await.expect("addresses");
        assert_eq!(off.iter().find(|one| one.id == slow.id).and_then(|one| one.off_reason.as_deref()), Some("It is gone."));
        // What was on its way when it was switched off may have arrived.
        store.note_attempt(&taken[1].id, &attempt(9), Next::Again(Millis(0))).await.expect("noted");
        store.note_attempt(&taken[2].id, &attempt(9), Next::Delivered).await.expect("noted");
        let log = deliveries(&store, &agent.team).await;
        let state = |id: &str| log.iter().find(|one| one.id == id).map(|one| one.state);
        assert_eq!(state(&taken[1].id), Some(DeliveryState::Cancelled));
        assert_eq!(state(&taken[2].id), Some(DeliveryState::Delivered));
    }

    async fn addresses_are_of_a_team(store: Store) {
        let agent = agent(&store, "Scout").await;
        let (team, other) = (agent.team.clone(), TeamId::generate());
        let made = target(&store, &team, &ALL).await;
        assert_eq!(store.list_targets(&team).await.expect("listed"), std::slice::from_ref(&made));
        assert!(store.list_targets(&other).await.expect("listed").is_empty());
        for refused in [
            store.update_target(&other, &made.id, made.said.clone(), false).await,
            store.rotate_target(&other, &made.id, "new").await,
            store.delete_target(&other, &made.id).await,
        ] {
            assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
        }
        store.rotate_target(&team, &made.id, "new").await.expect("rotated");
        store.announce(&team, WebhookEvent::BudgetWarning, "x", &json!({})).await.expect("announced");
        let parcel = store.take_parcels(1, Duration::ZERO).await.expect("parcels").remove(0);
        assert_eq!((parcel.sealed.as_str(), parcel.sealed_previous.as_deref()), ("new", Some("sealed")));
        store.update_target(&team, &made.id, made.said.clone(), false).await.expect("off");
        store.announce(&team, WebhookEvent::BudgetWarning, "y", &json!({})).await.expect("announced");
        let log = deliveries(&store, &team).await;
        assert_eq!((log.len(), log[0].state), (1, DeliveryState::Cancelled));
        store.forget_old_messages().await.expect("looked");
        assert_eq!(deliveries(&store, &team).await.len(), 1, "it is not old");
        store.delete_target(&team, &made.id).await.expect("deleted");
        assert!(deliveries(&store, &team).await.is_empty());
        for _ in 0..model::webhook::MOST_TARGETS {
            target(&store, &team, &ALL).await;
        }
        let many = store.create_target(&team, &TargetId::generate(), made.said, "sealed").await;
        assert!(matches!(many, Err(StoreError::Conflict(_))), "{many:?}");
    }

    async fn the_webhook_of_an_agent_and_its_messages(store: Store) {
        let agent = agent(&store, "Scout").await;
        let id = HookId::generate();
        let made = store.create_hook(&agent.id, &agent.owner, &id, "sealed").await.expect("kept");
        assert!(made.is_on && made.body == HookBody::Stdin && made.used_at.is_none());
        let second = store.create_hook(&agent.id, &agent.owner, &HookId::generate(), "sealed").await;
        assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
        let run = RunId::generate();
        assert!(store.remember_hook_message(&id, "msg", "hash", &run).await.expect("remembered"));
        assert!(store.remember_hook_message(&id, "msg", "hash", &run).await.expect("the same"));
        assert!(!store.remember_hook_message(&id, "msg", "other", &run).await.expect("another"));
        store.rotate_hook(&agent.id, "new").await.expect("rotated");
        let kept = store.hook(&id).await.expect("looked").expect("there");
        assert_eq!((kept.sealed.as_str(), kept.sealed_previous.as_deref()), ("new", Some("sealed")));
        assert!(kept.hook.used_at.is_some() && kept.hook.previous_until.is_some());
        let resealed = store.reseal(|id, sealed| Ok(format!("{id} {sealed}"))).await;
        resealed.expect("with the others");
        let kept = store.hook(&id).await.expect("looked").expect("there");
        assert_eq!((kept.sealed, kept.sealed_previous), (format!("{id} new"), Some(format!("{id} sealed"))));
        store.update_hook(&agent.id, false, HookBody::File).await.expect("changed");
        let kept = store.hook_of(&agent.id).await.expect("looked").expect("there");
        assert_eq!((kept.is_on, kept.body), (false, HookBody::File));
        store.delete_hook(&agent.id).await.expect("deleted");
        let gone = store.remember_hook_message(&id, "msg", "hash", &run).await;
        assert!(matches!(gone, Err(StoreError::NotFound(_))), "{gone:?}");
    }
}
