//! What the server paints of the small components: the markup that the browser
//! has to find again, and what it says to people who cannot see it.

use crate::parts::{bars::Bars, errors::FormError, icon::Icon, lane::Lane, menu::Menu, state::LastRun};
use crate::{ErrorCode, UiError};
use leptos::prelude::*;
use model::{
    AgentId, DayOfRuns, Language, Millis, Phase, PhaseRecord, Provider, RevisionId, Run, RunId, RunState,
};

const ID: &str = "0199f3b2-6c1e-7d4a-8f00-0123456789ab";

/// The HTML of a view, without the markers that hydration needs.
fn html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let owner = Owner::new();
    let html = owner.with(|| view().into_view().to_html());
    let mut clean = html.replace("<!>", "");
    while let Some(start) = clean.find("<!--") {
        let end = clean[start..]
            .find("-->")
            .map_or(clean.len(), |end| start + end + 3);
        clean.replace_range(start..end, "");
    }
    clean
}

fn run(state: RunState, phases: Vec<PhaseRecord>) -> Run {
    Run {
        id: RunId::parse(ID).expect("an id"),
        agent: AgentId::parse(ID).expect("an id"),
        revision: RevisionId::parse(ID).expect("an id"),
        number: 1,
        state,
        reason: None,
        language: Language::Python,
        entrypoint: "agent.py".to_owned(),
        args: Vec::new(),
        timeout_seconds: 300,
        exit_code: None,
        provider: Provider::Embedded,
        sandbox: None,
        phases,
        log_bytes: 0,
        log_lines: 0,
        created_at: Millis(0),
        started_at: None,
        ended_at: None,
        stop: None,
        trigger: model::Trigger::default(),
    }
}

fn lane(run: Option<Run>) -> String {
    html(move || {
        view! { <Lane run=Signal::stored(run) kept=Signal::stored(false) now=Signal::stored(Millis(12_400)) /> }
    })
}

#[test]
fn an_icon_is_hidden_from_screen_readers() {
    let icon = html(|| view! { <Icon name="play" class="solid" /> });
    assert!(
        icon.contains(r##"href="#icon-play""##) && icon.contains(r#"aria-hidden="true""#),
        "{icon}"
    );
}

#[test]
fn every_icon_that_is_used_is_in_the_sprite() {
    let sprite = include_str!("../../public/icons.svg");
    let files = ["x.py", "x.ts", "x.js", "x.json", "x.md", "x.png", "x"]
        .map(|name| crate::parts::icon::of_file(name).0);
    let others = [
        "play", "stop", "plus", "close", "down", "right", "more", "upload", "download",
    ];
    for name in files.into_iter().chain(others) {
        assert!(sprite.contains(&format!("id=\"icon-{name}\"")), "{name}");
    }
}

#[test]
fn bars_are_an_image_with_a_sentence() {
    let bars = html(|| {
        view! { <Bars days=vec![DayOfRuns { runs: 4, failed: 1 }, DayOfRuns { runs: 2, failed: 2 }] /> }
    });
    assert!(bars.contains(r#"role="img""#), "{bars}");
    assert!(
        bars.contains("6 runs in 14 days, 3 of them did not succeed"),
        "{bars}"
    );
    assert!(bars.contains(r#"class="failed""#), "{bars}");
}

#[test]
fn the_lane_shows_what_is_done_what_goes_on_and_what_comes() {
    let record = |phase, started_at, took, detail: Option<&str>| PhaseRecord {
        phase,
        started_at: Millis(started_at),
        took,
        detail: detail.map(str::to_owned),
        failed: false,
    };
    let lane = lane(Some(run(
        RunState::Running,
        vec![
            record(Phase::Queued, 0, Some(0), None),
            record(Phase::Sandbox, 0, Some(9), Some("warm")),
            record(Phase::Files, 9, Some(4), Some("8 synced")),
            record(Phase::Run, 0, None, None),
        ],
    )));
    assert!(
        lane.contains(r#"<li class="phase done"><b>Sandbox</b><span>9 ms, warm</span></li>"#),
        "{lane}"
    );
    assert!(
        lane.contains(r#"<li class="phase wide now"><b>Running agent.py</b><span>12.4 s</span></li>"#),
        "{lane}"
    );
    assert!(lane.contains(r#"<li class="phase"><b>Clean up</b>"#), "{lane}");
    assert!(!lane.contains("Packages"), "{lane}");
}

#[test]
fn a_phase_that_never_ended_does_not_run_on_after_the_run() {
    let phase = PhaseRecord {
        phase: Phase::Sandbox,
        started_at: Millis(0),
        took: None,
        detail: None,
        failed: false,
    };
    let lane = lane(Some(run(RunState::Lost, vec![phase])));
    assert!(!lane.contains("now"), "{lane}");
    assert!(!lane.contains("12.4 s"), "{lane}");
}

#[test]
fn a_closed_menu_has_a_name_and_no_items() {
    let menu = html(|| {
        view! {
            <Menu label="More" button_class="icon-button" face=|| view! { <Icon name="more" /> }>
                <button class="menu-item" role="menuitem">"Rename"</button>
            </Menu>
        }
    });
    assert!(
        menu.contains(r#"aria-label="More""#) && menu.contains(r#"aria-expanded="false""#),
        "{menu}"
    );
    assert!(!menu.contains("Rename"), "{menu}");
}

#[test]
fn an_error_is_said_and_never_set_as_markup() {
    let error = html(|| {
        let error = Some(UiError::new(ErrorCode::Invalid, "<img src=x onerror=alert(1)>"));
        view! { <FormError error=Signal::stored(error) /> }
    });
    assert!(
        error.contains(r#"role="alert""#) && !error.contains("<img"),
        "{error}"
    );
}

#[test]
fn an_agent_that_never_ran_says_so() {
    let last = html(|| view! { <LastRun run=None now=Millis(0) /> });
    assert!(last.contains("Not run yet"), "{last}");
}
