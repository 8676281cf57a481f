//! How many of a kind one client has at once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts those that are there now. Takes no more memory than they do.
#[derive(Debug)]
pub struct AtOnce<K: Eq + Hash> {
    most: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of them, until dropped.
#[derive(Debug)]
pub struct Inside<K: Eq + Hash> {
    counts: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

fn locked<K>(counts: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Clone + Eq + Hash> AtOnce<K> {
    /// At most so many of each client.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            counts: Arc::default(),
        }
    }

    /// The most.
    pub const fn most(&self) -> usize {
        self.most
    }

    /// How many there are of all clients.
    pub fn inside(&self) -> usize {
        locked(&self.counts).values().sum()
    }

    /// One more, unless the client has as many as it may.
    pub fn enter(&self, key: &K) -> Option<Inside<K>> {
        let mut counts = locked(&self.counts);
        let count = counts.get(key).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        counts.insert(key.clone(), count + 1);
        Some(Inside {
            counts: Arc::clone(&self.counts),
            key: key.clone(),
        })
    }
}

impl<K: Eq + Hash> Drop for Inside<K> {
    fn drop(&mut self) {
        let mut counts = locked(&self.counts);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_and_gives_it_back() {
        let counts = AtOnce::new(2);
        let one = counts.enter(&1).expect("the first");
        let _two = counts.enter(&1).expect("the second");
        assert!(counts.enter(&1).is_none());
        let other = counts.enter(&2).expect("another client");
        assert_eq!(counts.inside(), 3);
        drop(one);
        let _three = counts.enter(&1).expect("given back");
        drop(other);
        assert_eq!(locked(&counts.counts).len(), 1);
    }
}
