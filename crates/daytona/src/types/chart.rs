//! Charts that a program drew, in Daytona's shape. Nothing in it is required;
//! what is absent is not written.

use serde::{Deserialize, Serialize};

fn none<T>(values: &[T]) -> bool {
    values.is_empty()
}

/// One chart, or several in one picture (`composite_chart`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chart {
    /// `line`, `scatter`, `bar`, `pie`, `box_and_whisker`, `composite_chart` or
    /// `unknown`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The picture in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub png: Option<String>,
    /// What the horizontal axis is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_label: Option<String>,
    /// What the vertical axis is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y_label: Option<String>,
    /// Where the horizontal axis has ticks.
    #[serde(skip_serializing_if = "none")]
    pub x_ticks: Vec<f64>,
    /// Where the vertical axis has ticks.
    #[serde(skip_serializing_if = "none")]
    pub y_ticks: Vec<f64>,
    /// What stands at the horizontal axis's ticks.
    #[serde(skip_serializing_if = "none")]
    pub x_tick_labels: Vec<String>,
    /// What stands at the vertical axis's ticks.
    #[serde(skip_serializing_if = "none")]
    pub y_tick_labels: Vec<String>,
    /// Such as `linear`, `log`, `categorical` or `datetime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_scale: Option<String>,
    /// As `x_scale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y_scale: Option<String>,
    /// What it shows.
    pub elements: Vec<ChartElement>,
}

/// A line, a cloud of points, a bar, a slice, a box; or one chart of several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartElement {
    /// What it is called in the legend or at the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its points, each with x and y.
    #[serde(skip_serializing_if = "none")]
    pub points: Vec<Vec<f64>>,
    /// The height of a bar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The group of a bar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The angle of a slice, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub angle: Option<f64>,
    /// The radius of a slice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// Where the lower whisker of a box ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Where a box begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_quartile: Option<f64>,
    /// The middle of a box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// Where a box ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_quartile: Option<f64>,
    /// Where the upper whisker of a box ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Values beyond the whiskers.
    #[serde(skip_serializing_if = "none")]
    pub outliers: Vec<f64>,
    /// For one chart of several: as for a chart.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// For one chart of several: its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For one chart of several: its picture in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub png: Option<String>,
    /// For one chart of several: what its horizontal axis is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_label: Option<String>,
    /// For one chart of several: what its vertical axis is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y_label: Option<String>,
}
