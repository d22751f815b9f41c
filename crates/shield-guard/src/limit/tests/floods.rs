//! Many keys at once, and many threads on one.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{ONE, SECOND, key, rate, table};
use crate::limit::{Algorithm, LimitTable, Rate};

/// Requests of a key that are admitted at a moment.
fn admitted(table: &LimitTable, number: u64, rate: Rate, now: u64) -> u32 {
    (0..2 * rate.count()).map(|_| u32::from(table.take(&key(number), rate, now, ONE).outcome.is_ok())).sum()
}

#[test]
fn asvs_v15_2_2_floods_free_nobody() {
    for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let (rate, table) = (rate(10, 3_600), table(algorithm, 3_600, 10_000));
        let bytes = table.bytes();
        assert!(bytes <= 32 * 10_000, "{bytes}");
        let limited = 0..100;
        for number in limited.clone() {
            assert_eq!(admitted(&table, number, rate, SECOND), 10);
        }
        // A hundred times as many new keys as the table is made for, each with one request.
        for number in 1_000..1_001_000 {
            table.take(&key(number), rate, SECOND + number, ONE);
        }
        for number in limited {
            assert_eq!(admitted(&table, number, rate, 2 * SECOND), 0, "{algorithm:?} {number}");
        }
        assert_eq!(table.bytes(), bytes);
    }
}

#[test]
fn no_key_gets_more_in_a_flood() {
    for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let (rate, table) = (rate(10, 3_600), table(algorithm, 3_600, 16));
        let mut counts = vec![0; 2_000];
        for turn in 0..40 {
            for number in 0..2_000u64 {
                let now = SECOND + turn * 2_000 + number;
                counts[number as usize] +=
                    u32::from(table.take(&key(number), rate, now, ONE).outcome.is_ok());
            }
        }
        assert!(counts.iter().all(|count| *count <= 10), "{algorithm:?}: {counts:?}");
        // Each of the 36 slots is a limit of its own.
        assert!(counts.iter().sum::<u32>() >= 4 * 9 * 10, "{algorithm:?}");
    }
}

/// Newcomers are refused only when all nine keys of their bucket are exhausted, not when there are many.
#[test]
fn floods_lock_no_newcomer_out() {
    let (rate, table) = (rate(100, 3_600), table(Algorithm::Gcra, 3_600, 10_000));
    for number in 0..1_000_000 {
        table.take(&key(number), rate, SECOND + number, ONE);
    }
    let served = (2_000_000..2_001_000)
        .filter(|number| table.take(&key(*number), rate, 2 * SECOND, ONE).outcome.is_ok());
    assert_eq!(served.count(), 1_000);
}

#[test]
fn full_tables_serve_their_keys_fully() {
    let (rate, table) = (rate(20, 3_600), table(Algorithm::Gcra, 3_600, 10_000));
    let mut served = 0;
    for turn in 0..20 {
        for number in 0..10_000 {
            served += u32::from(table.take(&key(number), rate, SECOND + turn, ONE).outcome.is_ok());
        }
    }
    // A bucket in a hundred has more live keys than slots, and charges these for one another.
    assert!(served >= 20 * 10_000 * 98 / 100, "{served}");
}

#[test]
fn asvs_v15_4_1_threads_share_one_limit() {
    for (algorithm, expected) in
        [(Algorithm::Gcra, 1_000 + 500), (Algorithm::FixedWindow, 1_000), (Algorithm::SlidingWindow, 1_000)]
    {
        let (rate, table) = (rate(1_000, 10), table(algorithm, 10, 100));
        assert_eq!(table.take(&key(1), rate, 0, ONE).outcome, Ok(()), "the first of all, at 0");
        let (clock, barrier, served) = (AtomicU64::new(0), Barrier::new(4), AtomicU64::new(1));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    // The threads together move time on from 0 to 5 s, in 50,000 steps of 0.1 ms.
                    for _ in 0..12_500 {
                        let now = clock.fetch_add(SECOND / 10_000, Ordering::Relaxed);
                        served.fetch_add(
                            u64::from(table.take(&key(1), rate, now, ONE).outcome.is_ok()),
                            Ordering::Relaxed,
                        );
                    }
                });
            }
        });
        let now = clock.load(Ordering::Relaxed);
        let rest = (0..2_000).filter(|_| table.take(&key(1), rate, now, ONE).outcome.is_ok()).count() as u64;
        assert_eq!(now, 5 * SECOND);
        assert_eq!(served.load(Ordering::Relaxed) + rest, expected, "{algorithm:?}");
    }
}

/// All threads walk over the same new keys, each of which has one unit: who comes second finds it used.
#[test]
fn asvs_v15_4_2_threads_bring_keys_in_once() {
    const KEYS: u64 = 50_000;
    let (rate, table) = (rate(1, 3_600), table(Algorithm::Gcra, 3_600, 100_000));
    let barrier = Barrier::new(4);
    let served: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..KEYS {
                    // Meeting now and then keeps them at the same keys.
                    if number % 100 == 0 {
                        barrier.wait();
                    }
                    if table.take(&key(number), rate, SECOND, ONE).outcome.is_ok() {
                        served[number as usize].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    for (number, count) in served.iter().enumerate() {
        assert!(count.load(Ordering::Relaxed) <= 1, "key {number}");
    }
}

/// What counts in the next window is the second of two counts; the key with least of the first may have most of it.
#[test]
fn forgotten_keys_keep_both_counts() {
    let (rate, table) = (rate(100, 10), table(Algorithm::SlidingWindow, 10, 1));
    let uses = |number, times: u32, window: u64| {
        let now = window * 10 * SECOND;
        (0..times).map(|_| u32::from(table.take(&key(number), rate, now, ONE).outcome.is_ok())).sum::<u32>()
    };
    let others = 1..9;
    let busy: u32 = others.clone().map(|number| uses(number, 20, 0)).sum();
    assert_eq!((uses(0, 1, 0), busy), (1, 160));
    let idle: u32 = others.map(|number| uses(number, 1, 1)).sum();
    assert_eq!((uses(0, 5, 1), idle), (5, 8));
    // One newcomer takes the slot of key 0, another the newcomer's; what is least then says nothing about key 0.
    assert_eq!((uses(10, 1, 1), uses(11, 1, 2)), (1, 1));
    assert!(uses(0, 200, 2) <= 95);
}
