//! One shard: slots that point into a dense list of entries.
//!
//! Keys are digests, or ids with enough random bits, made by this system: nobody outside chooses a key that gets in, so
//! the hash needs no secret. Linear probing at a load of at most 3/4; removal shifts back, so there are no tombstones and
//! a table that lives for years is as fast as a new one.

use std::mem;

/// Bits of a slot that hold the entry's place; the other eight are a tag, which spares most looks at a wrong entry.
const PLACE_BITS: u32 = 24;
const PLACE_MASK: u32 = (1 << PLACE_BITS) - 1;
/// Entries that one table can point to.
const ENTRIES_LIMIT: usize = PLACE_MASK as usize - 1;
/// Slots of a table that holds something.
const SLOTS_MIN: usize = 8;
/// Entries of a chunk, a power of two that doubling from four reaches: a large list reserves at most one chunk that it does
/// not use, and never moves what it holds.
const CHUNK_ENTRIES: usize = 64;

/// The table holds as many entries as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A map from keys of `N` bytes, 16 or more, to values.
#[derive(Debug)]
pub(crate) struct Table<const N: usize, V> {
    /// 0 where empty, else a tag and one more than the entry's place. A power of two in number, or none at all.
    slots: Vec<u32>,
    entries: Chunks<Entry<N, V>>,
}

/// A list that grows without moving.
#[derive(Debug)]
struct Chunks<T> {
    /// All full but the last.
    chunks: Vec<Vec<T>>,
    entries: usize,
}

#[derive(Debug)]
struct Entry<const N: usize, V> {
    key: [u8; N],
    value: V,
}

/// Mixes the first 16 bytes of a key into 64 bits. The top byte chooses the shard, the next one is the tag, the low bits
/// are where the search begins.
pub(crate) fn hash<const N: usize>(key: &[u8; N]) -> u64 {
    const { assert!(N >= 16, "the hash reads 16 bytes") };
    let word = |at: usize| {
        let bytes = key[at..at + 8].try_into().expect("a range of eight bytes");
        u64::from_le_bytes(bytes)
    };
    let product = u128::from(word(0) ^ 0x9e37_79b9_7f4a_7c15) * u128::from(word(8) ^ 0xd1b5_4a32_d192_ed03);
    (product as u64) ^ ((product >> 64) as u64)
}

fn tag(hash: u64) -> u32 {
    ((hash >> 48) as u32 & 0xff) << PLACE_BITS
}

// === impl Table ===

