//! What an operator gives to every sandbox: variables and files, such as the
//! address of a registry of packages and the certificate it is trusted by.

use std::{collections::BTreeMap, path::PathBuf};

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
    let item = |(name, value): (&String, &String)| {
        format!("{name}={}", value.replace('\\', r"\\").replace(',', r"\,"))
    };
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
    let paths: Vec<PathBuf> = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(PathBuf::from)
        .collect();
    match paths.iter().find(|path| !path.is_absolute() || !path.exists()) {
        None => Ok(paths),
        Some(path) => Err(format!(
            "full paths of files or folders are needed, and {} is none.",
            path.display()
        )),
    }
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
    }
}
