//! Remembers which tokens were verified, so that the second sight of one costs a hash.
//!
//! An entry is found by the SHA-256 of the exact bytes: a token that differs anywhere is another one and is verified
//! again, so a positive answer cannot be stretched. There are no negative entries: refusing is cheap enough, and an
//! attacker who makes tokens up would fill the table.
//!
//! The table is of one size for life: sets of [`WAYS`] entries, each set under a lock that nobody ever waits for. A
//! reader that meets a writer goes without (the token is verified again), a writer that meets anybody does not write.
//! A full set loses the entry that expires first; in a flood of different tokens each is valid and was signed by us,
//! and what suffers is the rate of hits.

use std::sync::RwLock;

use shield_types::{Sha256Digest, Timestamp};

use crate::{AccountId, KeyId, ScopeSet, SessionId, TokenId, token::VerifiedToken};

/// Entries of a set.
const WAYS: usize = 4;
/// Smallest and largest table, in tokens; a token takes about 130 bytes.
const TOKENS_MIN: usize = 64;
const TOKENS_MAX: usize = 1 << 20;

/// A bounded table of verified tokens.
pub struct VerifiedTokenCache {
    /// As many sets as a power of two.
    sets: Box<[RwLock<Set>]>,
}

/// A table of this size is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("remember `{tokens}` verified tokens: expected {TOKENS_MIN} to {TOKENS_MAX}")]
pub struct CacheSizeError {
    /// What was asked for.
    pub tokens: usize,
}

/// Digests apart from tokens: looking for one touches two cache lines, and then those of the token that was found.
struct Set {
    digests: [Sha256Digest; WAYS],
    tokens: [VerifiedToken; WAYS],
}

// === impl VerifiedTokenCache ===

impl VerifiedTokenCache {
    /// A table for about `tokens` of them, 64 to 1,048,576, rounded up to a power of two. All its memory is taken here.
    pub fn new(tokens: usize) -> Result<Self, CacheSizeError> {
        if !(TOKENS_MIN..=TOKENS_MAX).contains(&tokens) {
            return Err(CacheSizeError { tokens });
        }
        let sets = tokens.next_power_of_two() / WAYS;
        Ok(Self { sets: (0..sets).map(|_| RwLock::new(Set::empty())).collect() })
    }

    /// Tokens that it can hold.
    pub fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// The token with these bytes, if it was verified before and is still here. Whether its time has passed, its key
    /// was killed or it was revoked is for the caller to ask.
    pub fn get(&self, digest: &Sha256Digest) -> Option<VerifiedToken> {
        let set = self.set(digest).try_read().ok()?;
        set.place(digest).map(|place| set.tokens[place])
    }

    /// Remembers `token`, or not: the set may be busy.
    pub fn insert(&self, digest: Sha256Digest, token: VerifiedToken) {
        let Ok(mut set) = self.set(&digest).try_write() else { return };
        let place = set.place(&digest).unwrap_or_else(|| set.first_to_expire());
        set.digests[place] = digest;
        set.tokens[place] = token;
    }

    /// Digests are evenly spread and nobody can choose those of tokens that we sign, so eight bytes of one are the
    /// hash.
    fn set(&self, digest: &Sha256Digest) -> &RwLock<Set> {
        let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
        let hash = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let place = hash & (self.sets.len() as u64 - 1);
        &self.sets[usize::try_from(place).expect("less than the number of sets")]
    }
}

// === impl Set ===

impl Set {
    /// Entries that expired at the epoch, under a digest that nobody knows a text for.
    fn empty() -> Self {
        let (origin, random) = (Timestamp(0), [0; 10]);
        let never = VerifiedToken {
            account: AccountId::new(origin, random),
            session: SessionId::new(origin, random),
            token: TokenId::new(origin, random),
            key_id: KeyId::from_thumbprint([0; 32]),
            issued_at: origin,
            not_before: origin,
            expires_at: origin,
            scopes: ScopeSet::EMPTY,
        };
        Self { digests: [Sha256Digest::from_bytes([0; 32]); WAYS], tokens: [never; WAYS] }
    }

    /// Where `digest` is. The comparison may end early: to steer it, one would have to find texts with chosen digests.
    fn place(&self, digest: &Sha256Digest) -> Option<usize> {
        self.digests.iter().position(|known| known == digest)
    }

    fn first_to_expire(&self) -> usize {
        let ends = self.tokens.iter().map(|token| token.expires_at).enumerate();
        ends.min_by_key(|(_, end)| *end).map_or(0, |(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use shield_types::{Sha256Digest, Timestamp};

    use super::{CacheSizeError, Set, VerifiedTokenCache, WAYS};
    use crate::token::VerifiedToken;

    fn token(expires_at: u64) -> VerifiedToken {
        VerifiedToken { expires_at: Timestamp(expires_at), ..Set::empty().tokens[0] }
    }

    /// Digests that fall into one set.
    fn digest(number: u8) -> Sha256Digest {
        let mut bytes = [0; 32];
        bytes[31] = number + 1;
        Sha256Digest::from_bytes(bytes)
    }

    #[test]
    fn finds_exact_digests_only() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        cache.insert(digest(1), token(9));
        assert_eq!(cache.get(&digest(1)), Some(token(9)));
        assert_eq!(cache.get(&digest(2)), None);
    }

    #[test]
    fn a_token_is_held_once() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        (1..=9).for_each(|end| cache.insert(digest(1), token(end)));
        let set = cache.set(&digest(1)).read().unwrap();
        assert_eq!(set.digests.iter().filter(|known| **known == digest(1)).count(), 1);
    }

    #[test]
    fn the_oldest_of_a_full_set_leaves() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        let ends = [40, 10, 30, 20, 50, 60];
        (0..).zip(ends).for_each(|(number, end)| cache.insert(digest(number), token(end)));
        let held: Vec<u64> =
            (0..6).filter_map(|number| cache.get(&digest(number))).map(|token| token.expires_at.0).collect();
        assert_eq!(held, [40, 30, 50, 60]);
        assert_eq!(WAYS, 4);
    }

    #[test]
    fn nobody_waits_for_a_set() {
        let cache = VerifiedTokenCache::new(64).unwrap();
        cache.insert(digest(1), token(9));
        let writer = cache.set(&digest(1)).write().unwrap();
        assert_eq!(cache.get(&digest(1)), None);
        drop(writer);
        let reader = cache.set(&digest(1)).read().unwrap();
        cache.insert(digest(2), token(9));
        assert_eq!(cache.get(&digest(1)), Some(token(9)));
        drop(reader);
        assert_eq!(cache.get(&digest(2)), None);
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        for tokens in [0, 63, (1 << 20) + 1, usize::MAX] {
            assert_eq!(VerifiedTokenCache::new(tokens).err(), Some(CacheSizeError { tokens }));
        }
        assert_eq!(VerifiedTokenCache::new(1_000).unwrap().capacity(), 1_024);
    }
}
