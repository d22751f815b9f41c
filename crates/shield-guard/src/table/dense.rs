//! One shard: entries in an open-addressing table, and beside it a byte for each of its slots.
//!
//! A search reads tags, eight at a time, and looks at an entry only if its tag is right, so that a key that is there costs
//! one look at the entries, which are too many for the processor's caches, and one that is not there costs none. Linear
//! probing over tags stays cheap at a load of four fifths, and a table grows by a quarter: hence of its memory 20 to 36 %
//! is unused. Removal shifts back, so there are no tombstones, and a table that lives for years is as fast as a new
//! one. Whoever knows the hash of a key before the key ([`Key::placed`]) asks memory for the entry with [`Table::approach`]
//! and works out the key meanwhile.

use std::mem;

use super::{Key, approach};

/// Tags that a search reads at once.
const GROUP: usize = 8;
/// The tag of an empty slot.
const EMPTY: u8 = 0;
/// Slots of a table that holds something: not less than a group.
const SLOTS_MIN: usize = 8;

/// A map from keys of `N` bytes to values. Whoever owns it bounds it. Entries begin where an `A` may begin.
#[derive(Debug)]
pub(crate) struct Table<const N: usize, V, A = Packed> {
    /// One for each slot, and then the first ones of a group once more, so that a group may begin at any slot.
    tags: Box<[u8]>,
    slots: Box<[Slot<N, V, A>]>,
    /// The low half of the hash of what is in each slot. Only who moves entries reads it.
    homes: Box<[u32]>,
    entries: usize,
}

/// Entries so close to each other that one of up to 96 bytes lies in no more than two cache lines.
#[derive(Debug, Default)]
#[repr(align(32))]
pub(crate) struct Packed;

/// Entries that begin with a cache line: for those that take two whole ones.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct OwnLines;

/// The key is last, so that its last byte is in the last line of what is here: both ends can be asked for before anything
/// is read.
#[derive(Debug)]
#[repr(C)]
struct Slot<const N: usize, V, A> {
    begin: A,
    value: Option<V>,
    /// Means nothing without a value.
    key: [u8; N],
}

fn tag(hash: u64) -> u8 {
    ((hash >> 48) as u8).max(EMPTY + 1)
}

/// The bytes of `group` that are `byte`, by their highest bits. The first is exact; behind it may be some that are not.
const fn equal_bytes(group: u64, byte: u8) -> u64 {
    const LOWEST_BITS: u64 = u64::from_le_bytes([1; GROUP]);
    const HIGHEST_BITS: u64 = u64::from_le_bytes([0x80; GROUP]);
    let difference = group ^ u64::from_le_bytes([byte; GROUP]);
    difference.wrapping_sub(LOWEST_BITS) & !difference & HIGHEST_BITS
}

// === impl Table ===

impl<const N: usize, V, A: Default> Table<N, V, A> {
    /// An empty table, which takes no memory yet.
    pub(crate) fn new() -> Self {
        Self { tags: Box::default(), slots: Box::default(), homes: Box::default(), entries: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries
    }

    /// Asks memory for the entry under a hash, if one has its tag, without waiting for it.
    #[inline]
    pub(crate) fn approach(&self, hash: u64) {
        if self.entries == 0 {
            return;
        }
        let home = self.home(hash as u32);
        // Where two of three entries are. Which place it is for sure the tags say, and they may be on their way for as long.
        self.approach_slot(home);
        let steps = equal_bytes(self.group(home), tag(hash)).trailing_zeros() as usize / 8;
        if steps > 0 {
            self.approach_slot(self.behind(home, steps));
        }
    }

    #[inline]
    fn approach_slot(&self, place: usize) {
        let slot = &self.slots[place];
        approach(&slot.begin);
        slot.key.last().into_iter().for_each(approach);
    }

    #[inline]
    pub(crate) fn get(&self, key: &Key<N>) -> Option<&V> {
        self.search(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &Key<N>) -> Option<&mut V> {
        let (place, _) = self.search(key)?;
        self.slots[place].value.as_mut()
    }

    /// The first entry from a place on, round the end, and its place; `None` only of an empty table. Entries get other
    /// places when the table grows, and with a removal those behind it may move forward.
    pub(crate) fn first_from(&self, place: usize) -> Option<(usize, &V)> {
        let places = (place..self.slots.len()).chain(0..place.min(self.slots.len()));
        let value = |place: usize| self.slots[place].value.as_ref().map(|value| (place, value));
        places.into_iter().find_map(value)
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8; N], &V)> {
        self.slots.iter().filter_map(|slot| Some((&slot.key, slot.value.as_ref()?)))
    }

    /// Adds an entry or replaces its value. Returns the value that was there.
    pub(crate) fn insert(&mut self, key: &Key<N>, value: V) -> Option<V> {
        if let Some(present) = self.get_mut(key) {
            return Some(mem::replace(present, value));
        }
        if (self.entries + 1) * 5 > self.slots.len() * 4 {
            let more = (self.slots.len() / 4).max(SLOTS_MIN);
            self.rebuild(self.slots.len() + more);
        }
        self.add(tag(key.hash), key.hash as u32, key.bytes, value);
        None
    }

    /// Removes an entry.
    pub(crate) fn remove(&mut self, key: &Key<N>) -> Option<V> {
        let (place, _) = self.search(key)?;
        self.remove_at(place)
    }

    /// Removes the entry at a place that [`Self::first_from`] named.
    pub(crate) fn remove_at(&mut self, place: usize) -> Option<V> {
        let removed = self.slots[place].value.take()?;
        self.entries -= 1;
        self.close_gap(place);
        Some(removed)
    }

    /// Keeps the entries that `keep` approves of. Returns how many went.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) -> usize {
        let before = self.entries;
        for slot in &mut self.slots {
            if slot.value.as_ref().is_some_and(|value| !keep(value)) {
                slot.value = None;
                self.entries -= 1;
            }
        }
        let removed = before - self.entries;
        if removed > 0 {
            self.rebuild(self.slots.len());
        }
        removed
    }

