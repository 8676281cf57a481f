//! How often one client does something in a while, and the headers that tell
//! it where it stands, as the IETF's draft "RateLimit header fields for HTTP"
//! names them.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Past so many clients those are dropped of whom nothing counts any more.
const MANY: usize = 10_000;
/// How often that is done at most.
const PAUSE: Duration = Duration::from_secs(1);

/// At most so many in any window of time: each counts until the window has passed since it.
#[derive(Debug)]
pub struct Rate<K> {
    name: &'static str,
    most: usize,
    window: Duration,
    seen: Mutex<Seen<K>>,
}

#[derive(Debug)]
struct Seen<K> {
    all: HashMap<K, VecDeque<Instant>>,
    swept: Option<Instant>,
}

/// Where a client stands after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    name: &'static str,
    most: usize,
    window: Duration,
    /// How many more it may now.
    pub left: usize,
    /// When the oldest counts no more, so that it may one more again.
    pub wait: Duration,
}

impl<K: Clone + Eq + Hash> Rate<K> {
    /// At most `most` in `window`; 0 for any number.
    pub fn new(name: &'static str, most: usize, window: Duration) -> Self {
        Self {
            name,
            most,
            window,
            seen: Mutex::new(Seen {
                all: HashMap::new(),
                swept: None,
            }),
        }
    }

    /// Counts a try before it is made, so that many at once count too. Where the client stands then;
    /// none when any number may be.
    ///
    /// # Errors
    /// When there were too many: where it stands. Such a try does not count.
    pub fn begin(&self, key: &K, now: Instant) -> Result<Option<Standing>, Standing> {
        if self.most == 0 {
            return Ok(None);
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.sweep(self.window, now);
        let tries = seen.all.entry(key.clone()).or_default();
        while tries
            .front()
            .is_some_and(|first| now.saturating_duration_since(*first) >= self.window)
        {
            tries.pop_front();
        }
        let is_one_too_many = tries.len() >= self.most;
        if !is_one_too_many {
            tries.push_back(now);
        }
        let oldest = tries.front().copied().unwrap_or(now);
        let standing = Standing {
            name: self.name,
            most: self.most,
            window: self.window,
            left: self.most - tries.len(),
            wait: self.window.saturating_sub(now.saturating_duration_since(oldest)),
        };
        if is_one_too_many {
            Err(standing)
        } else {
            Ok(Some(standing))
        }
    }

    /// Forgets the tries of a client.
    pub fn forget(&self, key: &K) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .all
            .remove(key);
    }
}

impl<K> Seen<K> {
    /// Drops what counts no more, now and then. So many at once that it helps nothing are no honest
    /// clients: the counts begin anew.
    fn sweep(&mut self, window: Duration, now: Instant) {
        if self.all.len() < MANY {
            return;
        }
        if self
            .swept
            .is_none_or(|last| now.saturating_duration_since(last) >= PAUSE)
        {
            self.swept = Some(now);
            self.all.retain(|_, tries| {
                tries
                    .back()
                    .is_some_and(|last| now.saturating_duration_since(*last) < window)
            });
        }
        if self.all.len() >= 2 * MANY {
            self.all.clear();
        }
    }
}

impl Standing {
    /// Whole seconds until it may one more, at least one.
    pub fn wait_seconds(&self) -> u64 {
        let seconds = self.wait.as_secs();
        (seconds + u64::from(self.wait.subsec_nanos() > 0)).max(1)
    }

    /// Writes it into the head of an answer.
    pub fn say(&self, headers: &mut HeaderMap) {
        let (name, window) = (self.name, self.window.as_secs());
        for (header, value) in [
            (
                "ratelimit-policy",
                format!("\"{name}\";q={};w={window}", self.most),
            ),
            (
                "ratelimit",
                format!("\"{name}\";r={};t={}", self.left, self.wait_seconds()),
            ),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(header), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    #[test]
    fn one_too_many_waits_for_the_oldest() {
        let rate = Rate::new("sign-in", 10, WINDOW);
        let start = Instant::now();
        for number in 0..10 {
            let standing = rate
                .begin(&1, start + Duration::from_secs(number))
                .expect("within");
            assert_eq!(standing.expect("counted").left, 9 - number as usize);
        }
        let later = start + Duration::from_secs(100);
        let refused = rate.begin(&1, later).expect_err("too many");
        assert_eq!((refused.left, refused.wait_seconds()), (0, 200));
        rate.begin(&2, later).expect("another client");
        rate.begin(&1, start + WINDOW).expect("the oldest counts no more");
        rate.begin(&1, start + WINDOW).expect_err("the second still does");
        rate.forget(&1);
        rate.begin(&1, start + WINDOW).expect("forgotten");
        let any = Rate::new("starts", 0, WINDOW);
        assert!((0..1000).all(|_| any.begin(&1, start) == Ok(None)));
    }

    #[test]
    fn many_clients_take_no_more_memory_than_a_few() {
        let rate = Rate::new("sign-in", 10, WINDOW);
        let start = Instant::now();
        for client in 0..100_000_u32 {
            let _ = rate.begin(&client, start + Duration::from_millis(u64::from(client)));
        }
        assert!(rate.seen.lock().expect("not poisoned").all.len() <= 2 * MANY);
    }

    #[test]
    fn the_headers_say_the_rule_and_what_is_left() {
        let rate = Rate::new("starts", 3, Duration::from_secs(60));
        let now = Instant::now();
        let standing = rate.begin(&1, now).expect("within").expect("counted");
        let mut headers = HeaderMap::new();
        standing.say(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"starts\";q=3;w=60");
        assert_eq!(headers["ratelimit"], "\"starts\";r=2;t=60");
    }
}
