//! Remembers which tokens were verified, so that the second sight of one costs a hash.
//!
//! An entry is found by the SHA-256 of the exact bytes: a token that differs anywhere is another one and is verified
//! again, so a positive answer cannot be stretched. There are no negative entries: refusing is cheap enough, and an
//! attacker who makes tokens up would fill the table.
//!
//! The table is of one size for life: a digest says where a token's [`WINDOW`] of slots begins, and it is in the first of
//! them that was free. In a table that is half full two of three lie in the very first, where one cache miss finds them.
//! Nobody waits for anybody: a reader that meets a writer goes without (the token is verified again), a writer that meets
//! another does not write. A full window loses the entry that expires first, and of several that expire at once the first
//! of the window, which is another one for each digest; in a flood of different tokens each is valid and was signed by us,
//! and what suffers is the rate of hits.

use shield_types::Sha256Digest;

use crate::token::{
    VerifiedToken,
    slot::{Slot, Sought},
};

/// Slots in which a token may lie.
const WINDOW: usize = 8;
/// Smallest and largest table, in tokens; a token takes 128 bytes.
const TOKENS_MIN: usize = 64;
const TOKENS_MAX: usize = 1 << 20;

/// A bounded table of verified tokens.
pub struct VerifiedTokenCache {
    /// A power of two in number. None that was written to becomes empty again.
    slots: Box<[Slot]>,
}

/// A table of this size is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("remember `{tokens}` verified tokens: expected {TOKENS_MIN} to {TOKENS_MAX}")]
pub struct CacheSizeError {
    /// What was asked for.
    pub tokens: usize,
}

// === impl VerifiedTokenCache ===

impl VerifiedTokenCache {
    /// A table for about `tokens` of them, 64 to 1,048,576, rounded up to a power of two. All its memory is taken here.
    pub fn new(tokens: usize) -> Result<Self, CacheSizeError> {
        if !(TOKENS_MIN..=TOKENS_MAX).contains(&tokens) {
            return Err(CacheSizeError { tokens });
        }
        Ok(Self { slots: (0..tokens.next_power_of_two()).map(|_| Slot::default()).collect() })
    }

    /// Tokens that it can hold.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The token with these bytes, if it was verified before and is still here. Whether its time has passed, its key
    /// was killed or it was revoked is for the caller to ask.
    #[inline]
    pub fn get(&self, digest: &Sha256Digest) -> Option<VerifiedToken> {
        let sought = Sought::new(digest);
        for slot in self.window(sought) {
            match slot.mark() {
                mark if mark == sought.mark() => return slot.read(sought),
                0 => return None,
                _ => {}
            }
        }
        None
    }

    /// Remembers `token`, or not: its slot may be busy.
    pub fn insert(&self, digest: Sha256Digest, token: VerifiedToken) {
        let sought = Sought::new(&digest);
        let own = |slot: &&Slot| slot.mark() == 0 || slot.mark() == sought.mark();
        let first_to_expire = || self.window(sought).min_by_key(|slot| slot.expires_ms());
        if let Some(slot) = self.window(sought).find(own).or_else(first_to_expire) {
            slot.write(sought, &token);
        }
    }

    /// Where a token may lie, in the order of preference.
    fn window(&self, sought: Sought) -> impl Iterator<Item = &Slot> {
        let last = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only low bits count")]
        let first = sought.mark() as usize;
        (0..WINDOW).map(move |step| &self.slots[first.wrapping_add(step) & last])
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread};

    use shield_types::{Sha256Digest, Timestamp};

    use super::{CacheSizeError, Sought, VerifiedTokenCache, WINDOW};
    use crate::{AccountId, KeyId, ScopeSet, SessionId, TokenId, token::VerifiedToken};

    /// A token in which every part says its number.
    fn token(number: u8, expires_at: u64) -> VerifiedToken {
        let origin = Timestamp(u64::from(number));
        VerifiedToken {
            account: AccountId::new(origin, [number; 10]),
            session: SessionId::new(origin, [number; 10]),
            token: TokenId::new(origin, [number; 10]),
            key_id: KeyId::from_thumbprint([number; 32]),
            issued_at: origin,
            not_before: origin,
            expires_at: Timestamp(u64::from(number) + expires_at),
            scopes: ScopeSet::from_bits(u64::from(number)),
        }
    }

