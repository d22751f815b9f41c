//! A place for one verified token: two cache lines that many threads read while one writes, without a lock.
//!
//! A sequence lock (Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012) over atomic
//! words, hence without `unsafe`. **Guarantee:** what [`Slot::read`] returns was put there by one [`Slot::write`], under
//! the digest that was asked for; a reader that meets a writer finds nothing. Readers write nothing, so that a token that
//! all processors ask for stays in the caches of all of them; and they wait for nothing between the loads of both lines,
//! so that a look at cold memory costs about one miss.

use std::{
    array,
    sync::atomic::{AtomicU32, AtomicU64, Ordering, fence},
};

use shield_types::{Sha256Digest, Timestamp};
use uuid::Uuid;

use crate::{
    AccountId, KeyId, ScopeSet, SessionId, TokenId,
    table::approach,
    token::{VerifiedToken, policy::LIFETIME_SECONDS_MAX},
};

/// Words of a digest.
const DIGEST_WORDS: usize = 4;
/// Words of a token beside its lifetime.
const TOKEN_WORDS: usize = 11;

/// One token under its digest, or none.
#[derive(Default)]
#[repr(C, align(128))]
pub(super) struct Slot {
    /// Odd while the rest is written. Never comes back to a value that it had: a slot whose versions are used up keeps its
    /// token.
    version: AtomicU32,
    /// From issue to expiry.
    lifetime_ms: AtomicU32,
    /// All zero in a slot that nothing was written to.
    digest: [AtomicU64; DIGEST_WORDS],
    token: [AtomicU64; TOKEN_WORDS],
}

/// The digest that a slot is asked for. The first word is what slots are told apart by: evenly spread, and zero for none
/// but one digest in 2^64.
pub(super) type DigestWords = [u64; DIGEST_WORDS];

pub(super) fn digest_words(digest: &Sha256Digest) -> DigestWords {
    words(digest.as_bytes())
}

// === impl Slot ===

impl Slot {
    /// Asks for both cache lines, so that they are on their way while the caller does something else.
    #[inline]
    pub(super) fn approach(&self) {
        let [.., last] = &self.token;
        approach(&self.version);
        approach(last);
    }

    /// The first word of the digest in it, 0 if there is none. Only a hint: a writer may be at it.
    pub(super) fn mark(&self) -> u64 {
        self.digest[0].load(Ordering::Relaxed)
    }

    /// When its token expires. Only a hint.
    pub(super) fn expires_ms(&self) -> u64 {
        let [.., issued_ms, _] = &self.token;
        issued_ms.load(Ordering::Relaxed).saturating_add(u64::from(self.lifetime_ms.load(Ordering::Relaxed)))
    }

    /// The token under this digest. The comparison may end early: to steer it, one would have to find texts with chosen
    /// digests.
    #[inline]
    pub(super) fn read(&self, sought: DigestWords) -> Option<VerifiedToken> {
        let version = self.version.load(Ordering::Acquire);
        let found = version.is_multiple_of(2)
            && self.digest.iter().zip(sought).all(|(word, sought)| word.load(Ordering::Relaxed) == sought);
        if !found {
            return None;
        }
        let token = array::from_fn(|index| self.token[index].load(Ordering::Relaxed));
        let lifetime_ms = self.lifetime_ms.load(Ordering::Relaxed);
        // The loads before it come before the load after it.
        fence(Ordering::Acquire);
        let whole = self.version.load(Ordering::Relaxed) == version;
        whole.then(|| unpack(token, lifetime_ms))
    }

    /// Puts a token here, in another's place. Not if another thread is at it, and not a token whose times no policy admits.
    pub(super) fn write(&self, sought: DigestWords, token: &VerifiedToken) {
        let Some((words, lifetime_ms)) = pack(token) else { return };
        let version = self.version.load(Ordering::Relaxed);
        let Some(next) = version.checked_add(2) else { return };
        if !version.is_multiple_of(2)
            || self
                .version
                .compare_exchange(version, version + 1, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        // Whoever sees one of the stores after it sees the odd version as well.
        fence(Ordering::Release);
        let all = self.digest.iter().zip(sought).chain(self.token.iter().zip(words));
        all.for_each(|(place, word)| place.store(word, Ordering::Relaxed));
        self.lifetime_ms.store(lifetime_ms, Ordering::Relaxed);
        self.version.store(next, Ordering::Release);
    }
}

fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u64; WORDS] {
    const { assert!(BYTES == WORDS * 8, "a word has eight bytes") };
    let (bytes, _) = bytes.as_chunks();
    array::from_fn(|index| u64::from_le_bytes(bytes[index]))
}

