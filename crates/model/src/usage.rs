//! What sandboxes use, what it costs, and how a team's budget stands.

use crate::{
    AgentId, Day, Micros, Millis, Month, Price, Provider, Resources, RunId, SandboxId, UsageState, UserId,
};
use serde::{Deserialize, Serialize};

/// From how many percent of a budget on people are warned.
pub const WARNING_PERCENT: u64 = 80;
/// From how many percent on no run starts any more.
pub const BLOCKING_PERCENT: u64 = 100;

/// A time in which a sandbox stood in one state and was used for one thing. Never longer than its day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageInterval {
    /// The sandbox.
    pub sandbox: SandboxId,
    /// Where it lives.
    pub provider: Provider,
    /// The agent it was for.
    pub agent: AgentId,
    /// What the agent was called then.
    pub agent_name: String,
    /// The run in it; none while it waited for the next.
    pub run: Option<RunId>,
    /// Whose it was: who started the run, or the last one before.
    pub member: Option<UserId>,
    /// What they are called; none when they are gone.
    pub member_name: Option<String>,
    /// How it is counted.
    pub state: UsageState,
    /// What it may use.
    pub resources: Resources,
    /// What it costs for an hour.
    pub rate: Micros,
    /// Since when.
    pub started_at: Millis,
    /// Until when, as far as is known; see [`Self::is_open`].
    pub ended_at: Millis,
    /// Whether it goes on.
    pub is_open: bool,
    /// What it cost so far.
    pub cost: Micros,
}

/// Sums over intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Amounts {
    /// What they cost.
    pub cost: Micros,
    /// How long sandboxes stood, running or not, in milliseconds.
    pub standing: u64,
    /// vCPU times milliseconds.
    pub cpu: u64,
    /// GiB of memory times milliseconds.
    pub memory_gib: u64,
    /// GiB of disk times milliseconds.
    pub disk_gib: u64,
}

impl std::ops::AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.cost += other.cost;
        self.standing = self.standing.saturating_add(other.standing);
        self.cpu = self.cpu.saturating_add(other.cpu);
        self.memory_gib = self.memory_gib.saturating_add(other.memory_gib);
        self.disk_gib = self.disk_gib.saturating_add(other.disk_gib);
    }
}

impl Amounts {
    /// Of one sandbox that stood so long in a state, at this cost.
    #[must_use]
    pub fn of(resources: Resources, state: UsageState, milliseconds: u64, cost: Micros) -> Self {
        let counted = state.counted(resources);
        let times = |count: u32| milliseconds.saturating_mul(u64::from(count));
        Self {
            cost,
            standing: milliseconds,
            cpu: times(counted.cpu),
            memory_gib: times(counted.memory_gib),
            disk_gib: times(counted.disk_gib),
        }
    }
}

/// One row of a list of sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UsageShare {
    /// The id of what it is of: an agent or a member; none when that is not known.
    pub id: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its name in addresses, when it is an agent that is still there.
    pub slug: Option<String>,
    /// The sums.
    pub amounts: Amounts,
}

/// What a run cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunUsage {
    /// The run.
    pub run: RunId,
    /// Its number; none when it was deleted.
    pub number: Option<i64>,
    /// The name of its agent then.
    pub agent: String,
    /// The sums.
    pub amounts: Amounts,
}

/// The cost of one run, and how it grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunCost {
    /// What it cost up to `at`.
    pub cost: Micros,
    /// What it costs for an hour now; nothing once it has ended.
    pub rate: Micros,
    /// When that was.
    pub at: Millis,
}

impl RunCost {
    /// What it cost up to `now`.
    #[must_use]
    pub fn until(&self, now: Millis) -> Micros {
        self.cost + crate::money::cost(self.rate, now.since(self.at))
    }
}

/// What a team may spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What a month may cost; none for no limit.
    pub monthly: Option<Micros>,
    /// What is free, once: usage takes from it before it counts against the budget.
    pub free_credit: Micros,
}

/// How a team's budget stands in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStanding {
    /// The budget.
    pub budget: Budget,
    /// The month.
    pub month: Month,
    /// What the month cost so far.
    pub used: Micros,
    /// What all months before cost together.
    pub used_before: Micros,
}

impl BudgetStanding {
    /// What of the free credit is left.
    #[must_use]
    pub fn credit_left(&self) -> Micros {
        (self.credit_at_begin() - self.used).max(Micros(0))
    }

    /// What the free credit paid of this month.
    #[must_use]
    pub fn credit_used(&self) -> Micros {
        self.used.min(self.credit_at_begin())
    }

    fn credit_at_begin(&self) -> Micros {
        (self.budget.free_credit - self.used_before).max(Micros(0))
    }

