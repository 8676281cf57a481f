//! The audit log: a record with each change or neither, a chain that shows
//! every tampering, and a retention that leaves it checkable.

use crate::fresh::{agent, on_both};
use model::{Action, Actor, ActorKind, AuditFilter, AuditRecord, InstanceRole, Millis, Target, TeamId};
use sqlx::Executor as _;
use std::sync::Arc;
use store::{Chain, Checked, Doing, Pools, Store, audit_hash, read_audit_line};

async fn try_execute(store: &Store, sql: &str) -> Result<(), sqlx::Error> {
    match store.pools() {
        Pools::Sqlite(pool) => pool.execute(sql).await.map(|_| ()),
        Pools::Postgres(pool) => pool.execute(sql).await.map(|_| ()),
    }
}

fn doing(action: Action, name: &str) -> Arc<Doing> {
    let actor = Actor::new(ActorKind::Person, Some("id-1"), name);
    Arc::new(
        Doing::new(actor, action)
            .of_team(TeamId::first())
            .from("192.0.2.7".to_owned(), Some("test/1.0")),
    )
}

async fn records(store: &Store) -> Vec<AuditRecord> {
    store.all_audit_records_after(0, 1000).await.expect("records")
}

/// Makes an account in the name of somebody.
async fn account(store: &Store, name: &str) {
    let doing = doing(Action::AccountCreate, "ada");
    doing
        .scope(store.create_user(name, InstanceRole::Owner, None))
        .await
        .expect("made");
    assert!(doing.is_recorded());
}

async fn check(store: &Store) -> Checked {
    store.check_audit().await.expect("checked")
}

/// Takes the guards of the database away, as somebody who owns it can.
async fn without_guards(store: &Store) {
    let sql = match store.pools() {
        Pools::Sqlite(_) => {
            "drop trigger audit_records_stay; drop trigger audit_records_are_kept; drop trigger audit_head_goes_on"
        }
        Pools::Postgres(_) => {
            "alter table audit_records disable trigger all; alter table audit_head disable trigger all"
        }
    };
    try_execute(store, sql).await.expect("without guards");
}

