//! JavaScript and TypeScript programs in one call.

use std::path::PathBuf;

use daytona::{CodeRunRequest, CodeRunResponse, ExecuteRequest, Toolbox};
use libtest_mimic::Trial;

use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    let mut all = trials![
        javascript_is_read_from_standard_input,
        typescript_needs_something_that_reads_it
    ];
    // It is part of the site, which `cargo xtask build` makes.
    let built = runtime().join("typescript-run.cjs").exists();
    all.extend(
        trials![typescript_is_run_without_a_file]
            .into_iter()
            .map(|trial| trial.with_ignored_flag(!built)),
    );
    all
}

fn runtime() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/site/debug/runtime"
    ))
}

async fn run(toolbox: &Toolbox, language: &str, code: &str) -> CodeRunResponse {
    let request = CodeRunRequest {
        code: code.to_owned(),
        language: language.to_owned(),
        argv: Some(vec!["a b".to_owned(), "-c".to_owned()]),
        ..CodeRunRequest::default()
    };
    toolbox.code_run(request).await.unwrap()
}

async fn leaves_nothing(toolbox: &Toolbox) {
    let left = toolbox
        .execute(ExecuteRequest::new("ls -A /tmp ~"))
        .await
        .unwrap();
    assert_eq!(left.result, "/home/daytona:\n\n/tmp:\n");
}

async fn javascript_is_read_from_standard_input() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let run = async |code: &str| run(&toolbox, "javascript", code).await;
    let arguments = run("console.log(process.argv.slice(1).join('|')); process.exitCode = 4").await;
    assert_eq!((arguments.exit_code, arguments.result.as_str()), (4, "a b|-c\n"));
    let required =
        run("const { existsSync } = require('node:fs'); console.log(existsSync('/'), process.cwd())").await;
    assert_eq!(required.result, "true /home/daytona\n");
    let imported = run("import { existsSync } from 'node:fs';\nconst late = await Promise.resolve(1);\nconsole.log(existsSync('/'), late)").await;
    assert_eq!(imported.result, "true 1\n");
    let thrown = run("\nthrow new Error('here')").await;
    assert_eq!(thrown.exit_code, 1);
    assert!(thrown.result.contains("[stdin]:2"), "{}", thrown.result);
    let input = run("console.log(require('fs').readFileSync(0).length)").await;
    assert_eq!(input.result, "0\n");
    let killed = run("process.kill(process.pid, 'SIGKILL')").await;
    assert_eq!(killed.exit_code, 137);
    leaves_nothing(&toolbox).await;
}

async fn typescript_is_run_without_a_file() {
    let runtime = runtime();
    let engine = Engine::start_with(&[("ENGINE_RUNTIME", runtime.to_str().unwrap())]);
    let (_, toolbox) = engine.sandbox().await;
    let run = async |code: &str| run(&toolbox, "typescript", code).await;
    let both = run(
        "import { existsSync } from 'node:fs';\nenum Level { Low = 1, High }\nconst os = require('node:os');\nconst late: string = await Promise.resolve('late');\nconsole.log(process.argv.slice(1), existsSync('/'), typeof os.cpus, Level[2], late, __dirname); process.exit(3)",
    )
    .await;
    assert_eq!(
        (both.exit_code, both.result.as_str()),
        (3, "[ 'a b', '-c' ] true function High late /home/daytona\n")
    );
    let thrown = run("interface A {\n  a: string;\n}\nthrow new Error('here')").await;
    assert_eq!(thrown.exit_code, 1);
    assert!(thrown.result.contains("[stdin].ts:4"), "{}", thrown.result);
    let broken = run("const x: = 1").await;
    assert_eq!(broken.exit_code, 1);
    assert!(broken.result.contains("SyntaxError"), "{}", broken.result);
    leaves_nothing(&toolbox).await;
    toolbox
        .upload(vec![(
            "tools.ts".to_owned(),
            "export const n: number = 5;".into(),
        )])
        .await
        .unwrap();
    assert_eq!(
        run("import { n } from './tools'; console.log(n)").await.result,
        "5\n"
    );
}

async fn typescript_needs_something_that_reads_it() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let request = CodeRunRequest {
        code: "const x: number = 1; console.log(x)".to_owned(),
        language: "typescript".to_owned(),
        ..CodeRunRequest::default()
    };
    match toolbox.code_run(request).await {
        // A Node.js that does it by itself.
        Ok(done) => assert_eq!(done.result, "1\n"),
        Err(refused) => {
            assert_eq!(refused.status(), Some(400));
            assert!(refused.to_string().contains("22.18"), "{refused}");
        }
    }
}
