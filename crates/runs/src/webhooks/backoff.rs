//! When a message is sent again that was not taken: soon at first, then less
//! and less often, for about a day.

use model::Millis;
use std::time::Duration;

/// The pauses after each attempt, in seconds: 5 s, four times as long each time, 8 h at most; a day in all.
const PAUSES: [u64; 9] = [5, 20, 80, 320, 1280, 5120, 20_480, 28_800, 28_800];
/// The longest time an address may ask us to wait, in seconds.
const LONGEST_WISH: u64 = 86_400;

/// When it is sent next after `tries` attempts that failed; none when it was sent often enough. `asked`
/// is how long the address wants to be left alone.
pub fn next(now: Millis, tries: u32, asked: Option<Duration>) -> Option<Millis> {
    let pause = *PAUSES.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
    let wait = jittered(pause * 1000).max(
        asked
            .map_or(0, |asked| asked.as_secs().min(LONGEST_WISH))
            .saturating_mul(1000),
    );
    Some(Millis(now.0 + i64::try_from(wait).unwrap_or(i64::MAX / 2)))
}

/// A fifth more or less, so that what failed together does not come back together.
fn jittered(milliseconds: u64) -> u64 {
    let mut byte = [128];
    // Without randomness all come back together, which is better than not at all.
    let _ = getrandom::fill(&mut byte);
    milliseconds * 4 / 5 + milliseconds * 2 / 5 * u64::from(byte[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_for_about_a_day() {
        let mut at = Millis(0);
        let mut tries = 0;
        while let Some(next) = next(at, tries + 1, None) {
            let pause = PAUSES[tries as usize] * 1000;
            let waited = next.since(at);
            assert!(
                (pause * 4 / 5..=pause * 6 / 5).contains(&waited),
                "{waited} {pause}"
            );
            at = next;
            tries += 1;
        }
        let hours = at.0 / 3_600_000;
        assert!(
            (18..=29).contains(&hours) && tries == 9,
            "{hours} h, {tries} tries"
        );
        assert_eq!(next(at, 0, None), None, "nothing was tried");
    }

    #[test]
    fn who_asks_for_time_is_given_it_within_reason() {
        let after = |seconds| next(Millis(0), 1, Some(Duration::from_secs(seconds)));
        assert_eq!(after(600), Some(Millis(600_000)));
        assert_eq!(after(u64::MAX), Some(Millis(86_400_000)));
        assert!(after(0).is_some_and(|at| at.0 >= 4000));
    }

    #[test]
    fn not_all_at_once() {
        let times: std::collections::BTreeSet<_> = (0..50).filter_map(|_| next(Millis(0), 5, None)).collect();
        assert!(times.len() > 5);
    }
}
