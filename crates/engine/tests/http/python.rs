//! Python programs in one call: forked from a Python that waits, and yet what
//! `python3 -u -` would make of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use daytona::{CodeRunRequest, CodeRunResponse, ExecuteRequest, Toolbox};
use libtest_mimic::Trial;

use crate::support::{Engine, eventually, runs_somewhere};

pub fn trials() -> Vec<Trial> {
    trials![
        a_program_is_what_a_new_python_makes_of_it,
        a_program_ends_with_all_it_started,
        a_dead_or_silent_zygote_is_replaced,
        the_environment_of_a_program_is_its_own,
        what_came_after_the_start_is_found,
        many_programs_run_at_once,
        without_processes_left_the_answer_says_so,
    ]
}

pub fn python(code: &str) -> CodeRunRequest {
    CodeRunRequest {
        code: code.to_owned(),
        language: "python".to_owned(),
        ..CodeRunRequest::default()
    }
}

async fn run(toolbox: &Toolbox, code: &str) -> CodeRunResponse {
    toolbox.code_run(python(code)).await.unwrap()
}

async fn shell(toolbox: &Toolbox, command: &str) -> String {
    toolbox
        .execute(ExecuteRequest::new(command))
        .await
        .unwrap()
        .result
}

/// Programs whose code and output have to be those of a new Python.
const PROGRAMS: &[&str] = &[
    "",
    "print(1)",
    "import sys\nprint(sys.argv, sys.orig_argv[1:], sys.path[:1], sys.flags)",
    "print(sorted(globals()), __name__, __file__, __loader__, __spec__, __doc__, __package__)",
    "def f():\n  1/0\nf()",
    "def f():\n  try:\n    1/0\n  except Exception as e:\n    raise KeyError('k') from e\nf()",
    "x = = 1",
    "  x = 1",
    "# -*- coding: latin-1 -*-\nprint('ä')",
    "raise SystemExit",
    "raise SystemExit(4)",
    "raise SystemExit('a message')",
    "raise SystemExit([1])",
    "import sys; sys.exit(True)",
    "import sys; sys.exit(300)",
    "import sys; sys.exit(-1)",
    "import os; print('x'); os._exit(7)",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "import os; os.abort()",
    "raise KeyboardInterrupt",
    "import ctypes; ctypes.string_at(0)",
    "print(input())",
    "import sys; print(repr(sys.stdin.read()), sys.stdin.isatty(), sys.stdout.isatty())",
    "import sys; print('a', file=sys.stderr); print('b'); print('c', file=sys.stderr)",
    "import warnings\nwarnings.warn('w')",
    "import atexit; atexit.register(print, 'bye'); print('hello')",
    "import atexit; atexit.register(print, 'bye'); 1/0",
    "import sys\ndef hook(*a): print('hooked', a[0].__name__, a[2].tb_lineno)\nsys.excepthook = hook\n1/0",
    "import sys\nsys.excepthook = lambda *a: 1/0\nint('x')",
    "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\nprint('main')",
    "import threading\nthreading.Thread(target=lambda: 1/0, name='T').start()",
    "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n  with m.Pool(2) as p: print(p.map(f, [1, 2, 3]))",
    "from concurrent.futures import ProcessPoolExecutor as P\nwith P(2) as p: print(list(p.map(abs, [-1, -2])))",
    "import os\nif os.fork() == 0: print('child')\nelse: os.wait(); print('parent')",
    "import subprocess; print(subprocess.run(['sh', '-c', 'echo out; echo err >&2; exit 3']).returncode)",
    "import os; os.system('echo system')",
    "import ctypes; ctypes.CDLL(None).printf(b'from c\\n')",
    "open('/dev/stdout', 'w').write('again\\n')",
    "f = open('/tmp/left', 'w'); f.write('flushed')\ndef g(): return f\nimport json; json.kept = f",
    "print(open('/tmp/left').read())",
    "class A:\n  def __del__(self): print('deleted')\na = A(); a.me = a",
    "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))), A.__module__)",
    "import asyncio\nasync def f(): return 5\nprint(asyncio.run(f()))",
    "import signal; print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGCHLD))",
    "import os; print(os.getcwd(), os.getpgid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd'))[:3])",
    "import sys; print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stdout.write_through)",
    "print('\\ud800')",
    "import sys; sys.stdout.buffer.write(b'\\xff\\n')",
    "x: int = 1\nprint(__annotations__)",
    "import inspect\ndef f(): pass\ntry: inspect.getsource(f)\nexcept OSError as e: print(e)",
];

