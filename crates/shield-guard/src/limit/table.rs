//! A bounded table of keys: what a limit remembers.
//!
//! Set-associative: a keyed hash gives each key a bucket of nine slots. The table is allocated when it is made and never
//! grows. It takes 32 bytes per key that it is made for, and has room for 2.25 times as many.
//!
//! **What happens when a bucket is full.** Slots of idle keys are free, since their state is worth nothing. When all nine
//! are live, an admitted new key takes the slot of the key that used least, and the bucket's *floor* rises to what that
//! one had used. Every key without a slot is taken to have used as much as the floor and the least slot say: the idea of
//! Space-Saving (Metwally, Agrawal, El Abbadi, ICDT 2005). Therefore:
//!
//! - **Never open.** What a key is charged with is never less than what it used, flood or not; no key ever gets more than
//!   its rate. A limited key stays limited: nobody is admitted over its slot unless its own request would be, or, where
//!   rates of tiers differ within a table, it inherits the floor and is refused as before.
//! - **Hard to turn on others.** A new key is charged with too much only if its bucket was full of live keys, and then
//!   with no more than the least of these had used, until that would have come back. To have newcomers refused, an attacker must exhaust nine keys in *every*
//!   bucket (the seed is secret, so he cannot aim): 2.25 × the table's keys × the burst, in admitted requests per period.
//!   For a million keys at 100 per hour that is 62,000 requests per second from two million addresses, without a pause.
//!   Keys that have a slot are not touched by it.
//! - Two keys are taken for one with probability 9 × 2^-32; they then share their units.

use std::{num::NonZeroU32, time::Duration};

use super::{
    Algorithm, LimitKey, Rate, Verdict,
    bucket::{Bucket, Intent},
    key::KeyHasher,
    standing::Decision,
};

/// Keys per bucket that a table is made for: 32 bytes for each.
const KEYS_PER_BUCKET: u32 = 4;
/// The most keys that a table can be made for: 3.2 GB.
const KEYS_MAX: u32 = 100_000_000;

/// What a table is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// How its keys are counted.
    pub algorithm: Algorithm,
    /// The period of every rate that it is asked about.
    pub period: Duration,
    /// Keys that it is made for: 1 to 100,000,000. It takes 32 bytes for each, rounded up to 128 bytes.
    pub keys: NonZeroU32,
}

/// A table larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("make a table for `{keys}` keys: expected at most 100000000")]
pub struct TableSizeError {
    /// What was asked for.
    pub keys: NonZeroU32,
}

/// Remembers what keys used, in bounded memory. `&self` everywhere; a hit takes no lock.
pub struct LimitTable {
    settings: TableSettings,
    hasher: KeyHasher,
    buckets: Box<[Bucket]>,
}

// === impl LimitTable ===

impl LimitTable {
    /// An empty table. `seed` is 128 secret random bits; with it an attacker could fill one bucket.
    pub fn new(settings: TableSettings, seed: [u8; 16]) -> Result<Self, TableSizeError> {
        if settings.keys.get() > KEYS_MAX {
            return Err(TableSizeError { keys: settings.keys });
        }
        let buckets = (0..settings.keys.get().div_ceil(KEYS_PER_BUCKET)).map(|_| Bucket::default()).collect();
        Ok(Self { settings, hasher: KeyHasher::new(seed), buckets })
    }

    /// Decides about `cost` units of `key` and takes them if they are admitted. `now_ns` counts from a start that is the
    /// same for the whole life of the table.
    #[inline]
    pub fn take(&self, key: &LimitKey, rate: Rate, now_ns: u64, cost: NonZeroU32) -> Verdict {
        let algorithm = self.settings.algorithm;
        self.charge(key, rate, Intent::Take, |state| algorithm.decide(rate, state, now_ns, cost))
    }

    /// What [`Self::take`] would answer now; takes nothing, and the standing is the present one.
    #[inline]
    pub fn look(&self, key: &LimitKey, rate: Rate, now_ns: u64, cost: NonZeroU32) -> Verdict {
        let algorithm = self.settings.algorithm;
        self.charge(key, rate, Intent::Look, |state| Decision {
            standing: algorithm.standing(rate, state, now_ns),
            ..algorithm.decide(rate, state, now_ns, cost)
        })
    }

    /// Bytes of all buckets, for the life of the table.
    pub fn bytes(&self) -> usize {
        size_of_val::<[Bucket]>(&self.buckets)
    }

    #[inline]
    fn charge(
        &self,
        key: &LimitKey,
        rate: Rate,
        intent: Intent,
        decide: impl Fn(u64) -> Decision,
    ) -> Verdict {
        debug_assert_eq!(rate.period(), self.settings.period, "one period per table");
        let algorithm = self.settings.algorithm;
        let place = self.hasher.place(key, self.buckets.len());
        let bucket = &self.buckets[place.bucket];
        bucket.charge(place.fingerprint, intent, decide, |left, right| algorithm.join(left, right))
    }
}
