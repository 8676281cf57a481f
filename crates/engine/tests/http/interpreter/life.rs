//! How workers and contexts end, and who cannot end them.

use super::*;

pub fn trials() -> Vec<Trial> {
    trials![
        a_client_that_leaves_or_dawdles_stops_nothing,
        a_worker_that_ends_is_replaced,
        an_unused_context_ends,
        a_hostile_worker_harms_only_itself,
    ]
}

async fn a_client_that_leaves_or_dawdles_stops_nothing() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let code = "import time\nfor n in range(5): print(n); time.sleep(0.1)\nopen('/tmp/done', 'w').close()";
    let mut socket = notebook
        .open(Message::text(json!({"code": code}).to_string()))
        .await;
    socket.next().await;
    drop(socket);
    assert_eq!(notebook.run("print('next')").await.stdout, "next\n");
    let there = toolbox
        .execute(ExecuteRequest::new("ls /tmp/done"))
        .await
        .unwrap();
    assert_eq!(there.exit_code, 0);
    // One that does not read is left behind after a while.
    let flood = "for n in range(300): print('x' * 100_000)\nopen('/tmp/flooded', 'w').close()";
    let slow = notebook
        .open(Message::text(json!({"code": flood}).to_string()))
        .await;
    let start = Instant::now();
    while toolbox
        .execute(ExecuteRequest::new("ls /tmp/flooded"))
        .await
        .unwrap()
        .exit_code
        != 0
    {
        assert!(start.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let told = hear(slow).await;
    assert_eq!(told.close, Some((1008, "slow consumer".to_owned())));
    assert!(told.stdout.len() < 30_000_000);
}

async fn a_worker_that_ends_is_replaced() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let (_, context) = notebook.context(json!({})).await;
    let run = async |code: &str| {
        notebook
            .ask(json!({"code": code, "contextId": context["id"]}))
            .await
    };
    for (code, number) in [
        ("import os; print('x', flush=True); os._exit(3)", "3"),
        (
            "import os, signal; print('x', flush=True); os.kill(os.getpid(), signal.SIGKILL)",
            "137",
        ),
        (
            "import ctypes; print('x', flush=True); ctypes.string_at(0)",
            "139",
        ),
    ] {
        run("y = 1").await;
        let ended = run(code).await;
        assert_eq!((ended.code(), ended.stdout.as_str()), (1001, "x\n"));
        assert!(ended.close.unwrap().1.contains(number));
        assert_eq!(run("y").await.error()["name"], "NameError");
    }
    // Between two cells, too.
    let pid = run("import os; print(os.getpid())").await.stdout;
    toolbox
        .execute(ExecuteRequest::new(format!("kill -9 {pid}")))
        .await
        .unwrap();
    eventually("it is not active", async || {
        let (_, listed) = notebook.call(reqwest::Method::GET, "", None).await;
        listed["contexts"][0]["active"] == false
    })
    .await;
    assert_eq!(run("print(2)").await.stdout, "2\n");
    let forked =
        // One write each, as the two run at the same time.
        run("import os, sys\npid = os.fork()\nsys.stdout.write('both\\n')\nsys.stdout.flush()\nif pid: os.waitpid(pid, 0)").await;
    assert_eq!((forked.stdout.as_str(), forked.code()), ("both\nboth\n", 1000));
    assert_eq!(run("print('after')").await.stdout, "after\n");
    let interrupted = run("import os, signal; os.kill(os.getpid(), signal.SIGINT)").await;
    assert_eq!(interrupted.error()["name"], "KeyboardInterrupt");
}

async fn an_unused_context_ends() {
    let engine = Engine::start_with(&[("ENGINE_CONTEXT_IDLE_MS", "3000")]);
    let (sandbox, toolbox) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let (_, context) = notebook.context(json!({})).await;
    // A cell that takes longer than that is no idleness.
    let long = notebook
        .ask(json!({"code": "import time; time.sleep(4); print(1)", "contextId": context["id"]}))
        .await;
    assert_eq!(long.stdout, "1\n");
    notebook.run("z = 1").await;
    eventually("it is gone", async || {
        notebook.call(reqwest::Method::GET, "", None).await.1["contexts"]
            .as_array()
            .unwrap()
            .is_empty()
    })
    .await;
    assert_eq!(
        notebook
            .ask(json!({"code": "1", "contextId": context["id"]}))
            .await
            .code(),
        1008
    );
    eventually("the default one starts anew", async || {
        // Each look is a use: the next has to come after the limit.
        tokio::time::sleep(Duration::from_secs(4)).await;
        notebook.run("print('z' in globals())").await.stdout == "False\n"
    })
    .await;
    eventually("their processes are gone", async || {
        let left = toolbox
            .execute(ExecuteRequest::new(
                "grep -l '^python3' /proc/[0-9]*/comm | wc -l",
            ))
            .await;
        left.unwrap().result.trim() == "1"
    })
    .await;
}

async fn a_hostile_worker_harms_only_itself() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let find = "import os, socket, struct\nfor n in range(3, 1024):\n  try: s = socket.socket(fileno=n)\n  except OSError: continue\n  break\n";
    for attack in [
        "s.sendall(b'\\xff' * 8)",
        "s.sendall(struct.pack('>I', 1 << 31))",
        "s.sendall(struct.pack('>I', 3) + b'{}{'); import time; time.sleep(60)",
        "s.sendall(struct.pack('>I', 9) + b'{\"a\": 1}x')",
        "s.close(); import time; time.sleep(60)",
        "os.closerange(3, 1024)",
    ] {
        let told = notebook
            .ask(json!({"code": format!("{find}{attack}"), "timeout": 20}))
            .await;
        assert_eq!(told.code(), 1001, "{attack}: {told:?}");
        assert_eq!(notebook.run("print(1)").await.stdout, "1\n", "{attack}");
    }
    // A false answer ends a cell early, and no more.
    let early = notebook
        .run(&format!(
            "{find}m = b'{{}}'\ns.sendall(struct.pack('>I', 2) + m)\ns.detach()"
        ))
        .await;
    assert_eq!(early.code(), 1000);
    eventually("it works on", async || {
        notebook.run("print(1)").await.stdout == "1\n"
    })
    .await;
}
