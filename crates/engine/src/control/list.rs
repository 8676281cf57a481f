//! `GET /sandbox` and `GET /sandbox/{idOrName}`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use daytona::{Sandbox, SandboxPage};

use super::present::{Base, describe};
use crate::body::Query;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::state::SharedEngine;

pub(super) async fn show(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Path(sandbox): Path<String>,
) -> Result<Answer<Sandbox>, Fault> {
    let entry = engine.registry.find(&caller, &sandbox)?;
    Ok(Answer(describe(&entry, &base)))
}

pub(super) async fn list(
    State(engine): State<SharedEngine>,
    caller: Caller,
    base: Base,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Answer<SandboxPage>, Fault> {
    let wanted = Wanted::read(query)?;
    let all = engine.registry.of(caller.organization());
    let all = all.iter().map(|entry| describe(entry, &base)).collect();
    Ok(Answer(wanted.page(all)))
}

/// A sandbox's place in the order: a number or a name, then the id.
type Place = (f64, String, String);

/// The filters, order and page asked for.
#[derive(Debug)]
struct Wanted {
    exact: Vec<(String, String)>,
    name: Option<String>,
    labels: BTreeMap<String, String>,
    states: Vec<String>,
    snapshots: Vec<String>,
    regions: Vec<String>,
    bounds: Vec<(String, f64)>,
    sort: String,
    ascending: bool,
    after: Option<Place>,
    limit: usize,
}

impl Wanted {
    fn read(query: Vec<(String, String)>) -> Result<Self, Fault> {
        let mut wanted = Self {
            exact: Vec::new(),
            name: None,
            labels: BTreeMap::new(),
            states: Vec::new(),
            snapshots: Vec::new(),
            regions: Vec::new(),
            bounds: Vec::new(),
            sort: "lastActivityAt".to_owned(),
            ascending: false,
            after: None,
            limit: 100,
        };
        for (key, value) in query {
            let bad = |what: &str| Fault::bad_request(format!("{key} must be {what}"));
            match key.as_str() {
                "id" | "isPublic" | "isRecoverable" => wanted.exact.push((key, value)),
                "name" => wanted.name = Some(value.to_lowercase()),
                "labels" => {
                    wanted.labels =
                        serde_json::from_str(&value).map_err(|_| bad("a JSON object of texts"))?;
                }
                "states" => wanted.states.push(value),
                "snapshots" => wanted.snapshots.push(value),
                "regionIds" => wanted.regions.push(value),
                "minCpu" | "maxCpu" | "minMemoryGiB" | "maxMemoryGiB" | "minDiskGiB" | "maxDiskGiB" => {
                    let number = value.parse().map_err(|_| bad("a number"))?;
                    wanted.bounds.push((key, number));
                }
                "sort" => wanted.sort = value,
                "order" => wanted.ascending = value == "asc",
                "cursor" => {
                    wanted.after = Some(read_cursor(&value).ok_or_else(|| bad("a cursor of this list"))?)
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=200).contains(limit));
                    wanted.limit = limit.ok_or_else(|| bad("a number between 1 and 200"))?;
                }
                // Filters of things this engine does not have match everything it has.
                _ => {}
            }
        }
        Ok(wanted)
    }

    fn matches(&self, sandbox: &Sandbox) -> bool {
        let one_of = |list: &[String], value: &str| list.is_empty() || list.iter().any(|word| word == value);
        let state = sandbox.state.unwrap_or_default().as_str();
        one_of(&self.states, state)
            && one_of(&self.snapshots, sandbox.snapshot.as_deref().unwrap_or(""))
            && one_of(&self.regions, &sandbox.target)
            && self
                .labels
                .iter()
                .all(|(key, value)| sandbox.labels.get(key) == Some(value))
            && self
                .name
                .as_ref()
                .is_none_or(|name| sandbox.name.to_lowercase().starts_with(name))
            && self.exact.iter().all(|(key, value)| match key.as_str() {
                "id" => sandbox.id == *value,
                "isPublic" => sandbox.public.to_string() == *value,
                _ => sandbox.recoverable.unwrap_or(false).to_string() == *value,
            })
            && self.bounds.iter().all(|(key, bound)| {
                let number = f64::from(if key.ends_with("Cpu") {
                    sandbox.cpu
                } else if key.ends_with("MemoryGiB") {
                    sandbox.memory
                } else {
                    sandbox.disk
                });
                if key.starts_with("min") {
                    number >= *bound
                } else {
                    number <= *bound
                }
            })
    }

    fn place(&self, sandbox: &Sandbox) -> Place {
        let (number, text) = match self.sort.as_str() {
            "name" => (0.0, sandbox.name.clone()),
            "cpu" => (sandbox.cpu.into(), String::new()),
            "memoryGib" => (sandbox.memory.into(), String::new()),
            "diskGib" => (sandbox.disk.into(), String::new()),
            // These texts sort as their moments do.
            "createdAt" => (0.0, sandbox.created_at.clone().unwrap_or_default()),
            _ => (0.0, sandbox.last_activity_at.clone().unwrap_or_default()),
        };
        (number, text, sandbox.id.clone())
    }

    fn compare(&self, one: &Place, other: &Place) -> Ordering {
        let order = one
            .0
            .total_cmp(&other.0)
            .then_with(|| (&one.1, &one.2).cmp(&(&other.1, &other.2)));
        if self.ascending { order } else { order.reverse() }
    }

    fn page(&self, all: Vec<Sandbox>) -> SandboxPage {
        let mut found: Vec<_> = all
            .into_iter()
            .filter(|sandbox| self.matches(sandbox))
            .map(|sandbox| (self.place(&sandbox), sandbox))
            .filter(|(place, _)| {
                self.after
                    .as_ref()
                    .is_none_or(|after| self.compare(place, after).is_gt())
            })
            .collect();
        found.sort_by(|(one, _), (other, _)| self.compare(one, other));
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        SandboxPage {
            next_cursor: found
                .last()
                .filter(|_| more)
                .map(|(place, _)| write_cursor(place)),
            items: found.into_iter().map(|(_, sandbox)| sandbox).collect(),
        }
    }
}

