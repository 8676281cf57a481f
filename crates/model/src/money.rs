//! Money and the price table. Amounts are whole millionths of the currency, so
//! that sums are exact; no floating-point number ever touches one.

use crate::{Invalid, Resources};
use serde::{Deserialize, Serialize};

/// Millionths of a unit in one unit.
const UNIT: i64 = 1_000_000;
/// Milliseconds in an hour, which prices are for.
const HOUR: i128 = 3_600_000;
/// The highest price of one vCPU or GiB for an hour: costs of a day stay far below what is counted.
const MOST_PRICE: Micros = Micros(1000 * UNIT);
/// The largest budget or credit.
const MOST_AMOUNT: Micros = Micros(1_000_000_000 * UNIT);

/// An amount of money in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Micros(pub i64);

impl std::ops::Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| sum + one)
    }
}

impl Micros {
    /// A budget or credit of so many millionths.
    ///
    /// # Errors
    /// When it is negative, or more than anything costs.
    pub fn of_budget(millionths: i64) -> Result<Self, Invalid> {
        let amount = Self(millionths);
        if (Self(0)..=MOST_AMOUNT).contains(&amount) {
            return Ok(amount);
        }
        Err(Invalid(format!(
            "{millionths} is no amount: from 0 to {} millionths of a dollar can be given.",
            MOST_AMOUNT.0
        )))
    }

    /// Reads an amount as people write it: `10`, `0.5`, `$12.345678`.
    ///
    /// # Errors
    /// When it is no amount, is negative, has more than six decimals, or is more than anything costs.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || {
            Invalid(format!(
                "\u{201c}{}\u{201d} is no amount of money. Write it such as 25 or 12.50, with at most six decimals.",
                text.chars().take(40).collect::<String>()
            ))
        };
        let plain = text.trim();
        let plain = plain.strip_prefix('$').unwrap_or(plain);
        let (units, decimals) = plain.split_once('.').unwrap_or((plain, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(units) || !digits(decimals) || decimals.len() > 6 || units.len() > 12 {
            return Err(refused());
        }
        let units: i64 = units.parse().map_err(|_| refused())?;
        let decimals: i64 = format!("{decimals:0<6}").parse().map_err(|_| refused())?;
        let amount = Self(units.saturating_mul(UNIT).saturating_add(decimals));
        if amount > MOST_AMOUNT {
            return Err(Invalid(format!(
                "{} is more than can be counted.",
                amount.words()
            )));
        }
        Ok(amount)
    }

    /// The amount with all its decimals and no sign of a currency: `12.345678`.
    #[must_use]
    pub fn exact(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        let unit = UNIT.unsigned_abs();
        format!("{sign}{}.{:06}", all / unit, all % unit)
    }

    /// The amount as people read it, with as many decimals as say something: `$12.35`, `$0.0042`,
    /// `$0.000123`. What is cut off is rounded.
    #[must_use]
    pub fn words(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        let decimals = match all {
            0 | 100_000.. => 2,
            1_000..100_000 => 4,
            _ => 6,
        };
        let step = 10_u64.pow(6 - decimals);
        let rounded = (all + step / 2) / step;
        let part = 10_u64.pow(decimals);
        let width = decimals as usize;
        format!("{sign}${}.{:0width$}", rounded / part, rounded % part)
    }
}

/// How a sandbox is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageState {
    /// It runs: CPU, memory and disk.
    Running,
    /// It is stopped or paused: its disk alone.
    Stopped,
    /// It is archived: nothing.
    Archived,
}

impl UsageState {
    /// The word stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Archived => "archived",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Running, Self::Stopped, Self::Archived]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    /// What of a sandbox is counted in this state.
    #[must_use]
    pub const fn counted(self, resources: Resources) -> Resources {
        match self {
            Self::Running => resources,
            Self::Stopped => Resources {
                cpu: 0,
                memory_gib: 0,
                disk_gib: resources.disk_gib,
            },
            Self::Archived => Resources {
                cpu: 0,
                memory_gib: 0,
                disk_gib: 0,
            },
        }
    }
}

/// The price table: what one of each costs for an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Price {
    /// One vCPU.
    pub cpu: Micros,
    /// One GiB of memory.
    pub memory_gib: Micros,
    /// One GiB of disk.
    pub disk_gib: Micros,
}

impl Default for Price {
    /// Daytona's published prices: per second $0.000014 for a vCPU, $0.0000045 for a GiB of memory and
    /// $0.00000003 for a GiB of disk (<https://www.daytona.io/pricing>).
    fn default() -> Self {
        Self {
            cpu: Micros(50_400),
            memory_gib: Micros(16_200),
            disk_gib: Micros(108),
        }
    }
}

