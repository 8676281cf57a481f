//! The way of a run in a real sandbox.

use crate::host::Host;
use model::{FilePath, Phase, RunState};
use std::time::Duration;

pub async fn a_program_runs_and_nothing_of_it_remains(host: &mut Host) {
    let program = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint(open('agent.py').readline().strip())\n";
    let told = host.run(program).await;
    assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
    assert_eq!(told.run().exit_code, Some(0));
    let of = |stream| {
        let frames = told.frames.iter().filter(|frame| frame.stream == Some(stream));
        let bytes: Vec<u8> = frames.flat_map(model::LogFrame::bytes).collect();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(of(model::LogStream::Stdout), "out\nimport sys\n");
    assert_eq!(of(model::LogStream::Stderr), "err\n");
    assert!(told.end.as_ref().unwrap().exact);
    assert!(told.rows().contains("ready, Python 3."), "{}", told.rows());
    assert_eq!(host.sandboxes().await, 0);
    assert!(host.store.list_sandboxes().await.unwrap().is_empty());
}

pub async fn input_is_read_to_its_end(host: &mut Host) {
    host.program(
        "import sys\nprint('ready')\nfor line in sys.stdin:\n    print('got', line.strip())\nprint('end')\n",
    )
    .await;
    let run = host.start_run().await;
    host.until_printed(&run, "ready").await;
    host.runs.input(&run, b"one\ntw".to_vec(), false).await.unwrap();
    host.runs.input(&run, b"o\n".to_vec(), true).await.unwrap();
    let told = host.told(&run).await;
    assert_eq!(told.text(), "ready\ngot one\ngot two\nend\n", "{told:?}");
    assert_eq!(told.run().state, RunState::Succeeded);
}

pub async fn the_next_run_finds_the_kept_sandbox(host: &mut Host) {
    host.settings(|settings| settings.keep_minutes = 5).await;
    let leave = "import os, subprocess\nopen('left.txt', 'w').write('here')\nsubprocess.Popen(['sleep', '300'], start_new_session=True)\n";
    let told = host.run(leave).await;
    assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
    let detail = told.phase(Phase::CleanUp).unwrap().detail.clone();
    assert_eq!(detail.as_deref(), Some("when idle"));
    // An edit is there before the next run asks for it.
    host.program("import os\nprint(open('left.txt').read())\nfor p in os.listdir('/proc'):\n    if p.isdigit():\n        try: print(open(f'/proc/{p}/cmdline').read())\n        except OSError: pass\n").await;
    host.runs.files_changed(&host.agent);
    let arrives = async {
        while !host.runs.live_sandbox(&host.agent).await.unwrap().synced {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(30), arrives).await;
    assert!(arrived.is_ok(), "the edit is not in the kept sandbox");
    let run = host.start_run().await;
    let told = host.told(&run).await;
    assert_eq!(
        told.phase(Phase::Sandbox).unwrap().detail.as_deref(),
        Some("live")
    );
    assert_eq!(
        told.phase(Phase::Files).unwrap().detail.as_deref(),
        Some("unchanged")
    );
    assert!(told.text().starts_with("here\n"), "{told:?}");
    assert!(
        !told.text().contains("sleep"),
        "nothing of the first run is left: {}",
        told.text()
    );
    host.runs.discard_sandbox(&host.agent).await.unwrap();
    assert_eq!(host.sandboxes().await, 0);
}

pub async fn resources_reach_the_engine(host: &mut Host) {
    host.settings(|settings| settings.resources.memory_gib = 2).await;
    let told = host.run("print('ok')\n").await;
    assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
    assert!(told.rows().contains("2 GiB"), "{}", told.rows());
}

pub async fn packages_are_installed_once_for_all_sandboxes(host: &mut Host) {
    let path = FilePath::parse("requirements.txt").unwrap();
    // There with Python: nothing has to be fetched for it.
    let list = b"# the installer itself\npip\n";
    host.store
        .save_file(&host.agent, &path, list, None)
        .await
        .unwrap();
    for said in ["Requirement already satisfied: pip", "taken from the shelf"] {
        let told = host.run("print('ran')\n").await;
        assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
        assert!(told.text().contains(said), "{}", told.text());
        assert!(told.text().ends_with("ran\n"), "{}", told.text());
        assert!(told.phase(Phase::Packages).is_some());
    }
    // A list of the project's own is installed there, as before.
    let own = FilePath::parse("more.txt").unwrap();
    host.store
        .save_file(&host.agent, &own, b"pip\n", None)
        .await
        .unwrap();
    let version = host
        .store
        .read_file(&host.agent, &path)
        .await
        .unwrap()
        .entry
        .version;
    host.store
        .save_file(&host.agent, &path, b"-r more.txt\n", Some(version))
        .await
        .unwrap();
    let told = host.run("print('ran')\n").await;
    assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
    assert!(
        told.text().contains("Requirement already satisfied: pip"),
        "{}",
        told.text()
    );
}
