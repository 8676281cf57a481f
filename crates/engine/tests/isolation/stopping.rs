//! Ending programs that do not want to end.

use std::time::{Duration, Instant};

use engine::sandbox::Sandbox;
use libtest_mimic::Trial;

use crate::kit::{ground, read_line, sh, start, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("stopping::a_polite_program_gets_its_time", polite),
        trial("stopping::sigterm_is_sent_once", once),
        trial("stopping::deaf_and_detached_trees_end", deaf),
        trial("stopping::a_daemon_without_traces_ends", traceless),
        trial("stopping::other_programs_stay", others),
        trial("stopping::other_programs_stay_while_they_start", starting),
        trial("stopping::a_hidden_program_on_the_run_ends", hopping),
        trial("stopping::a_fork_bomb_ends", bomb),
        trial("stopping::a_stopped_program_ends", stopped),
        trial("stopping::a_signal_reaches_the_group", signalled),
    ]
}

async fn count(sandbox: &Sandbox) -> u32 {
    sandbox.usage().await.processes
}

/// How many programs there are, once `settled` says that all have started.
async fn count_when(sandbox: &Sandbox, settled: impl Fn(u32) -> bool) -> u32 {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let now = count(sandbox).await;
        if settled(now) || Instant::now() > patience {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Starts a program and waits until it said it is up.
async fn up(sandbox: &Sandbox, argv: &[&str]) -> (i32, tokio::net::unix::pipe::Receiver) {
    let process = start(sandbox, argv).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(read_line(&mut out).await, "up");
    (process.pid, out)
}

async fn polite() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = "import os,signal,sys,time\ndef end(*_):\n os.write(1,b'tidied\\n'); sys.exit(3)\nsignal.signal(signal.SIGTERM,end)\nprint('up',flush=True)\nwhile True: time.sleep(0.01)";
    let mut process = start(&sandbox, &["python3", "-c", program]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    read_line(&mut out).await;
    let ended = sandbox
        .end_tree(&[process.pid], Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!((ended.ended, ended.left), (1, 0));
    assert!(ended.took < Duration::from_secs(2), "{ended:?}");
    assert_eq!(read_line(&mut out).await, "tidied");
    let exit = *process.exit.wait_for(Option::is_some).await.unwrap();
    assert_eq!(exit.unwrap().code, Some(3));
}

async fn once() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = "import signal,time\nn=0\ndef end(*_):\n global n; n+=1\nsignal.signal(signal.SIGTERM,end)\nprint('up',flush=True)\nwhile n==0: time.sleep(0.01)\nt=time.time()\nwhile time.time()-t<0.5: time.sleep(0.05)\nprint(n,flush=True)";
    let (pid, mut out) = up(&sandbox, &["python3", "-c", program]).await;
    let ended = sandbox.end_tree(&[pid], Duration::from_secs(30)).await.unwrap();
    assert_eq!((ended.ended, ended.left), (1, 0));
    assert_eq!(read_line(&mut out).await, "1");
}

async fn deaf() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let script = "trap '' TERM HUP INT; for i in 1 2 3; do setsid sh -c 'trap \"\" TERM; sleep 77 & sleep 77; sleep 77' & done; \
                  (setsid sh -c 'trap \"\" TERM; (sleep 77 &) ; while :; do sleep 77; done' &) ; echo up; while :; do sleep 77; done";
    let (pid, _out) = up(&sandbox, &["bash", "-c", script]).await;
    // Bash and its sleep, three shells with two sleeps each, and one with its own and one that left it.
    let before = count_when(&sandbox, |count| count == 14).await;
    assert_eq!(before, 14);
    let ended = sandbox
        .end_tree(&[pid], Duration::from_millis(200))
        .await
        .unwrap();
    assert_eq!(ended.left, 0);
    assert!(ended.ended >= before, "{ended:?} of {before}");
    assert!(
        ended.took >= Duration::from_millis(200) && ended.took < Duration::from_secs(2),
        "{ended:?}"
    );
    assert_eq!(count(&sandbox).await, 0);
}

async fn traceless() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    // Forks twice, leaves the session, and clears its environment.
    let program = "import os,sys\nif os.fork()==0:\n os.setsid()\n if os.fork()==0: os.execve('/usr/bin/python3',['python3','-c','import signal,time;signal.signal(15,signal.SIG_IGN);time.sleep(60)'],{})\n os._exit(0)\nos.wait()\nprint('up',flush=True)\nimport time;time.sleep(60)";
    let (pid, _out) = up(&sandbox, &["python3", "-c", program]).await;
    // Time to become what nothing tells any more.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count_when(&sandbox, |count| count == 2).await, 2);
    let ended = sandbox.end_tree(&[pid], Duration::from_millis(50)).await.unwrap();
    assert_eq!((ended.ended, ended.left), (2, 0));
    assert_eq!(count(&sandbox).await, 0);
}

async fn others() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let (first, _one) = up(
        &sandbox,
        &["sh", "-c", "setsid sleep 60 & (setsid sleep 60 &); echo up; wait"],
    )
    .await;
    let (second, _two) = up(&sandbox, &["sh", "-c", "(setsid sleep 60 &); echo up; sleep 60"]).await;
    // A daemon of a command that has ended already.
    assert_eq!(
        sh(&sandbox, "(setsid sleep 60 >/dev/null 2>&1 &); echo x")
            .await
            .out,
        "x\n"
    );
    // The second command starts its last program after it said it is up.
    assert_eq!(count_when(&sandbox, |count| count == 7).await, 7);
    let ended = sandbox.end_tree(&[first], Duration::ZERO).await.unwrap();
    assert_eq!((ended.ended, ended.left), (3, 0));
    assert_eq!(count(&sandbox).await, 4);
    let ended = sandbox.end_tree(&[second], Duration::from_secs(1)).await.unwrap();
    assert_eq!((ended.ended, ended.left), (3, 0));
    assert_eq!(count(&sandbox).await, 1, "the other command's daemon stays");
}

