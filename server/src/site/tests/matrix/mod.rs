//! Who may do what, held for the site as a whole: every route, page, server
//! function, stream and WebSocket that there is (from the router's own lists,
//! so that none can be forgotten) is called by nobody, with an ended session, by
//! somebody in no team, by another team's owner, and by each role; also with
//! tokens, where they count. What has to come of it is the table in
//! `docs/security.md`. What outsiders get is searched for what is the team's.
//!
//! A new route needs a row there, and unless it is a plain GET an example in
//! `requests`. The test prints the row as it is answered now: judge it, do not
//! just copy it.

mod requests;
mod table;
mod who;
mod world;

use super::*;
use crate::site::{
    pages,
    router::{api_routes, open_routes, sign_in_routes},
};
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use who::Who;
use world::World;

/// How many calls go on at a time.
const AT_ONCE: usize = 8;

/// Everything the site answers: `GET /api/runs/{id}`.
pub(super) async fn everything(site: &TestSite) -> BTreeSet<String> {
    let cookie = site.sign_in().await;
    let mut all = BTreeSet::new();
    let open = open_routes(String::new()).into_iter().chain(sign_in_routes());
    let open = open.map(|(route, handlers)| (route.to_owned(), handlers));
    for (route, _) in api_routes().into_iter().chain(open) {
        // What no route takes is answered with the methods it takes.
        let ask = request("TRACE", &requests::address(&route, None)).header("sec-fetch-site", "same-origin");
        let answer = site
            .ask_as(&cookie, ask.body(Body::empty()).expect("a request"))
            .await;
        let methods = answer.header(header::ALLOW);
        assert!(!methods.is_empty(), "{route}: {} {}", answer.status, answer.body);
        let methods = methods
            .split(',')
            .map(str::trim)
            .filter(|method| *method != "HEAD");
        all.extend(methods.map(|method| format!("{method} {route}")));
    }
    let functions = server_fn::axum::server_fn_paths();
    all.extend(functions.map(|(path, method)| format!("{method} {path}")));
    all.extend(pages::ROUTES.iter().map(|page| format!("GET {}", page.path())));
    all
}

/// One call, and what came of it, in the table's words; with the reason it is remarkable.
async fn call(world: World, key: String, who: Who, with_token: bool) -> (String, Option<String>) {
    let example = requests::example(&key, &world);
    let example = example.unwrap_or_else(|| panic!("{key} needs an example in matrix/requests.rs"));
    let answer = world.send(who, &example, with_token).await;
    let to_sign_in = answer.location.starts_with("/sign-in");
    let word = match answer.status {
        303 if to_sign_in => "sign-in".to_owned(),
        101 | 200..400 => "yes".to_owned(),
        // A refusal for want of room would hide who may do it.
        status if answer.is_busy => format!("{status}, busy"),
        status if example.or.contains(&status) => "yes".to_owned(),
        status => status.to_string(),
    };
    let shows = who.is_outside() && answer.body.to_lowercase().contains(&world.mark().to_lowercase());
    let remark = if shows {
        Some(format!("shows what is the team's: {}", answer.body))
    } else {
        Some(answer.body).filter(|_| word.starts_with(['4', '5']))
    };
    (word, remark.filter(|_| shows || answer.status >= 400))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_answers_each_role_as_the_table_says() {
    let site = site().await;
    let ground = world::Ground::new(&site).await;
    let all = everything(&site).await;
    assert!(all.len() > 50, "the routes are listed: {all:?}");
    let table = table::read(include_str!("../../../../../docs/security.md"));
    let mut calls = Vec::new();
    for key in &all {
        for who in Who::ALL {
            calls.push((key.clone(), who, false));
            if key.contains(" /api/") && who.can_have_a_token() {
                calls.push((key.clone(), who, true));
            }
        }
    }
    let answers = futures::stream::iter(calls)
        .map(|(key, who, with_token)| {
            let ground = ground.clone();
            async move {
                let world = ground.world().await;
                let answer = call(world, key.clone(), who, with_token).await;
                (key, who, with_token, answer)
            }
        })
        .buffer_unordered(AT_ONCE);
    let answers: Vec<_> = answers.collect().await;
    let mut wrong = Vec::new();
    let mut measured: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for (key, who, with_token, (word, remark)) in answers {
        let by = if with_token { "with a token, " } else { "" };
        let remark = remark.unwrap_or_default();
        if remark.starts_with("shows") {
            wrong.push(format!("{key} as {by}{}: {remark}", who.column()));
        }
        let told = table.get(&key).and_then(|row| row.get(who.column()));
        // A program is not led to the sign-in page.
        let told = told.map(|told| match told.as_str() {
            "sign-in" if with_token => "401",
            told => told,
        });
        if let Some(told) = told.filter(|told| *told != word) {
            wrong.push(format!(
                "{key} as {by}{}: the table says {told}, the site {word}: {remark}",
                who.column()
            ));
        }
        if !with_token {
            measured.entry(key).or_default().insert(who as usize, word);
        }
    }
    for key in &all {
        if !table.contains_key(key) {
            let cells: Vec<_> = measured[key].values().cloned().collect();
            wrong.push(format!(
                "docs/security.md lacks: | `{key}` | {} |",
                cells.join(" | ")
            ));
        }
    }
    for key in table.keys().filter(|key| !all.contains(*key)) {
        wrong.push(format!("docs/security.md tells of {key}, which there is not"));
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} holes:\n{}", wrong.len(), wrong.join("\n"));
}
