//! How programs end, and how they are ended.

use crate::host::Host;
use model::RunState;
use sha2::{Digest, Sha256};
use std::time::Duration;

pub async fn exit_codes_and_signals(host: &mut Host) {
    for (program, code, state) in [
        ("raise SystemExit(7)", 7, RunState::Failed),
        ("1/0", 1, RunState::Failed),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            137,
            RunState::Failed,
        ),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            139,
            RunState::Failed,
        ),
        ("", 0, RunState::Succeeded),
        ("import os, sys; os.close(1); os.close(2)", 0, RunState::Succeeded),
    ] {
        let told = host.run(program).await;
        assert_eq!(
            (told.run().state, told.run().exit_code),
            (state, Some(code)),
            "{program}: {told:?}"
        );
    }
    assert_eq!(host.sandboxes().await, 0);
}

/// Does not listen to SIGTERM, and leaves a child in a session of its own and a daemon behind.
const STUBBORN: &str = concat!(
    "import os, signal, subprocess, sys, time\n",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n",
    "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n",
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n",
    // In one piece: unbuffered, print writes the end of its line apart.
    "os.write(1, b'up\\n')\n",
    "while True: time.sleep(1)\n"
);

pub async fn a_stop_leaves_nothing_alive(host: &mut Host) {
    host.program(STUBBORN).await;
    let run = host.start_run().await;
    host.until_printed(&run, "up\nup\n").await;
    host.runs.stop(&run).await.unwrap();
    let told = host.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped, "{told:?}");
    let proof = told.run().stop.clone().unwrap();
    assert!(proof.ended.unwrap() >= 3 && proof.left == 0, "{proof:?}");
    assert!(proof.took >= 300, "grace, then the end: {proof:?}");
    assert_eq!(told.text(), "up\nup\n");
    assert_eq!(host.sandboxes().await, 0);
    // One that listens to SIGTERM ends at once.
    host.config.stop_grace = Duration::from_secs(60);
    host.restart().await;
    host.program("import time\nprint('up', flush=True)\ntime.sleep(1000)\n")
        .await;
    let run = host.start_run().await;
    host.until_printed(&run, "up\n").await;
    host.runs.stop(&run).await.unwrap();
    let proof = host.told(&run).await.run().stop.clone().unwrap();
    assert!(proof.took < 30_000, "the grace is not waited for: {proof:?}");
}

pub async fn a_stop_asks_before_it_kills(host: &mut Host) {
    host.config.stop_grace = Duration::from_secs(60);
    host.restart().await;
    host.program(concat!(
        "import signal, sys, time\n",
        "def end(*_):\n    print('saved', flush=True)\n    sys.exit(0)\n",
        "signal.signal(signal.SIGTERM, end)\n",
        // In one long sleep Python overlooks a signal that comes just before it.
        "print('up', flush=True)\nwhile True: time.sleep(0.01)\n",
    ))
    .await;
    let run = host.start_run().await;
    host.until_printed(&run, "up\n").await;
    host.runs.stop(&run).await.unwrap();
    let told = host.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped, "{told:?}");
    assert_eq!(told.text(), "up\nsaved\n", "what it says in its grace is kept");
    assert_eq!(told.run().stop.as_ref().unwrap().left, 0);
}

pub async fn a_kept_sandbox_holds_nothing_of_a_stopped_run(host: &mut Host) {
    host.settings(|settings| settings.keep_minutes = 5).await;
    host.program(STUBBORN).await;
    let run = host.start_run().await;
    host.until_printed(&run, "up\nup\n").await;
    host.runs.stop(&run).await.unwrap();
    let told = host.told(&run).await;
    assert_eq!(told.run().state, RunState::Stopped, "{told:?}");
    // Looked at from within: no process of the run is there.
    let kept = host.client.list_all(&Default::default()).await.unwrap();
    let toolbox = host.client.toolbox(&kept[0]).await.unwrap();
    let look = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done";
    let request = daytona::ExecuteRequest::new(look);
    let there = toolbox.execute(request).await.unwrap().result;
    assert!(there.contains("bash"), "it lists processes: {there}");
    assert!(
        !there.contains("sleep 1000") && !there.contains("agent.py"),
        "{there}"
    );
    host.runs.discard_sandbox(&host.agent).await.unwrap();
}

pub async fn a_run_past_its_time_is_ended(host: &mut Host) {
    host.settings(|settings| settings.timeout_seconds = 1).await;
    for program in ["while True: pass\n", STUBBORN] {
        let told = host.run(program).await;
        assert_eq!(told.run().state, RunState::TimedOut, "{told:?}");
        let proof = told.run().stop.clone().unwrap();
        assert!(
            proof.ended.is_some_and(|ended| ended >= 1) && proof.left == 0,
            "{proof:?}"
        );
    }
    assert_eq!(host.sandboxes().await, 0);
}

pub async fn the_engine_killed_in_the_middle_makes_the_run_lost(host: &mut Host) {
    host.program("import time\nprint('up', flush=True)\ntime.sleep(1000)\n")
        .await;
    let run = host.start_run().await;
    host.until_printed(&run, "up\n").await;
    host.kill_engine();
    let told = host.told(&run).await;
    assert_eq!(told.run().state, RunState::Lost, "{told:?}");
    assert_eq!(told.run().exit_code, None);
    assert!(
        told.run().reason.as_ref().unwrap().contains("engine ended"),
        "{:?}",
        told.run().reason
    );
    assert_eq!(told.text(), "up\n");
}

pub async fn a_restart_of_ours_changes_nothing(host: &mut Host) {
    host.program("import time\nfor i in range(100000):\n    print('line', i)\n    if i % 5000 == 0: time.sleep(0.05)\nraise SystemExit(3)\n")
        .await;
    let run = host.start_run().await;
    host.until_printed(&run, "line 20000\n").await;
    host.restart().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    host.restart().await;
    let told = host.told(&run).await;
    assert_eq!(
        (told.run().state, told.run().exit_code),
        (RunState::Failed, Some(3)),
        "{:?}",
        told.run()
    );
    let expected: String = (0..100_000).map(|i| format!("line {i}\n")).collect();
    assert!(told.text() == expected, "byte for byte");
    let end = told.end.unwrap();
    assert_eq!(end.sha256, hex::encode(Sha256::digest(expected)));
    assert!(end.exact);
}