impl Price {
    /// Reads a table as an operator writes it, in dollars per hour: `cpu=0.0504, memory=0.0162,
    /// disk=0.000108`. What is not named costs what it usually does.
    ///
    /// # Errors
    /// Names the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut price = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, amount) = part.split_once('=').ok_or_else(|| {
                Invalid(format!(
                    "\u{201c}{part}\u{201d} has no price. Write it such as cpu=0.0504."
                ))
            })?;
            let amount = Micros::parse(amount)?;
            if amount > MOST_PRICE {
                return Err(Invalid(format!(
                    "A price is at most {} for an hour, not {}.",
                    MOST_PRICE.words(),
                    amount.words()
                )));
            }
            match name.trim() {
                "cpu" => price.cpu = amount,
                "memory" => price.memory_gib = amount,
                "disk" => price.disk_gib = amount,
                other => {
                    return Err(Invalid(format!(
                        "\u{201c}{other}\u{201d} has no price. There are cpu, memory and disk."
                    )));
                }
            }
        }
        Ok(price)
    }

    /// What a sandbox of these resources costs for an hour in this state.
    #[must_use]
    pub fn rate(&self, resources: Resources, state: UsageState) -> Micros {
        let counted = state.counted(resources);
        let of = |price: Micros, count: u32| price.0.saturating_mul(i64::from(count));
        Micros(
            of(self.cpu, counted.cpu)
                .saturating_add(of(self.memory_gib, counted.memory_gib))
                .saturating_add(of(self.disk_gib, counted.disk_gib)),
        )
    }
}

/// What so many milliseconds cost at a rate per hour, rounded down: whoever splits a time in two pays for
/// the second part what the whole costs without the first, so that parts always add up.
#[must_use]
pub fn cost(rate: Micros, milliseconds: u64) -> Micros {
    let cost = i128::from(rate.0) * i128::from(milliseconds) / HOUR;
    Micros(i64::try_from(cost).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_hour_of_the_usual_sandbox_costs_what_daytona_says() {
        let resources = Resources::default();
        let rate = |state| Price::default().rate(resources, state);
        assert_eq!(rate(UsageState::Running), Micros(50_400 + 16_200 + 3 * 108));
        assert_eq!(rate(UsageState::Stopped), Micros(324));
        assert_eq!(rate(UsageState::Archived), Micros(0));
        assert_eq!(cost(rate(UsageState::Running), 3_600_000), Micros(66_924));
        assert_eq!(cost(rate(UsageState::Running), 0), Micros(0));
        assert_eq!(cost(Micros(i64::MAX), u64::MAX), Micros(i64::MAX));
    }

    #[test]
    fn amounts_are_said_and_read() {
        let said = [
            0, 1, 999, 1_000, 4_249, 99_999, 100_000, 1_234_567, 12_345_678, -50_000,
        ]
        .map(|micros| Micros(micros).words());
        assert_eq!(
            said,
            [
                "$0.00",
                "$0.000001",
                "$0.000999",
                "$0.0010",
                "$0.0042",
                "$0.1000",
                "$0.10",
                "$1.23",
                "$12.35",
                "-$0.0500"
            ]
        );
        assert_eq!(Micros(-1_500_000).exact(), "-1.500000");
        assert_eq!(Micros::parse(" $12.5 "), Ok(Micros(12_500_000)));
        assert_eq!(Micros::parse("0"), Ok(Micros(0)));
        for bad in [
            "",
            "$",
            "-1",
            "1.",
            ".5",
            "1.1234567",
            "1e3",
            "1,5",
            "9999999999999",
            "NaN",
            "\u{661}",
        ] {
            assert!(Micros::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_table_is_read() {
        let price = Price::parse("cpu=0.06, disk=0").expect("a table");
        assert_eq!(
            (price.cpu, price.memory_gib, price.disk_gib),
            (Micros(60_000), Micros(16_200), Micros(0))
        );
        assert_eq!(Price::parse(""), Ok(Price::default()));
        for bad in ["cpu", "gpu=1", "cpu=x", "cpu=1001"] {
            assert!(Price::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn exact_amounts_are_read_back(micros in 0..1_000_000_000_000_i64) {
            prop_assert_eq!(Micros::parse(&Micros(micros).exact()), Ok(Micros(micros)));
        }

        #[test]
        fn what_is_split_costs_the_same(rate in 0..10_000_000_i64, a in 0..100_000_000_u64, b in 0..100_000_000_u64) {
            let rate = Micros(rate);
            let second = cost(rate, a + b) - cost(rate, a);
            prop_assert_eq!(cost(rate, a) + second, cost(rate, a + b));
            prop_assert!(second >= Micros(0));
        }
    }
}
