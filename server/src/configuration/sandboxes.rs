//! What an operator gives to every sandbox: variables and files, such as the
//! address of a registry of packages and the certificate it is trusted by.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Variables for sandboxes: `NAME=value`, or `NAME` for the value it has here.
/// A comma inside a value is written `\,`, and a backslash `\\`.
pub fn variables(text: &str, here: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for item in items(text) {
        let (name, value) = match item.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.to_owned())),
            None => (item.trim(), here.get(item.trim()).cloned()),
        };
        let is_name = !name.is_empty()
            && !name.starts_with(|letter: char| letter.is_ascii_digit())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name {
            return Err("a list such as PIP_INDEX_URL,NODE_ENV=production is needed.".to_owned());
        }
        // One that is not set here is not set there.
        if let Some(value) = value {
            all.insert(name.to_owned(), value);
        }
    }
    Ok(all)
}

/// The text that [`variables`] reads back.
pub fn written(variables: &BTreeMap<String, String>) -> String {
    let item = |(name, value): (&String, &String)| format!("{name}={}", escaped(value));
    variables.iter().map(item).collect::<Vec<_>>().join(",")
}

/// The items between commas that are not escaped; none of them empty.
fn items(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ',' => items.push(String::new()),
            '\\' => {
                if let (Some(item), Some(next)) = (items.last_mut(), letters.next()) {
                    item.push(next);
                }
            }
            other => {
                if let Some(item) = items.last_mut() {
                    item.push(other);
                }
            }
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

/// Full paths of files or folders, between commas.
pub fn files(text: &str) -> Result<Vec<PathBuf>, String> {
    paths(text, "files or folders", Path::exists)
}

/// Full paths of programs, between commas.
pub fn programs(text: &str) -> Result<Vec<PathBuf>, String> {
    paths(text, "programs", Path::is_file)
}

fn paths(text: &str, what: &str, is_there: fn(&Path) -> bool) -> Result<Vec<PathBuf>, String> {
    let items = items(text);
    let paths: Vec<PathBuf> = items.iter().map(|item| PathBuf::from(item.trim())).collect();
    match paths.iter().find(|path| !path.is_absolute() || !is_there(path)) {
        None => Ok(paths),
        Some(path) => Err(format!(
            "full paths of {what} are needed, and {} is none.",
            path.display()
        )),
    }
}

/// The text that [`files`] and [`programs`] read back.
pub fn written_paths(paths: &[PathBuf]) -> String {
    let escaped = |path: &PathBuf| escaped(&path.to_string_lossy());
    paths.iter().map(escaped).collect::<Vec<_>>().join(",")
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace(',', r"\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn variables_are_named_or_given() {
        let here = map(&[("HERE", "from here"), ("OTHER", "x")]);
        let read = variables("HERE, NOT_SET,GIVEN=a=b ,EMPTY=", &here);
        assert_eq!(
            read,
            Ok(map(&[("HERE", "from here"), ("GIVEN", "a=b "), ("EMPTY", "")]))
        );
        for text in ["=x", "A B=c", "1A=x", "a-b"] {
            assert!(variables(text, &here).is_err(), "{text}");
        }
        assert_eq!(variables("", &here), Ok(map(&[])));
    }

    #[test]
    fn what_was_read_is_written_so_that_it_is_read_again() {
        let all = map(&[("A", r"a,b\c"), ("B", ""), ("C", "https://example.com/?x=1,2")]);
        assert_eq!(variables(&written(&all), &map(&[])), Ok(all));
    }

    #[test]
    fn files_are_there() {
        assert_eq!(files("/ , /usr"), Ok(vec!["/".into(), "/usr".into()]));
        assert!(files("usr").is_err() && files("/not/there").is_err());
        assert_eq!(programs("/bin/sh"), Ok(vec!["/bin/sh".into()]));
        for text in ["/usr", "sh", "/bin/sh,/not/there"] {
            assert!(programs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_with_commas_are_passed_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let odd = folder.path().join(r"a,b\c");
        std::fs::write(&odd, "").expect("written");
        let all = vec![odd, PathBuf::from("/bin/sh")];
        assert_eq!(files(&written_paths(&all)), Ok(all.clone()));
        assert_eq!(programs(&written_paths(&all)), Ok(all));
    }
}
