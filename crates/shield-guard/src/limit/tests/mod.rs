//! Limits against exact models, floods, threads, and the words that clients are told.

mod admission;
mod floods;
mod models;
mod quotas;

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use super::{Algorithm, Limit, LimitKey, LimitSettings, LimitTable, Rate, TableSettings, TierScaling};
use crate::address::AddressBlock;

const SECOND: u64 = 1_000_000_000;
const ONE: NonZeroU32 = NonZeroU32::MIN;

fn units(cost: u32) -> NonZeroU32 {
    NonZeroU32::new(cost).unwrap()
}

fn rate(count: u32, seconds: u64) -> Rate {
    Rate::new(count, Duration::from_secs(seconds)).unwrap()
}

fn table(algorithm: Algorithm, seconds: u64, keys: u32) -> LimitTable {
    let settings = TableSettings { algorithm, period: Duration::from_secs(seconds), keys: units(keys) };
    LimitTable::new(settings, [9; 16]).unwrap()
}

fn limit(name: &'static str, rate: Rate) -> Limit {
    let settings = LimitSettings {
        name,
        algorithm: Algorithm::Gcra,
        rate,
        scaling: TierScaling::Multiplied,
        keys: units(1_000),
    };
    Limit::new(settings, [9; 16]).unwrap()
}

/// The key of the n-th IPv6 subscriber.
fn key(number: u64) -> LimitKey {
    let bits = 0x2001_0db8_u128 << 96 | u128::from(number) << 64;
    LimitKey::Address(AddressBlock::of(IpAddr::V6(bits.into())))
}
