//! Agents: their names, settings, list and end.

use crate::fresh::{agent, new_run, on_both, path, server};
use model::{AgentId, AgentSettings, InstanceRole, Language, Millis, RunState, UserId};
use store::{Hold, StoreError};

const DAY: i64 = 86_400_000;

on_both! {
    async fn slugs_are_unique_and_the_first_free_one(store: Store) {
        let makes = (0..6).map(|_| { let store = store.clone(); tokio::spawn(async move { agent(&store, "Scout").await.slug }) });
        store.create_user("ada", InstanceRole::Owner, None).await.expect("an owner");
        let mut slugs = Vec::new();
        for make in makes.collect::<Vec<_>>() {
            slugs.push(make.await.expect("no panic"));
        }
        slugs.sort();
        assert_eq!(slugs, ["scout", "scout-2", "scout-3", "scout-4", "scout-5", "scout-6"]);
        let third = store.agent_by_slug(&model::TeamId::first(), "scout-3").await.expect("the third");
        store.delete_agent(&third.id).await.expect("deleted");
        assert_eq!(agent(&store, "Scout").await.slug, "scout-3");
        // A name that looks like a numbered one is a name like any other.
        assert_eq!(agent(&store, "Scout 2").await.slug, "scout-2-2");
        assert!(matches!(store.agent_by_slug(&model::TeamId::first(), "scout-9").await, Err(StoreError::NotFound(_))));
    }

    async fn settings_are_checked_and_kept(store: Store) {
        let made = agent(&store, "Scout").await;
        assert_eq!(store.agent(&made.id).await.expect("the agent"), made);
        let mut settings = AgentSettings::new(" Other ", "What it does.", Language::TypeScript);
        settings.entrypoint = Some("main.ts".into());
        settings.keep_minutes = 15;
        settings.resources.memory_gib = 8;
        let changed = store.update_agent(&made.id, settings.clone()).await.expect("changed");
        assert_eq!(changed, store.agent(&made.id).await.expect("the agent"));
        assert_eq!(changed.settings, settings.clone().check().expect("good"));
        assert_eq!((changed.slug, changed.created_at), ("scout".to_owned(), made.created_at));
        settings.timeout_seconds = 0;
        let error = store.update_agent(&made.id, settings.clone()).await.expect_err("no time at all");
        assert!(matches!(error, StoreError::Invalid(_)), "{error:?}");
        settings.timeout_seconds = 1;
        let error = store.update_agent(&AgentId::generate(), settings.clone()).await.expect_err("no agent");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        let error = store.create_agent(&model::TeamId::first(), &UserId::generate(), &settings, &[]).await.expect_err("no owner");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
    }

    async fn first_files_are_checked(store: Store) {
        let owner = store.create_user("ada", InstanceRole::Owner, None).await.expect("an owner");
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let file = |name: &str, size: usize| (path(name), vec![b'x'; size]);
        let many: Vec<_> = (0..1001).map(|n| file(&format!("{n}"), 1)).collect();
        let full: Vec<_> = (0..11).map(|n| file(&format!("{n}"), 4_900_000)).collect();
        for (files, words) in [
            (vec![file("a", 1), file("a", 2)], "two files a"),
            (vec![file("a/b/c", 1), file("a", 2)], "needs a folder a"),
            (vec![file("big", 20_000_000)], "20.0 MB"),
            (many, "1,000 files"),
            (full, "53.9 MB, and 50.0 MB is the limit"),
        ] {
            let error = store.create_agent(&model::TeamId::first(), &owner.id, &settings, &files).await.expect_err(words);
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(store.list_agents(&model::TeamId::first(), Millis::now()).await.expect("a list").is_empty());
        let made = store.create_agent(&model::TeamId::first(), &owner.id, &settings, &[file("b", 0), file("a/c", 3)]).await.expect("made");
        let files = store.list_files(&made.id).await.expect("files");
        let listed: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.size, file.version)).collect();
        assert_eq!(listed, [("a/c", 3, 1), ("b", 0, 1)]);
    }

    async fn the_list_tells_the_last_run_and_fourteen_days(store: Store) {
        let (busy, quiet) = (agent(&store, "Busy").await, agent(&store, "Quiet").await);
        // Its newest run is asked for after the other was made.
        let now = Millis(Millis::now().0 + 10);
        for (days_ago, state) in [
            (14, RunState::Failed),
            (13, RunState::Succeeded),
            (13, RunState::Failed),
            (1, RunState::Stopped),
            (0, RunState::Succeeded),
            (0, RunState::Running),
        ] {
            let mut new = new_run(&store, &busy).await;
            new.created_at = Millis(now.0 - days_ago * DAY);
            let (mut run, _) = store.create_run(&new, &server()).await.expect("a run");
            run.state = state;
            run.exit_code = Some(3);
            store.save_run(&Hold::first(&run.id), &run, &[]).await.expect("saved");
        }
        let list = store.list_agents(&model::TeamId::first(), now).await.expect("a list");
        let names: Vec<_> = list.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["Busy", "Quiet"]);
        let days = |place: usize| -> Vec<_> { list[place].days.iter().map(|day| (day.runs, day.failed)).collect() };
        let mut expected = vec![(0, 0); 14];
        expected[0] = (2, 1);
        expected[12] = (1, 1);
        expected[13] = (2, 0);
        assert_eq!(days(0), expected);
        assert_eq!(days(1), [(0, 0); 14]);
        let last = list[0].last_run.as_ref().expect("a run");
        assert_eq!((last.number, last.state, last.exit_code), (6, RunState::Running, Some(3)));
        assert!(list[1].last_run.is_none());
        assert_eq!((list[1].owner.as_str(), &list[1].id, list[1].language), ("ada", &quiet.id, Language::Python));
    }

    async fn deleting_takes_all_but_not_during_a_run(store: Store) {
        let (scout, other) = (agent(&store, "Scout").await, agent(&store, "Other").await);
        let new = new_run(&store, &scout).await;
        let (mut run, _) = store.create_run(&new, &server()).await.expect("a run");
        let event = model::RunEvent { seq: 1, at: Millis(1), offset: 0, kind: model::EventKind::System { text: "x".into() } };
        let hold = Hold::first(&run.id);
        store.save_run(&hold, &run, &[event]).await.expect("an event");
        let chunk = store::Chunk { first_offset: 0, length: 1, first_line: 0, at: Millis(1), frames: vec![1], mark: None };
        store.append_chunks(&hold, &[chunk]).await.expect("a chunk");
        let error = store.delete_agent(&scout.id).await.expect_err("it runs");
        assert!(matches!(&error, StoreError::Conflict(sentence) if sentence.contains("run 1")), "{error:?}");
        run.state = RunState::Lost;
        store.save_run(&Hold::first(&run.id), &run, &[]).await.expect("saved");
        store.delete_agent(&scout.id).await.expect("deleted");

        let gone = |error| matches!(error, StoreError::NotFound(_));
        assert!(gone(store.agent(&scout.id).await.expect_err("gone")));
        assert!(gone(store.list_files(&scout.id).await.expect_err("gone")));
        assert!(gone(store.revision(&new.revision).await.expect_err("gone")));
        assert!(gone(store.run(&run.id).await.expect_err("gone")));
        assert!(gone(store.delete_agent(&scout.id).await.expect_err("gone")));
        assert!(store.events_after(&run.id, 0, 9).await.expect("a list").is_empty());
        assert!(store.chunks_from(&run.id, 0, 9).await.expect("a list").is_empty());
        // What it shared with another stays.
        let far = Millis(Millis::now().0 + DAY);
        assert_eq!(store.collect_blobs(far).await.expect("collected"), 0);
        assert_eq!(store.file_bytes(&other.id, &path("agent.py")).await.expect("a file"), b"print('hello')\n");
        store.delete_agent(&other.id).await.expect("deleted");
        assert_eq!(store.collect_blobs(Millis(0)).await.expect("collected"), 0, "put lately");
        assert_eq!(store.collect_blobs(far).await.expect("collected"), 1);
    }
}
