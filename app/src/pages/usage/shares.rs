//! The tables of a month, each with its picture.

use super::hours;
use leptos::prelude::*;
use model::{Amounts, Day, Micros, RunUsage, UsageShare, time::duration_words};

/// The days: the server's picture, and beside it the figures.
#[component]
pub fn Days(chart: String, days: Vec<(Day, Amounts)>) -> impl IntoView {
    let rows = days
        .into_iter()
        .rev()
        .map(|(day, amounts)| {
            view! {
                <tr>
                    <th scope="row">{day.words()}</th>
                    <td class="num">{amounts.cost.words()}</td>
                    <td class="num">{hours(amounts.cpu)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="by-day">
            <h2 id="by-day">"By day"</h2>
            <div class="usage-days">
                // Drawn by the server from numbers and dates alone.
                <div class="usage-picture" inner_html=chart></div>
                <div class="usage-table" tabindex="0" role="group" aria-labelledby="by-day">
                    <table class="table">
                        <thead>
                            <tr>
                                <th>"Day (UTC)"</th>
                                <th class="num">"Cost"</th>
                                <th class="num">"vCPU hours"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </div>
        </section>
    }
}

/// How many thousandths of the whole a part is, for a bar.
fn share_of(part: Micros, whole: Micros) -> i64 {
    i64::try_from(i128::from(part.0) * 1000 / i128::from(whole.0.max(1))).unwrap_or(0)
}

/// A bar as long as its part of the whole.
#[component]
fn Bar(share: i64) -> impl IntoView {
    view! {
        <svg class="usage-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
            <rect class="rail" width="1000" height="10" />
            <rect class="bar" width=share.to_string() height="10" />
        </svg>
    }
}

/// Sums by agent or by member.
#[component]
pub fn Shares(
    /// What the sums are by.
    title: &'static str,
    /// What one of them is.
    head: &'static str,
    /// The sums, the dearest first.
    shares: Vec<UsageShare>,
    /// All of them together.
    total: Micros,
) -> impl IntoView {
    let rows = shares
        .into_iter()
        .map(|share| {
            let part = share_of(share.amounts.cost, total);
            let name = match share.slug {
                Some(slug) => view! { <a href=format!("/agents/{slug}")>{share.name}</a> }.into_any(),
                None => share.name.into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="num">{share.amounts.cost.words()}</td>
                    <td class="wide-only bar-cell">
                        <Bar share=part />
                        <span class="visually-hidden">{format!("{} %", part / 10)}</span>
                    </td>
                    <td class="num wide-only">{hours(share.amounts.cpu)}</td>
                    <td class="num">{duration_words(share.amounts.standing)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-label=title>
            <h2>{title}</h2>
            <table class="table">
                <thead>
                    <tr>
                        <th>{head}</th>
                        <th class="num">"Cost"</th>
                        <th class="wide-only">"Share"</th>
                        <th class="num wide-only">"vCPU hours"</th>
                        <th class="num">"Sandbox time"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

/// The dearest runs.
#[component]
pub fn Runs(runs: Vec<RunUsage>) -> impl IntoView {
    if runs.is_empty() {
        return ().into_any();
    }
    let rows = runs
        .into_iter()
        .map(|usage| {
            let name = match usage.number {
                Some(number) => {
                    view! { <a href=format!("/runs/{}", usage.run)>{format!("Run {number}")}</a> }.into_any()
                }
                None => "A deleted run".into_any(),
            };
            view! {
                <tr>
                    <th scope="row" class="nowrap">{name}</th>
                    <td>{usage.agent}</td>
                    <td class="num">{usage.amounts.cost.words()}</td>
                    <td class="num">{duration_words(usage.amounts.standing)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-label="The dearest runs">
            <h2>"The dearest runs"</h2>
            <table class="table">
                <thead>
                    <tr>
                        <th>"Run"</th>
                        <th>"Agent"</th>
                        <th class="num">"Cost"</th>
                        <th class="num">"Sandbox time"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}
