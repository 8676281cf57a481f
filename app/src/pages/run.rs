//! One run, to read: how it went, what it printed, and the code as it was.

use crate::{
    api::{self, RunData},
    parts::{
        clock::clock,
        errors::PageError,
        frame::{Frame, Section},
        lane::Lane,
        state,
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::{LogFrame, LogStream, log::LogBody, time};

/// The page of a run.
#[component]
pub fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let data = Resource::new(
        move || params.with(|params| params.get("id").unwrap_or_default()),
        api::load_run_page,
    );
    view! {
        <Frame section=Section::Agents>
            <Suspense>
                {move || Suspend::new(async move {
                    match data.await {
                        Ok(data) => view! { <RunView data=data /> }.into_any(),
                        Err(error) => view! { <PageError error=error /> }.into_any(),
                    }
                })}
            </Suspense>
        </Frame>
    }
    .into_any()
}

#[component]
fn RunView(data: RunData) -> impl IntoView {
    let RunData {
        run,
        agent,
        revision,
        files,
        log,
        log_from,
        cost,
        now,
    } = data;
    let summary = run.summary();
    let going = !run.state.is_end();
    let title = format!("Run {} of {}", run.number, agent.settings.name);
    let now = clock(now, Signal::stored(going), Signal::stored(None));
    let log_words = format!(
        "{} lines, {}",
        time::count_words(run.log_lines),
        time::byte_words(run.log_bytes)
    );
    let took = run
        .ended_at
        .map(|end| time::duration_words(end.since(run.created_at)));
    let stop = run.stop.as_ref().map(|stop| match stop.ended {
        Some(ended) => format!("{ended} processes ended, {} left, in {} ms", stop.left, stop.took),
        None => format!("Ended in {} ms", stop.took),
    });
    let studio = format!("/agents/{}?run={}", agent.slug, run.id);
    let download = format!("/api/runs/{}/log?download=1", run.id);
    let state = run.state;
    let reason = run.reason.clone();
    let entrypoint = run.entrypoint.clone();
    let trigger = run.trigger.words();
    let kept = agent.settings.keep_minutes > 0;
    let run = Signal::stored(Some(run));
    let files = files
        .into_iter()
        .map(|(path, text)| {
            let open = path == entrypoint;
            view! {
                <details class="run-file" open=open>
                    <summary>{path}</summary>
                    <pre class="run-log" tabindex="0">
                        {text.unwrap_or_else(|| "This file is not text.".to_owned())}
                    </pre>
                </details>
            }
        })
        .collect_view();
    view! {
        <Title text=title.clone() />
        <div class="page run-page">
            <div class="head">
                <h1>{title}</h1>
                <span class="state">
                    <span class=state::dot(Some(state))></span>
                    {move || state::words(Some(&summary), now.get())}
                </span>
                <span class="num run-cost" title="What its sandbox cost, at the prices under Usage">
                    {move || cost.until(now.get()).words()}
                </span>
                <span class="grow"></span>
                <a class="btn quiet" href=download download="">"Download the log"</a>
                <a class="btn primary" href=studio>"Open in the studio"</a>
            </div>
            {reason.map(|reason| view! { <p style="margin-bottom:12px">{reason}</p> })}
            <Lane run=run kept=kept now=now />
            <h2>"Facts"</h2>
            <dl class="facts">
                <dt>"Revision"</dt>
                <dd>{revision}</dd>
                <dt>"Started by"</dt>
                <dd>{trigger}</dd>
                <dt>"Started file"</dt>
                <dd class="mono">{entrypoint}</dd>
                <dt>"Log"</dt>
                <dd>{log_words}</dd>
                {took.map(|took| view! { <dt>"Took"</dt><dd>{took}</dd> })}
                {stop.map(|stop| view! { <dt>"Stop"</dt><dd>{stop}</dd> })}
            </dl>
            <h2>"Log"</h2>
            {(log_from > 0)
                .then(|| {
                    view! {
                        <p class="hint" style="margin-bottom:8px">
                            {format!("The first {} are in the download.", time::byte_words(log_from))}
                        </p>
                    }
                })}
            <Log frames=log />
            <h2>"Code as it was"</h2>
            {files}
        </div>
    }
}

/// Frames as pieces of text, with those of the same stream put together.
fn pieces(frames: Vec<LogFrame>) -> Vec<(&'static str, String)> {
    let mut pieces: Vec<(&'static str, String)> = Vec::new();
    for frame in frames {
        let class = match frame.stream {
            Some(LogStream::Stderr) => "stderr",
            _ => "stdout",
        };
        let text = match frame.body {
            LogBody::Text(text) => text,
            LogBody::Base64(_) => "\u{fffd}".to_owned(),
            LogBody::Gap(bytes) => format!("\n[{} were not kept]\n", time::byte_words(bytes)),
        };
        match pieces.last_mut() {
            Some((last, whole)) if *last == class => whole.push_str(&text),
            _ => pieces.push((class, text)),
        }
    }
    pieces
}

/// `text` without the escape sequences of terminals.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                for c in chars.by_ref() {
                    if ('@'..='~').contains(&c) {
                        break;
                    }
                }
            }
            '\n' | '\t' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

#[component]
fn Log(frames: Vec<LogFrame>) -> impl IntoView {
    if frames.is_empty() {
        return view! { <p class="hint">"Nothing was printed."</p> }.into_any();
    }
    let pieces = pieces(frames)
        .into_iter()
        .map(|(class, text)| view! { <span class=class>{plain(&text)}</span> })
        .collect_view();
    view! { <pre class="run-log" tabindex="0" aria-label="Log">{pieces}</pre> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Millis;

    #[test]
    fn frames_of_one_stream_are_one_piece() {
        let frame = |offset, stream, text: &str| LogFrame {
            offset,
            at: Millis(1),
            stream: Some(stream),
            body: LogBody::Text(text.to_owned()),
        };
        let pieces = pieces(vec![
            frame(0, LogStream::Stdout, "a"),
            frame(1, LogStream::Stdout, "b\n"),
            frame(3, LogStream::Stderr, "c"),
        ]);
        assert_eq!(
            pieces,
            [("stdout", "ab\n".to_owned()), ("stderr", "c".to_owned())]
        );
    }

    #[test]
    fn colours_and_bells_are_left_out() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\u{7}\tx\r\n"), "red\tx\n");
    }
}