on_both! {
    async fn a_change_and_its_record_are_one(store: Store) {
        account(&store, "bob").await;
        let found = records(&store).await;
        let record = &found[0];
        assert_eq!((record.seq, record.action.as_str(), record.actor_name.as_str()), (1, "account.create", "ada"));
        assert_eq!((record.target_kind.as_deref(), record.target_name.as_deref()), (Some("account"), Some("bob")));
        assert_eq!((record.address.as_deref(), record.user_agent.as_deref()), (Some("192.0.2.7"), Some("test/1.0")));
        assert_eq!(record.previous, AuditRecord::NOTHING);
        assert!(Millis::now().since(record.at) < 60_000);
        // A change that is refused leaves no record, and none that is not done leaves a change.
        let refused = doing(Action::AccountCreate, "ada");
        refused.scope(store.create_user("bob", InstanceRole::Owner, None)).await.expect_err("taken");
        assert!(!refused.is_recorded());
        assert_eq!(records(&store).await.len(), 1);
        let given_up = doing(Action::AccountCreate, "ada");
        for _ in 0..20 {
            // Dropped somewhere in the middle.
            let _ = tokio::time::timeout(
                std::time::Duration::from_micros(200),
                given_up.scope(store.create_user("carol", InstanceRole::Owner, None)),
            )
            .await;
        }
        // The last one may be done between two looks, given up as it is.
        let is_there = async || store.user_by_name("carol").await.expect("looked").is_some();
        let (carol, about) = loop {
            let carol = is_there().await;
            let about = records(&store).await.iter().filter(|record| record.target_name.as_deref() == Some("carol")).count();
            if is_there().await == carol {
                break (carol, about);
            }
        };
        assert_eq!(about, usize::from(carol));
    }

    async fn what_changes_nothing_in_the_database_is_recorded_too(store: Store) {
        let stop = Doing::new(Actor::new(ActorKind::Token, None, "ci"), Action::RunStop)
            .to(Some(Target::new("run", "r1", "")));
        stop.finish(&store).await.expect("recorded");
        stop.finish(&store).await.expect("once");
        // Nobody's doing is no record: what Pitlane does by itself.
        agent(&store, "Scout").await;
        let found = records(&store).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target_words(), "run r1");
    }

    async fn a_doing_of_several_steps_is_one_record_and_goes_along_to_other_tasks(store: Store) {
        let doing = doing(Action::AccountSetUp, "ada");
        let (made, other) = (store.clone(), store.clone());
        doing
            .scope(async {
                let user = tokio::spawn(store::carried(async move {
                    made.create_user("bob", InstanceRole::Owner, None).await.expect("made")
                }));
                let user = user.await.expect("no panic");
                other.set_password(&user.id, "hash").await.expect("set");
            })
            .await;
        assert_eq!(records(&store).await.len(), 1);
    }

    async fn many_at_once_make_one_chain(store: Store) {
        let changes = (0..24).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { account(&store, &format!("user {n}")).await })
        });
        for change in changes.collect::<Vec<_>>() {
            change.await.expect("no panic");
        }
        let Checked::Whole { records, range, .. } = check(&store).await else { panic!("broken") };
        assert_eq!((records, range), (24, Some((1, 24))));
    }

    async fn the_database_refuses_to_change_and_to_forget(store: Store) {
        for name in ["a", "b"] {
            account(&store, name).await;
        }
        for sql in [
            "update audit_records set actor_name = 'eve' where seq = 1",
            "delete from audit_records where seq = 1",
            "delete from audit_records",
            "insert into audit_anchors (seq, hash, at) values (2, 'made up', 1)",
            "insert into audit_anchors (seq, hash, at) values (9, 'made up', 1)",
            "update audit_head set seq = 0 where id = 1",
            "delete from audit_head",
        ] {
            let refused = try_execute(&store, sql).await.expect_err(sql);
            assert!(refused.to_string().contains("audit log"), "{sql}: {refused}");
        }
        if matches!(store.pools(), Pools::Postgres(_)) {
            try_execute(&store, "truncate audit_records").await.expect_err("refused");
        }
        assert!(matches!(check(&store).await, Checked::Whole { records: 2, .. }));
    }

    async fn every_tampering_shows(store: Store) {
        for name in ["a", "b", "c", "d"] {
            account(&store, name).await;
        }
        without_guards(&store).await;
        let kept = records(&store).await;
        for field in ["at = at + 1", "team_id = null", "actor_name = 'eve'", "actor_id = null", "action = 'x.y'",
            "target_id = 'z'", "target_name = 'z'", "address = null", "user_agent = ''", "actor_kind = 'token'",
            "details = '{\"a\":\"b\"}'", "target_kind = 'agent'"] {
            try_execute(&store, &format!("update audit_records set {field} where seq = 2")).await.expect("changed");
            let Checked::Broken { seq, why } = check(&store).await else { panic!("{field} does not show") };
            assert_eq!((seq, why.contains("was changed")), (2, true), "{field}: {why}");
            let old = &kept[1];
            let back = format!(
                "update audit_records set at = {}, team_id = '{}', actor_name = '{}', actor_id = '{}', action = '{}',
                 target_id = '{}', target_name = '{}', address = '{}', user_agent = '{}', actor_kind = 'person',
                 details = '{{}}', target_kind = 'account' where seq = 2",
                old.at.0, TeamId::FIRST, old.actor_name, "id-1", old.action, old.target_id.as_deref().unwrap_or_default(),
                old.target_name.as_deref().unwrap_or_default(), "192.0.2.7", "test/1.0",
            );
            try_execute(&store, &back).await.expect("changed back");
        }
        assert!(matches!(check(&store).await, Checked::Whole { records: 4, .. }));
        // With a hash that fits, the next record tells.
        let mut forged = kept[1].clone();
        forged.actor_name = "eve".to_owned();
        let hash = audit_hash(&forged);
        try_execute(&store, &format!("update audit_records set actor_name = 'eve', hash = '{hash}' where seq = 2"))
            .await
            .expect("forged");
        let Checked::Broken { seq, why } = check(&store).await else { panic!("it does not show") };
        assert_eq!((seq, why.contains("does not follow")), (3, true), "{why}");
        try_execute(&store, "delete from audit_records where seq = 2").await.expect("deleted");
        assert!(matches!(check(&store).await, Checked::Broken { seq: 2, .. }));
        // The end cut off.
        try_execute(&store, "delete from audit_records where seq >= 2").await.expect("deleted");
        let Checked::Broken { seq, why } = check(&store).await else { panic!("it does not show") };
        assert_eq!((seq, why.as_str()), (2, "the records from 2 to 4 are missing"));
    }

    async fn what_is_over_goes_and_the_rest_stays_checkable(store: Store) {
        for name in ["a", "b", "c"] {
            account(&store, name).await;
        }
        assert_eq!(store.prune_audit(Millis(1)).await.expect("looked"), 0);
        let third = records(&store).await[2].at;
        let gone = store.prune_audit(third).await.expect("pruned");
        assert!(gone <= 2);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        // The newest stays, whatever its age.
        store.prune_audit(Millis(Millis::now().0 + 60_000)).await.expect("pruned");
        let left = records(&store).await;
        assert!(left.len() <= 2 && left.iter().all(|record| record.seq > 1), "{left:?}");
        assert_eq!(left.last().map(|record| record.action.as_str()), Some("audit.prune"));
        let (seq, hash) = store.audit_anchor().await.expect("looked").expect("an anchor");
        assert_eq!((left[0].seq, &left[0].previous), (seq + 1, &hash));
        account(&store, "d").await;
        assert!(matches!(check(&store).await, Checked::Whole { .. }));
        // What was let go of cannot be made up again behind the anchor.
        without_guards(&store).await;
        try_execute(&store, &format!("delete from audit_records where seq = {}", seq + 1)).await.expect("deleted");
        assert!(matches!(check(&store).await, Checked::Broken { .. }));
    }

    async fn records_are_found_by_who_what_to_what_and_when(store: Store) {
        account(&store, "100%").await;
        account(&store, "x_y").await;
        let bob = Actor::new(ActorKind::Token, Some("t-9"), "Bob's CI");
        let other = TeamId::generate();
        Doing::new(bob, Action::RunStop).of_team(other.clone()).finish(&store).await.expect("recorded");
        let nobody = Actor::new(ActorKind::CommandLine, None, "root");
        Doing::new(nobody, Action::TokenCreate).finish(&store).await.expect("recorded");
        let find = async |team: &TeamId, filter: AuditFilter| -> Vec<i64> {
            let found = store.audit_records(team, &filter, None, 100).await.expect("records");
            let forth = store.audit_records_after(team, &filter, 0, 100).await.expect("records");
            assert_eq!(found.iter().rev().map(|one| one.seq).collect::<Vec<_>>(), forth.iter().map(|one| one.seq).collect::<Vec<_>>());
            found.iter().map(|record| record.seq).collect()
        };
        let first = TeamId::first();
        let filter = AuditFilter::default;
        assert_eq!(find(&first, filter()).await, [4, 2, 1], "the instance's own are shown in the first team");
        assert_eq!(find(&other, filter()).await, [3]);
        assert_eq!(find(&first, AuditFilter { who: " ADA ".into(), ..filter() }).await, [2, 1]);
        assert_eq!(find(&other, AuditFilter { who: "t-9".into(), ..filter() }).await, [3]);
        assert_eq!(find(&first, AuditFilter { action: "account".into(), ..filter() }).await, [2, 1]);
        assert_eq!(find(&first, AuditFilter { action: "token.create".into(), ..filter() }).await, [4]);
        assert_eq!(find(&first, AuditFilter { target: "%".into(), ..filter() }).await, [1], "a sign means itself");
        assert_eq!(find(&first, AuditFilter { target: "_".into(), ..filter() }).await, [2]);
        assert!(find(&first, AuditFilter { from: Some(Millis(Millis::now().0 + 60_000)), ..filter() }).await.is_empty());
        let page = store.audit_records(&first, &filter(), Some(4), 1).await.expect("records");
        assert_eq!(page.iter().map(|record| record.seq).collect::<Vec<_>>(), [2]);
    }

    async fn an_export_can_be_checked_without_the_database(store: Store) {
        let odd = Actor::new(ActorKind::Person, None, "a\"\\\u{7f}\u{1}\u{2028}\u{1f680}\0b");
        Doing::new(odd, Action::AgentCreate).finish(&store).await.expect("recorded");
        account(&store, "b").await;
        account(&store, "c").await;
        let lines: Vec<_> = records(&store).await.iter().map(|record| serde_json::to_string(record).expect("JSON")).collect();
        let mut chain = Chain::after(0, AuditRecord::NOTHING);
        for line in &lines {
            chain.take(&read_audit_line(line).expect("a record"), true).expect("whole");
        }
        let Checked::Whole { hash, .. } = check(&store).await else { panic!("broken") };
        assert!(matches!(chain.end(), Checked::Whole { records: 3, hash: last, .. } if last == hash));
        let mut part = Chain::of_a_part();
        part.take(&read_audit_line(&lines[0]).expect("a record"), false).expect("whole");
        part.take(&read_audit_line(&lines[2]).expect("a record"), false).expect("whole");
        assert!(part.has_gaps());
        let changed = read_audit_line(&lines[1].replace("\"ada\"", "\"eve\"")).expect("a record");
        assert!(matches!(part.take(&changed, false), Err(Checked::Broken { seq: 2, .. })));
        assert!(read_audit_line("{}").is_err() && read_audit_line("").is_err());
    }
}
