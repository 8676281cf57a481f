//! Which sandboxes a list is to have, in which order, and from where on:
//! Daytona's filters, each done or refused. A filter that was misread and left
//! out would list what nobody asked for.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use daytona::{DesiredState, Sandbox, SandboxPage, SandboxState};

use crate::clock;
use crate::fault::Fault;

/// A sandbox's place in the order: a number or a name, then the id.
type Place = (f64, String, String);

/// What a sandbox is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Name,
    Cpu,
    Memory,
    Disk,
    LastActivity,
    Created,
}

/// Something of a sandbox that has an order, to be between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measured {
    Cpu,
    Memory,
    Disk,
    Gpu,
    Created,
    LastActivity,
    DestroyedAt,
}

/// A bound, itself allowed or not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    From(f64),
    UpTo(f64),
    After(f64),
    Before(f64),
}

/// The filters, order and page asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    id: Option<String>,
    name: Option<String>,
    labels: BTreeMap<String, String>,
    states: Vec<SandboxState>,
    snapshots: Vec<String>,
    regions: Vec<String>,
    classes: Vec<String>,
    public: Option<bool>,
    recoverable: Option<bool>,
    errored_deleted: bool,
    warm: bool,
    bounds: Vec<(Measured, Bound)>,
    sort: Sort,
    ascending: bool,
    after: Option<Place>,
    limit: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            labels: BTreeMap::new(),
            states: Vec::new(),
            snapshots: Vec::new(),
            regions: Vec::new(),
            classes: Vec::new(),
            public: None,
            recoverable: None,
            errored_deleted: false,
            warm: false,
            bounds: Vec::new(),
            sort: Sort::LastActivity,
            ascending: false,
            after: None,
            limit: 100,
        }
    }
}

impl Wanted {
    pub(super) fn read(query: Vec<(String, String)>) -> Result<Self, Fault> {
        let mut wanted = Self::default();
        for (key, value) in query {
            wanted.take(&key, value)?;
        }
        Ok(wanted)
    }