    /// Where the search for a key begins, by the low half of its hash. Ascends with it, so that growing moves entries in
    /// their order.
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    /// The place so many behind another one, round the end.
    fn behind(&self, place: usize, steps: usize) -> usize {
        let place = place + steps;
        if place < self.slots.len() { place } else { place - self.slots.len() }
    }

    fn group(&self, place: usize) -> u64 {
        let tags = self.tags[place..].first_chunk().expect("a group may begin at any slot");
        u64::from_le_bytes(*tags)
    }

    /// The place of a key, and its value. Ends because a fifth of the slots is empty.
    #[inline]
    fn search(&self, key: &Key<N>) -> Option<(usize, &V)> {
        if self.entries == 0 {
            return None;
        }
        let (home, tag) = (self.home(key.hash as u32), tag(key.hash));
        // Two of three entries are at home. Where keys mostly are there, the processor foresees this and asks memory for the
        // entry while the tag is still on its way; a place computed from tags would wait for them.
        if self.tags[home] == tag
            && let Slot { value: Some(value), key: there, .. } = &self.slots[home]
            && *there == key.bytes
        {
            return Some((home, value));
        }
        let mut start = home;
        loop {
            let group = self.group(start);
            let mut candidates = equal_bytes(group, tag);
            while candidates != 0 {
                let place = self.behind(start, candidates.trailing_zeros() as usize / 8);
                if let Slot { value: Some(value), key: there, .. } = &self.slots[place]
                    && *there == key.bytes
                {
                    return Some((place, value));
                }
                candidates &= candidates - 1;
            }
            if equal_bytes(group, EMPTY) != 0 {
                return None;
            }
            start = self.behind(start, GROUP);
        }
    }

    /// Puts an entry that is not there yet into the first free slot from its home on. There is one.
    fn add(&mut self, tag: u8, hash: u32, key: [u8; N], value: V) {
        let mut place = self.home(hash);
        while self.tags[place] != EMPTY {
            place = self.behind(place, 1);
        }
        self.set_tag(place, tag);
        self.homes[place] = hash;
        (self.slots[place].key, self.slots[place].value) = (key, Some(value));
        self.entries += 1;
    }

    fn set_tag(&mut self, place: usize, tag: u8) {
        self.tags[place] = tag;
        if place < GROUP {
            self.tags[self.slots.len() + place] = tag;
        }
    }

    /// Moves all entries to a table of `slots` slots.
    fn rebuild(&mut self, slots: usize) {
        let tags = vec![EMPTY; slots + GROUP].into_boxed_slice();
        let homes = vec![0; slots].into_boxed_slice();
        let empty = (0..slots).map(|_| Slot { begin: A::default(), value: None, key: [0; N] }).collect();
        let old = mem::replace(self, Self { tags, slots: empty, homes, entries: 0 });
        let moved = old.slots.into_iter().zip(old.tags).zip(old.homes);
        for ((slot, tag), hash) in moved {
            if let Some(value) = slot.value {
                self.add(tag, hash, slot.key, value);
            }
        }
    }

