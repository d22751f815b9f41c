//! Throttling of log-in that stops guessing and gives no stranger a switch that turns an account off.
//!
//! Counting failures per account alone hands every stranger a switch that turns the account off. Here an attempt is counted
//! where its author cannot harm others by it:
//!
//! | who | counted per | failures per 15 min |
//! |---|---|---|
//! | a device that logged in to this account before (device cookie) | account and device | 5 |
//! | an address block that logged in to this account before | account and block; block | 5; 50 |
//! | a stranger | account and block; account and neighbourhood (/24, /48); block; account | 5, or 2 while the account has 20 failures of strangers; 10; 50 |
//!
//! - Guessing from one place ends at its own counters. Guessing from many places finds 2 attempts per
//!   block and 10 per neighbourhood, so that the 65,536 blocks of an IPv6 /48 are no army.
//! - The owner on a known device has a counter that nobody else can raise. The owner in a new place, while his account is
//!   guessed at from elsewhere, still has attempts that nobody else uses up: the count per account never refuses by itself,
//!   it only makes strangers' allowances smaller.
//! - Who shares a block with an attacker can be hindered there for the rest of a window, except on a known device.
//! - An attempt is counted *before* the password is looked at and given back when it was right, so that a hundred parallel
//!   guesses are a hundred counts (ASVS 5.0, 15.4.2). Success clears what was counted for the pair or the device, but takes
//!   only its own attempt off the block: an attacker's own account must not wash his block clean. An attempt that was no wrong
//!   one is given back by itself: nobody looked at the password, because too many were being hashed or the database was away,
//!   or it was right and something else kept its owner out, such as an address that is not verified or a missing code.
//! - Accounts that do not exist are counted alike, by the name that was typed.
//!
//! ASVS 5.0: 6.1.1 (documented, no malicious lock-out), 6.3.1. Counts live in SQL, exact over all nodes; without them
//! nobody logs in, which an account in the same database could not do anyway.

use std::time::Duration;

use shield_types::Timestamp;

use crate::{
    StoreError,
    address::{AddressBlock, Network},
};

/// Counters that one attempt is in.
pub const FAILURE_KEYS_MAX: usize = 4;

/// How many failures are borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginPolicy {
    /// Windows of this length, from the Unix epoch; whole seconds.
    pub window: Duration,
    /// Per account and device that is known to it.
    pub device: u32,
    /// Per account and address block.
    pub pair: u32,
    /// The same for strangers, while the account is under attack.
    pub pair_cautious: u32,
    /// Per account and neighbourhood of address blocks, strangers only.
    pub neighbourhood: u32,
    /// Per address block, over all accounts.
    pub block: u32,
    /// Failures of strangers from which on an account counts as under attack.
    pub account: u32,
}

/// An account name as it was typed: a digest of its normal form, whether or not there is such an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(pub [u8; 32]);

/// A device: the digest of the secret in its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceDigest(pub [u8; 32]);

/// Someone wants to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginAttempt {
    /// As whom.
    pub name: LoginName,
    /// From where.
    pub block: AddressBlock,
    /// With which device cookie.
    pub device: Option<DeviceDigest>,
}

/// Whether whoever attempts has logged in to this account before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Familiarity {
    /// Neither with this device nor from this block.
    Stranger,
    /// From this block.
    Block,
    /// With this device.
    Device,
}

/// A counter of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKey {
    /// Account and known device.
    Device(LoginName, DeviceDigest),
    /// Account and block.
    Pair(LoginName, AddressBlock),
    /// Account and neighbourhood, strangers only.
    Neighbourhood(LoginName, Network),
    /// Block, over all accounts.
    Block(AddressBlock),
    /// Account, strangers only.
    Account(LoginName),
}

/// What a store knows of an attempt's counters, in the current window. A counter that was never raised is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRecord {
    /// Looked up by name and device, then by name and block.
    pub familiarity: Familiarity,
    /// [`FailureKey::Device`]; 0 without a known device.
    pub device: u32,
    /// [`FailureKey::Pair`].
    pub pair: u32,
    /// [`FailureKey::Neighbourhood`].
    pub neighbourhood: u32,
    /// [`FailureKey::Block`].
    pub block: u32,
    /// [`FailureKey::Account`].
    pub account: u32,
}

/// The answer about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginDecision {
    /// Look at the password. The attempt counts as failed in `keys` until [`FailureStore::succeeded`].
    Allowed {
        /// Counters to be raised by one.
        keys: [Option<FailureKey>; FAILURE_KEYS_MAX],
    },
    /// Answer 429, the same to everybody, and do not look at the password.
    Refused {
        /// The counter that is full. Clients read of what kind and how large it is, not whom it is of.
        by: FailureKey,
        /// Whole seconds until the window ends, at least 1.
        retry_after_seconds: u64,
    },
}

