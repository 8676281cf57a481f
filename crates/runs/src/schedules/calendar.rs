//! When a cron expression is due in a time zone.
//!
//! Clocks that change are heeded as Vixie cron does: a time of day that is left
//! out when clocks go forward is due at the first moment after the gap, one that
//! comes twice when they go back is due the first time alone; what is due every
//! few minutes or hours goes by the clock on the wall, in both passes. The time
//! zone database is part of the program, so that all servers agree.

use jiff::{
    Timestamp, Zoned,
    tz::{TimeZone, TimeZoneDatabase},
};
use model::{Invalid, Millis, NewSchedule};
use std::{str::FromStr as _, sync::LazyLock};

/// The one that comes with the program.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The times of a schedule.
#[derive(Clone, Debug)]
pub struct Calendar {
    cron: croner::Cron,
    zone: TimeZone,
}

impl Calendar {
    /// Reads an expression of five fields, and the name of a zone.
    ///
    /// # Errors
    /// Says what of it cannot be read.
    pub fn parse(said: &NewSchedule) -> Result<Self, Invalid> {
        let fields = said.cron.split_whitespace().count();
        let is_name = said.cron.trim_start().starts_with('@');
        if fields != 5 && !(is_name && fields == 1) {
            return Err(Invalid(format!(
                "\u{201c}{}\u{201d} has {fields} fields, and a cron expression has five: minute, hour, day of the month, month and day of the week. For example 30 9 * * MON-FRI, or @daily.",
                said.cron
            )));
        }
        let cron = croner::Cron::from_str(&said.cron).map_err(|error| {
            Invalid(format!(
                "\u{201c}{}\u{201d} cannot be read as a cron expression: {}. For example 30 9 * * MON-FRI is half past nine on working days.",
                said.cron,
                error.to_string().trim_end_matches('.')
            ))
        })?;
        let zone = ZONES.get(&said.zone).map_err(|_| {
            Invalid(format!(
                "\u{201c}{}\u{201d} is no time zone that Pitlane knows. Write a name such as Europe/Berlin, America/New_York or UTC.",
                said.zone.chars().take(60).collect::<String>()
            ))
        })?;
        Ok(Self { cron, zone })
    }

    /// The first time after this.
    #[must_use]
    pub fn next(&self, after: Millis) -> Option<Millis> {
        let next = self.cron.find_next_occurrence(&self.at(after)?, false).ok()?;
        Some(Millis(next.timestamp().as_millisecond())).filter(|next| *next > after)
    }

    /// The same for a schedule that is saved.
    ///
    /// # Errors
    /// When it never comes.
    pub fn first(&self, after: Millis) -> Result<Millis, Invalid> {
        self.next(after).ok_or_else(|| {
            Invalid(format!(
                "\u{201c}{}\u{201d} never comes: no day has this date.",
                self.cron.as_str()
            ))
        })
    }

    /// The last time that is not after this, and not before `earliest`.
    #[must_use]
    pub fn last(&self, earliest: Millis, until: Millis) -> Option<Millis> {
        let last = self.cron.find_previous_occurrence(&self.at(until)?, true).ok()?;
        let last = Millis(last.timestamp().as_millisecond());
        (earliest..=until).contains(&last).then_some(last)
    }

    /// A time as the zone's clocks show it: `Fri 2026-11-27 09:30 CET`.
    #[must_use]
    pub fn words(&self, at: Millis) -> String {
        self.at(at)
            .map_or_else(String::new, |at| at.strftime("%a %Y-%m-%d %H:%M %Z").to_string())
    }

    fn at(&self, at: Millis) -> Option<Zoned> {
        let at = Timestamp::from_millisecond(at.0).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }
}

