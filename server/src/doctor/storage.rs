//! Where things are kept: the data folder and the database.

use super::Finding;
use crate::configuration::Configuration;
use std::path::PathBuf;
use store::Store;

pub(super) fn data(configuration: &Configuration) -> Finding {
    let folder = &configuration.data;
    // The nearest folder that exists decides whether ours can be made.
    let existing = folder
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(folder);
    let is_well = tempfile::tempfile_in(existing);
    let sentence = match &is_well {
        Ok(_) => format!("{} can be written.", folder.display()),
        Err(error) => format!(
            "{} cannot be written: {error}. Choose another with --data, or change its owner.",
            folder.display()
        ),
    };
    Finding {
        name: "Data",
        is_well: is_well.is_ok(),
        is_needed: true,
        sentences: vec![sentence],
    }
}

pub(super) async fn database(configuration: &Configuration) -> Finding {
    let url = &configuration.database_url;
    let shown = without_password(url);
    // A database that is not there yet is made by the first start, not by a look.
    let file = url
        .strip_prefix("sqlite://")
        .map(|rest| PathBuf::from(rest.split('?').next().unwrap_or(rest)));
    if file.as_ref().is_some_and(|file| !file.exists()) {
        return Finding {
            name: "Database",
            is_well: true,
            is_needed: true,
            sentences: vec![format!("{shown} is made at the first start.")],
        };
    }
    let opened = async {
        let store = Store::open(url).await?;
        store.ping().await?;
        store.close().await;
        Ok::<_, store::StoreError>(())
    };
    let (is_well, sentence) = match opened.await {
        Ok(()) => (true, format!("{shown} answers.")),
        Err(error) => (false, error.to_string()),
    };
    Finding {
        name: "Database",
        is_well,
        is_needed: true,
        sentences: vec![sentence],
    }
}

/// `postgres://user@host/name`, without what nobody should read over a shoulder.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains('@') => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            without_password("postgres://me:se@cret@db.example/x"),
            "postgres://me@db.example/x"
        );
        assert_eq!(
            without_password("postgres://me@db.example/x"),
            "postgres://me@db.example/x"
        );
        assert_eq!(
            without_password("sqlite:///data/pitlane.db"),
            "sqlite:///data/pitlane.db"
        );
    }
}
