//! Interpreters: as many as may be, found while their sandbox is wanted, ended once.

use crate::fresh::{agent, on_both, server};
use model::{
    AgentId, InterpreterId, Millis, Provider, Resources, SandboxId, SandboxRecord, SandboxState, UserId,
};
use store::{Admission, InterpreterLimits, NewInterpreter, Replica, Store, StoreError};

const FEW: InterpreterLimits = InterpreterLimits {
    of_one_person: 2,
    of_one_team: 3,
};

fn new(agent: &AgentId, person: &UserId) -> NewInterpreter {
    NewInterpreter {
        id: InterpreterId::generate(),
        agent: agent.clone(),
        person: person.clone(),
        sandbox: SandboxId::generate(),
        created_at: Millis(10),
        expires_at: Millis(20),
    }
}

async fn intend(store: &Store, new: &NewInterpreter) {
    let record = SandboxRecord {
        id: new.sandbox.clone(),
        provider: Provider::Embedded,
        provider_id: None,
        agent: new.agent.clone(),
        run: None,
        state: SandboxState::Intended,
        resources: Resources::default(),
        created_at: Millis(10),
        used_at: Millis(10),
        expires_at: None,
    };
    store
        .intend_sandbox(&record, &server(), None)
        .await
        .expect("written");
}

on_both! {
    async fn from_its_row_to_its_end(store: Store) {
        let scout = agent(&store, "Scout").await;
        let new = new(&scout.id, &scout.owner);
        assert_eq!(store.open_interpreter(&new, FEW, &server()).await.expect("an answer"), Admission::Admitted);
        assert!(store.has_interpreter(&new.sandbox).await.expect("an answer"));
        let half = store.interpreter(&scout.id, &new.id).await.expect("its place");
        assert_eq!((half.provider_id, half.context, half.masked), (None, None, None));
        intend(&store, &new).await;
        store.sandbox_created(&new.sandbox, "provider-1", None).await.expect("noted");
        assert!(store.interpreter_ready(&new.id, "context-1", "sealed").await.expect("noted"));
        let place = store.interpreter(&scout.id, &new.id).await.expect("its place");
        assert_eq!(
            (place.provider_id.as_deref(), place.context.as_deref(), place.masked.as_deref()),
            (Some("provider-1"), Some("context-1"), Some("sealed"))
        );
        store.use_interpreter(&new.id, 1, Millis(15), Millis(25)).await.expect("used");
        let listed = store.list_interpreters(&scout.id).await.expect("a list");
        assert_eq!((listed[0].cells, listed[0].used_at, listed[0].expires_at), (1, Millis(15), Millis(25)));
        // Of another agent it is not there.
        let other = agent(&store, "Other").await.id;
        assert!(matches!(store.interpreter(&other, &new.id).await, Err(StoreError::NotFound(_))));
        assert!(store.list_interpreters(&other).await.expect("a list").is_empty());

        assert!(store.expired_interpreters(Millis(24), &server()).await.expect("none").is_empty());
        let expired = store.expired_interpreters(Millis(25), &server()).await.expect("one");
        assert_eq!(expired[0].interpreter.id, new.id);
        let elsewhere = Replica { instance: "elsewhere".into(), ..server() };
        assert!(store.expired_interpreters(Millis(25), &elsewhere).await.expect("none").is_empty());
        // Used after it was found, it stays.
        store.use_interpreter(&new.id, 0, Millis(26), Millis(40)).await.expect("used");
        assert!(!store.end_interpreter(&new.id, Some(Millis(25))).await.expect("an answer"));
        assert!(store.end_interpreter(&new.id, Some(Millis(40))).await.expect("an answer"));
        assert!(!store.end_interpreter(&new.id, None).await.expect("an answer"), "once");
        assert!(!store.has_interpreter(&new.sandbox).await.expect("an answer"));
        assert!(!store.interpreter_ready(&new.id, "late", "").await.expect("an answer"));
        let late = store.use_interpreter(&new.id, 1, Millis(50), Millis(60)).await;
        assert!(matches!(late, Err(StoreError::NotFound(_))), "{late:?}");
    }

    async fn a_sandbox_that_is_deleted_by_hand_ends_it(store: Store) {
        let scout = agent(&store, "Scout").await;
        let new = new(&scout.id, &scout.owner);
        store.open_interpreter(&new, FEW, &server()).await.expect("an answer");
        intend(&store, &new).await;
        store.sandbox_state(&new.sandbox, SandboxState::Deleting, None, None).await.expect("deleting");
        assert!(matches!(store.interpreter(&scout.id, &new.id).await, Err(StoreError::NotFound(_))));
        assert!(store.list_interpreters(&scout.id).await.expect("a list").is_empty());
        // Its row goes with its time.
        assert_eq!(store.expired_interpreters(Millis(20), &server()).await.expect("one").len(), 1);
        store.delete_agent(&scout.id).await.expect("deleted");
        assert!(!store.has_interpreter(&new.sandbox).await.expect("an answer"), "it goes with its agent");
    }

    async fn a_person_and_a_team_have_as_many_as_they_may(store: Store) {
        let scout = agent(&store, "Scout").await;
        let grace = store.create_user("grace", model::InstanceRole::Person, None).await.expect("an account").id;
        let asked = (0..6).map(|n| {
            let (store, new) = (store.clone(), new(&scout.id, if n % 2 == 0 { &scout.owner } else { &grace }));
            tokio::spawn(async move { (new.id.clone(), store.open_interpreter(&new, FEW, &server()).await.expect("an answer")) })
        });
        let (mut admitted, mut refused) = (Vec::new(), Vec::new());
        for asked in asked.collect::<Vec<_>>() {
            match asked.await.expect("no panic") {
                (id, Admission::Admitted) => admitted.push(id),
                (_, other) => refused.push(other),
            }
        }
        assert_eq!(admitted.len(), 3, "of the team: {refused:?}");
        let full = Admission::TooManyOfTeam(3);
        let person = Admission::TooManyOfPerson(2);
        assert!(refused.iter().all(|why| *why == full || *why == person), "{refused:?}");
        // One that ends makes room.
        store.end_interpreter(&admitted[0], None).await.expect("ended");
        let ada = store.open_interpreter(&new(&scout.id, &scout.owner), FEW, &server()).await.expect("an answer");
        let grace = store.open_interpreter(&new(&scout.id, &grace), FEW, &server()).await.expect("an answer");
        assert!(ada == Admission::Admitted || grace == Admission::Admitted, "{ada:?} {grace:?}");
        let nobody = store.open_interpreter(&new(&AgentId::generate(), &scout.owner), InterpreterLimits { of_one_person: 9, of_one_team: 9 }, &server()).await;
        assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
    }

    async fn what_a_server_was_making_when_it_ended_is_forgotten(store: Store) {
        let scout = agent(&store, "Scout").await;
        let (half, whole) = (new(&scout.id, &scout.owner), new(&scout.id, &scout.owner));
        for one in [&half, &whole] {
            store.open_interpreter(one, FEW, &server()).await.expect("an answer");
        }
        store.interpreter_ready(&whole.id, "context", "").await.expect("noted");
        let other = Replica { name: "other".into(), ..server() };
        assert_eq!(store.forget_half_made_interpreters(&other).await.expect("a number"), 0);
        assert_eq!(store.forget_half_made_interpreters(&server()).await.expect("a number"), 1);
        assert!(store.interpreter(&scout.id, &half.id).await.is_err());
        assert!(store.interpreter(&scout.id, &whole.id).await.is_ok());
    }
}
