//! Remembers which tokens were verified, so that the second sight of one costs a hash.
//!
//! An entry is found by the SHA-256 of the exact bytes: a token that differs anywhere is another one and is verified
//! again, so a positive answer cannot be stretched. There are no negative entries: refusing is cheap enough, and an
//! attacker who makes tokens up would fill the table.
//!
//! The table is of one size for life: the end of a token says where its [`WINDOW`] of slots begins, and it is in the first of
//! them that was free. In a table that is half full most lie in the very first. Its place is known before the token is
//! hashed, so that memory brings the slot while the processor hashes: a slot that is in no cache costs as much as the hash.
//! The end is that of a signature: evenly spread, and not for anybody to choose of tokens that we sign.
//!
//! Nobody waits for anybody: a reader that meets a writer goes without (the token is verified again), a writer that meets
//! another does not write. A full window loses the entry that expires first, and of several that expire at once the first
//! of the window, which is another one for each token; in a flood of different tokens each is valid and was signed by us,
//! and what suffers is the rate of hits.

use shield_types::Sha256Digest;

use crate::token::{
    VerifiedToken,
    slot::{DigestWords, Slot, digest_words},
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

/// A token that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Sought {
    digest: DigestWords,
    /// Where its window begins.
    first: usize,
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

    /// What `token`, of any bytes, is found by.
    #[inline]
    pub(super) fn seek(&self, token: &[u8]) -> Sought {
        let end = token.last_chunk().map_or(0, |end| u64::from_le_bytes(*end));
        // Letters have bits that never change; the middle of a product depends on all that do.
        let spread = end.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let first = spread as usize & (self.slots.len() - 1);
        self.slots[first].approach();
        Sought { digest: digest_words(&Sha256Digest::of(token)), first }
    }

    /// The token with these bytes, if it was verified before and is still here. Whether its time has passed, its key
    /// was killed or it was revoked is for the caller to ask.
    #[inline]
    pub(super) fn get(&self, sought: Sought) -> Option<VerifiedToken> {
        let [mark, ..] = sought.digest;
        for slot in self.window(sought) {
            match slot.mark() {
                found if found == mark => return slot.read(sought.digest),
                0 => return None,
                _ => {}
            }
        }
        None
    }

    /// Remembers `token`, or not: its slot may be busy.
    pub(super) fn insert(&self, sought: Sought, token: &VerifiedToken) {
        let [mark, ..] = sought.digest;
        let own = |slot: &&Slot| slot.mark() == 0 || slot.mark() == mark;
        let first_to_expire = || self.window(sought).min_by_key(|slot| slot.expires_ms());
        if let Some(slot) = self.window(sought).find(own).or_else(first_to_expire) {
            slot.write(sought.digest, token);
        }
    }

    /// Where a token may lie, in the order of preference.
    fn window(&self, sought: Sought) -> impl Iterator<Item = &Slot> {
        let last = self.slots.len() - 1;
        (0..WINDOW).map(move |step| &self.slots[(sought.first + step) & last])
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, ops::Range, thread};

    use shield_types::Timestamp;

    use super::{CacheSizeError, Slot, VerifiedTokenCache, WINDOW};
    use crate::{AccountId, KeyId, ScopeSet, SessionId, TokenId, token::VerifiedToken};

    /// A token in which every part says its number.
    fn token(number: u8, life: u64) -> VerifiedToken {
        let origin = Timestamp(u64::from(number));
        VerifiedToken {
            account: AccountId::new(origin, [number; 10]),
            session: SessionId::new(origin, [number; 10]),
            token: TokenId::new(origin, [number; 10]),
            key_id: KeyId::from_thumbprint([number; 32]),
            issued_at: origin,
            not_before: origin,
            expires_at: Timestamp(u64::from(number) + life),
            scopes: ScopeSet::from_bits(u64::from(number)),
        }
    }

    /// Texts of one end, so that their windows begin in one place.
    fn text(number: u8) -> [u8; 9] {
        [number, 1, 2, 3, 4, 5, 6, 7, 8]
    }

    fn insert(cache: &VerifiedTokenCache, text: &[u8], token: VerifiedToken) {
        cache.insert(cache.seek(text), &token);
    }

    fn get(cache: &VerifiedTokenCache, text: &[u8]) -> Option<VerifiedToken> {
        cache.get(cache.seek(text))
    }

    fn held(cache: &VerifiedTokenCache, numbers: Range<u8>) -> Vec<u8> {
        numbers.filter(|number| get(cache, &text(*number)).is_some()).collect()
    }

    #[test]
    fn finds_exact_texts_only() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        insert(&cache, &text(1), token(1, 9));
        insert(&cache, b"short", token(2, 9));
        assert_eq!(get(&cache, &text(1)), Some(token(1, 9)));
        assert_eq!(get(&cache, b"short"), Some(token(2, 9)));
        for other in [&text(2)[..], &text(1)[1..], b"", b"shor"] {
            assert_eq!(get(&cache, other), None, "{other:?}");
        }
    }

    #[test]
    fn a_token_is_held_once() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        insert(&cache, &text(0), token(0, 9));
        (1..=9).for_each(|life| insert(&cache, &text(1), token(1, life)));
        assert_eq!(cache.slots.iter().filter(|slot| slot.mark() != 0).count(), 2);
        assert_eq!(get(&cache, &text(1)), Some(token(1, 9)));
    }

    #[test]
    fn the_first_to_expire_of_a_full_window_leaves() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let lives = [40, 10, 30, 20, 50, 60, 70, 80, 90, 100];
        (0..).zip(lives).for_each(|(number, life)| insert(&cache, &text(number), token(0, life)));
        assert_eq!(held(&cache, 0..10), [0, 2, 4, 5, 6, 7, 8, 9]);
        assert_eq!(WINDOW, 8);
    }

    #[test]
    fn of_equal_ends_each_token_displaces_another() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let texts: Vec<String> =
            (0..1_000).map(|number| format!("{:x}", number * 0x9e37_79b9_7f4a_7c15_u128)).collect();
        let marks = || cache.slots.iter().map(Slot::mark).collect::<Vec<_>>();
        texts[..800].iter().for_each(|text| insert(&cache, text.as_bytes(), token(1, 9)));
        let mut displaced = BTreeSet::new();
        for text in &texts[800..] {
            let before = marks();
            insert(&cache, text.as_bytes(), token(1, 9));
            displaced.extend((0..64).filter(|place| before[*place] != marks()[*place]));
            assert!(get(&cache, text.as_bytes()).is_some(), "a newcomer is in");
        }
        assert!(displaced.len() > 50, "only {} places were given up", displaced.len());
    }

    #[test]
    fn a_window_goes_round_the_end() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let ends_late = |text: &[u8; 9]| cache.seek(text).first == 63;
        let late = (0..=255).map(|letter| [0, 1, 2, 3, letter, 5, 6, 7, 8]).find(ends_late).unwrap();
        let late = |number: u8| [&[number], &late[1..]].concat();
        (0..8).for_each(|number| insert(&cache, &late(number), token(number, 9)));
        assert!((0..8).all(|number| get(&cache, &late(number)) == Some(token(number, 9))));
        assert!(cache.slots[6].mark() != 0 && cache.slots[7].mark() == 0);
    }

    #[test]
    fn asvs_v15_4_1_no_text_ever_finds_anothers_token() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        thread::scope(|scope| {
            let writer = |from: u8| {
                let cache = &cache;
                scope.spawn(move || {
                    for life in 0..4_000_u64 {
                        // Twice as many as there is room for in their one window.
                        (from..from + 8).for_each(|number| insert(cache, &text(number), token(number, life)));
                    }
                })
            };
            let writers = [writer(0), writer(8)];
            while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
                for number in 0..16 {
                    let found = get(&cache, &text(number));
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
