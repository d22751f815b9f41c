//! What no implementation of a component can do without, measured here and now.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::bench::order::{Primitive, PrimitiveKind};
use crate::bench::results::PrimitiveFigures;

/// Batches of each primitive.
const BATCHES: usize = 40;
/// Length of a batch, at least.
const BATCH: Duration = Duration::from_millis(1);

/// Measures on this thread, for some 60 ms.
pub(crate) fn measure(primitive: Primitive) -> PrimitiveFigures {
    let input = vec![0x5a_u8; usize::try_from(primitive.bytes).unwrap_or_default()];
    let mut batches = match primitive.kind {
        PrimitiveKind::Sha256 => batches(|| {
            black_box(digest(&SHA256, black_box(&input)));
        }),
        PrimitiveKind::HmacSha256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
            batches(|| {
                black_box(hmac::sign(&key, black_box(&input)));
            })
        }
        PrimitiveKind::Ed25519Verify => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes are a seed");
            let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
            let signature = pair.sign(&input);
            batches(|| {
                black_box(key.verify(black_box(&input), signature.as_ref()))
                    .expect("it was signed with this key");
            })
        }
        PrimitiveKind::ClockAndSwap => {
            let (began, cell) = (Instant::now(), AtomicU64::new(0));
            batches(|| {
                let now = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                let before = cell.load(Ordering::Relaxed);
                let swapped = cell.compare_exchange(before, now, Ordering::AcqRel, Ordering::Relaxed);
                black_box(swapped).expect("nobody else writes it");
            })
        }
    };
    batches.sort_by(f64::total_cmp);
    PrimitiveFigures { primitive, least_us: batches[0], median_us: batches[BATCHES / 2], ratio: None }
}

/// Microseconds per operation of each batch.
fn batches(mut operation: impl FnMut()) -> Vec<f64> {
    let mut timed = |count: u32| {
        let began = Instant::now();
        (0..count).for_each(|_| operation());
        began.elapsed()
    };
    let mut count = 1;
    while count < 1 << 20 && timed(count) < BATCH {
        count *= 2;
    }
    (0..BATCHES).map(|_| timed(count).as_secs_f64() * 1e6 / f64::from(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::measure;
    use crate::bench::order::{Primitive, PrimitiveKind};

    #[test]
    fn every_primitive_takes_time() {
        for (name, kind) in PrimitiveKind::ALL {
            let figures = measure(Primitive { kind, bytes: 64 });
            assert!(0.0 < figures.least_us && figures.least_us <= figures.median_us, "{name}: {figures:?}");
            assert_eq!(kind.name(), name);
        }
    }
}