/// Counters of failures, exact over all nodes.
pub trait FailureStore: Send + Sync {
    /// In one serializable transaction: reads the record of `attempt` in the window of `now`, asks
    /// [`LoginPolicy::decide`], and, if allowed, adds one to each of the keys. Two attempts at once never both find the last
    /// place free.
    ///
    /// # Errors
    /// Then nobody logs in: answer 503.
    fn attempt(
        &self,
        policy: &LoginPolicy,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> impl Future<Output = Result<LoginDecision, StoreError>> + Send;

    /// The password (and second factor) was right: applies [`forgiveness`] to each key that was raised, and remembers
    /// the block, and `device` if there is one, as known to the account, for 90 days and at most 20 of each.
    fn succeeded(
        &self,
        attempt: &LoginAttempt,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The password was not wrong, and opened nothing: nobody looked at it after all, or something else was missing. Takes one off each key that the attempt at `counted_at` raised, in that
    /// moment's window, and never below 0. Nobody becomes known by it.
    fn withdrawn(
        &self,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        counted_at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

// === impl LoginPolicy ===

impl Default for LoginPolicy {
    /// The table above.
    fn default() -> Self {
        let window = Duration::from_secs(900);
        Self { window, device: 5, pair: 5, pair_cautious: 2, neighbourhood: 10, block: 50, account: 20 }
    }
}

impl LoginPolicy {
    /// Whether the password may be looked at.
    pub fn decide(&self, attempt: &LoginAttempt, record: &LoginRecord, now: Timestamp) -> LoginDecision {
        let LoginAttempt { name, block, device } = *attempt;
        let pair_max = match record.familiarity {
            Familiarity::Stranger if record.account >= self.account => self.pair_cautious.min(self.pair),
            Familiarity::Stranger | Familiarity::Block | Familiarity::Device => self.pair,
        };
        let pair = Some((FailureKey::Pair(name, block), record.pair, pair_max));
        let around = FailureKey::Neighbourhood(name, block.neighbourhood());
        let around = Some((around, record.neighbourhood, self.neighbourhood));
        let whole_block = Some((FailureKey::Block(block), record.block, self.block));
        // Counts, and never refuses by itself.
        let account = Some((FailureKey::Account(name), record.account, u32::MAX));
        let counters = match (record.familiarity, device) {
            (Familiarity::Device, Some(device)) => {
                [Some((FailureKey::Device(name, device), record.device, self.device)), None, None, None]
            }
            (Familiarity::Block, _) => [pair, whole_block, None, None],
            (Familiarity::Stranger, _) | (Familiarity::Device, None) => [pair, around, whole_block, account],
        };
        match counters.into_iter().flatten().find(|(_, count, most)| count >= most) {
            Some((by, ..)) => LoginDecision::Refused { by, retry_after_seconds: self.seconds_left(now) },
            None => LoginDecision::Allowed { keys: counters.map(|counter| counter.map(|(key, ..)| key)) },
        }
    }

    /// The number of the window that `now` lies in; names it in a store.
    pub fn window_number(&self, now: Timestamp) -> u64 {
        now.0 / self.window_ms()
    }

    /// The first moment after the window that `now` lies in: no failure in it counts any more then.
    pub fn window_end(&self, now: Timestamp) -> Timestamp {
        Timestamp((self.window_number(now) + 1).saturating_mul(self.window_ms()))
    }

    /// How many failures a counter bears. Of an account and a block it is the number for quiet times
    /// even while strangers have fewer: a client is not told that an account is under attack.
    pub fn borne(&self, key: &FailureKey) -> u32 {
        match key {
            FailureKey::Device(..) => self.device,
            FailureKey::Pair(..) => self.pair,
            FailureKey::Neighbourhood(..) => self.neighbourhood,
            FailureKey::Block(_) => self.block,
            FailureKey::Account(_) => self.account,
        }
    }

    fn seconds_left(&self, now: Timestamp) -> u64 {
        self.window_end(now).0.saturating_sub(now.0).div_ceil(1_000).max(1)
    }

    fn window_ms(&self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX).max(1_000)
    }
}

/// What a counter says after the attempt that raised it succeeded.
pub fn forgiveness(key: &FailureKey, count: u32) -> u32 {
    match key {
        FailureKey::Device(..) | FailureKey::Pair(..) => 0,
        FailureKey::Neighbourhood(..) | FailureKey::Block(_) | FailureKey::Account(_) => {
            count.saturating_sub(1)
        }
    }
}
