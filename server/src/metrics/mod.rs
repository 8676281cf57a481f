//! An operator's figures, as Prometheus reads them: what this server has done
//! since its start, and what it is busy with now.
//!
//! Labels are words of a fixed list (states, phases, methods, templates of
//! routes, statuses) and the ids of teams that have a budget, never something a
//! client chose, so that the number of series is bounded. A scrape asks nobody: figures of the database and of the
//! provider are those that `readiness` looked up last.

mod process;

use crate::readiness::Readiness;
use http::{Method, StatusCode};
use model::{EventKind, Micros, SandboxState};
use prometheus_client::{
    encoding::prometheus_text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use runs::{Figures, Notice};
use std::{sync::atomic::AtomicU64, time::Duration};

/// The form they are in.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// One label of a word of ours.
type Word = [(&'static str, &'static str); 1];
/// The id of a team.
type OfTeam = [(&'static str, String); 1];
/// A route's template, the method and the status.
type Answered = [(&'static str, String); 3];
/// A route's template and the method.
type Asked = [(&'static str, String); 2];
type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// Bounds of phases, in seconds: from a warm sandbox to a program that runs for an hour.
const PHASE_BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 3600.0,
];
/// Bounds of answers, in seconds.
const ANSWER_BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// What a request is counted under that no route took.
const NO_ROUTE: &str = "none";

/// The counters and gauges. A server has one.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    runs: Family<Word, Gauge>,
    runs_started: Counter,
    runs_ended: Family<Word, Counter>,
    phases: Timed<Word>,
    waiting: Gauge,
    places_taken: Gauge,
    places: Gauge,
    log_bytes: Counter,
    streams: Gauge,
    sandboxes: Family<Word, Gauge>,
    servers: Gauge,
    budgets: Family<OfTeam, Gauge<f64, AtomicU64>>,
    budgets_used: Family<OfTeam, Gauge<f64, AtomicU64>>,
    database_up: Gauge,
    provider_up: Gauge,
    answers: Family<Answered, Counter>,
    answer_times: Timed<Asked>,
    process: process::Process,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register(
            "pitlane_build",
            "The version of this server",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let process = process::Process::register(&mut registry);
        // Each with its name and what it says, so that one line is one figure.
        macro_rules! figure {
            ($name:literal, $help:literal, $figure:expr) => {{
                let figure = $figure;
                registry.register($name, $help, figure.clone());
                figure
            }};
        }
        Self {
            runs: figure!(
                "pitlane_runs",
                "Runs this server drives now, by state",
                Family::default()
            ),
            runs_started: figure!(
                "pitlane_runs_started",
                "Runs that were started on this server",
                Counter::default()
            ),
            runs_ended: figure!(
                "pitlane_runs_ended",
                "Runs that ended on this server, by how",
                Family::default()
            ),
            phases: figure!(
                "pitlane_run_phase_seconds",
                "How long the phases of runs took",
                Timed::new_with_constructor(|| Histogram::new(PHASE_BOUNDS))
            ),
            waiting: figure!(
                "pitlane_queue_waiting",
                "Runs that wait for a place on this server",
                Gauge::default()
            ),
            places_taken: figure!(
                "pitlane_queue_places_taken",
                "Places of this server that are taken by runs",
                Gauge::default()
            ),
            places: figure!("pitlane_queue_places", "Places this server has", Gauge::default()),
            log_bytes: figure!(
                "pitlane_log_stored_bytes",
                "Bytes of output that this server stored",
                Counter::default()
            ),
            streams: figure!(
                "pitlane_streams",
                "Live views that are open on this server: streams of events, followed logs, WebSockets",
                Gauge::default()
            ),
            sandboxes: figure!(
                "pitlane_sandboxes",
                "Sandboxes in the ledger of the whole database, by state",
                Family::default()
            ),
            servers: figure!(
                "pitlane_servers",
                "Servers on this database that are alive",
                Gauge::default()
            ),
            budgets: figure!(
                "pitlane_budget_dollars",
                "What a month may cost, of each team that has a budget",
                Family::default()
            ),
            budgets_used: figure!(
                "pitlane_budget_used_dollars",
                "What counts against the budget of this month so far, of each team that has one",
                Family::default()
            ),
            database_up: figure!(
                "pitlane_database_up",
                "Whether the database answered when it was last asked",
                Gauge::default()
            ),
            provider_up: figure!(
                "pitlane_provider_up",
                "Whether the provider of sandboxes answered when it was last asked",
                Gauge::default()
            ),
            answers: figure!(
                "pitlane_http_requests",
                "Requests that were answered, by the template of their route",
                Family::default()
            ),
            answer_times: figure!(
                "pitlane_http_request_seconds",
                "How long the head of an answer took",
                Timed::new_with_constructor(|| Histogram::new(ANSWER_BOUNDS))
            ),
            process,
            registry,
        }
    }
}

impl Metrics {
    /// Takes in what happened to runs.
    pub fn notice(&self, notice: Notice<'_>) {
        match notice {
            Notice::Asked(_) | Notice::NotStarted(_) => {}
            Notice::Stored(bytes) => {
                self.log_bytes.inc_by(bytes);
            }
            Notice::Changed { events, .. } => events.iter().for_each(|event| self.happened(&event.kind)),
        }
    }

    fn happened(&self, kind: &EventKind) {
        match kind {
            EventKind::PhaseStarted {
                phase: model::Phase::Queued,
            } => {
                self.runs_started.inc();
            }
            EventKind::PhaseEnded { phase, took, .. } => {
                let seconds = Duration::from_millis(*took).as_secs_f64();
                self.phases
                    .get_or_create(&[("phase", phase.as_str())])
                    .observe(seconds);
            }
            EventKind::State { state, .. } if state.is_end() => {
                self.runs_ended.get_or_create(&[("state", state.as_str())]).inc();
            }
            _ => {}
        }
    }

    /// Takes in an answer: the template of its route, none when no route took the request.
    pub fn answered(&self, route: Option<&str>, method: &Method, status: StatusCode, took: Duration) {
        let route = route.unwrap_or(NO_ROUTE);
        let asked = [("route", route.to_owned()), ("method", word(method).to_owned())];
        self.answer_times
            .get_or_create(&asked)
            .observe(took.as_secs_f64());
        let [route, method] = asked;
        let status = ("status", status.as_str().to_owned());
        self.answers.get_or_create(&[route, method, status]).inc();
    }

    /// All of them, with what goes on now.
    ///
    /// # Errors
    /// Never, as text takes everything.
    pub fn text(
        &self,
        figures: &Figures,
        streams: usize,
        readiness: &Readiness,
    ) -> Result<String, std::fmt::Error> {
        let set = |gauge: &Gauge, value: u64| {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        for (state, count) in &figures.under_way {
            set(&self.runs.get_or_create(&[("state", state)]), *count);
        }
        set(&self.waiting, figures.waiting);
        set(&self.places_taken, figures.places_taken);
        set(&self.places, figures.places);
        set(&self.streams, streams as u64);
        let counts = readiness.counts();
        for state in [
            SandboxState::Intended,
            SandboxState::InUse,
            SandboxState::Idle,
            SandboxState::Archiving,
            SandboxState::Archived,
            SandboxState::Restoring,
            SandboxState::Deleting,
        ] {
            let found = counts.sandboxes.iter().find(|(of, _)| *of == state);
            set(
                &self.sandboxes.get_or_create(&[("state", state.as_str())]),
                found.map_or(0, |(_, count)| *count),
            );
        }
        set(&self.servers, counts.servers);
        // A budget that was taken away is not told any longer.
        self.budgets.clear();
        self.budgets_used.clear();
        for (team, standing) in &counts.budgets {
            let team = [("team", team.to_string())];
            let monthly = standing.budget.monthly.unwrap_or_default();
            self.budgets.get_or_create(&team).set(dollars(monthly));
            self.budgets_used
                .get_or_create(&team)
                .set(dollars(standing.charged()));
        }
        set(&self.database_up, readiness.is_database_up().into());
        set(&self.provider_up, readiness.is_provider_up().into());
        self.process.look();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// An amount as Prometheus has numbers: exact to a cent up to far more than anybody has.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure to be drawn needs no more than 53 bits"
)]
fn dollars(amount: Micros) -> f64 {
    amount.0 as f64 / 1e6
}

/// The usual methods; a client may send any other word.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
