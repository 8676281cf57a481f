//! The memory that requests take together: each reserves what it will hold,
//! and one for which there is no room is refused before it is read.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What all may hold, in bytes.
const ALL: u64 = 256 << 20;
/// What one client may hold, in bytes.
const ONE: u64 = 96 << 20;

/// The memory there is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room<K: Eq + Hash>(Arc<Mutex<Held<K>>>);

#[derive(Debug)]
struct Held<K> {
    all: u64,
    by_client: HashMap<K, u64>,
}

/// Some of it, until dropped.
#[derive(Debug)]
pub struct Reserved<K: Eq + Hash> {
    room: Room<K>,
    client: K,
    bytes: u64,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The client holds as much as one may.
    Yours,
    /// All together do.
    Anybodys,
}

impl<K: Eq + Hash> Default for Room<K> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Held {
            all: 0,
            by_client: HashMap::new(),
        })))
    }
}

impl<K: Eq + Hash> Room<K> {
    fn locked(&self) -> MutexGuard<'_, Held<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Room<K> {
    /// Reserves so many bytes.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn reserve(&self, client: &K, bytes: u64) -> Result<Reserved<K>, NoRoom> {
        let mut held = self.locked();
        let own = held.by_client.get(client).copied().unwrap_or(0);
        if own + bytes > ONE {
            return Err(NoRoom::Yours);
        }
        if held.all + bytes > ALL {
            return Err(NoRoom::Anybodys);
        }
        held.all += bytes;
        held.by_client.insert(client.clone(), own + bytes);
        Ok(Reserved {
            room: self.clone(),
            client: client.clone(),
            bytes,
        })
    }
}

impl<K: Eq + Hash> Drop for Reserved<K> {
    fn drop(&mut self) {
        let mut held = self.room.locked();
        held.all -= self.bytes;
        if let Some(own) = held.by_client.get_mut(&self.client) {
            *own -= self.bytes;
            if *own == 0 {
                held.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_leaves_room_for_others_and_all_have_an_end() {
        let room = Room::default();
        let first = room.reserve(&1, ONE).expect("room");
        assert_eq!(room.reserve(&1, 1).err(), Some(NoRoom::Yours));
        let second = room.reserve(&2, ONE).expect("room");
        let third = room.reserve(&3, ALL - 2 * ONE).expect("room");
        assert_eq!(room.reserve(&3, 1).err(), Some(NoRoom::Anybodys));
        drop(first);
        room.reserve(&3, 1).expect("room again");
        drop((second, third));
        let held = room.locked();
        assert_eq!((held.all, held.by_client.len()), (0, 0));
    }
}
