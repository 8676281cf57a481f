//! The Logs panel: its tools, its rows and the prompt for the program's input.

use super::{
    LogFeed,
    connection::ConnectionNotice,
    filter::Filter,
    mount::{Mounted, mount},
    prompt::Prompt,
    timestamp::TimeShown,
    tools::Tools,
    view::{LogView, Standing, row::Look},
};
use crate::browser::{storage, timer::Frame, timer::Timeout};
use leptos::{html, prelude::*};
use model::{Millis, Run, RunState, time::count_words};
use send_wrapper::SendWrapper;

pub use super::prompt::ProgramInput;

/// A summary is read out this often at most, in milliseconds.
const SUMMARY_MILLISECONDS: u32 = 5_000;
const TIME_KEY: &str = "pitlane.log.time";
const WRAP_KEY: &str = "pitlane.log.wrap";

/// What all parts of the panel share.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub feed: LogFeed,
    pub run: Signal<Option<Run>>,
    /// What is written in the filter.
    pub written: RwSignal<String>,
    pub stdout: RwSignal<bool>,
    pub stderr: RwSignal<bool>,
    pub time: RwSignal<TimeShown>,
    pub wrap: RwSignal<bool>,
    pub standing: RwSignal<Standing>,
    /// The view, once the page is alive. Never there on the server.
    pub mounted: StoredValue<Option<SendWrapper<Mounted>>>,
    /// The next frame of a search that goes on.
    frame: StoredValue<Option<SendWrapper<Frame>>>,
}

impl Panel {
    fn new(feed: LogFeed, run: Signal<Option<Run>>) -> Self {
        Self {
            feed,
            run,
            written: RwSignal::new(String::new()),
            stdout: RwSignal::new(true),
            stderr: RwSignal::new(true),
            time: RwSignal::new(TimeShown::default()),
            wrap: RwSignal::new(false),
            standing: RwSignal::new(Standing {
                following: true,
                empty: true,
                ..Standing::default()
            }),
            mounted: StoredValue::new(None),
            frame: StoredValue::new(None),
        }
    }

    /// Does something with the view, and tells the tools how it stands then.
    pub fn act<T>(self, act: impl FnOnce(&mut LogView) -> T) -> Option<T> {
        let view = self
            .mounted
            .try_with_value(|mounted| mounted.as_ref().map(|mounted| mounted.view.clone()))
            .flatten()?;
        let mut view = view.try_borrow_mut().ok()?;
        let done = act(&mut view);
        let standing = view.standing().clone();
        drop(view);
        let _ = self.standing.try_maybe_update(|now| {
            let changed = *now != standing;
            *now = standing;
            (changed, ())
        });
        Some(done)
    }

    /// Shows what the log has become, and goes on with a search in the next frame.
    pub fn refresh(self) {
        let searching = self.act(LogView::refresh).unwrap_or(false);
        let next = searching.then(|| SendWrapper::new(Frame::next(move || self.refresh())));
        let _ = self.frame.try_set_value(next);
    }

    fn filter(self) -> Filter {
        Filter {
            without_stdout: !self.stdout.get(),
            without_stderr: !self.stderr.get(),
            ..self.written.with(|written| Filter::parse(written))
        }
    }

    fn look(self) -> Look {
        let start = self
            .run
            .with(|run| run.as_ref().map_or(Millis(0), |run| run.created_at));
        #[expect(clippy::cast_possible_truncation, reason = "minutes of a day")]
        let minutes_west = js_sys::Date::new_0().get_timezone_offset() as i64;
        Look {
            time: self.time.get(),
            start,
            minutes_west,
        }
    }
}

