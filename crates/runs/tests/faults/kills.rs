//! kill -9 of the process that holds the runs, at every step of a run: the run
//! goes on with its real end and every byte, or says why it cannot.

use crate::{
    bench::{Bench, difference, request, until},
    programs::{self, Program},
    studio::start_on,
    told::Told,
};
use model::{AgentId, RunId, RunState};
use testkit::proxy::Moment;

/// What may become of a run that was killed at a step.
#[derive(Clone, Copy, Debug)]
enum Becomes {
    /// It goes on to its real end.
    GoesOn,
    /// It had not begun, and says so.
    NotStarted,
    /// Whether it began cannot be known, and it says so.
    Lost,
}

fn check(told: &Told, program: &Program, becomes: Becomes) -> Option<String> {
    let run = told.run();
    match becomes {
        Becomes::GoesOn => difference(told, program),
        Becomes::NotStarted | Becomes::Lost => {
            let state = match becomes {
                Becomes::Lost => RunState::Lost,
                _ => RunState::Failed,
            };
            let said = run
                .reason
                .as_ref()
                .is_some_and(|reason| reason.contains("Pitlane ended"));
            let right = run.state == state && run.exit_code.is_none() && said && told.bytes().is_empty();
            (!right).then(|| format!("{:?}", (run.state, run.exit_code, &run.reason)))
        }
    }
}

/// After the kill: another process takes the run up.
async fn taken_up(bench: &Bench, agent: &AgentId, run: &RunId, program: &Program, becomes: Becomes) {
    let executed = bench.network.calls("/exec");
    let runs = bench.runs().await;
    let told = bench.told(&runs, run).await;
    assert_eq!(check(&told, program, becomes), None, "{becomes:?}");
    // The browser asks again for what it never had an answer to.
    let again = runs.start(request(agent, run)).await.unwrap();
    assert_eq!((&again.id, again.state), (run, told.run().state));
    assert_eq!(bench.network.calls("/exec"), executed, "nothing is started again");
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}

pub async fn at_every_call_to_the_provider(bench: &mut Bench) {
    let program = programs::ascii();
    let address = bench.network.address().to_string();
    for (part, moment, becomes) in [
        ("POST /api/sandbox", Moment::Before, Becomes::NotStarted),
        ("POST /api/sandbox", Moment::After, Becomes::NotStarted),
        ("bulk-upload", Moment::Before, Becomes::NotStarted),
        ("bulk-upload", Moment::After, Becomes::NotStarted),
        ("/process/session", Moment::Before, Becomes::NotStarted),
        ("/process/session", Moment::After, Becomes::NotStarted),
        ("/exec", Moment::Before, Becomes::Lost),
        ("/exec", Moment::After, Becomes::GoesOn),
        ("/logs", Moment::Before, Becomes::GoesOn),
        ("GET /toolbox/", Moment::Before, Becomes::GoesOn),
        ("DELETE /api/sandbox", Moment::Before, Becomes::GoesOn),
        ("DELETE /api/sandbox", Moment::After, Becomes::GoesOn),
    ] {
        let agent = bench.agent(program.text).await;
        let run = RunId::generate();
        let mut studio = start_on(bench.folder.path(), &address, 16);
        let mut held = bench.network.hold(part, moment);
        studio.order(&format!("start {agent} {run}")).unwrap();
        held.arrived().await;
        studio.kill();
        drop(held);
        taken_up(bench, &agent, &run, &program, becomes).await;
    }
}

pub async fn in_the_middle_of_the_output(bench: &mut Bench) {
    let program = programs::longer_than_the_ring();
    let agent = bench.agent(program.text).await;
    let run = RunId::generate();
    let address = bench.network.address().to_string();
    let mut studio = start_on(bench.folder.path(), &address, 16);
    studio.order(&format!("start {agent} {run}")).unwrap();
    // Again and again, each time further on.
    for bytes in [1, 400_000, 1_200_000] {
        bench.until_stored(&run, bytes).await;
        studio.kill();
        studio = start_on(bench.folder.path(), &address, 16);
    }
    studio.kill();
    taken_up(bench, &agent, &run, &program, Becomes::GoesOn).await;
}

pub async fn while_it_waits_for_its_turn(bench: &mut Bench) {
    let long = bench.agent("import time\ntime.sleep(1000)\n").await;
    let waiting = bench.agent(programs::ascii().text).await;
    let (first, second) = (RunId::generate(), RunId::generate());
    let address = bench.network.address().to_string();
    let mut studio = start_on(bench.folder.path(), &address, 1);
    studio.order(&format!("start {long} {first}")).unwrap();
    bench.until_state(&first, RunState::Running).await;
    studio.order(&format!("start {waiting} {second}")).unwrap();
    bench.until_state(&second, RunState::Queued).await;
    studio.kill();
    let runs = bench.runs().await;
    let told = bench.told(&runs, &second).await;
    assert_eq!(check(&told, &programs::ascii(), Becomes::NotStarted), None);
    // The other goes on, and can be stopped.
    bench.until_state(&first, RunState::Running).await;
    runs.stop(&first).await.unwrap();
    let told = bench.told(&runs, &first).await;
    assert_eq!(told.run().state, RunState::Stopped, "{:?}", told.run());
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}

pub async fn while_a_stop_is_under_way(bench: &mut Bench) {
    let agent = bench.agent("import time\nprint('up')\ntime.sleep(1000)\n").await;
    let run = RunId::generate();
    let address = bench.network.address().to_string();
    let mut studio = start_on(bench.folder.path(), &address, 16);
    studio.order(&format!("start {agent} {run}")).unwrap();
    bench.until_stored(&run, 3).await;
    let mut held = bench.network.hold("DELETE /toolbox", Moment::Before);
    studio.order(&format!("stop {run}")).unwrap();
    held.arrived().await;
    until("the stop is noted", async || {
        let noted = bench.store.attachment(&run).await.unwrap();
        noted.is_some_and(|noted| noted.command.contains("stopped"))
    })
    .await;
    let row = bench.store.run(&run).await.unwrap();
    assert_eq!(row.state, RunState::Running, "not told before it is true");
    studio.kill();
    drop(held);
    // Whoever pressed Stop need not press it again.
    let runs = bench.runs().await;
    let told = bench.told(&runs, &run).await;
    assert_eq!(told.run().state, RunState::Stopped, "{:?}", told.run());
    assert_eq!(told.run().stop.as_ref().map(|proof| proof.left), Some(0));
    assert_eq!(told.text(), "up\n");
    bench.until_nothing_is_left().await;
    runs.shutdown().await;
}