/// A program that is between two images in `execve` has no environment for a
/// moment, by which it could be told whose it is.
async fn starting() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let program = "import os\nprint('up',flush=True)\nwhile True:\n if os.fork()==0:\n  if os.fork()==0:\n   os.setsid(); os.execv('/bin/sleep',['sleep','0.01'])\n  os._exit(0)\n os.wait()";
    let (daemons, _daemons) = up(&sandbox, &["python3", "-c", program]).await;
    for round in 0..60 {
        let (pid, _out) = up(&sandbox, &["sh", "-c", "echo up; exec sleep 60"]).await;
        let ended = sandbox.end_tree(&[pid], Duration::ZERO).await.unwrap();
        assert_eq!((ended.ended, ended.left), (1, 0), "round {round}");
        assert!(ended.took < Duration::from_secs(2), "round {round}: {ended:?}");
    }
    let ended = sandbox.end_tree(&[daemons], Duration::ZERO).await.unwrap();
    assert_eq!(ended.left, 0, "{ended:?}");
    let left = count_when(&sandbox, |count| count == 0).await;
    assert_eq!(left, 0, "nothing was left held");
}

/// Makes itself unreadable, leaves its session, and is another process every
/// few milliseconds.
async fn hopping() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let (other, _o) = up(&sandbox, &["sh", "-c", "echo up; exec sleep 60"]).await;
    let program = "import ctypes,os,signal,time\nsignal.signal(15,signal.SIG_IGN)\nctypes.CDLL(None).prctl(4,0)\nprint('up',flush=True)\nif os.fork()==0:\n while True:\n  if os.fork(): os._exit(0)\n  os.setsid(); time.sleep(0.02)\ntime.sleep(60)";
    for _ in 0..5 {
        let (pid, _out) = up(&sandbox, &["python3", "-c", program]).await;
        // Beside the other: the one that stays, and the one on the run.
        count_when(&sandbox, |count| count >= 3).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let ended = sandbox.end_tree(&[pid], Duration::from_millis(50)).await.unwrap();
        assert_eq!(ended.left, 0, "{ended:?}");
        assert!(ended.ended >= 2, "{ended:?}");
        assert_eq!(count(&sandbox).await, 1, "{ended:?}");
    }
    sandbox.signal_group(other, 9).await.unwrap();
}

async fn bomb() {
    let ground = ground().await;
    let sandbox = ground.sandbox_with(|spec| spec.processes = 128).await;
    let program = "import os,signal\nsignal.signal(15,signal.SIG_IGN)\nprint('up',flush=True)\nwhile True:\n try: os.fork()\n except OSError: pass";
    let (pid, _out) = up(&sandbox, &["python3", "-c", program]).await;
    count_when(&sandbox, |count| count >= 100).await;
    let asked = Instant::now();
    let ended = sandbox
        .end_tree(&[pid], Duration::from_millis(100))
        .await
        .unwrap();
    assert_eq!(ended.left, 0);
    assert!(ended.ended >= 60, "{ended:?}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{ended:?}");
    assert_eq!(count(&sandbox).await, 0);
    assert_eq!(sh(&sandbox, "echo still here").await.out, "still here\n");
    // And with another program beside it, where not everything may go.
    let (other, _o) = up(&sandbox, &["sh", "-c", "echo up; exec sleep 60"]).await;
    let (pid, _out) = up(&sandbox, &["python3", "-c", program]).await;
    count_when(&sandbox, |count| count >= 100).await;
    let ended = sandbox.end_tree(&[pid], Duration::from_millis(50)).await.unwrap();
    assert_eq!(ended.left, 0, "{ended:?}");
    assert_eq!(count(&sandbox).await, 1);
    sandbox.signal_group(other, 9).await.unwrap();
}

async fn stopped() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let (pid, _out) = up(&sandbox, &["sh", "-c", "echo up; kill -STOP $$; sleep 60"]).await;
    let ended = sandbox.end_tree(&[pid], Duration::from_secs(3)).await.unwrap();
    assert_eq!((ended.ended, ended.left), (1, 0));
    assert!(
        ended.took < Duration::from_secs(2),
        "SIGTERM reaches it once it is continued: {ended:?}"
    );
    let ended = sandbox
        .end_tree(&[pid, 4242], Duration::from_secs(3))
        .await
        .unwrap();
    assert_eq!(
        (ended.ended, ended.left),
        (0, 0),
        "what is gone, or was never there, is no error"
    );
}

async fn signalled() {
    let ground = ground().await;
    let sandbox = ground.sandbox().await;
    let mut process = start(&sandbox, &["sh", "-c", "sleep 60 & echo up; sleep 60; echo no"]).await;
    let mut out = tokio::net::unix::pipe::Receiver::from_owned_fd(process.stdout).unwrap();
    assert_eq!(read_line(&mut out).await, "up");
    sandbox.signal_group(process.pid, 1).await.unwrap();
    let exit = *process.exit.wait_for(Option::is_some).await.unwrap();
    assert_eq!(exit.unwrap().signal, Some(1));
    while count(&sandbox).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(
        sandbox.signal_group(1, 9).await.is_err(),
        "pid 1 is no program of ours"
    );
    assert!(sandbox.signal_group(-1, 9).await.is_err());
}
