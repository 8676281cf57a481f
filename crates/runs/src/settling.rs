//! Waits a moment for the rest of a line. Programs often write a line in
//! pieces, Python's unbuffered `print` one for each of its arguments; a reader
//! that took the first piece at once would have the others only after its
//! pause, and would be told of one line twice.

use std::time::Duration;
use tokio::time::Instant;

/// How long the rest of a line is waited for. A question without a line break is shown so much later.
const SETTLE: Duration = Duration::from_millis(4);

/// The waiting of one reader.
#[derive(Default)]
pub(crate) struct Settling {
    until: Option<Instant>,
}

impl Settling {
    /// Until when to wait, when what there is to read ends within a line; none when it is to be read now.
    pub(crate) fn wait(&mut self, ends_within_a_line: bool, now: Instant) -> Option<Instant> {
        if !ends_within_a_line {
            self.until = None;
            return None;
        }
        let until = *self.until.get_or_insert(now + SETTLE);
        (until > now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_line_waits_once_and_a_whole_one_never() {
        let (mut settling, now) = (Settling::default(), Instant::now());
        assert_eq!(settling.wait(false, now), None);
        assert_eq!(settling.wait(true, now), Some(now + SETTLE));
        assert_eq!(settling.wait(true, now + SETTLE / 2), Some(now + SETTLE));
        assert_eq!(settling.wait(true, now + SETTLE), None, "long enough");
        assert_eq!(settling.wait(false, now + SETTLE), None);
        assert!(settling.wait(true, now + SETTLE).is_some(), "the next line");
    }
}
