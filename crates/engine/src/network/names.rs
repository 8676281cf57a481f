//! Which names led to which addresses for one sandbox. A connection over its
//! own device comes with an address alone; this is how a list of domains holds
//! there too.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Addresses that are remembered; the one not used longest goes first.
const ADDRESSES: usize = 4096;
/// Names that are remembered for one address.
const NAMES: usize = 16;
/// Programs keep addresses longer than they were told to.
const KEPT: Duration = Duration::from_secs(60 * 60);

#[derive(Debug)]
struct Remembered {
    names: Vec<String>,
    used: Instant,
}

/// The memory of one sandbox.
#[derive(Debug, Default)]
pub(super) struct Names {
    addresses: HashMap<IpAddr, Remembered>,
}

impl Names {
    /// Notes that a name leads to an address.
    pub(super) fn remember(&mut self, address: IpAddr, name: &str, now: Instant) {
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&address) {
            self.make_room(now);
        }
        let known = self.addresses.entry(address).or_insert_with(|| Remembered {
            names: Vec::new(),
            used: now,
        });
        known.used = now;
        if let Some(at) = known.names.iter().position(|known| known == name) {
            // The latest is kept longest.
            known.names[at..].rotate_left(1);
            return;
        }
        if known.names.len() == NAMES {
            known.names.remove(0);
        }
        known.names.push(name.to_owned());
    }

    /// The names that led to an address.
    pub(super) fn of(&mut self, address: IpAddr, now: Instant) -> Vec<String> {
        match self.addresses.get_mut(&address) {
            Some(known) if now.duration_since(known.used) < KEPT => {
                known.used = now;
                known.names.clone()
            }
            _ => Vec::new(),
        }
    }

    fn make_room(&mut self, now: Instant) {
        self.addresses
            .retain(|_, known| now.duration_since(known.used) < KEPT);
        while self.addresses.len() >= ADDRESSES {
            let oldest = self.addresses.iter().min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(address, _)| *address) else {
                return;
            };
            self.addresses.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: usize) -> IpAddr {
        Ipv4Addr::from(0x0100_0000 + u32::try_from(number).unwrap()).into()
    }

    #[test]
    fn names_are_found_again_until_they_are_old() {
        let (mut names, now) = (Names::default(), Instant::now());
        names.remember(address(1), "a.com", now);
        names.remember(address(1), "b.com", now);
        names.remember(address(1), "a.com", now);
        assert_eq!(names.of(address(1), now), ["b.com", "a.com"]);
        assert!(names.of(address(2), now).is_empty());
        assert!(names.of(address(1), now + KEPT).is_empty());
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut names, now) = (Names::default(), Instant::now());
        for number in 0..ADDRESSES + 50 {
            let then = now + Duration::from_millis(u64::try_from(number).unwrap());
            names.remember(address(number), "a.com", then);
        }
        assert_eq!(names.addresses.len(), ADDRESSES);
        let later = now + Duration::from_secs(10);
        assert!(names.of(address(0), later).is_empty() && !names.of(address(ADDRESSES), later).is_empty());
        for number in 0..NAMES + 5 {
            names.remember(address(60), &format!("{number}.com"), later);
        }
        let known = names.of(address(60), later);
        assert_eq!((known.len(), known[NAMES - 1].as_str()), (NAMES, "20.com"));
    }
}
