//! Charts of Python programs, drawn by matplotlib itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytona::{Chart, CodeRunResponse, Toolbox};
use libtest_mimic::Trial;

use crate::python::python;
use crate::sandbox_packages as packages;
use crate::support::Engine;

pub fn trials() -> Vec<Trial> {
    let with_matplotlib = trials![each_kind_of_chart_is_read, charts_come_however_a_program_ends,];
    let installed = packages::are_installed();
    let mut all: Vec<Trial> = with_matplotlib
        .into_iter()
        .map(|trial| trial.with_ignored_flag(!installed))
        .collect();
    all.extend(trials![
        false_charts_are_left_out,
        without_matplotlib_nothing_changes
    ]);
    all
}

const WITH_MATPLOTLIB: &str =
    "import sys; sys.path.insert(0, '/opt/pitlane/python'); import matplotlib.pyplot as plt, numpy as np\n";

async fn draw(toolbox: &Toolbox, code: &str) -> CodeRunResponse {
    toolbox
        .code_run(python(&format!("{WITH_MATPLOTLIB}{code}")))
        .await
        .unwrap()
}

fn charts(done: CodeRunResponse) -> Vec<Chart> {
    assert_eq!((done.exit_code, done.result.as_str()), (0, ""));
    done.artifacts.and_then(|artifacts| artifacts.charts).unwrap()
}

fn kind(chart: &Chart) -> &str {
    chart.kind.as_deref().unwrap()
}

/// One chart a line, all in one program: importing matplotlib takes longest.
const DRAWINGS: &[&str] = &[
    "plt.plot([1, 2, 3], [4, 5, float('nan')], label='a'); plt.axhline(4); plt.title('T'); plt.xlabel('X'); plt.yscale('log')",
    "import datetime as d; plt.plot([d.date(2024, 1, n) for n in (1, 2)], [1, 2])",
    "plt.scatter([1, 2], [3, 4], label='s')",
    "plt.bar(['a', 'b'], [1, 2.5], label='g')",
    "plt.barh(['a', 'b'], [1, 2]); plt.xlabel('v')",
    "plt.pie([1, 3], labels=['a', 'b'], autopct='%1.1f%%', shadow=True)",
    "plt.boxplot([[1, 2, 3, 4, 20], [2, 3, 4]], tick_labels=['p', 'q'])",
    "plt.boxplot([[1, 2, 3, 4, 20], [2, 3, 4]], tick_labels=['p', 'q'], patch_artist=True)",
    "plt.boxplot([[1, 2, 3, 4, 20], [2, 3, 4]], tick_labels=['p', 'q'], orientation='horizontal')",
    "f, (a, b) = plt.subplots(1, 2); a.plot([1, 2]); b.scatter([1], [2]); f.suptitle('S')",
    "plt.imshow([[1, 2], [3, 4]]); plt.colorbar()",
];

async fn each_kind_of_chart_is_read() {
    let engine = packages::engine();
    let (_, toolbox) = engine.sandbox().await;
    let program: String = DRAWINGS
        .iter()
        .map(|line| format!("{line}; plt.show()\n"))
        .collect();
    let charts = charts(draw(&toolbox, &program).await);
    let kinds: Vec<&str> = charts.iter().map(kind).collect();
    let boxes = ["box_and_whisker"; 3];
    assert_eq!(kinds[..6], ["line", "line", "scatter", "bar", "bar", "pie"]);
    assert_eq!(kinds[6..9], boxes);
    assert_eq!(kinds[9..], ["composite_chart", "unknown"]);
    for chart in &charts {
        let png = STANDARD.decode(chart.png.as_ref().unwrap()).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 1000);
    }
    let line = &charts[0];
    assert_eq!(
        (line.title.as_deref(), line.x_label.as_deref()),
        (Some("T"), Some("X"))
    );
    assert_eq!(
        (line.x_scale.as_deref(), line.y_scale.as_deref()),
        (Some("linear"), Some("log"))
    );
    assert_eq!(line.elements.len(), 1);
    assert_eq!(line.elements[0].label.as_deref(), Some("a"));
    assert_eq!(line.elements[0].points, [[1.0, 4.0], [2.0, 5.0]]);
    assert_eq!(line.x_ticks.len(), line.x_tick_labels.len());
    assert_eq!(charts[1].x_scale.as_deref(), Some("datetime"));
    assert_eq!(charts[1].elements[0].points[0], [19723.0, 1.0]);
    assert_eq!(charts[2].elements[0].points.len(), 2);
    assert_eq!(charts[3].x_scale.as_deref(), Some("categorical"));
    let second = &charts[3].elements[1];
    assert_eq!(
        [&second.label, &second.value, &second.group].map(|text| text.as_deref()),
        [Some("b"), Some("2.5"), Some("g")]
    );
    let lying = &charts[4];
    assert_eq!(
        (lying.elements[1].label.as_deref(), lying.y_label.as_deref()),
        (Some("b"), Some("v"))
    );
    let slice = &charts[5].elements[0];
    assert_eq!((slice.angle, slice.radius), (Some(90.0), Some(1.0)));
    for plot in &charts[6..9] {
        let first = &plot.elements[0];
        assert_eq!((plot.elements.len(), first.label.as_deref()), (2, Some("p")));
        assert_eq!(
            [
                first.min,
                first.first_quartile,
                first.median,
                first.third_quartile,
                first.max
            ],
            [1.0, 2.0, 3.0, 4.0, 4.0].map(Some)
        );
        assert_eq!(first.outliers, [20.0]);
    }
    let composite = &charts[9];
    assert_eq!(composite.title.as_deref(), Some("S"));
    let kinds: Vec<_> = composite
        .elements
        .iter()
        .map(|element| element.kind.as_deref())
        .collect();
    assert_eq!(kinds, [Some("line"), Some("scatter")]);
}

