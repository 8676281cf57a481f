//! The picture of a month's costs, as SVG. Made by the server, so that the
//! browser's program stays small; it holds numbers and dates, and nothing that a
//! person wrote. The table beside it has the same figures.

use model::{Micros, UsageReport};
use std::{collections::BTreeMap, fmt::Write as _};

const WIDTH: i64 = 640;
const HEIGHT: i64 = 190;
/// Where the bars stand: left of it are the amounts, below it the days.
const LEFT: i64 = 92;
const BOTTOM: i64 = 162;
const TOP: i64 = 14;

/// The next round amount: what the axis ends with.
fn round_up(most: Micros) -> Micros {
    let mut step = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let end = step.saturating_mul(factor);
            if end >= most.0 {
                return Micros(end);
            }
        }
        step = step.saturating_mul(10);
    }
}

/// A bar for each day.
#[must_use]
pub fn of_days(report: &UsageReport) -> String {
    let costs: BTreeMap<_, _> = report
        .days
        .iter()
        .map(|(day, amounts)| (*day, amounts.cost))
        .collect();
    let days: Vec<_> = report.month.days().collect();
    let most = costs.values().copied().max().unwrap_or_default();
    let end = round_up(most.max(Micros(100)));
    let dearest = costs.iter().max_by_key(|(_, cost)| **cost);
    let words = match dearest {
        Some((day, cost)) if cost.0 > 0 => format!(
            "Cost of each day in {}: {} in all, the most on {} with {}.",
            report.month.words(),
            report.total.cost.words(),
            day.words(),
            cost.words()
        ),
        _ => format!("Nothing was used in {}.", report.month.words()),
    };
    let mut svg = format!(
        "<svg class=\"usage-chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{words}\">"
    );
    for (share, amount) in [(0, Micros(0)), (1, Micros(end.0 / 2)), (2, end)] {
        let y = BOTTOM - (BOTTOM - TOP) * share / 2;
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 8,
            y + 4,
            amount.words()
        );
    }
    let count = i64::try_from(days.len()).unwrap_or(31).max(1);
    for (number, day) in (0..).zip(&days) {
        let cost = costs.get(day).copied().unwrap_or_default();
        // In hundredths, as whole numbers.
        let slot = (WIDTH - LEFT) * 100 / count;
        let x = LEFT * 100 + slot * number + slot * 15 / 100;
        let height = i128::from(cost.0) * i128::from((BOTTOM - TOP) * 100) / i128::from(end.0.max(1));
        let height = i64::try_from(height)
            .unwrap_or(0)
            .max(i64::from(cost.0 > 0) * 150);
        if cost.0 > 0 {
            let _ = write!(
                svg,
                "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\"><title>{}: {}</title></rect>",
                hundredths(x),
                hundredths(BOTTOM * 100 - height),
                hundredths(slot * 70 / 100),
                hundredths(height),
                day.words(),
                cost.words()
            );
        }
        let of_month = day.civil().2;
        if of_month == 1 || of_month % 5 == 0 {
            let middle = LEFT * 100 + slot * number + slot / 2;
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{of_month}</text>",
                hundredths(middle),
                BOTTOM + 18
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

fn hundredths(number: i64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Amounts, Budget, BudgetStanding, Day, Millis, Month, Price};

    fn report(costs: &[(i64, i64)]) -> UsageReport {
        let month = Month::parse("2026-11").expect("a month");
        let amounts = |cost| Amounts {
            cost: Micros(cost),
            ..Amounts::default()
        };
        UsageReport {
            month,
            total: amounts(costs.iter().map(|(_, cost)| cost).sum()),
            days: costs
                .iter()
                .map(|(day, cost)| (Day(month.first_day().0 + day), amounts(*cost)))
                .collect(),
            agents: Vec::new(),
            members: Vec::new(),
            runs: Vec::new(),
            standing: BudgetStanding {
                budget: Budget::default(),
                month,
                used: Micros(0),
                used_before: Micros(0),
            },
            price: Price::default(),
            now: Millis(0),
        }
    }

    #[test]
    fn a_month_is_a_picture_with_a_sentence() {
        let svg = of_days(&report(&[(0, 1_000_000), (25, 4_200_000)]));
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(
            svg.contains("$5.20 in all, the most on 26 November with $4.20."),
            "{svg}"
        );
        assert!(svg.contains("<title>26 November: $4.20</title>"), "{svg}");
        assert!(
            svg.contains(">$5.00</text>") && svg.contains(">30</text>"),
            "{svg}"
        );
        let empty = of_days(&report(&[]));
        assert!(
            empty.contains("Nothing was used in November 2026.") && !empty.contains("<rect"),
            "{empty}"
        );
    }

    #[test]
    fn axes_end_with_round_amounts() {
        let ends = [1, 3, 99, 100, 101, 4_200_000, i64::MAX].map(|most| round_up(Micros(most)).0);
        assert_eq!(ends, [1, 5, 100, 100, 200, 5_000_000, i64::MAX]);
    }
}
