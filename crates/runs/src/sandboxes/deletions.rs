//! How deleting goes, remembered for those who look: a sandbox that the
//! provider does not let go of is tried again for as long as it takes, and the
//! person is told how often and what the provider said.

use super::{Sandboxes, locked};
use model::Deletion;
use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

/// Attempts by the id of our row, or by the provider's for a sandbox without one.
#[derive(Default)]
pub(super) struct Deletions(Mutex<HashMap<String, Attempts>>);

#[derive(Default)]
struct Attempts {
    failed: u32,
    last_error: Option<String>,
    under_way: u32,
}

/// An attempt under way; one that is given up counts for nothing.
struct Attempt<'a> {
    deletions: &'a Deletions,
    name: &'a str,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(attempts) = locked(&self.deletions.0).get_mut(self.name) {
            attempts.under_way = attempts.under_way.saturating_sub(1);
        }
    }
}

impl Deletions {
    /// Does `delete`, and remembers how it went.
    pub(super) async fn attempt(
        &self,
        name: &str,
        delete: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        locked(&self.0).entry(name.to_owned()).or_default().under_way += 1;
        let attempt = Attempt {
            deletions: self,
            name,
        };
        let deleted = delete.await;
        drop(attempt);
        let mut all = locked(&self.0);
        match &deleted {
            Ok(()) => {
                all.remove(name);
            }
            Err(error) => {
                let attempts = all.entry(name.to_owned()).or_default();
                attempts.failed = attempts.failed.saturating_add(1);
                attempts.last_error = Some(error.clone());
            }
        }
        deleted
    }
}

impl Sandboxes {
    /// How deleting a sandbox goes: named by our row, or by the provider's id when it has none.
    pub(crate) fn deletion(&self, name: &str) -> Deletion {
        locked(&self.deletions.0)
            .get(name)
            .map_or_else(Deletion::default, |attempts| Deletion {
                failed: attempts.failed,
                last_error: attempts.last_error.clone(),
                under_way: attempts.under_way > 0,
            })
    }

    /// Forgets the attempts on all but these, which are all there are.
    pub(crate) fn keep_deletions_of(&self, names: &HashSet<&str>) {
        locked(&self.deletions.0)
            .retain(|name, attempts| attempts.under_way > 0 || names.contains(name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_are_counted_until_it_is_gone() {
        let deletions = Deletions::default();
        for said in ["HTTP 500", "HTTP 409"] {
            let failed = deletions.attempt("a", async { Err(said.to_owned()) }).await;
            assert!(failed.is_err());
        }
        {
            let all = locked(&deletions.0);
            let attempts = &all["a"];
            assert_eq!((attempts.failed, attempts.under_way), (2, 0));
            assert_eq!(attempts.last_error.as_deref(), Some("HTTP 409"));
        }
        deletions.attempt("a", async { Ok(()) }).await.expect("deleted");
        assert!(locked(&deletions.0).is_empty());
    }

    #[tokio::test]
    async fn an_attempt_that_is_given_up_is_not_under_way_for_ever() {
        let deletions = Deletions::default();
        let attempt = deletions.attempt("a", std::future::pending());
        let waited = tokio::time::timeout(std::time::Duration::from_millis(1), attempt).await;
        assert!(waited.is_err());
        assert_eq!(locked(&deletions.0)["a"].under_way, 0);
        assert_eq!(locked(&deletions.0)["a"].failed, 0);
    }
}