fn write_cursor(place: &Place) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

fn read_cursor(text: &str) -> Option<Place> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(id: &str, name: &str, cpu: u32) -> Sandbox {
        Sandbox {
            id: id.into(),
            name: name.into(),
            cpu,
            labels: BTreeMap::from([("team".into(), name.into()), ("all".into(), "yes".into())]),
            last_activity_at: Some(format!("2026-01-0{cpu}T00:00:00.000Z")),
            ..Sandbox::default()
        }
    }

    fn wanted(query: &[(&str, &str)]) -> Wanted {
        Wanted::read(
            query
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
        )
        .unwrap()
    }

    fn ids(page: &SandboxPage) -> Vec<&str> {
        page.items.iter().map(|sandbox| sandbox.id.as_str()).collect()
    }

    #[test]
    fn filters_and_orders() {
        let all = vec![
            sandbox("a", "red", 1),
            sandbox("b", "blue", 2),
            sandbox("c", "Red-2", 3),
        ];
        let list = |query: &[(&str, &str)]| wanted(query).page(all.clone());
        assert_eq!(ids(&list(&[])), ["c", "b", "a"]);
        assert_eq!(ids(&list(&[("sort", "name"), ("order", "asc")])), ["c", "b", "a"]);
        assert_eq!(ids(&list(&[("name", "RED")])), ["c", "a"]);
        assert_eq!(ids(&list(&[("labels", r#"{"team":"blue","all":"yes"}"#)])), ["b"]);
        assert_eq!(ids(&list(&[("minCpu", "2"), ("maxCpu", "2")])), ["b"]);
        assert!(ids(&list(&[("states", "started")])).is_empty());
    }

    #[test]
    fn pages_cover_the_list_without_doubles() {
        let all: Vec<_> = (0..25)
            .map(|number| sandbox(&format!("{number:02}"), "x", 1))
            .collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", "10")];
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let page = wanted(&query).page(all.clone());
            seen.extend(page.items.into_iter().map(|sandbox| sandbox.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        seen.reverse();
        assert_eq!(
            seen,
            all.into_iter().map(|sandbox| sandbox.id).collect::<Vec<_>>()
        );
    }

    #[test]
    fn bad_filters_are_said() {
        for query in [
            ("limit", "0"),
            ("limit", "201"),
            ("labels", "x"),
            ("cursor", "x"),
            ("minCpu", "x"),
        ] {
            assert!(
                Wanted::read(vec![(query.0.into(), query.1.into())]).is_err(),
                "{query:?}"
            );
        }
    }
}
