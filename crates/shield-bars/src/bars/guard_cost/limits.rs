//! Rate limits: one key over and over, and a million of them.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use fastrand::Rng;
use shield_guard::{
    address::AddressBlock,
    limit::{Algorithm, Limit, LimitKey, LimitSettings, Rate, Tier, TierScaling},
};

use super::case::{Case, Primitive, Sizes, prepared};

const BYTES_PER_KEY_MAX: f64 = 32.0;
const SECOND: u64 = 1_000_000_000;

pub(super) fn cases(sizes: &Sizes) -> Vec<Case> {
    let hot = limit(sizes.limit_keys);
    let mut now_ns = SECOND;
    let hot = prepared(
        || (),
        move |()| {
            // A unit has come back each time, so that it is always admitted.
            now_ns += SECOND;
            hot.take(&key(0), Tier::Free, now_ns, NonZeroU32::MIN)
        },
    );
    let clock = Primitive { name: "reading the clock", operation: prepared(|| (), |()| Instant::now()) };
    let hot = Case { primitive: Some(clock), ..Case::absolute("rate limit, hot key", hot) };

    let many = limit(sizes.limit_keys);
    for number in 0..sizes.limit_keys {
        let verdict = many.take(&key(number), Tier::Free, SECOND, NonZeroU32::MIN);
        verdict.outcome.expect("a first request is admitted");
    }
    let per_key = many.bytes() as f64 / f64::from(sizes.limit_keys);
    let (keys, mut random, mut now_ns) = (sizes.limit_keys, Rng::with_seed(2), SECOND);
    let many = prepared(
        move || key(random.u32(..keys)),
        move |key: &LimitKey| {
            now_ns += 1_000;
            many.take(key, Tier::Free, now_ns, NonZeroU32::MIN)
        },
    );
    let too_large = format!("rate limit: {per_key:.1} bytes per key, more than {BYTES_PER_KEY_MAX}");
    let broken = (per_key > BYTES_PER_KEY_MAX).then_some(too_large).into_iter().collect();
    let many = Case { broken, ..Case::absolute("rate limit, any of many keys", many) };
    vec![hot.within(100.0), many.within(500.0)]
}

/// 60 per minute.
fn limit(keys: u32) -> Limit {
    let settings = LimitSettings {
        name: "bar",
        algorithm: Algorithm::Gcra,
        rate: Rate::new(60, Duration::from_mins(1)).expect("a rate within its ranges"),
        scaling: TierScaling::Same,
        keys: NonZeroU32::new(keys).expect("a table has keys"),
    };
    Limit::new(settings, [9; 16]).expect("settings within their ranges")
}

/// The n-th subscriber with an IPv6 prefix.
fn key(number: u32) -> LimitKey {
    let bits = 0x2001_0db8_u128 << 96 | u128::from(number) << 64;
    LimitKey::Address(AddressBlock::of(IpAddr::V6(bits.into())))
}