fn bytes(low: u64, high: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// A token in words, and its lifetime in milliseconds.
fn pack(token: &VerifiedToken) -> Option<([u64; TOKEN_WORDS], u32)> {
    const { assert!(LIFETIME_SECONDS_MAX * 1_000 <= u32::MAX as u64, "each lifetime fits into its field") };
    let lifetime_ms = u32::try_from(token.expires_at.0.checked_sub(token.issued_at.0)?).ok()?;
    let [account_low, account_high] = words(token.account.uuid().as_bytes());
    let [session_low, session_high] = words(token.session.uuid().as_bytes());
    let [token_low, token_high] = words(token.token.uuid().as_bytes());
    let [key_low, key_high] = words(&token.key_id.letters());
    let packed = [
        account_low,
        account_high,
        session_low,
        session_high,
        token_low,
        token_high,
        key_low,
        key_high,
        token.scopes.bits(),
        token.issued_at.0,
        token.not_before.0,
    ];
    Some((packed, lifetime_ms))
}

fn unpack(packed: [u64; TOKEN_WORDS], lifetime_ms: u32) -> VerifiedToken {
    let [
        account_low,
        account_high,
        session_low,
        session_high,
        token_low,
        token_high,
        key_low,
        key_high,
        scopes,
        issued_ms,
        not_before_ms,
    ] = packed;
    let id = |low, high| Uuid::from_bytes(bytes(low, high));
    VerifiedToken {
        account: AccountId::from_uuid(id(account_low, account_high)),
        session: SessionId::from_uuid(id(session_low, session_high)),
        token: TokenId::from_uuid(id(token_low, token_high)),
        key_id: KeyId::from_letters(bytes(key_low, key_high)),
        issued_at: Timestamp(issued_ms),
        not_before: Timestamp(not_before_ms),
        expires_at: Timestamp(issued_ms + u64::from(lifetime_ms)),
        scopes: ScopeSet::from_bits(scopes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_token() -> impl Strategy<Value = VerifiedToken> {
        let ids = any::<([u8; 10], [u8; 10], [u8; 10], [u8; 32])>();
        let times = (0..u64::from(u32::MAX) << 8, any::<u64>(), any::<u32>());
        (ids, times, any::<u64>()).prop_map(|(ids, (issued, not_before, lifetime), scopes)| VerifiedToken {
            account: AccountId::new(Timestamp(1), ids.0),
            session: SessionId::new(Timestamp(2), ids.1),
            token: TokenId::new(Timestamp(3), ids.2),
            key_id: KeyId::from_thumbprint(ids.3),
            issued_at: Timestamp(issued),
            not_before: Timestamp(not_before),
            expires_at: Timestamp(issued + u64::from(lifetime)),
            scopes: ScopeSet::from_bits(scopes),
        })
    }

    #[test]
    fn takes_two_cache_lines() {
        assert_eq!((size_of::<Slot>(), align_of::<Slot>()), (128, 128));
    }

    #[test]
    fn a_token_that_never_began_is_not_kept() {
        let (slot, sought) = (Slot::default(), [1; 4]);
        let token = unpack([1; TOKEN_WORDS], 0);
        slot.write(sought, &VerifiedToken { expires_at: Timestamp(0), ..token });
        slot.write(sought, &VerifiedToken { expires_at: Timestamp(u64::MAX), ..token });
        assert_eq!((slot.read(sought), slot.mark()), (None, 0));
    }

    #[test]
    fn a_reader_that_meets_a_writer_finds_nothing() {
        let (slot, sought, token) = (Slot::default(), [1; 4], unpack([1; TOKEN_WORDS], 5));
        slot.write(sought, &token);
        assert_eq!(slot.read(sought), Some(token));
        slot.version.fetch_add(1, Ordering::Relaxed);
        slot.write([2; 4], &token);
        assert_eq!((slot.read(sought), slot.read([2; 4])), (None, None));
    }

    #[test]
    fn a_slot_without_versions_keeps_what_it_has() {
        let (slot, token) = (Slot::default(), unpack([1; TOKEN_WORDS], 5));
        slot.version.store(u32::MAX - 3, Ordering::Relaxed);
        (1..=3).for_each(|number| slot.write([number; 4], &token));
        assert_eq!(slot.version.load(Ordering::Relaxed), u32::MAX - 1);
        assert_eq!(slot.mark(), 1, "only the first was written");
    }

    proptest! {
        #[test]
        fn gives_back_what_it_was_given(token in any_token(), digest: [u8; 32], other: [u8; 32]) {
            let (slot, sought) = (Slot::default(), digest_words(&Sha256Digest::from_bytes(digest)));
            slot.write(sought, &token);
            prop_assert_eq!(slot.read(sought), Some(token));
            prop_assert_eq!((slot.mark(), slot.expires_ms()), (sought[0], token.expires_at.0));
            prop_assume!(digest != other);
            prop_assert_eq!(slot.read(digest_words(&Sha256Digest::from_bytes(other))), None);
        }
    }
}
