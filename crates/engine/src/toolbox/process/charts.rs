//! Charts that a Python program showed with matplotlib.
//!
//! They are collected inside (`src/python/charts.py`) and come over the
//! worker's socket, one message each. A chart that is not in Daytona's shape,
//! too large, or one too many is left out; the program is not held up by it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daytona::{Chart, CodeRunArtifacts};
use serde_json::Value;

use crate::toolbox::python::Words;

/// The text that collects charts inside.
pub(super) const COLLECTOR: &str = include_str!("../../python/charts.py");
/// The most bytes of one chart as JSON.
pub(super) const LONGEST: usize = 8 << 20;
/// The most bytes of all pictures of one program.
const ALL_PICTURES: usize = 24 << 20;
/// The most charts of one program.
const MOST: usize = 64;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Whether a program could draw charts: one that mentions none of the
/// libraries that do is spared the collector.
pub(super) fn may_be_drawn(code: &str) -> bool {
    ["matplotlib", "pylab", "seaborn", ".plot"]
        .iter()
        .any(|word| code.contains(word))
}

/// Reads charts until there are no more.
pub(super) async fn collect(mut words: Words) -> Vec<Chart> {
    let mut charts = Vec::new();
    let mut pictures = 0;
    loop {
        match words.next::<Value>().await {
            Ok(Some(value)) => {
                let Some(chart) = read(value) else { continue };
                let size = chart.png.as_ref().map_or(0, String::len);
                if charts.len() < MOST && pictures + size <= ALL_PICTURES && is_picture(&chart) {
                    pictures += size;
                    charts.push(chart);
                }
            }
            Ok(None) => return charts,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                tracing::debug!(%error, "a program's chart is left out");
            }
            Err(error) => {
                tracing::debug!(%error, "a program's charts cannot be read");
                return charts;
            }
        }
    }
}

/// A chart, where a message is one.
fn read(message: Value) -> Option<Chart> {
    // A list would be read as the fields in their order.
    let chart = message.is_object().then(|| serde_json::from_value(message))?;
    chart
        .inspect_err(|error| tracing::debug!(%error, "a program's chart is left out"))
        .ok()
}

/// Whether its picture, where there is one, is one.
fn is_picture(chart: &Chart) -> bool {
    chart
        .png
        .as_ref()
        .is_none_or(|png| STANDARD.decode(png).is_ok_and(|bytes| bytes.starts_with(PNG)))
}

/// What is answered besides the output; nothing without charts.
pub(super) fn artifacts(charts: Vec<Chart>) -> Option<Value> {
    let artifacts = CodeRunArtifacts {
        charts: (!charts.is_empty()).then_some(charts),
    };
    artifacts
        .charts
        .is_some()
        .then(|| serde_json::to_value(artifacts).expect("finite numbers and strings serialize"))
}