/// The log of `run`, as `feed` has it.
#[component]
pub fn LogPanel(
    /// Its lines.
    feed: LogFeed,
    /// The run shown; none before the first.
    #[prop(into)]
    run: Signal<Option<Run>>,
    /// Asked to open a file at a line: its path below the agent's folder, the line from 1.
    #[prop(into)]
    on_open_source: Callback<(String, u32)>,
    /// Whether whoever reads may send input to the program.
    #[prop(default = true)]
    may_answer: bool,
    /// Asked to send input to the program.
    #[prop(into)]
    on_input: Callback<ProgramInput>,
) -> impl IntoView {
    let panel = Panel::new(feed, run);
    let (window, canvas, rows, probe) = (
        NodeRef::<html::Div>::new(),
        NodeRef::<html::Div>::new(),
        NodeRef::<html::Div>::new(),
        NodeRef::<html::Span>::new(),
    );
    let filter_field = NodeRef::<html::Input>::new();

    Effect::new(move || {
        let (Some(window), Some(canvas), Some(rows), Some(probe)) =
            (window.get(), canvas.get(), rows.get(), probe.get())
        else {
            return;
        };
        if let Some(word) = storage::read(TIME_KEY) {
            panel.time.set(TimeShown::parse(&word));
        }
        panel.wrap.set(storage::read(WRAP_KEY).is_some());
        let mounted = mount(
            panel,
            window.into(),
            canvas.into(),
            rows.into(),
            probe.into(),
            on_open_source,
        );
        panel.mounted.set_value(Some(SendWrapper::new(mounted)));
        on_cleanup(move || {
            let _ = panel.frame.try_set_value(None);
            let _ = panel.mounted.try_set_value(None);
        });
    });
    Effect::new(move || {
        let (look, wrap) = (panel.look(), panel.wrap.get());
        panel.act(|view| view.set_look(look, wrap));
    });
    Effect::new(move || {
        let filter = panel.filter();
        panel.act(|view| view.set_filter(filter));
        panel.refresh();
    });
    Effect::new(move || {
        feed.version().track();
        panel.refresh();
    });
    remember(panel);

    let focus_filter = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "/" && !event.ctrl_key() && !event.meta_key() {
            event.prevent_default();
            if let Some(field) = filter_field.get_untracked() {
                let _ = field.focus();
            }
        }
    };
    let nothing = move || {
        panel
            .standing
            .with(|standing| standing.empty)
            .then(|| words_for_nothing(run))
    };
    let following = Memo::new(move |_| panel.standing.with(|standing| standing.following));
    view! {
        <section class="log-panel" aria-label="Log">
            <Tools panel=panel filter_field=filter_field />
            <div class="log-area">
                <div
                    class="log-window"
                    class:wrapped=move || panel.wrap.get()
                    class:timeless=move || panel.time.get() == TimeShown::Off
                    role="log"
                    aria-live="off"
                    aria-label="Output"
                    tabindex="0"
                    node_ref=window
                    on:keydown=focus_filter
                >
                    <div class="log-canvas" node_ref=canvas>
                        <div class="log-rows" node_ref=rows></div>
                    </div>
                </div>
                <span class="log-probe" aria-hidden="true" node_ref=probe>
                    "0000000000"
                </span>
                <p class="log-nothing">{nothing}</p>
                <button
                    type="button"
                    class="log-latest"
                    hidden=move || following.get()
                    on:click=move |_| {
                        panel.act(|view| view.follow(true));
                    }
                >
                    {move || match panel.standing.with(|standing| standing.below) {
                        0 => "Jump to latest".to_owned(),
                        below => format!("Jump to latest, {} new", count_words(below)),
                    }}
                </button>
            </div>
            <div class="log-foot">
                <ConnectionNotice />
                {may_answer.then(|| view! { <Prompt run=run on_input=on_input /> })}
            </div>
            <Summary panel=panel />
        </section>
    }
}

/// Keeps how the log is shown for the next visit.
fn remember(panel: Panel) {
    Effect::new(move |before: Option<(TimeShown, bool)>| {
        let now = (panel.time.get(), panel.wrap.get());
        if before.is_some_and(|before| before != now) {
            storage::write(TIME_KEY, now.0.as_str());
            if now.1 {
                storage::write(WRAP_KEY, "on");
            } else {
                storage::remove(WRAP_KEY);
            }
        }
        now
    });
}

fn words_for_nothing(run: Signal<Option<Run>>) -> &'static str {
    run.with(|run| match run.as_ref().map(|run| run.state) {
        Some(_) if run.as_ref().is_some_and(|run| run.log_bytes > 0) => "Loading the log.",
        None => "Nothing has run yet. What the program prints appears here.",
        Some(RunState::Queued) => "Waiting for its turn.",
        Some(RunState::Preparing) => "Waiting for the sandbox.",
        Some(RunState::Running | RunState::Finishing) => "Nothing was printed yet.",
        Some(_) => "This run printed nothing.",
    })
}

/// Says now and then how the log grows, for those who do not see it.
#[component]
fn Summary(panel: Panel) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let timer = StoredValue::new(None::<SendWrapper<Timeout>>);
    let going = Memo::new(move |_| {
        panel
            .run
            .with(|run| run.as_ref().is_some_and(|run| !run.state.is_end()))
    });
    Effect::new(move || {
        let rows = panel.feed.rows().get();
        if rows == 0 || !going.get() || timer.with_value(Option::is_some) {
            return;
        }
        let wait = Timeout::after(SUMMARY_MILLISECONDS, move || {
            let _ = timer.try_set_value(None);
            let rows = panel.feed.rows().try_get_untracked().unwrap_or_default();
            let errors = panel
                .feed
                .read(|store, _| store.stderr_rows())
                .unwrap_or_default();
            let words = match errors {
                0 => format!("{} lines of output", count_words(rows)),
                errors => format!(
                    "{} lines of output, {} on standard error",
                    count_words(rows),
                    count_words(errors)
                ),
            };
            let _ = said.try_set(words);
        });
        timer.set_value(Some(SendWrapper::new(wait)));
    });
    view! { <p class="visually-hidden" aria-live="polite">{said}</p> }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_server_paints_the_tools_and_no_rows() {
        let html = Owner::new().with(|| {
            let run = Signal::stored(None::<Run>);
            view! {
                <LogPanel feed=LogFeed::new() run=run on_open_source=|_: (String, u32)| () on_input=|_: ProgramInput| () />
            }
            .into_view()
            .to_html()
        });
        assert!(
            html.contains("role=\"log\"") && html.contains("Nothing has run yet."),
            "{html}"
        );
        assert!(!html.contains("log-row\""));
    }
}