async fn charts_come_however_a_program_ends() {
    let engine = packages::engine();
    let (_, toolbox) = engine.sandbox().await;
    assert_eq!(
        charts(draw(&toolbox, "plt.plot([1]); plt.show(); plt.show()").await).len(),
        1
    );
    assert_eq!(
        charts(draw(&toolbox, "plt.plot([1]); plt.figure(); plt.plot([2])").await).len(),
        2
    );
    let failed = draw(&toolbox, "plt.plot([1]); plt.show(); 1/0").await;
    assert_eq!(failed.exit_code, 1);
    assert!(
        failed.result.ends_with("ZeroDivisionError: division by zero\n"),
        "{}",
        failed.result
    );
    assert_eq!(failed.artifacts.unwrap().charts.unwrap().len(), 1);
    let killed = draw(
        &toolbox,
        "plt.plot([1]); plt.show(); import os; os.kill(os.getpid(), 9)",
    )
    .await;
    assert_eq!(
        (killed.exit_code, killed.artifacts.unwrap().charts.unwrap().len()),
        (137, 1)
    );
    assert_eq!(draw(&toolbox, "plt.show()").await.artifacts, None);
    // With an environment that takes a Python of its own, too.
    let own = toolbox
        .code_run(daytona::CodeRunRequest {
            envs: Some([("PYTHONPATH".to_owned(), "/opt/pitlane/python".to_owned())].into()),
            ..python("import matplotlib.pyplot as plt; plt.plot([1]); plt.show()")
        })
        .await
        .unwrap();
    assert_eq!(charts(own).len(), 1);
}

/// The worker's socket is the sandbox's to write to, whatever it says.
async fn false_charts_are_left_out() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let find = "# matplotlib\nimport socket, struct, json\nfor n in range(3, 1024):\n  try: s = socket.socket(fileno=n)\n  except OSError: continue\n  break\n\
        def say(text): s.sendall(struct.pack('>I', len(text)) + text)\n";
    for lie in [
        "say(b'{\"type\": 1}')",
        "say(b'[]')",
        "say(b'{\"x_ticks\": [NaN]}')",
        "say(b'{\"png\": \"no picture\"}')",
        "say(b'{\"png\": \"aGVsbG8=\"}')",
        "say(b'\\xff')",
        "s.sendall(struct.pack('>I', 1 << 31)); s.detach(); raise SystemExit",
        "s.close(); raise SystemExit",
    ] {
        let told = toolbox
            .code_run(python(&format!("{find}{lie}\ns.detach()")))
            .await
            .unwrap();
        assert_eq!((told.exit_code, told.artifacts), (0, None), "{lie}");
    }
    let odd = format!(
        "{find}say(b'{{\"type\": \"line\", \"own\": 1, \"elements\": []}}')\nfor n in range(70): say(b'{{\"type\": \"bar\"}}')\ns.detach()"
    );
    let charts = charts(toolbox.code_run(python(&odd)).await.unwrap());
    assert_eq!(charts.len(), 64);
    let known = Chart {
        kind: Some("line".to_owned()),
        ..Chart::default()
    };
    assert_eq!(charts[0], known);
}

async fn without_matplotlib_nothing_changes() {
    let engine = Engine::start();
    let (_, toolbox) = engine.sandbox().await;
    let done = toolbox
        .code_run(python(
            "try:\n  import matplotlib_of_none\nexcept ImportError as e: print(e)",
        ))
        .await
        .unwrap();
    assert_eq!(
        (done.result.as_str(), done.artifacts),
        ("No module named 'matplotlib_of_none'\n", None)
    );
}
