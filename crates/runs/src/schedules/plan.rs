//! What is to be done about a schedule that is due: fire at one time at most,
//! say what was missed, and when it is due next.

use super::calendar::Calendar;
use model::{Millis, MissedPolicy};

/// How late a run may be started and still be the run of its time, in milliseconds. A restart of the
/// server takes less.
const LATE: i64 = 60_000;
/// How far times are counted that were missed.
const MOST_COUNTED: usize = 1000;

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The time to fire at, and what there is to say of it.
    pub fire: Option<(Millis, Option<String>)>,
    /// The last of the times that nobody makes up for, and what is said of them.
    pub missed: Option<(Millis, String)>,
    /// When the schedule is due after all this.
    pub next_at: Option<Millis>,
}

/// The plan for a schedule that has been due since `due_at`.
pub fn plan(calendar: &Calendar, due_at: Millis, now: Millis, policy: MissedPolicy) -> Plan {
    let last = calendar.last(due_at, now).unwrap_or(due_at);
    let next_at = calendar.next(last.max(now));
    let is_in_time = now.0 - last.0 <= LATE;
    // Those before the last one.
    let times = std::iter::successors(Some(due_at), |at| calendar.next(*at));
    let earlier: Vec<_> = times.take_while(|at| *at < last).take(MOST_COUNTED).collect();
    let count = earlier.len();
    match (is_in_time, policy) {
        (true, MissedPolicy::RunOnce) => Plan {
            fire: Some((last, (count > 0).then(|| made_up_for(count)))),
            missed: None,
            next_at,
        },
        (true, MissedPolicy::Skip) => Plan {
            fire: Some((last, None)),
            missed: earlier.last().map(|at| (*at, missed(count))),
            next_at,
        },
        (false, MissedPolicy::RunOnce) => Plan {
            fire: Some((last, Some(made_up_for(count + 1)))),
            missed: None,
            next_at,
        },
        (false, MissedPolicy::Skip) => Plan {
            fire: None,
            missed: Some((last, missed(count + 1))),
            next_at,
        },
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "1 time".to_owned(),
        count if count >= MOST_COUNTED => format!("at least {MOST_COUNTED} times"),
        count => format!("{count} times"),
    }
}

fn missed(count: usize) -> String {
    format!("No server was running: {} left out.", times(count))
}

fn made_up_for(count: usize) -> String {
    format!("It makes up for {} at which no server was running.", times(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{NewSchedule, OverlapPolicy};

    const HOUR: i64 = 3_600_000;

    fn planned(missed: MissedPolicy, due_at: i64, now: i64) -> Plan {
        let calendar = Calendar::parse(&NewSchedule {
            name: "x".to_owned(),
            cron: "0 * * * *".to_owned(),
            zone: "UTC".to_owned(),
            missed,
            overlap: OverlapPolicy::Skip,
        })
        .expect("a calendar");
        plan(&calendar, Millis(due_at), Millis(now), missed)
    }

    #[test]
    fn in_time_it_fires_and_nothing_was_missed() {
        for policy in MissedPolicy::ALL {
            for late in [0, 900, LATE] {
                let expected = Plan {
                    fire: Some((Millis(HOUR), None)),
                    missed: None,
                    next_at: Some(Millis(2 * HOUR)),
                };
                assert_eq!(planned(policy, HOUR, HOUR + late), expected);
            }
        }
    }

    #[test]
    fn after_a_time_without_a_server() {
        let now = 5 * HOUR + 1_800_000;
        assert_eq!(
            planned(MissedPolicy::Skip, HOUR, now),
            Plan {
                fire: None,
                missed: Some((
                    Millis(5 * HOUR),
                    "No server was running: 5 times left out.".to_owned()
                )),
                next_at: Some(Millis(6 * HOUR)),
            }
        );
        let once = planned(MissedPolicy::RunOnce, HOUR, now);
        let (at, words) = once.fire.expect("a time");
        assert_eq!((at, once.missed), (Millis(5 * HOUR), None));
        assert!(words.expect("words").contains("5 times"));
    }

    #[test]
    fn what_was_missed_before_a_time_that_is_due_just_now() {
        let now = 3 * HOUR + 5_000;
        let skipped = planned(MissedPolicy::Skip, HOUR, now);
        assert_eq!(skipped.fire, Some((Millis(3 * HOUR), None)));
        assert_eq!(skipped.missed.expect("two").0, Millis(2 * HOUR));
        let once = planned(MissedPolicy::RunOnce, HOUR, now);
        assert!(once.fire.is_some_and(|(_, words)| words.is_some()) && once.missed.is_none());
    }

    #[test]
    fn years_without_a_server_are_counted_no_further_than_they_are_read() {
        let plan = planned(MissedPolicy::Skip, HOUR, 30 * 365 * 24 * HOUR + LATE + 1);
        assert!(
            plan.missed
                .is_some_and(|(_, words)| words.contains("at least 1000"))
        );
    }
}