async fn a_program_is_what_a_new_python_makes_of_it() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    for code in PROGRAMS {
        let forked = toolbox
            .code_run(CodeRunRequest {
                argv: Some(vec!["a b".to_owned(), String::new()]),
                ..python(code)
            })
            .await
            .unwrap();
        let text =
            format!("cat > /tmp/program <<'END'\n{code}\nEND\nexec python3 -u - 'a b' '' < /tmp/program");
        let new = toolbox.execute(ExecuteRequest::new(text)).await.unwrap();
        assert_eq!(
            (forked.exit_code, forked.result.as_str()),
            (new.exit_code, new.result.as_str()),
            "{code}"
        );
    }
    let id = "import random, uuid; print(random.random(), uuid.uuid4())";
    assert_ne!(run(&toolbox, id).await.result, run(&toolbox, id).await.result);
    let long = run(&toolbox, &format!("x = '{}'\nprint(len(x))", "y".repeat(3 << 20))).await;
    assert_eq!(long.result, "3145728\n");
    assert_eq!(run(&toolbox, "print(1)\0").await.exit_code, 1);
}

async fn a_program_ends_with_all_it_started() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let mark = |number: u32| format!("{number}.{}", std::process::id());
    let daemon = |mark: &str, then: &str| {
        format!(
            "import os, subprocess, time\n\
             subprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n\
             if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    while True: time.sleep(1)\n  os._exit(0)\n\
             {then}"
        )
    };
    // Its daemons are its own, and stay where nobody asks for their end.
    let kept = mark(4301);
    assert_eq!(run(&toolbox, &daemon(&kept, "print('ok')")).await.result, "ok\n");
    let ended = mark(4302);
    let start = Instant::now();
    let refused = toolbox
        .code_run(CodeRunRequest {
            timeout: Some(1),
            ..python(&daemon(&ended, "time.sleep(60)"))
        })
        .await
        .unwrap_err();
    assert!(refused.is_execution_timeout(), "{refused:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(!runs_somewhere(&ended));
    assert!(runs_somewhere(&kept));
    // One Python is left of each: the daemon of the first program and the one that waits.
    let left = shell(&toolbox, "grep -l '^python3' /proc/[0-9]*/comm | wc -l").await;
    assert_eq!(left.trim(), "2");
}

/// The numbers of the processes that wait for programs.
const WAITING: &str =
    "for p in /proc/[0-9]*; do [ -e $p/fd/3 ] && grep -q '^python3' $p/comm && echo ${p#/proc/}; done";

async fn a_dead_or_silent_zygote_is_replaced() {
    let engine = Engine::start_with(&[("ENGINE_WARM", "1")]);
    let (_, toolbox) = engine.sandbox().await;
    assert_eq!(run(&toolbox, "print(1)").await.result, "1\n");
    let first = shell(&toolbox, WAITING).await;
    assert_eq!(first.lines().count(), 1, "{first}");
    assert_eq!(run(&toolbox, "print(1)").await.result, "1\n");
    assert_eq!(shell(&toolbox, WAITING).await, first);
    shell(&toolbox, &format!("kill -9 {first}")).await;
    assert_eq!(run(&toolbox, "print(2)").await.result, "2\n");
    let second = shell(&toolbox, WAITING).await;
    assert_ne!(second, first);
    // A polite signal does not end it.
    shell(&toolbox, &format!("kill -INT {second}")).await;
    assert_eq!(run(&toolbox, "print(3)").await.result, "3\n");
    assert_eq!(shell(&toolbox, WAITING).await, second);
    shell(&toolbox, &format!("kill -STOP {second}")).await;
    assert_eq!(run(&toolbox, "print(4)").await.result, "4\n");
    eventually("the stopped one is gone", async || {
        !shell(&toolbox, WAITING).await.contains(second.trim())
    })
    .await;
}