impl<const N: usize, V> Table<N, V> {
    /// An empty table, which takes no memory yet.
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), entries: Chunks { chunks: Vec::new(), entries: 0 } }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.entries
    }

    pub(crate) fn get(&self, key: &[u8; N]) -> Option<&V> {
        self.place(key).map(|(_, place)| &self.entries.at(place).value)
    }

    pub(crate) fn get_mut(&mut self, key: &[u8; N]) -> Option<&mut V> {
        self.place(key).map(|(_, place)| &mut self.entries.at_mut(place).value)
    }

    /// The entry at a place between 0 and [`Self::len`]; places change with every removal.
    pub(crate) fn at(&self, place: usize) -> (&[u8; N], &V) {
        let entry = self.entries.at(place);
        (&entry.key, &entry.value)
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8; N], &V)> {
        self.entries.chunks.iter().flatten().map(|entry| (&entry.key, &entry.value))
    }

    /// Adds an entry or replaces its value. Returns the value that was there.
    pub(crate) fn insert(&mut self, key: [u8; N], value: V) -> Result<Option<V>, Full> {
        if let Some(present) = self.get_mut(&key) {
            return Ok(Some(mem::replace(present, value)));
        }
        if self.len() >= ENTRIES_LIMIT {
            return Err(Full);
        }
        self.grow();
        let slot = self.free_slot(hash(&key));
        self.slots[slot] = tag(hash(&key)) | (self.len() as u32 + 1);
        self.entries.push(Entry { key, value });
        Ok(None)
    }

    /// Removes an entry. The last one takes its place in the list.
    pub(crate) fn remove(&mut self, key: &[u8; N]) -> Option<V> {
        let (slot, place) = self.place(key)?;
        self.close_gap(slot);
        let last = self.len() - 1;
        if place != last {
            let (moved, _) = self.place(&self.entries.at(last).key).expect("every entry has a slot");
            self.slots[moved] = (self.slots[moved] & !PLACE_MASK) | (place as u32 + 1);
        }
        Some(self.entries.swap_remove(place).value)
    }

    /// Keeps the entries that `keep` approves of. Returns how many went.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&[u8; N], &V) -> bool) -> usize {
        let before = self.len();
        let mut place = 0;
        while place < self.len() {
            let entry = self.entries.at(place);
            if keep(&entry.key, &entry.value) {
                place += 1;
            } else {
                self.entries.swap_remove(place);
            }
        }
        let removed = before - self.len();
        if removed > 0 {
            self.index(self.slots.len());
        }
        removed
    }

    fn start(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn following(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    /// The slot of a key and its entry's place. Ends because a quarter of the slots is empty.
    fn place(&self, key: &[u8; N]) -> Option<(usize, usize)> {
        if self.slots.is_empty() {
            return None;
        }
        let hash = hash(key);
        let mut slot = self.start(hash);
        loop {
            let content = self.slots[slot];
            if content == 0 {
                return None;
            }
            let place = (content & PLACE_MASK) as usize - 1;
            if content & !PLACE_MASK == tag(hash) && self.entries.at(place).key == *key {
                return Some((slot, place));
            }
            slot = self.following(slot);
        }
    }

    fn free_slot(&self, hash: u64) -> usize {
        let mut slot = self.start(hash);
        while self.slots[slot] != 0 {
            slot = self.following(slot);
        }
        slot
    }

    /// Makes room for one more.
    fn grow(&mut self) {
        if (self.len() + 1) * 4 > self.slots.len() * 3 {
            self.index((self.slots.len() * 2).max(SLOTS_MIN));
        }
    }

    /// Points `slots` slots at the entries afresh.
    fn index(&mut self, slots: usize) {
        self.slots.clear();
        self.slots.reserve_exact(slots);
        self.slots.resize(slots, 0);
        for place in 0..self.len() {
            let hash = hash(&self.entries.at(place).key);
            let slot = self.free_slot(hash);
            self.slots[slot] = tag(hash) | (place as u32 + 1);
        }
    }

    /// Empties a slot and moves back those behind it that the gap would hide.
    fn close_gap(&mut self, slot: usize) {
        let mask = self.slots.len() - 1;
        let mut gap = slot;
        let mut next = self.following(gap);
        while self.slots[next] != 0 {
            let place = (self.slots[next] & PLACE_MASK) as usize - 1;
            let home = self.start(hash(&self.entries.at(place).key));
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(gap) & mask {
                self.slots[gap] = self.slots[next];
                gap = next;
            }
            next = self.following(next);
        }
        self.slots[gap] = 0;
    }
}

// === impl Chunks ===

impl<T> Chunks<T> {
    fn at(&self, place: usize) -> &T {
        &self.chunks[place / CHUNK_ENTRIES][place % CHUNK_ENTRIES]
    }

    fn at_mut(&mut self, place: usize) -> &mut T {
        &mut self.chunks[place / CHUNK_ENTRIES][place % CHUNK_ENTRIES]
    }

    fn push(&mut self, entry: T) {
        if self.entries.is_multiple_of(CHUNK_ENTRIES) {
            self.chunks.push(Vec::new());
        }
        self.chunks.last_mut().expect("there is a chunk with room").push(entry);
        self.entries += 1;
    }

    /// Takes an entry out; the last one takes its place.
    fn swap_remove(&mut self, place: usize) -> T {
        let chunk = self.chunks.last_mut().expect("a place is in a chunk");
        let last = chunk.pop().expect("a chunk is not empty");
        if chunk.is_empty() {
            self.chunks.pop();
        }
        self.entries -= 1;
        if place == self.entries { last } else { mem::replace(self.at_mut(place), last) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Table;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u32),
        Remove(u8),
        KeepEven,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (any::<u8>(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            5 => any::<u8>().prop_map(Step::Remove),
            1 => Just(Step::KeepEven),
        ];
        prop::collection::vec(step, 0..150)
    }

    /// Keys that share their first slots, so that searches run into each other.
    fn key(number: u8) -> [u8; 16] {
        let mut key = [0; 16];
        key[8] = number;
        key
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in steps()) {
            let mut table = Table::<16, u32>::new();
            let mut model = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(number, value) => {
                        prop_assert_eq!(table.insert(key(number), value), Ok(model.insert(key(number), value)));
                    }
                    Step::Remove(number) => {
                        prop_assert_eq!(table.remove(&key(number)), model.remove(&key(number)));
                    }
                    Step::KeepEven => {
                        let before = model.len();
                        model.retain(|_, value| value.is_multiple_of(2));
                        prop_assert_eq!(table.retain(|_, value| value.is_multiple_of(2)), before - model.len());
                    }
                }
                prop_assert_eq!(table.len(), model.len());
                for number in 0..=u8::MAX {
                    prop_assert_eq!(table.get(&key(number)), model.get(&key(number)));
                }
            }
            let listed: BTreeMap<_, _> = table.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(listed, model);
        }
    }
}
