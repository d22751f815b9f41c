//! Limits with names: a rate, how it is counted, and the table of those it applies to.
//!
//! Each limit has its own table. Keys of one limit then compare (who used least), a flood of addresses cannot crowd out
//! accounts, and the memory of each is written down.

use std::num::NonZeroU32;

use super::{Algorithm, LimitKey, LimitTable, Rate, TableSettings, TableSizeError, Tier, Verdict};

/// Letters of a name.
const NAME_LENGTH_MAX: usize = 64;

/// Whether paying more allows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierScaling {
    /// Every tier has the same rate: log-in and the like.
    Same,
    /// The rate times [`Tier::multiplier`].
    Multiplied,
}

/// What a limit is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// What it is called in headers, events and settings: 1 to 64 of `a-z0-9_-`.
    pub name: &'static str,
    /// How it counts.
    pub algorithm: Algorithm,
    /// The rate of the tier Free.
    pub rate: Rate,
    /// What other tiers have.
    pub scaling: TierScaling,
    /// Keys to remember, at 32 bytes each.
    pub keys: NonZeroU32,
}

/// A limit that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Headers could not carry it.
    #[error("name a limit `{name}`: expected 1 to 64 of a-z, 0-9, `_` and `-`")]
    Name {
        /// What was asked for.
        name: &'static str,
    },
    /// The algorithm cannot count so far.
    #[error(
        "make the limit `{name}` of `{count}` (the highest tier's): its algorithm counts up to `{count_max}`"
    )]
    Count {
        /// Which limit.
        name: &'static str,
        /// Its largest count.
        count: u32,
        /// What its algorithm can.
        count_max: u32,
    },
    /// Its table would be too large.
    #[error("make the limit `{name}`")]
    Table {
        /// Which limit.
        name: &'static str,
        /// Its table.
        #[source]
        source: TableSizeError,
    },
}

/// A limit in force. Any number of threads may ask it at once.
pub struct Limit {
    name: &'static str,
    rates: [Rate; Tier::ALL.len()],
    /// What answers say about each of the rates: the same every time, so it is written once.
    policies: [Box<str>; Tier::ALL.len()],
    table: LimitTable,
}

// === impl Limit ===

impl Limit {
    /// A limit that nobody has used. `seed`: 128 secret random bits of its own.
    pub fn new(settings: LimitSettings, seed: [u8; 16]) -> Result<Self, LimitError> {
        let LimitSettings { name, algorithm, rate, scaling, keys } = settings;
        let letter = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if !(1..=NAME_LENGTH_MAX).contains(&name.len()) || !name.bytes().all(letter) {
            return Err(LimitError::Name { name });
        }
        let rates = Tier::ALL.map(|tier| match scaling {
            TierScaling::Same => rate,
            TierScaling::Multiplied => rate.scaled(tier.multiplier()),
        });
        let (count, count_max) =
            (rates.map(Rate::count).into_iter().fold(0, u32::max), algorithm.count_max());
        if count > count_max {
            return Err(LimitError::Count { name, count, count_max });
        }
        let table = TableSettings { algorithm, period: rate.period(), keys };
        let table = LimitTable::new(table, seed).map_err(|source| LimitError::Table { name, source })?;
        let policies = rates.map(|rate| policy(name, rate).into());
        Ok(Self { name, rates, policies, table })
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The rate of a tier.
    pub fn rate(&self, tier: Tier) -> Rate {
        self.rates[tier as usize]
    }

    /// Its item of `RateLimit-Policy`, for a tier.
    pub(super) fn policy(&self, tier: Tier) -> &str {
        &self.policies[tier as usize]
    }

    /// Bytes of its table, which never change.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Takes `cost` units of `key` if they are admitted. `now_ns` counts from a start that is the same for the whole life
    /// of the limit.
    pub fn take(&self, key: &LimitKey, tier: Tier, now_ns: u64, cost: NonZeroU32) -> Verdict {
        self.table.take(key, self.rate(tier), now_ns, cost)
    }

    /// What [`Self::take`] would answer now; takes nothing, and the standing is the present one.
    pub fn look(&self, key: &LimitKey, tier: Tier, now_ns: u64, cost: NonZeroU32) -> Verdict {
        self.table.look(key, self.rate(tier), now_ns, cost)
    }
}

/// An item of a list of RFC 9651; names of limits need no escapes.
fn policy(name: &str, rate: Rate) -> String {
    let (count, burst, seconds) = (rate.count(), rate.burst(), rate.period().as_secs());
    match burst == count {
        true => format!("\"{name}\";q={count};w={seconds}"),
        false => format!("\"{name}\";q={count};w={seconds};shield-burst={burst}"),
    }
}