    /// What counts against the budget.
    #[must_use]
    pub fn charged(&self) -> Micros {
        self.used - self.credit_used()
    }

    /// How many percent of the budget that is, rounded down; none without a budget. Of a budget of
    /// nothing all is used.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        let monthly = self.budget.monthly?.0;
        if monthly <= 0 {
            return Some(BLOCKING_PERCENT);
        }
        let percent = i128::from(self.charged().0) * 100 / i128::from(monthly);
        Some(u64::try_from(percent).unwrap_or(0))
    }

    /// Whether people are to be warned.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.percent().is_some_and(|percent| percent >= WARNING_PERCENT)
    }

    /// Whether no run may start.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.percent().is_some_and(|percent| percent >= BLOCKING_PERCENT)
    }

    /// Why no run may start, and what to do.
    #[must_use]
    pub fn refusal(&self) -> String {
        format!(
            "The team\u{2019}s budget for {} is used up: {} of {}. Runs that go on are not touched. An owner can raise it in the settings, under Usage; the next month begins on {}.",
            self.month.words(),
            self.charged().words(),
            self.budget.monthly.unwrap_or_default().words(),
            self.month.next().first_day().words()
        )
    }
}

/// A budget was used to 80 or 100 percent, for the first time in its month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetEvent {
    /// 80 or 100.
    pub percent: u64,
    /// How it stood.
    pub standing: BudgetStanding,
    /// When it was noticed.
    pub at: Millis,
}

/// All a page shows of a team's month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// The month.
    pub month: Month,
    /// The sums over all of it.
    pub total: Amounts,
    /// Each day on which something was used, in order.
    pub days: Vec<(Day, Amounts)>,
    /// By agent, the dearest first.
    pub agents: Vec<UsageShare>,
    /// By member, the dearest first.
    pub members: Vec<UsageShare>,
    /// The dearest runs.
    pub runs: Vec<RunUsage>,
    /// How the budget stands in this month.
    pub standing: BudgetStanding,
    /// The prices from now on.
    pub price: Price,
    /// The server's clock.
    pub now: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(monthly: Option<i64>, free_credit: i64, used_before: i64, used: i64) -> BudgetStanding {
        BudgetStanding {
            budget: Budget {
                monthly: monthly.map(Micros),
                free_credit: Micros(free_credit),
            },
            month: Month::parse("2026-11").expect("a month"),
            used: Micros(used),
            used_before: Micros(used_before),
        }
    }

    #[test]
    fn a_budget_warns_at_80_and_blocks_at_100_percent() {
        let at = |used| {
            let standing = standing(Some(10_000_000), 0, 5, used);
            (standing.percent(), standing.warns(), standing.blocks())
        };
        assert_eq!(at(0), (Some(0), false, false));
        assert_eq!(at(7_999_999), (Some(79), false, false));
        assert_eq!(at(8_000_000), (Some(80), true, false));
        assert_eq!(at(9_999_999), (Some(99), true, false));
        assert_eq!(at(10_000_000), (Some(100), true, true));
        assert!(!standing(None, 0, 0, i64::MAX).blocks());
        assert!(standing(Some(0), 0, 0, 0).blocks());
    }

    #[test]
    fn free_credit_is_used_first_and_once() {
        let first = standing(Some(1_000_000), 3_000_000, 0, 2_000_000);
        assert_eq!(
            (first.charged(), first.credit_left(), first.percent()),
            (Micros(0), Micros(1_000_000), Some(0))
        );
        let second = standing(Some(1_000_000), 3_000_000, 2_000_000, 1_900_000);
        assert_eq!(
            (second.charged(), second.credit_left()),
            (Micros(900_000), Micros(0))
        );
        assert!(second.warns() && !second.blocks());
        let third = standing(Some(1_000_000), 3_000_000, 3_900_000, 10);
        assert_eq!((third.charged(), third.credit_used()), (Micros(10), Micros(0)));
    }

    #[test]
    fn the_refusal_says_what_why_and_what_to_do() {
        assert_eq!(
            standing(Some(10_000_000), 0, 0, 10_020_000).refusal(),
            "The team\u{2019}s budget for November 2026 is used up: $10.02 of $10.00. Runs that go on are not touched. An owner can raise it in the settings, under Usage; the next month begins on 1 December."
        );
    }

    #[test]
    fn the_cost_of_a_run_grows_while_it_goes_on() {
        let cost = RunCost {
            cost: Micros(5),
            rate: Micros(3_600_000),
            at: Millis(1000),
        };
        assert_eq!(cost.until(Millis(3000)), Micros(2005));
        assert_eq!(cost.until(Millis(0)), Micros(5));
    }
}
