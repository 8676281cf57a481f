//! What differs between two revisions, and between two runs: their code, and
//! what came of it.

use crate::{Output, Runs, RunsError};
use model::{FileChange, FileDifference, FilePath, RevisionId, Run, RunComparison};
use similar::TextDiff;
use std::{collections::BTreeMap, time::Duration};

/// The most of each run's output that is compared, in bytes.
const MOST_OUTPUT: u64 = 1 << 20;
/// How long a text may be compared before the rest is taken for changed.
const TIME: Duration = Duration::from_millis(500);
/// The lines around a difference.
const AROUND: usize = 3;

impl Runs {
    /// What differs in the files of two revisions, from `a` to `b`, in order of path.
    ///
    /// # Errors
    /// When there is no such revision or the database fails.
    pub async fn compare_revisions(
        &self,
        a: &RevisionId,
        b: &RevisionId,
    ) -> Result<Vec<FileDifference>, RunsError> {
        if a == b {
            return Ok(Vec::new());
        }
        let store = &self.context.store;
        let (a, b) = tokio::try_join!(store.revision_files(a), store.revision_files(b))?;
        in_the_background(move || differences(a, b)).await
    }

    /// Two runs beside each other: their code and their output.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compare_runs(&self, a: Run, b: Run) -> Result<RunComparison, RunsError> {
        let (files, one, other) = tokio::try_join!(
            self.compare_revisions(&a.revision, &b.revision),
            self.output(&a.id, MOST_OUTPUT),
            self.output(&b.id, MOST_OUTPUT),
        )?;
        let is_cut = one.is_cut || other.is_cut;
        let output = in_the_background(move || {
            let text = |output: Output| String::from_utf8_lossy(&output.both).into_owned();
            unified("a", "b", &text(one), &text(other))
        })
        .await?;
        Ok(RunComparison {
            a,
            b,
            files,
            output,
            is_cut,
        })
    }
}

async fn in_the_background<T: Send + 'static>(
    compare: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunsError> {
    let compared = tokio::task::spawn_blocking(compare).await;
    compared.map_err(|error| RunsError::Conflict(format!("The comparison ended badly: {error}. Try again.")))
}

type Files = Vec<(FilePath, Vec<u8>)>;
/// A file of either side.
type Sides = (Option<Vec<u8>>, Option<Vec<u8>>);

fn differences(a: Files, b: Files) -> Vec<FileDifference> {
    let mut files: BTreeMap<FilePath, Sides> = BTreeMap::new();
    for (path, bytes) in a {
        files.entry(path).or_default().0 = Some(bytes);
    }
    for (path, bytes) in b {
        files.entry(path).or_default().1 = Some(bytes);
    }
    let differing = files.into_iter().filter(|(_, (a, b))| a != b);
    differing
        .map(|(path, (a, b))| {
            let change = match (&a, &b) {
                (None, _) => FileChange::Added,
                (_, None) => FileChange::Removed,
                _ => FileChange::Changed,
            };
            let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap_or_default()).ok();
            let diff = match (text(a), text(b)) {
                (Some(a), Some(b)) => Some(unified(&format!("a/{path}"), &format!("b/{path}"), &a, &b)),
                _ => None,
            };
            FileDifference { path, change, diff }
        })
        .collect()
}

fn unified(name_a: &str, name_b: &str, a: &str, b: &str) -> String {
    if a == b {
        return String::new();
    }
    let diff = TextDiff::configure().timeout(TIME).diff_lines(a, b);
    diff.unified_diff()
        .context_radius(AROUND)
        .header(name_a, name_b)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_came_went_and_changed() {
        let path = |text: &str| FilePath::parse(text).expect("a path");
        let a = vec![
            (path("gone.py"), b"1\n".to_vec()),
            (path("same.py"), b"2\n".to_vec()),
            (path("x.bin"), vec![0xff]),
            (path("y.py"), b"a\nb\n".to_vec()),
        ];
        let b = vec![
            (path("new.py"), b"3\n".to_vec()),
            (path("same.py"), b"2\n".to_vec()),
            (path("x.bin"), vec![0xfe]),
            (path("y.py"), b"a\nc\n".to_vec()),
        ];
        let found = differences(a, b);
        let told: Vec<_> = found
            .iter()
            .map(|file| (file.path.as_str(), file.change))
            .collect();
        assert_eq!(
            told,
            [
                ("gone.py", FileChange::Removed),
                ("new.py", FileChange::Added),
                ("x.bin", FileChange::Changed),
                ("y.py", FileChange::Changed)
            ]
        );
        assert_eq!(found[2].diff, None);
        assert_eq!(
            found[3].diff.as_deref(),
            Some("--- a/y.py\n+++ b/y.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
        );
    }
}