    fn take(&mut self, key: &str, value: String) -> Result<(), Fault> {
        let bad = |what: &str| Fault::bad_request(format!("{key} must be {what}"));
        let truth = |value: &str| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(bad("true or false")),
        };
        if let Some((measured, bound)) = bound(key) {
            let number = match measured {
                Measured::Cpu | Measured::Memory | Measured::Disk | Measured::Gpu => {
                    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
                    number.ok_or_else(|| bad("a number"))?
                }
                _ => clock::read(&value).ok_or_else(|| bad("an ISO 8601 date and time"))? as f64,
            };
            self.bounds.push((measured, bound(number)));
            return Ok(());
        }
        match key {
            "id" => self.id = Some(value.to_lowercase()),
            "name" => self.name = Some(value.to_lowercase()),
            "labels" => {
                self.labels = serde_json::from_str(&value).map_err(|_| bad("a JSON object of texts"))?;
            }
            "states" => {
                let state = serde_json::from_value(value.clone().into()).unwrap_or_default();
                if state == SandboxState::Unknown && value != "unknown" {
                    return Err(bad("states of a sandbox"));
                }
                self.states.push(state);
            }
            "snapshots" => self.snapshots.push(value),
            "regionIds" => self.regions.push(value),
            "sandboxClasses" => match value.as_str() {
                "container" | "linux-vm" | "windows" => self.classes.push(value),
                _ => return Err(bad("container, linux-vm or windows")),
            },
            "isPublic" => self.public = Some(truth(&value)?),
            "isRecoverable" => self.recoverable = Some(truth(&value)?),
            "includeErroredDeleted" => self.errored_deleted = truth(&value)?,
            "includeWarm" => self.warm = truth(&value)?,
            "sort" => {
                self.sort = match value.as_str() {
                    "name" => Sort::Name,
                    "cpu" => Sort::Cpu,
                    "memoryGib" => Sort::Memory,
                    "diskGib" => Sort::Disk,
                    "lastActivityAt" => Sort::LastActivity,
                    "createdAt" => Sort::Created,
                    _ => {
                        return Err(bad("name, cpu, memoryGib, diskGib, lastActivityAt or createdAt"));
                    }
                }
            }
            "order" => {
                self.ascending = match value.as_str() {
                    "asc" => true,
                    "desc" => false,
                    _ => return Err(bad("asc or desc")),
                }
            }
            "cursor" => self.after = Some(read_cursor(&value).ok_or_else(|| bad("a cursor of this list"))?),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=200).contains(limit));
                self.limit = limit.ok_or_else(|| bad("a number between 1 and 200"))?;
            }
            // What no version of Daytona knows is left alone, as it does.
            _ => {}
        }
        Ok(())
    }

    /// Whether those are wanted that stand ready for nobody in particular.
    pub(super) fn wants_warm(&self) -> bool {
        self.warm
    }

    fn matches(&self, sandbox: &Sandbox) -> bool {
        let one_of = |list: &[String], value: &str| list.is_empty() || list.iter().any(|word| word == value);
        let begins = |prefix: &Option<String>, text: &str| {
            let prefix = prefix.as_ref();
            prefix.is_none_or(|prefix| text.to_lowercase().starts_with(prefix))
        };
        let state = sandbox.state.unwrap_or_default();
        let errored_deleted =
            state == SandboxState::Error && sandbox.desired_state == Some(DesiredState::Destroyed);
        (self.states.is_empty() || self.states.contains(&state))
            && (self.errored_deleted || !errored_deleted)
            && one_of(&self.snapshots, sandbox.snapshot.as_deref().unwrap_or(""))
            && one_of(&self.regions, &sandbox.target)
            && one_of(&self.classes, sandbox.sandbox_class.as_deref().unwrap_or(""))
            && begins(&self.id, &sandbox.id)
            && begins(&self.name, &sandbox.name)
            && self.public.is_none_or(|public| public == sandbox.public)
            && self
                .recoverable
                .is_none_or(|recoverable| recoverable == sandbox.recoverable.unwrap_or(false))
            && self
                .labels
                .iter()
                .all(|(key, value)| sandbox.labels.get(key) == Some(value))
            && self
                .bounds
                .iter()
                .all(|(measured, bound)| measured.of(sandbox).is_some_and(|number| bound.holds(number)))
    }

    fn place(&self, sandbox: &Sandbox) -> Place {
        let (number, text) = match self.sort {
            Sort::Name => (0.0, sandbox.name.clone()),
            Sort::Cpu => (sandbox.cpu.into(), String::new()),
            Sort::Memory => (sandbox.memory.into(), String::new()),
            Sort::Disk => (sandbox.disk.into(), String::new()),
            // These texts sort as their moments do.
            Sort::Created => (0.0, sandbox.created_at.clone().unwrap_or_default()),
            Sort::LastActivity => (0.0, sandbox.last_activity_at.clone().unwrap_or_default()),
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

    pub(super) fn page(&self, all: Vec<Sandbox>) -> SandboxPage {
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

/// Makes a bound of a number.
type ToBound = fn(f64) -> Bound;

/// The bound a key of the query stands for.
fn bound(key: &str) -> Option<(Measured, ToBound)> {
    Some(match key {
        "minCpu" => (Measured::Cpu, Bound::From),
        "maxCpu" => (Measured::Cpu, Bound::UpTo),
        "minMemoryGiB" => (Measured::Memory, Bound::From),
        "maxMemoryGiB" => (Measured::Memory, Bound::UpTo),
        "minDiskGiB" => (Measured::Disk, Bound::From),
        "maxDiskGiB" => (Measured::Disk, Bound::UpTo),
        "minGpu" => (Measured::Gpu, Bound::From),
        "maxGpu" => (Measured::Gpu, Bound::UpTo),
        "createdAtAfter" => (Measured::Created, Bound::After),
        "createdAtBefore" => (Measured::Created, Bound::Before),
        // The SDKs call these the last activity.
        "lastEventAfter" => (Measured::LastActivity, Bound::After),
        "lastEventBefore" => (Measured::LastActivity, Bound::Before),
        "autoDestroyAtAfter" => (Measured::DestroyedAt, Bound::After),
        "autoDestroyAtBefore" => (Measured::DestroyedAt, Bound::Before),
        _ => return None,
    })
}

impl Measured {
    /// A sandbox's number; none when it has none, as one that is never
    /// destroyed by itself: that is neither before nor after anything.
    fn of(self, sandbox: &Sandbox) -> Option<f64> {
        let moment = |text: &Option<String>| Some(clock::read(text.as_deref()?)? as f64);
        match self {
            Self::Cpu => Some(sandbox.cpu.into()),
            Self::Memory => Some(sandbox.memory.into()),
            Self::Disk => Some(sandbox.disk.into()),
            Self::Gpu => Some(sandbox.gpu.into()),
            Self::Created => moment(&sandbox.created_at),
            Self::LastActivity => moment(&sandbox.last_activity_at),
            Self::DestroyedAt => moment(&sandbox.auto_destroy_at),
        }
    }
}

impl Bound {
    fn holds(self, number: f64) -> bool {
        match self {
            Self::From(bound) => number >= bound,
            Self::UpTo(bound) => number <= bound,
            Self::After(bound) => number > bound,
            Self::Before(bound) => number < bound,
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
    fn every_filter_filters() {
        let gone = Sandbox {
            state: Some(SandboxState::Error),
            desired_state: Some(DesiredState::Destroyed),
            recoverable: Some(true),
            ..sandbox("A1", "gone", 1)
        };
        let timed = Sandbox {
            public: true,
            state: Some(SandboxState::Started),
            created_at: Some("2026-02-01T00:00:00.000Z".into()),
            auto_destroy_at: Some("2026-03-01T00:00:00.000Z".into()),
            sandbox_class: Some("container".into()),
            ..sandbox("b2", "timed", 4)
        };
        let all = vec![gone, timed];
        let list = |query: &[(&str, &str)]| -> Vec<String> {
            let page = wanted(query).page(all.clone());
            page.items.into_iter().map(|sandbox| sandbox.id).collect()
        };
        let both = ("includeErroredDeleted", "true");
        assert_eq!(list(&[]), ["b2"]);
        assert_eq!(list(&[both]), ["b2", "A1"]);
        assert_eq!(list(&[both, ("id", "a")]), ["A1"]);
        assert_eq!(list(&[both, ("isPublic", "false")]), ["A1"]);
        assert_eq!(list(&[both, ("isRecoverable", "true")]), ["A1"]);
        assert_eq!(list(&[both, ("states", "error"), ("states", "started")]).len(), 2);
        assert_eq!(list(&[both, ("states", "error")]), ["A1"]);
        assert_eq!(list(&[both, ("sandboxClasses", "container")]), ["b2"]);
        assert!(list(&[both, ("minGpu", "1")]).is_empty());
        let moment = "2026-02-01T00:00:00.000000+0000";
        assert!(list(&[("createdAtAfter", moment)]).is_empty());
        assert!(list(&[("createdAtBefore", moment)]).is_empty());
        assert_eq!(list(&[("createdAtAfter", "2026-01-31T23:59:59Z")]), ["b2"]);
        assert_eq!(list(&[both, ("lastEventAfter", "2026-01-02T00:00:00Z")]), ["b2"]);
        assert_eq!(list(&[both, ("lastEventBefore", "2026-01-02T00:00:00Z")]), ["A1"]);
        assert_eq!(list(&[both, ("autoDestroyAtAfter", moment)]), ["b2"]);
        assert!(list(&[both, ("autoDestroyAtBefore", moment)]).is_empty());
        assert_eq!(list(&[both, ("sort", "cpu"), ("order", "asc")]), ["A1", "b2"]);
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
            ("minCpu", "NaN"),
            ("isPublic", "yes"),
            ("isRecoverable", ""),
            ("includeErroredDeleted", "1"),
            ("states", "running"),
            ("sandboxClasses", "mac"),
            ("sort", "age"),
            ("order", "up"),
            ("createdAtAfter", "yesterday"),
            ("lastEventBefore", "2026"),
            ("autoDestroyAtAfter", ""),
        ] {
            assert!(
                Wanted::read(vec![(query.0.into(), query.1.into())]).is_err(),
                "{query:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_query_is_misread(query in proptest::collection::vec(
            ("id|name|labels|states|limit|cursor|sort|order|minCpu|createdAtAfter|isPublic|x", ".{0,20}"), 0..6,
        )) {
            if let Ok(wanted) = Wanted::read(query) {
                let page = wanted.page(vec![sandbox("a", "red", 1), sandbox("b", "blue", 2)]);
                proptest::prop_assert!(page.items.len() <= 2);
            }
        }

        #[test]
        fn no_cursor_is_believed_blindly(text in ".{0,60}", bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let _ = read_cursor(&text);
            let _ = read_cursor(&BASE64_URL_SAFE_NO_PAD.encode(bytes));
        }
    }
}
