//! How a row's time is shown.

use model::Millis;

/// Which time is shown before each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeShown {
    /// None.
    Off,
    /// Since the run was asked for.
    #[default]
    SinceStart,
    /// By the person's clock.
    Clock,
}

impl TimeShown {
    /// What the switch comes to next.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::SinceStart => Self::Clock,
            Self::Clock => Self::Off,
            Self::Off => Self::SinceStart,
        }
    }

    /// The word it is stored as.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::SinceStart => "since-start",
            Self::Clock => "clock",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "off" => Self::Off,
            "clock" => Self::Clock,
            _ => Self::SinceStart,
        }
    }
}

/// A row's time in words. `minutes_west` is what `Date.getTimezoneOffset` says.
#[must_use]
pub fn words(shown: TimeShown, at: Millis, start: Millis, minutes_west: i64) -> String {
    let (milliseconds, with_hours) = match shown {
        TimeShown::Off => return String::new(),
        TimeShown::SinceStart => {
            let since = at.0.saturating_sub(start.0).max(0);
            (since, since >= 3_600_000)
        }
        TimeShown::Clock => (
            at.0.saturating_sub(minutes_west * 60_000).rem_euclid(86_400_000),
            true,
        ),
    };
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    if with_hours {
        format!("{:02}:{:02}:{seconds:02}.{rest:03}", minutes / 60, minutes % 60)
    } else {
        format!("{minutes:02}:{seconds:02}.{rest:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let since = |milliseconds: i64| {
            words(
                TimeShown::SinceStart,
                Millis(1000 + milliseconds),
                Millis(1000),
                0,
            )
        };
        assert_eq!(
            [since(-5), since(143), since(62_408), since(3_723_004)],
            ["00:00.000", "00:00.143", "01:02.408", "01:02:03.004"]
        );
        let noon = Millis(1_763_899_200_123);
        assert_eq!(words(TimeShown::Clock, noon, Millis(0), -60), "13:00:00.123");
        assert_eq!(words(TimeShown::Off, noon, Millis(0), 0), "");
        for shown in [TimeShown::Off, TimeShown::SinceStart, TimeShown::Clock] {
            assert_eq!(TimeShown::parse(shown.as_str()), shown);
            assert_eq!(shown.next().next().next(), shown);
        }
    }
}
