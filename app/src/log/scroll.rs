//! Scrolling over more rows than a browser lets an element be high.
//!
//! Browsers stop counting pixels somewhere above 15 million. A longer log is
//! drawn on a canvas of [`MAX_HEIGHT`]: small steps move it pixel by pixel, and
//! a drag of the scroll bar or a jump maps the canvas onto the whole log. In
//! between, `shift` says how far the canvas is moved over the log.

/// The height of the canvas of a very long log, in pixels.
pub const MAX_HEIGHT: f64 = 8_000_000.0;

/// This near to an end of the log, the canvas is the log pixel by pixel: both
/// ends can be reached in steps.
const EXACT: f64 = 20_000.0;

/// Where the window onto the log stands, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scroll {
    /// The height of all rows.
    total: f64,
    /// The height of the window.
    window: f64,
    /// The scroll place of the element.
    place: f64,
    /// The log's pixel that is the canvas's first.
    shift: f64,
}

impl Scroll {
    /// The height the canvas has.
    #[must_use]
    pub fn canvas(&self) -> f64 {
        self.total.min(MAX_HEIGHT)
    }

    /// The log's pixel at the top of the window.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.place + self.shift
    }

    /// The scroll place the element should have.
    #[must_use]
    pub const fn place(&self) -> f64 {
        self.place
    }

    /// Where on the canvas a pixel of the log is.
    #[must_use]
    pub fn on_canvas(&self, pixel: f64) -> f64 {
        pixel - self.shift
    }

    /// Whether the last row is in view.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.top() + self.window >= self.total - 4.0
    }

    /// Takes new heights; the rows in view stay in view.
    pub fn resize(&mut self, total: f64, window: f64) {
        let top = self.top();
        self.total = total;
        self.window = window;
        self.go_to(top);
    }

    /// Takes the place the element was scrolled to by the person.
    pub fn scrolled(&mut self, place: f64) {
        let (range, farthest) = (self.range(), self.farthest());
        let step = place - self.place;
        self.place = place.clamp(0.0, range);
        if farthest <= range {
            return;
        }
        let rest = range - self.place;
        if step.abs() > self.window {
            self.go_to(if self.place <= EXACT {
                self.place
            } else if rest <= EXACT {
                farthest - rest
            } else {
                self.place / range * farthest
            });
        } else {
            // Steps that come near an end of the canvas, but of the canvas
            // alone, get room for more of them.
            let top = self.top();
            if self.place < top.min(EXACT / 2.0) || rest < (farthest - top).min(EXACT / 2.0) {
                self.go_to(top);
            }
        }
    }

    /// Takes where on the canvas the last row really ends, when rows turned
    /// out higher or lower than thought.
    pub fn ends_at(&mut self, on_canvas: f64) {
        self.total = on_canvas + self.shift;
    }

    /// Takes a place the element was given.
    pub fn moved_to(&mut self, place: f64) {
        self.place = place;
    }

    /// Shows the log from this pixel on, as far as there is something.
    pub fn go_to(&mut self, pixel: f64) {
        let (range, farthest) = (self.range(), self.farthest());
        let top = pixel.clamp(0.0, farthest);
        self.place = if farthest <= range {
            top
        } else {
            let share = (top / farthest * range).round();
            share.clamp(top.min(EXACT), range - (farthest - top).min(EXACT))
        };
        self.shift = top - self.place;
    }

    fn farthest(&self) -> f64 {
        (self.total - self.window).max(0.0)
    }

    /// How far the element can be scrolled.
    fn range(&self) -> f64 {
        (self.canvas() - self.window).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(rows: f64) -> Scroll {
        let mut scroll = Scroll::default();
        scroll.resize(rows * 20.0, 400.0);
        scroll
    }

    #[test]
    fn short_logs_scroll_as_any_element() {
        let mut scroll = of(1000.0);
        assert_eq!(scroll.canvas(), 20_000.0);
        scroll.scrolled(777.0);
        assert_eq!((scroll.top(), scroll.place()), (777.0, 777.0));
        scroll.go_to(f64::INFINITY);
        assert!(scroll.at_end());
        assert_eq!(scroll.top(), 19_600.0);
        scroll.resize(30_000.0, 400.0);
        assert_eq!(scroll.top(), 19_600.0, "what is in view stays");
        assert!(!scroll.at_end());
    }

    #[test]
    fn long_logs_reach_both_ends() {
        let mut scroll = of(10_000_000.0);
        assert_eq!(scroll.canvas(), MAX_HEIGHT);
        scroll.go_to(f64::INFINITY);
        assert!(scroll.at_end());
        assert_eq!(scroll.place(), MAX_HEIGHT - 400.0);
        scroll.scrolled(scroll.place() - 60.0);
        assert_eq!(
            scroll.top(),
            10_000_000.0 * 20.0 - 400.0 - 60.0,
            "steps are pixels"
        );
        scroll.scrolled(0.0);
        assert_eq!(scroll.top(), 0.0);
        scroll.go_to(60_000.0);
        for step in 1..=150 {
            scroll.scrolled(scroll.place() - 400.0);
            assert_eq!(
                scroll.top(),
                60_000.0 - 400.0 * f64::from(step),
                "every row can be reached in steps"
            );
        }
        scroll.scrolled(MAX_HEIGHT / 2.0);
        assert!(
            (scroll.top() / 100_000_000.0 - 1.0).abs() < 0.01,
            "a jump is a share of the log"
        );
    }

    proptest! {
        #[test]
        fn the_window_never_leaves_the_log(rows in 0.0..20_000_000.0f64, moves in proptest::collection::vec((any::<bool>(), 0.0..1.0f64), 0..40)) {
            let mut scroll = of(rows.floor());
            for (jump, amount) in moves {
                let most = (scroll.canvas() - 400.0).max(0.0);
                if jump {
                    scroll.scrolled(amount * most);
                } else {
                    scroll.scrolled((scroll.place() + amount * 600.0 - 300.0).clamp(0.0, most));
                }
                prop_assert!(scroll.top() >= -0.5, "{:?}", scroll);
                prop_assert!(scroll.top() <= (rows.floor() * 20.0 - 400.0).max(0.0) + 0.5, "{:?}", scroll);
                prop_assert!(scroll.place() >= 0.0 && scroll.place() <= most);
            }
        }
    }
}
