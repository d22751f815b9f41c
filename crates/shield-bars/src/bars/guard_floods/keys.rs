//! A thousand addresses use up their limit. Then come ten million others, each with one request, to a table that was made for
//! a million; after every million of them each of the limited ones asks again. Memory is what the table says of itself, and
//! what the kernel says that this process has resident.

use std::{fs, net::IpAddr, num::NonZeroU32, time::Duration};

use shield_guard::{
    address::AddressBlock,
    limit::{Algorithm, Limit, LimitKey, LimitSettings, Rate, Tier, TierScaling},
};

use crate::harness::{Result, Trouble, Verdict};

const LIMITED: u32 = 1_000;
const NEW: u32 = 10_000_000;
const KEYS: NonZeroU32 = NonZeroU32::new(1_000_000).expect("more than none");
const BYTES_PER_KEY_MAX: u64 = 32;
/// What else this process may take meanwhile.
const OTHER_BYTES_MAX: u64 = 1 << 20;
const PER_HOUR: u32 = 10;
const SECOND: u64 = 1_000_000_000;
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow];

/// What a flood did.
struct Flood {
    /// Requests of limited keys that were admitted.
    freed: u32,
    /// Requests of new keys that were refused.
    refused: u32,
    table_bytes: u64,
    /// Bytes that the process has resident more than before the table was made, at most.
    resident_bytes: u64,
}

pub(super) async fn measure(verdict: &mut Verdict) -> Result<String> {
    let (mut freed, mut largest) = (0, 0);
    let most = u64::from(KEYS.get()) * BYTES_PER_KEY_MAX;
    for algorithm in ALGORITHMS {
        let work = tokio::task::spawn_blocking(move || flood(algorithm));
        let flood = work.await.map_err(|error| Trouble::caused("flood a limit", error))??;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "  {algorithm:?}: {NEW} new keys ({} refused), {} of {LIMITED} limited ones freed; table {:.2} MiB, resident {:.2} MiB (<= {:.2})",
            flood.refused,
            flood.freed,
            mib(flood.table_bytes),
            mib(flood.resident_bytes),
            mib(most),
        );
        verdict.demand(flood.freed == 0, || {
            format!("{algorithm:?}: {} limited keys were admitted", flood.freed)
        });
        verdict.demand(flood.table_bytes <= most, || {
            format!("{algorithm:?}: a table of {} bytes", flood.table_bytes)
        });
        let resident = flood.resident_bytes <= most + OTHER_BYTES_MAX;
        verdict.demand(resident, || format!("{algorithm:?}: {} bytes became resident", flood.resident_bytes));
        freed += flood.freed;
        largest = largest.max(flood.resident_bytes);
    }
    let per_key = largest as f64 / f64::from(KEYS.get());
    Ok(format!("{freed} limited keys freed by {NEW} new ones, {per_key:.1} resident bytes per key"))
}

fn flood(algorithm: Algorithm) -> Result<Flood> {
    let before = resident_bytes()?;
    let rate = Rate::new(PER_HOUR, Duration::from_hours(1)).expect("a rate within its ranges");
    let settings = LimitSettings { name: "bar", algorithm, rate, scaling: TierScaling::Same, keys: KEYS };
    let limit = Limit::new(settings, fastrand::u128(..).to_le_bytes());
    let limit = limit.map_err(|error| Trouble::caused("make a limit", error))?;
    let take = |number, now_ns| limit.take(&key(number), Tier::Free, now_ns, NonZeroU32::MIN).outcome;
    for number in 0..LIMITED {
        let admitted = (0..2 * PER_HOUR).filter(|_| take(number, SECOND).is_ok()).count();
        if admitted != PER_HOUR as usize {
            return Err(Trouble::new(format!("use a limit of {PER_HOUR} up: {admitted} were admitted")));
        }
    }
    let mut flood = Flood { freed: 0, refused: 0, table_bytes: limit.bytes() as u64, resident_bytes: 0 };
    for number in 0..NEW {
        // Ten microseconds apart: in all less than the time in which a unit comes back.
        let now_ns = 2 * SECOND + u64::from(number) * 10_000;
        flood.refused += u32::from(take(LIMITED + number, now_ns).is_err());
        if (number + 1).is_multiple_of(NEW / 10) {
            let freed = (0..LIMITED).filter(|number| take(*number, now_ns).is_ok()).count();
            flood.freed += u32::try_from(freed).expect("at most the limited ones");
            flood.table_bytes = flood.table_bytes.max(limit.bytes() as u64);
            flood.resident_bytes = flood.resident_bytes.max(resident_bytes()?.saturating_sub(before));
        }
    }
    Ok(flood)
}

/// The n-th subscriber with an IPv6 prefix.
fn key(number: u32) -> LimitKey {
    let bits = 0x2001_0db8_u128 << 96 | u128::from(number) << 64;
    LimitKey::Address(AddressBlock::of(IpAddr::V6(bits.into())))
}

fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| Trouble::caused("read `/proc/self/status`", error))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.map(|kib| kib * 1_024).ok_or_else(|| Trouble::new("find `VmRSS` in `/proc/self/status`"))
}
