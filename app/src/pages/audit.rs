//! The audit log: who did what, filtered, page by page. What is looked for is in
//! the page's address, so that it can be sent on, and works without scripts.

use crate::{
    api::{self, AuditPageData, AuditWanted},
    parts::{
        errors::PageError,
        frame::{Frame, Section},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::{AuditRecord, audit::action_words, calendar::timestamp};

/// The kinds of things that actions are done to.
const KINDS: [(&str, &str); 15] = [
    ("", "Everything"),
    ("account", "Accounts"),
    ("agent", "Agents"),
    ("audit", "This log"),
    ("budget", "Budget"),
    ("file", "Files"),
    ("invitation", "Invitations"),
    ("member", "Members"),
    ("run", "Runs"),
    ("sandbox", "Sandboxes"),
    ("schedule", "Schedules"),
    ("secret", "Secrets"),
    ("team", "Teams"),
    ("token", "Tokens"),
    ("webhook", "Webhooks"),
];

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What is looked for, as a part of an address.
fn query_of(wanted: &AuditWanted) -> String {
    let fields = [
        ("who", &wanted.who),
        ("action", &wanted.action),
        ("target", &wanted.target),
        ("from", &wanted.from),
        ("to", &wanted.to),
        ("before", &wanted.before),
    ];
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<_> = fields
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    parts.join("&")
}

/// The page.
#[component]
pub fn AuditPage() -> impl IntoView {
    let query = use_query_map();
    let wanted = Memo::new(move |_| {
        query.with(|query| {
            let get = |name: &str| query.get(name).unwrap_or_default();
            AuditWanted {
                who: get("who"),
                action: get("action"),
                target: get("target"),
                from: get("from"),
                to: get("to"),
                before: get("before"),
            }
        })
    });
    let data = Resource::new(move || wanted.get(), api::load_audit);
    view! {
        <Title text="Audit log" />
        <Frame section=Section::Settings>
            <Transition>
                {move || Suspend::new(async move {
                    match data.await {
                        Ok(data) => view! { <Log data=data wanted=wanted.get_untracked() /> }.into_any(),
                        Err(error) => view! { <PageError error=error /> }.into_any(),
                    }
                })}
            </Transition>
        </Frame>
    }
    .into_any()
}

#[component]
fn Log(data: AuditPageData, wanted: AuditWanted) -> impl IntoView {
    let AuditPageData { records, older } = data;
    let whole = AuditWanted {
        before: String::new(),
        ..wanted.clone()
    };
    let export = |format: &str| format!("/api/v1/audit/export?format={format}&{}", query_of(&whole));
    let is_filtered = whole != AuditWanted::default();
    let older = older.map(|seq| {
        let wanted = AuditWanted {
            before: seq.to_string(),
            ..whole.clone()
        };
        view! { <a class="btn quiet" href=format!("/settings/audit?{}", query_of(&wanted))>"Older"</a> }
    });
    let newest = (!wanted.before.is_empty()).then(|| {
        view! { <a class="btn quiet" href=format!("/settings/audit?{}", query_of(&whole))>"Newest"</a> }
    });
    let list = if records.is_empty() {
        view! {
            <div class="empty">
                <b>{if is_filtered { "No record fits" } else { "No records yet" }}</b>
                <p>
                    {if is_filtered {
                        "Look for less, or for something else."
                    } else {
                        "Whatever somebody changes from now on is written down here."
                    }}
                </p>
            </div>
        }
        .into_any()
    } else {
        let rows = records
            .into_iter()
            .map(|record| view! { <Row record=record /> })
            .collect_view();
        view! {
            <table class="table audit">
                <thead>
                    <tr>
                        <th>"When (UTC)"</th>
                        <th>"Who"</th>
                        <th>"What"</th>
                        <th class="wide-only">"From where"</th>
                        <th class="wide-only num">"No."</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <div class="page">
            <div class="head">
                <h1>"Audit log"</h1>
                <span class="grow"></span>
                <a class="btn quiet" href=export("jsonl") download="">"Export JSON lines"</a>
                <a class="btn quiet" href=export("csv") download="">"Export CSV"</a>
                <a class="btn quiet wide-only" href="/settings">"All settings"</a>
            </div>
            <p class="hint">
                "Records are only added. Each holds the hash of the one before, so that a change shows: "
                <code>"pitlane audit verify"</code> " checks them all."
            </p>
            <Filter wanted=whole.clone() />
            {list}
            <div class="pager">{newest} {older}</div>
        </div>
    }
}

#[component]
fn Filter(wanted: AuditWanted) -> impl IntoView {
    let kind = wanted.action.split('.').next().unwrap_or_default().to_owned();
    let kinds = KINDS
        .into_iter()
        .map(|(value, words)| view! { <option value=value selected=value == kind>{words}</option> })
        .collect_view();
    view! {
        <form class="form audit-filter" method="get" action="/settings/audit" role="search" aria-label="Records">
            <div class="row">
                <label>"Who" <input class="field" name="who" maxlength="100" value=wanted.who /></label>
                <label>"What" <select class="field" name="action">{kinds}</select></label>
                <label>"To what" <input class="field" name="target" maxlength="200" value=wanted.target /></label>
                <label>"From day" <input class="field" type="date" name="from" value=wanted.from /></label>
                <label>"To day" <input class="field" type="date" name="to" value=wanted.to /></label>
                <button class="btn primary">"Filter"</button>
                <a class="btn quiet" href="/settings/audit">"Clear"</a>
            </div>
        </form>
    }
}

#[component]
fn Row(record: AuditRecord) -> impl IntoView {
    let at = timestamp(record.at);
    let (day, clock) = at
        .get(..19)
        .and_then(|at| at.split_once('T'))
        .unwrap_or((&at, ""));
    let (day, clock) = (day.to_owned(), clock.to_owned());
    let kind = match record.actor_kind.as_str() {
        "person" => String::new(),
        kind => kind.replace('_', " "),
    };
    let action = action_words(&record.action);
    // "made a token laptop": the action has named the kind already.
    let target = match (record.target_name.as_deref(), record.target_kind.as_deref()) {
        (Some(name), Some(kind)) if !name.is_empty() && action.contains(kind) => name.to_owned(),
        _ => record.target_words(),
    };
    let details: Vec<_> = record
        .details
        .iter()
        .filter(|(name, _)| name.as_str() != "sha256")
        .map(|(name, value)| format!("{}: {value}", name.replace('_', " ")))
        .collect();
    let agent = record.user_agent.clone().unwrap_or_default();
    view! {
        <tr>
            <td class="num"><time datetime=at><span class="nowrap">{day}</span>" "<span class="nowrap">{clock}</span></time></td>
            <td>
                {record.actor_name.clone()}
                {(!kind.is_empty()).then(|| view! { <span class="below">{kind}</span> })}
            </td>
            <td title=format!("hash {}", record.hash)>
                {action.to_owned()} " " <b>{target}</b>
                {(!details.is_empty()).then(|| view! { <span class="below">{details.join(", ")}</span> })}
            </td>
            <td class="wide-only mono" title=agent>{record.address.clone().unwrap_or_default()}</td>
            <td class="wide-only num">{record.seq}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_what_is_looked_for() {
        let wanted = AuditWanted {
            who: "Ada & Bob".to_owned(),
            before: "12".to_owned(),
            ..AuditWanted::default()
        };
        assert_eq!(query_of(&wanted), "who=Ada%20%26%20Bob&before=12");
    }
}
