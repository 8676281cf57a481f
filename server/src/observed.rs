//! What is watched for whoever runs a server: its figures, its traces, and
//! whether what it needs answers.

use crate::{metrics::Metrics, readiness::Readiness, traces::Traces};
use runs::Watch;
use std::sync::Arc;

/// The three of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is looked up.
    pub readiness: Arc<Readiness>,
    /// What is traced.
    pub traces: Arc<Traces>,
}

impl Observed {
    /// What runs tell of themselves.
    pub fn watch(&self) -> Watch {
        let (metrics, traces) = (Arc::clone(&self.metrics), Arc::clone(&self.traces));
        Watch::new(move |notice| {
            metrics.notice(notice);
            traces.notice(notice);
        })
    }
}