    /// Digests whose windows begin in one place.
    fn digest(number: u8) -> Sha256Digest {
        let mut bytes = [0; 32];
        bytes[7] = number + 1;
        Sha256Digest::from_bytes(bytes)
    }

    fn held(cache: &VerifiedTokenCache, numbers: std::ops::Range<u8>) -> Vec<u8> {
        numbers.filter(|number| cache.get(&digest(*number)).is_some()).collect()
    }

    #[test]
    fn finds_exact_digests_only() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        cache.insert(digest(1), token(1, 9));
        assert_eq!(cache.get(&digest(1)), Some(token(1, 9)));
        assert_eq!(cache.get(&digest(2)), None);
        let mut twin = *digest(1).as_bytes();
        twin[31] = 1;
        assert_eq!(cache.get(&Sha256Digest::from_bytes(twin)), None);
    }

    #[test]
    fn a_token_is_held_once() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        cache.insert(digest(0), token(0, 9));
        (1..=9).for_each(|end| cache.insert(digest(1), token(1, end)));
        let mark = Sought::new(&digest(1)).mark();
        assert_eq!(cache.slots.iter().filter(|slot| slot.mark() == mark).count(), 1);
        assert_eq!(cache.get(&digest(1)), Some(token(1, 9)));
    }

    #[test]
    fn the_first_to_expire_of_a_full_window_leaves() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let ends = [40, 10, 30, 20, 50, 60, 70, 80, 90, 100];
        (0..).zip(ends).for_each(|(number, end)| cache.insert(digest(number), token(0, end)));
        assert_eq!(held(&cache, 0..10), [0, 2, 4, 5, 6, 7, 8, 9]);
        assert_eq!(WINDOW, 8);
    }

    #[test]
    fn of_equal_ends_each_digest_displaces_another() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let digests: Vec<_> = (0..1_000_u32).map(|number| Sha256Digest::of(&number.to_le_bytes())).collect();
        let places =
            |cache: &VerifiedTokenCache| -> Vec<u64> { cache.slots.iter().map(super::Slot::mark).collect() };
        digests[..800].iter().for_each(|digest| cache.insert(*digest, token(1, 9)));
        let mut displaced = BTreeSet::new();
        for digest in &digests[800..] {
            let before = places(&cache);
            cache.insert(*digest, token(1, 9));
            displaced.extend((0..64).filter(|place| before[*place] != places(&cache)[*place]));
            assert!(cache.get(digest).is_some(), "a newcomer is in");
        }
        assert!(displaced.len() > 50, "only {} places were given up", displaced.len());
    }

    #[test]
    fn a_window_goes_round_the_end() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let late = |number: u8| {
            let mut bytes = *digest(number).as_bytes();
            bytes[0] = 63;
            Sha256Digest::from_bytes(bytes)
        };
        (0..8).for_each(|number| cache.insert(late(number), token(number, 9)));
        assert!((0..8).all(|number| cache.get(&late(number)) == Some(token(number, 9))));
        assert_eq!(cache.slots[6].mark(), Sought::new(&late(7)).mark());
    }

    #[test]
    fn asvs_v15_4_1_a_digest_never_finds_anothers_token() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        thread::scope(|scope| {
            let writer = |from: u8| {
                let cache = &cache;
                scope.spawn(move || {
                    for round in 0..4_000_u64 {
                        // Twice as many as there is room for in their one window.
                        (from..from + 8)
                            .for_each(|number| cache.insert(digest(number), token(number, round)));
                    }
                })
            };
            let writers = [writer(0), writer(8)];
            while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
                for number in 0..16 {
                    let found = cache.get(&digest(number));
                    let whole = found
                        .is_none_or(|found| found == token(number, found.expires_at.0 - u64::from(number)));
                    assert!(whole, "{number} found {found:?}");
                }
            }
        });
        assert!(!held(&cache, 0..16).is_empty());
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for tokens in [0, 63, (1 << 20) + 1, usize::MAX] {
            assert_eq!(VerifiedTokenCache::new(tokens).err(), Some(CacheSizeError { tokens }));
        }
        assert_eq!(VerifiedTokenCache::new(1_000).unwrap().capacity(), 1_024);
    }
}
