//! Days and months of UTC, which usage is counted by. The browser has no other
//! calendar of ours, and needs no more than this.

use crate::{Invalid, Millis};
use serde::{Deserialize, Serialize};

/// Milliseconds of a day.
pub const DAY_MILLISECONDS: i64 = 24 * 3600 * 1000;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day of UTC: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    /// The day of a point in time.
    #[must_use]
    pub const fn of(at: Millis) -> Self {
        Self(at.0.div_euclid(DAY_MILLISECONDS))
    }

    /// Reads `2026-11-26`.
    ///
    /// # Errors
    /// When it is no day.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid("A day is written such as 2026-11-26.".to_owned());
        let (month, day) = text.rsplit_once('-').ok_or_else(refused)?;
        let month = Month::parse(month).map_err(|_| refused())?;
        if day.len() != 2 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let day: i64 = day.parse().map_err(|_| refused())?;
        let found = Self(month.first_day().0 + day - 1);
        if day >= 1 && Month::of(found.begin()) == month {
            Ok(found)
        } else {
            Err(refused())
        }
    }

    /// Its first moment.
    #[must_use]
    pub const fn begin(self) -> Millis {
        Millis(self.0.saturating_mul(DAY_MILLISECONDS))
    }

    /// Year, month (1 to 12) and day of the month. After Howard Hinnant's `civil_from_days`
    /// (<https://howardhinnant.github.io/date_algorithms.html>).
    #[must_use]
    pub const fn civil(self) -> (i64, u8, u8) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year_of_era + era * 400 + (month <= 2) as i64;
        (year, month as u8, day as u8)
    }

    /// The day as `2026-11-26`.
    #[must_use]
    pub fn date(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The day as `26 November`.
    #[must_use]
    pub fn words(self) -> String {
        let (_, month, day) = self.civil();
        format!("{day} {}", MONTHS[usize::from(month - 1)])
    }
}

/// A point in time as RFC 3339 has it: `2026-11-26T18:59:21.004Z`.
#[must_use]
pub fn timestamp(at: Millis) -> String {
    let rest = at.0.rem_euclid(DAY_MILLISECONDS);
    let (seconds, milliseconds) = (rest / 1000, rest % 1000);
    format!(
        "{}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        Day::of(at).date(),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// A month of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    /// 1970 to 9999.
    year: i64,
    /// 1 to 12.
    month: u8,
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Month {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::text("A month of UTC, such as 2026-11.")
            .pattern(Some("^[0-9]{4}-(0[1-9]|1[0-2])$"))
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Month {}

impl Month {
    /// The month of a point in time.
    #[must_use]
    pub const fn of(at: Millis) -> Self {
        let (year, month, _) = Day::of(at).civil();
        Self { year, month }
    }

    /// Reads `2026-11`.
    ///
    /// # Errors
    /// When it is no month.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid("A month is written such as 2026-11.".to_owned());
        let (year, month) = text.split_once('-').ok_or_else(refused)?;
        let digits =
            |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(refused());
        }
        let (year, month) = (
            year.parse().map_err(|_| refused())?,
            month.parse().map_err(|_| refused())?,
        );
        if (1970..=9999).contains(&year) && (1..=12).contains(&month) {
            Ok(Self { year, month })
        } else {
            Err(refused())
        }
    }

    /// Its first day. After Howard Hinnant's `days_from_civil`.
    #[must_use]
    pub const fn first_day(self) -> Day {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = self.month as i64;
        let from_march = if month > 2 { month - 3 } else { month + 9 };
        let of_year = (153 * from_march + 2) / 5;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        Day(era * 146_097 + of_era - 719_468)
    }

    /// The month after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                year: self.year,
                month: month + 1,
            },
        }
    }

    /// The month before it; January 1970 is the first.
    #[must_use]
    pub const fn previous(self) -> Self {
        match (self.year, self.month) {
            (1970, 1) => self,
            (year, 1) => Self {
                year: year - 1,
                month: 12,
            },
            (year, month) => Self {
                year,
                month: month - 1,
            },
        }
    }

    /// Its days in order.
    pub fn days(self) -> impl Iterator<Item = Day> {
        (self.first_day().0..self.next().first_day().0).map(Day)
    }

    /// The month as `November 2026`.
    #[must_use]
    pub fn words(self) -> String {
        format!("{} {}", MONTHS[usize::from(self.month - 1)], self.year)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl TryFrom<String> for Month {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_have_dates() {
        let dates = [0, 58, 59, 11_016, 20_783, -1].map(|day| Day(day).date());
        assert_eq!(
            dates,
            [
                "1970-01-01",
                "1970-02-28",
                "1970-03-01",
                "2000-02-29",
                "2026-11-26",
                "1969-12-31"
            ]
        );
        assert_eq!(Day(20_783).words(), "26 November");
        assert_eq!(timestamp(Millis(1_795_719_561_004)), "2026-11-26T18:59:21.004Z");
        assert_eq!(timestamp(Millis(0)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for bad in [
            "",
            "2026-11-31",
            "2026-02-29",
            "2026-11-00",
            "2026-11-1",
            "2026-11",
            "26.11.2026",
        ] {
            assert!(Day::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn months_follow_each_other() {
        let month = Month::parse("2024-12").expect("a month");
        assert_eq!(
            (month.next().to_string(), month.previous().to_string()),
            ("2025-01".into(), "2024-11".into())
        );
        assert_eq!(month.words(), "December 2024");
        assert_eq!(Month::parse("2024-02").expect("a month").days().count(), 29);
        for bad in [
            "",
            "2024",
            "2024-13",
            "2024-00",
            "24-01",
            "2024-1",
            "1969-12",
            "2024-0\u{661}",
            "+024-01",
        ] {
            assert!(Month::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_day_is_in_its_month(day in 0..2_932_000_i64) {
            let day = Day(day);
            let month = Month::of(day.begin());
            prop_assert!(month.first_day() <= day && day < month.next().first_day());
            prop_assert_eq!(i64::from(day.civil().2), day.0 - month.first_day().0 + 1);
            prop_assert_eq!(Month::parse(&month.to_string()), Ok(month));
            prop_assert_eq!(Day::parse(&day.date()), Ok(day));
        }
    }
}