/// The names of all time zones, in order.
#[must_use]
pub fn zones() -> Vec<String> {
    let names = ZONES.available().map(|name| name.as_str().to_owned());
    // The others are old names of these.
    let mut names: Vec<_> = names
        .filter(|name| name == "UTC" || (name.contains('/') && !name.starts_with("Etc/")))
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cron: &str, zone: &str) -> NewSchedule {
        NewSchedule {
            name: "x".to_owned(),
            cron: cron.to_owned(),
            zone: zone.to_owned(),
            missed: model::MissedPolicy::Skip,
            overlap: model::OverlapPolicy::Skip,
        }
    }

    fn millis(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().expect("a time").as_millisecond())
    }

    /// The times after this one, in UTC.
    fn after(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let calendar = Calendar::parse(&said(cron, zone)).expect("a calendar");
        let times = std::iter::successors(calendar.next(millis(from)), |at| calendar.next(*at));
        let text = |at: Millis| Timestamp::from_millisecond(at.0).expect("a time").to_string();
        times.take(count).map(text).collect()
    }

    #[test]
    fn a_time_of_day_that_is_left_out_is_made_up_for_once() {
        // 2026-03-29 02:00 becomes 03:00 in Berlin.
        assert_eq!(
            after("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            [
                "2026-03-28T01:30:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-30T00:30:00Z"
            ]
        );
        // 00:00 becomes 01:00 in Cairo: the day is not left out with its midnight.
        assert_eq!(
            after("0 0 * * *", "Africa/Cairo", "2025-04-24T00:00:00Z", 2),
            ["2025-04-24T22:00:00Z", "2025-04-25T21:00:00Z"]
        );
        // What comes by the hour goes on by the clock: 01:30, 03:30.
        assert_eq!(
            after("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3),
            [
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-29T02:30:00Z"
            ]
        );
    }

    #[test]
    fn a_time_of_day_that_comes_twice_is_due_once() {
        // 2026-10-25 03:00 becomes 02:00 in Berlin, 2026-11-01 02:00 becomes 01:00 in New York.
        assert_eq!(
            after("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        assert_eq!(
            after("15 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
            ["2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"]
        );
        // And from between the two it is not due again.
        assert_eq!(
            after("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", 1),
            ["2026-10-26T01:30:00Z"]
        );
        // What comes by the minute comes in both passes, at moments that differ.
        assert_eq!(
            after("*/30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", 5),
            [
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-26T01:00:00Z"
            ]
        );
        // Half an hour, on Lord Howe.
        let times = after("* * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", 120);
        assert_eq!(times.last().map(String::as_str), Some("2026-04-04T16:00:00Z"));
    }

    #[test]
    fn leap_days() {
        assert_eq!(
            after("0 12 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2),
            ["2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"]
        );
        assert_eq!(
            after("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1),
            ["2104-02-29T00:00:00Z"],
            "2100 is none"
        );
        assert_eq!(
            after("0 0 L * *", "UTC", "2028-02-01T00:00:00Z", 2),
            ["2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"]
        );
    }

    #[test]
    fn names_and_days_of_the_week() {
        assert_eq!(
            after("@daily", "Asia/Kathmandu", "2026-11-26T00:00:00Z", 1),
            ["2026-11-26T18:15:00Z"]
        );
        assert_eq!(
            after("0 9 * * MON-FRI", "UTC", "2026-11-27T10:00:00Z", 1),
            ["2026-11-30T09:00:00Z"]
        );
        // Day of the month or of the week, as cron has it.
        assert_eq!(
            after("0 0 13 * FRI", "UTC", "2026-11-26T00:00:00Z", 2),
            ["2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"]
        );
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (cron, zone, words) in [
            ("", "UTC", "has 0 fields"),
            ("* * * *", "UTC", "five"),
            ("* * * * * *", "UTC", "five"),
            ("@sometimes", "UTC", "cannot be read"),
            ("61 * * * *", "UTC", "cannot be read"),
            ("0 0 * * XYZ", "UTC", "cannot be read"),
            ("\u{1f680} * * * *", "UTC", "cannot be read"),
            ("@daily", "Europe/Bielefeld", "no time zone"),
            ("@daily", "", "no time zone"),
            ("@daily", "../etc/passwd", "no time zone"),
        ] {
            let error = Calendar::parse(&said(cron, zone)).expect_err(cron);
            assert!(error.0.contains(words), "{cron} {zone}: {error}");
        }
        let never = Calendar::parse(&said("0 0 30 2 *", "UTC")).expect("an expression");
        let error = never.first(millis("2026-01-01T00:00:00Z")).expect_err("no day");
        assert!(error.0.contains("never comes"), "{error}");
    }

    #[test]
    fn words_are_of_the_zone() {
        let berlin = Calendar::parse(&said("@daily", "Europe/Berlin")).expect("a calendar");
        assert_eq!(
            berlin.words(millis("2026-10-25T00:30:00Z")),
            "Sun 2026-10-25 02:30 CEST"
        );
        assert_eq!(
            berlin.words(millis("2026-10-25T01:30:00Z")),
            "Sun 2026-10-25 02:30 CET"
        );
        let names = zones();
        assert!(names.len() > 300 && names.contains(&"Europe/Berlin".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused_and_times_go_forward(
            cron in "[0-9*/,LW#@a-z? -]{0,20}|([0-9]{1,2}|\\*|\\*/[0-9]) ([0-9]{1,2}|\\*) \\* \\* [0-7*]",
            from in 0_i64..4_000_000_000_000,
        ) {
            if let Ok(calendar) = Calendar::parse(&said(&cron, "America/New_York")) {
                let from = Millis(from);
                if let Some(next) = calendar.next(from) {
                    proptest::prop_assert!(next > from);
                    proptest::prop_assert_eq!(calendar.last(from, next), Some(next), "{}", cron);
                }
            }
        }
    }
}
