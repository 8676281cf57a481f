//! Who runs next when there are more runs than places.

use crate::studio::{Studio, path};
use model::{AgentId, InstanceRole, RunId, RunState, UserId};
use runs::{RunsError, StartRun};

/// Agents of a person.
async fn agents(studio: &Studio, person: &UserId, count: usize) -> Vec<AgentId> {
    let mut agents = Vec::new();
    for number in 0..count {
        let settings = model::AgentSettings::new(&format!("Agent {number}"), "", model::Language::Python);
        let files = [(path("agent.py"), b"1\n".to_vec())];
        let agent = studio
            .store
            .create_agent(&model::TeamId::first(), person, &settings, &files)
            .await;
        agents.push(agent.unwrap().id);
    }
    agents
}

async fn start(studio: &Studio, agent: &AgentId, person: &UserId) -> RunId {
    let request = StartRun {
        agent: agent.clone(),
        person: Some(person.clone()),
        ..studio.request()
    };
    studio.runs.start(request).await.unwrap().id
}

#[tokio::test]
async fn people_take_turns_whoever_starts_many() {
    let studio = Studio::with(|config| config.concurrency = 1, |_| {}).await;
    let first = studio.start().await;
    studio.until(&first, RunState::Running).await;
    let mut people = Vec::new();
    for name in ["grace", "alan"] {
        people.push(
            studio
                .store
                .create_user(name, InstanceRole::Owner, None)
                .await
                .unwrap()
                .id,
        );
    }
    let of_grace = agents(&studio, &people[0], 4).await;
    let of_alan = agents(&studio, &people[1], 2).await;
    let mut expected = Vec::new();
    for agent in &of_grace {
        expected.push(start(&studio, agent, &people[0]).await);
    }
    for (turn, agent) in of_alan.iter().enumerate() {
        expected.insert(2 * turn + 1, start(&studio, agent, &people[1]).await);
    }
    // Each says its place and why, to whoever follows it.
    for (place, run) in expected.iter().enumerate() {
        let words = format!(
            "Waits for its turn, number {} in the line: 1 run is under way, as many as may be at once.",
            place + 1
        );
        let mut follower = studio.follower(run).await;
        let mut told = crate::told::Told::default();
        while told.run.as_ref().and_then(|run| run.reason.as_ref()) != Some(&words) {
            follower
                .next()
                .await
                .unwrap()
                .into_iter()
                .for_each(|message| told.take(message));
        }
    }
    studio.provider.world.programs_print("done\n", 0);
    studio.provider.world.exit(0);
    let mut began = Vec::new();
    for run in &expected {
        let told = studio.told(run).await;
        assert_eq!(
            (told.run().state, told.run().reason.as_deref()),
            (RunState::Succeeded, None)
        );
        began.push(told.run().started_at.unwrap());
    }
    assert!(began.is_sorted(), "{began:?}");
}

#[tokio::test]
async fn a_full_line_refuses_with_a_sentence_and_knows_its_own() {
    let studio = Studio::with(
        |config| {
            config.concurrency = 1;
            config.waiting = 1;
        },
        |_| {},
    )
    .await;
    let owner = studio.store.agent(&studio.agent).await.unwrap().owner;
    let others = agents(&studio, &owner, 2).await;
    let first = studio.start().await;
    studio.until(&first, RunState::Running).await;
    let waiting = StartRun {
        agent: others[0].clone(),
        ..studio.request()
    };
    studio.runs.start(waiting.clone()).await.unwrap();
    let refused = StartRun {
        agent: others[1].clone(),
        ..studio.request()
    };
    let error = studio
        .runs
        .start(refused.clone())
        .await
        .expect_err("the line is full");
    assert!(matches!(error, RunsError::Busy(_)), "{error}");
    assert!(
        studio.store.run(&refused.id).await.is_err(),
        "nothing was written"
    );
    let again = studio.runs.start(waiting.clone()).await.unwrap();
    assert_eq!(
        again.id, waiting.id,
        "one that waits already is still the same run"
    );
    studio.provider.world.programs_print("", 0);
    studio.provider.world.exit(0);
    studio.told(&waiting.id).await;
    studio.runs.start(refused.clone()).await.unwrap();
    studio.told(&refused.id).await;
}
