//! Where settings come from: flags over environment over `.env` over
//! `pitlane.toml`. All are text until they are read, so that one rule and one
//! sentence serves a value wherever it was written.

use crate::failure::Failure;
use std::{collections::BTreeMap, path::Path};

/// Read by the command line itself, because only `pitlane engine` has a use for it.
const ENGINE_KEY: &str = "PITLANE_ENGINE_KEY";
/// Read by `pitlane secrets rotate-key` alone.
const NEW_MASTER_KEY: &str = "PITLANE_NEW_MASTER_KEY";
/// What programs that use the API keep their token in, by our own documentation.
const TOKEN: &str = "PITLANE_TOKEN";

/// The two names of a setting: its key in the file, and its environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// In `pitlane.toml`.
    pub key: &'static str,
    /// In the environment and in `.env`.
    pub variable: &'static str,
}

/// Everything that was set, by the name of its environment variable.
#[derive(Debug, Default)]
pub struct Sources {
    values: BTreeMap<&'static str, Value>,
    /// Variables that look like ours and are not.
    pub unknown_variables: Vec<String>,
}

#[derive(Debug)]
struct Value {
    text: String,
    origin: String,
}

impl Sources {
    /// Reads the file (`config`, or `pitlane.toml` in `folder` when there is
    /// one), then `.env` in `folder`, then `environment`.
    ///
    /// # Errors
    /// When a file cannot be read, or holds something that is no setting.
    pub fn read(
        names: &[Name],
        config: Option<&Path>,
        folder: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let mut sources = Self::default();
        let usual = folder.join("pitlane.toml");
        match config {
            Some(path) => sources.take_file(names, path)?,
            None if usual.exists() => sources.take_file(names, &usual)?,
            None => {}
        }
        sources.take_dot_env(names, &folder.join(".env"))?;
        for (variable, text) in environment {
            sources.take_variable(names, &variable, text, "in the environment", true);
        }
        Ok(sources)
    }

    /// Sets a value from a flag, over all others.
    pub fn take_flag(&mut self, name: Name, flag: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.values.insert(
                name.variable,
                Value {
                    text: text.clone(),
                    origin: format!("--{flag}"),
                },
            );
        }
    }

    /// Whether somebody set it.
    pub fn has(&self, name: Name) -> bool {
        self.values.contains_key(name.variable)
    }

    /// The setting, read by `read`; none when nobody set it.
    ///
    /// # Errors
    /// When it cannot be used: where it was set, its value, and what `read` says of it.
    pub fn get<T>(
        &self,
        name: Name,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.values.get(name.variable) else {
            return Ok(None);
        };
        read(&value.text).map(Some).map_err(|why| {
            Failure::unusable(format!(
                "{} is \u{201c}{}\u{201d}, which cannot be used: {why}",
                value.origin, value.text
            ))
        })
    }

    /// The same for what must not be shown, also when it cannot be used.
    ///
    /// # Errors
    /// When it cannot be used: where it was set, and what `read` says of it.
    pub fn get_secret<T>(
        &self,
        name: Name,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.values.get(name.variable) else {
            return Ok(None);
        };
        read(&value.text)
            .map(Some)
            .map_err(|why| Failure::unusable(format!("{} cannot be used: {why}", value.origin)))
    }

    fn take_file(&mut self, names: &[Name], path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::unusable(format!("The file of settings {shown} cannot be read: {error}."))
        })?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1));
            Failure::unusable(format!("{shown}, line {line}, is not TOML: {}.", error.message()))
        })?;
        for (key, value) in table {
            let Some(name) = names.iter().find(|name| name.key == key) else {
                return Err(Failure::unusable(unknown_key(names, &key, &shown.to_string())));
            };
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(yes) => yes.to_string(),
                other => {
                    return Err(Failure::unusable(format!(
                        "{key} in {shown} is of type {}, and a text, a number or true or false is needed.",
                        other.type_str()
                    )));
                }
            };
            self.values.insert(
                name.variable,
                Value {
                    text,
                    origin: format!("{key} in {shown}"),
                },
            );
        }
        Ok(())
    }

    fn take_dot_env(&mut self, names: &[Name], path: &Path) -> Result<(), Failure> {
        if !path.exists() {
            return Ok(());
        }
        let shown = path.display();
        let lines = dotenvy::from_path_iter(path)
            .map_err(|error| Failure::unusable(format!("{shown} cannot be read: {error}.")))?;
        for line in lines {
            let (variable, text) = line.map_err(|error| {
                Failure::unusable(format!("{shown} holds a line that is not NAME=VALUE: {error}."))
            })?;
            // Other programs keep their settings in .env too, so only ours are looked at.
            self.take_variable(names, &variable, text, &format!("in {shown}"), false);
        }
        Ok(())
    }

    fn take_variable(
        &mut self,
        names: &[Name],
        variable: &str,
        text: String,
        place: &str,
        note_unknown: bool,
    ) {
        match names.iter().find(|name| name.variable == variable) {
            // An empty variable is how shells and compose files say "not set".
            Some(_) if text.is_empty() => {}
            Some(name) => {
                self.values.insert(
                    name.variable,
                    Value {
                        text,
                        origin: format!("{variable} {place}"),
                    },
                );
            }
            None if note_unknown
                && variable.starts_with("PITLANE_")
                && ![ENGINE_KEY, NEW_MASTER_KEY, TOKEN].contains(&variable) =>
            {
                self.unknown_variables.push(variable.to_owned());
            }
            None => {}
        }
    }
}

fn unknown_key(names: &[Name], key: &str, file: &str) -> String {
    let close = names
        .iter()
        .map(|name| name.key)
        .filter(|known| looks_like(known, key))
        .collect::<Vec<_>>();
    let known = names.iter().map(|name| name.key).collect::<Vec<_>>().join(", ");
    match close.as_slice() {
        [] => format!("{file} sets \u{201c}{key}\u{201d}, which Pitlane does not know. It knows {known}."),
        [close, ..] => {
            format!(
                "{file} sets \u{201c}{key}\u{201d}, which Pitlane does not know. Is {close} meant? It knows {known}."
            )
        }
    }
}

/// Whether two names differ by a letter or two, or one holds the other.
fn looks_like(known: &str, typed: &str) -> bool {
    let shared = known
        .chars()
        .zip(typed.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let longest = known.len().max(typed.len());
    known.contains(typed) || typed.contains(known) || (shared >= 2 && longest <= shared + 3)
}
