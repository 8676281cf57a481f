//! Tickets: tokens that open a part of one sandbox for a while, such as a signed
//! preview one of its ports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::registry::{Entry, Token};

/// The most a sandbox has at the same time.
const LIMIT: usize = 1000;

/// What a ticket opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// The preview of one port.
    Port(u16),
    /// Its shell, over SSH.
    Shell,
}

#[derive(Debug)]
struct Ticket {
    entry: Weak<Entry>,
    opens: Opens,
    until: Instant,
}

/// The tickets of all sandboxes, by the hash of their token. They end with the
/// engine, as the programs do that they open.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    all: Mutex<HashMap<[u8; 32], Ticket>>,
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Tickets {
    /// All that are still valid.
    fn valid(&self) -> MutexGuard<'_, HashMap<[u8; 32], Ticket>> {
        let now = Instant::now();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, ticket| ticket.until > now && ticket.entry.strong_count() > 0);
        all
    }

    /// Makes one.
    pub(crate) fn issue(&self, entry: &Arc<Entry>, opens: Opens, lasts: Duration) -> Result<Token, Fault> {
        let mut all = self.valid();
        let weak = Arc::downgrade(entry);
        let same = all.values().filter(|ticket| ticket.entry.ptr_eq(&weak));
        if same.count() >= LIMIT {
            return Err(Fault::bad_request(format!(
                "This sandbox has {LIMIT} signed addresses already. Let some expire."
            )));
        }
        let token = Token::new();
        let ticket = Ticket {
            entry: weak,
            opens,
            until: Instant::now() + lasts,
        };
        all.insert(hash(token.as_str()), ticket);
        Ok(token)
    }

    /// The sandbox of which a token opens this part.
    pub(crate) fn find(&self, token: &str, opens: Opens) -> Option<Arc<Entry>> {
        let all = self.valid();
        let ticket = all.get(&hash(token)).filter(|ticket| ticket.opens == opens)?;
        ticket.entry.upgrade()
    }

    /// Ends one before its time; whether it was there.
    pub(crate) fn revoke(&self, entry: &Arc<Entry>, token: &str, opens: Opens) -> bool {
        let mut all = self.valid();
        let key = hash(token);
        let weak = Arc::downgrade(entry);
        let found = all
            .get(&key)
            .is_some_and(|ticket| ticket.opens == opens && ticket.entry.ptr_eq(&weak));
        found && all.remove(&key).is_some()
    }

    /// Ends all of a sandbox's that open this part.
    pub(crate) fn revoke_all(&self, entry: &Arc<Entry>, opens: Opens) {
        let weak = Arc::downgrade(entry);
        self.valid()
            .retain(|_, ticket| ticket.opens != opens || !ticket.entry.ptr_eq(&weak));
    }
}
