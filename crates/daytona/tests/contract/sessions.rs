//! Shells that live across commands.

use super::refused;
use daytona::wire::Stream;
use daytona::{InputRequest, LogPiece, SessionExecuteRequest, Toolbox};

fn command(text: &str, background: bool) -> SessionExecuteRequest {
    SessionExecuteRequest {
        command: text.to_owned(),
        run_async: background.then_some(true),
        suppress_input_echo: background.then_some(true),
    }
}

pub async fn contract(toolbox: &Toolbox) {
    toolbox.create_session("one").await.expect("a session");
    assert_eq!(refused(toolbox.create_session("one").await).0, 409);
    let done = toolbox
        .session_exec(
            "one",
            command("cd /tmp; export B=2; echo out; echo err >&2", false),
        )
        .await;
    let done = done.expect("it runs");
    assert_eq!((done.exit_code, done.stdout.as_deref()), (Some(0), Some("out\n")));
    assert_eq!(done.stderr.as_deref(), Some("err\n"));
    let state = toolbox
        .session_exec(
            "one",
            command("echo $PWD $B; exit_code() { return 4; }; exit_code", false),
        )
        .await;
    let state = state.expect("it runs");
    assert_eq!(
        (state.exit_code, state.stdout.as_deref()),
        (Some(4), Some("/tmp 2\n"))
    );

    let running = toolbox
        .session_exec("one", command("read a; echo \"<$a>\"; echo end", true))
        .await;
    let running = running.expect("it starts").cmd_id;
    assert_eq!(
        toolbox
            .session_command("one", &running)
            .await
            .expect("it is there")
            .exit_code,
        None
    );
    toolbox
        .session_input("one", &running, InputRequest::line("hello"))
        .await
        .expect("it reads");
    let mut log = toolbox
        .follow_logs("one", &running, 0)
        .await
        .expect("it is followed");
    let mut text = Vec::new();
    while let Some(piece) = log.next().await {
        if let LogPiece::Output { stream, bytes, .. } = piece.expect("nothing breaks") {
            assert_eq!(stream, Stream::Stdout);
            text.extend_from_slice(&bytes);
        }
    }
    assert_eq!(String::from_utf8_lossy(&text), "<hello>\nend\n");
    assert_eq!(
        toolbox
            .session_command("one", &running)
            .await
            .expect("it is there")
            .exit_code,
        Some(0)
    );
    let logs = toolbox
        .session_logs("one", &running)
        .await
        .expect("its log is there");
    assert_eq!(
        (logs.stdout.as_str(), logs.stderr.as_str()),
        ("<hello>\nend\n", "")
    );
    let late = toolbox
        .session_input("one", &running, InputRequest::line("x"))
        .await;
    assert_eq!(refused(late).0, 410);

    assert_eq!(
        toolbox.session("one").await.expect("it is there").commands.len(),
        3
    );
    let all = toolbox.list_sessions().await.expect("they are listed");
    assert!(all.iter().any(|session| session.session_id == "one"));
    toolbox.delete_session("one", None).await.expect("it ends");
    assert_eq!(refused(toolbox.session("one").await).0, 404);
}