    /// Moves back those behind an emptied slot that the gap would hide.
    fn close_gap(&mut self, place: usize) {
        let slots = self.slots.len();
        let steps = |from: usize, to: usize| if to >= from { to - from } else { to + slots - from };
        let (mut gap, mut next) = (place, self.behind(place, 1));
        while self.slots[next].value.is_some() {
            let home = self.home(self.homes[next]);
            if steps(home, next) >= steps(gap, next) {
                self.slots.swap(gap, next);
                self.homes[gap] = self.homes[next];
                self.set_tag(gap, self.tags[next]);
                gap = next;
            }
            next = self.behind(next, 1);
        }
        self.set_tag(gap, EMPTY);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Key, OwnLines, Table};

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
        prop::collection::vec(step, 0..300)
    }

    /// Where a search begins.
    #[derive(Clone, Copy, Debug)]
    enum Spread {
        /// Everywhere.
        Even,
        /// At few places, so that searches run into each other, with few tags.
        Crowded,
        /// At the last places, so that they go round the end.
        AtTheEnd,
    }

    /// Keys of this hash: the words are multiplied, and one of them is made one.
    fn key(spread: Spread, number: u8) -> Key<16> {
        let hash = match spread {
            Spread::Even => u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            Spread::Crowded => u64::from(number % 3) << 48 | u64::from(number % 5) << 28 | u64::from(number),
            Spread::AtTheEnd => u64::from(u32::MAX) - u64::from(number),
        };
        let words = [hash ^ 0x9e37_79b9_7f4a_7c15, 1 ^ 0xd1b5_4a32_d192_ed03];
        let mut key = [0; 16];
        key[..8].copy_from_slice(&words[0].to_le_bytes());
        key[8..].copy_from_slice(&words[1].to_le_bytes());
        let key = Key::of(key);
        assert_eq!(key.hash, hash);
        key
    }

    fn spreads() -> impl Strategy<Value = Spread> {
        prop_oneof![Just(Spread::Even), Just(Spread::Crowded), Just(Spread::AtTheEnd)]
    }

    #[test]
    fn a_fifth_to_nine_25ths_of_a_table_is_free() {
        let mut table = Table::<16, u32>::new();
        for number in 0..=255 {
            assert_eq!(table.insert(&key(Spread::Even, number), 0), None);
            let (entries, slots) = (table.len(), table.slots.len());
            assert!(entries * 5 <= slots * 4, "{entries} in {slots}");
            assert!(entries * 25 + 200 >= slots * 16, "{entries} in {slots}");
        }
        assert_eq!(table.tags.iter().filter(|tag| **tag != super::EMPTY).count() / 256, 1);
        assert_eq!(size_of_val(&table.slots[0]), 32);
    }

    #[test]
    fn an_entry_of_two_lines_has_its_own() {
        let mut table = Table::<32, [u64; 11], OwnLines>::new();
        assert_eq!(table.insert(&Key::placed(1, [1; 32]), [2; 11]), None);
        let slot = &table.slots[0];
        assert_eq!((size_of_val(slot), align_of_val(slot)), (128, 64));
        let [begin, end] = [&raw const slot.begin as usize, &raw const slot.key[31] as usize];
        assert_eq!(end - begin, 127, "asking for both ends asks for both lines");
    }

    #[test]
    fn one_place_holds_several_keys() {
        let mut table = Table::<32, u8>::new();
        let key = |number: u8| Key::placed(7, [number; 32]);
        for number in 0..100 {
            table.approach(key(number).hash);
            assert_eq!(table.insert(&key(number), number), None);
        }
        assert!((0..100).all(|number| table.get(&key(number)) == Some(&number)));
        assert!((0..100).step_by(2).all(|number| table.remove(&key(number)) == Some(number)));
        table.approach(key(0).hash);
        assert!((0..100).all(|number| table.get(&key(number)).is_some() == (number % 2 == 1)));
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(spread in spreads(), steps in steps()) {
            let key = |number| key(spread, number);
            let mut table = Table::<16, u32>::new();
            let mut model = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(number, value) => {
                        prop_assert_eq!(table.insert(&key(number), value), model.insert(key(number).bytes, value));
                    }
                    Step::Remove(number) => {
                        prop_assert_eq!(table.remove(&key(number)), model.remove(&key(number).bytes));
                    }
                    Step::KeepEven => {
                        let before = model.len();
                        model.retain(|_, value| value.is_multiple_of(2));
                        prop_assert_eq!(table.retain(|value| value.is_multiple_of(2)), before - model.len());
                    }
                }
                prop_assert_eq!(table.len(), model.len());
                prop_assert!(table.len() * 5 <= table.slots.len() * 4);
                for number in 0..=u8::MAX {
                    prop_assert_eq!(table.get(&key(number)), model.get(&key(number).bytes));
                }
            }
            let listed: BTreeMap<_, _> = table.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(listed, model);
        }

        #[test]
        fn a_walk_meets_every_entry_once(spread in spreads(), numbers in prop::collection::btree_set(any::<u8>(), 1..200)) {
            let mut table = Table::<16, u32>::new();
            numbers.iter().for_each(|number| assert_eq!(table.insert(&key(spread, *number), u32::from(*number)), None));
            let (mut place, mut met) = (0, Vec::new());
            for _ in 0..numbers.len() {
                let (at, value) = table.first_from(place).unwrap();
                met.push(*value);
                place = at + 1;
            }
            met.sort_unstable();
            met.dedup();
            prop_assert_eq!(met.len(), numbers.len());
            let (first, ..) = table.first_from(0).unwrap();
            prop_assert_eq!(table.first_from(table.slots.len()).map(|(at, ..)| at), Some(first), "round the end");
        }
    }
}