async fn the_environment_of_a_program_is_its_own() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let with = |name: &str, value: &str, code: &str| CodeRunRequest {
        envs: Some(BTreeMap::from([(name.to_owned(), value.to_owned())])),
        ..python(code)
    };
    let show = "import os, subprocess; print(os.environ.get('A'), os.environ['DAYTONA_SANDBOX_ID'], flush=True); subprocess.run('echo $A', shell=True)";
    let shown = toolbox.code_run(with("A", "1 2", show)).await.unwrap();
    assert_eq!(shown.result, format!("1 2 {}\n1 2\n", sandbox.id));
    assert_eq!(
        run(&toolbox, show).await.result,
        format!("None {}\n\n", sandbox.id)
    );
    let zone = "import time; print(time.strftime('%H %Z', time.gmtime(0)), time.localtime(0).tm_hour)";
    let far = toolbox.code_run(with("TZ", "XYZ-5", zone)).await.unwrap();
    assert!(far.result.ends_with(" 5\n"), "{}", far.result);
    // These count from the start of a Python on.
    shell(
        &toolbox,
        "mkdir -p /tmp/lib && echo 'print(\"from the path\")' > /tmp/lib/onpath.py",
    )
    .await;
    let path = toolbox
        .code_run(with(
            "PYTHONPATH",
            "/tmp/lib",
            "import onpath, sys; print(sys.argv); raise SystemExit(3)",
        ))
        .await
        .unwrap();
    assert_eq!(
        (path.exit_code, path.result.as_str()),
        (3, "from the path\n['-']\n")
    );
    let seed = "print(hash('a'))";
    let one = toolbox.code_run(with("PYTHONHASHSEED", "7", seed)).await.unwrap();
    assert_eq!(
        one,
        toolbox.code_run(with("PYTHONHASHSEED", "7", seed)).await.unwrap()
    );
}

async fn what_came_after_the_start_is_found() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    assert_eq!(run(&toolbox, "import late").await.exit_code, 1);
    let install = "d=$(python3 -m site --user-site); mkdir -p $d && echo 'print(\"installed\")' > $d/late.py; cd ~; echo 'print(\"mine\")' > random.py; mkdir math; echo 'print(\"my package\")' > re.py";
    shell(&toolbox, install).await;
    assert_eq!(
        run(&toolbox, "import late, random").await.result,
        "installed\nmine\n"
    );
    shell(&toolbox, "rm ~/random.py ~/re.py").await;
    assert_eq!(
        run(&toolbox, "import random, re; print(random.choice([3]))")
            .await
            .result,
        "3\n"
    );
}

async fn many_programs_run_at_once() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let codes: Vec<String> = (0..40)
        .map(|number| format!("import time; time.sleep(0.05); print({number}); raise SystemExit({number})"))
        .collect();
    let runs = codes.iter().map(|code| run(&toolbox, code));
    for (number, done) in futures::future::join_all(runs).await.into_iter().enumerate() {
        assert_eq!(
            (done.exit_code, done.result),
            (i32::try_from(number).unwrap(), format!("{number}\n"))
        );
    }
    let left = shell(&toolbox, "grep -l '^python3' /proc/[0-9]*/comm | wc -l").await;
    assert_eq!(left.trim(), "1");
}

async fn without_processes_left_the_answer_says_so() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    assert_eq!(run(&toolbox, "print(1)").await.result, "1\n");
    toolbox.create_session("fill").await.unwrap();
    let fill = "exec python3 - <<'END'\nimport os, time\nwhile True:\n  try:\n    if os.fork() == 0:\n      time.sleep(60)\n      os._exit(0)\n  except OSError:\n    time.sleep(0.001)\nEND";
    toolbox
        .session_exec("fill", crate::support::background(fill))
        .await
        .unwrap();
    // Near the limit a program may fail in its own way: until none starts at all.
    eventually("the limit is reached", async || {
        let refused = run(&toolbox, "print(1)").await;
        refused.exit_code == -1 && refused.result.contains("as many processes")
    })
    .await;
    toolbox
        .delete_session("fill", Some(Duration::ZERO))
        .await
        .unwrap();
    assert_eq!(run(&toolbox, "print(2)").await.result, "2\n");
}
