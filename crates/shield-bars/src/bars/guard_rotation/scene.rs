//! The threads, and the time that they share.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Barrier, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use fastrand::Rng;
use ring::rand::SystemRandom;
use shield_guard::{
    AccountId, ScopeTable, SessionId, TokenId,
    token::{
        AccessClaims, Algorithm, KeyRing, RotationSchedule, SigningKey, TokenPolicy, TokenSettings,
        TokenVerifier, VerifiedTokenCache,
    },
};
use shield_types::Timestamp;

/// When the first key was made, and when tokens are issued from: later, as clocks differ.
const BEGIN: Timestamp = Timestamp(1_790_000_000_000);
const START: Timestamp = Timestamp(BEGIN.0 + 60_000);
const TICK: Duration = Duration::from_secs(5);
/// How long a key signs. Few are left over then that still verify, as there must be room in the ring.
const PERIOD: Duration = Duration::from_mins(15);
const LIFETIME: Duration = Duration::from_mins(15);
/// How long a key set may be kept, and how long a new ring is on its way.
const KEY_SET_MAX_AGE: Duration = Duration::from_mins(5);
const PROPAGATION: Duration = Duration::from_mins(1);
/// How far a clock is off. The propagation includes it.
const CLOCK_ERROR_MS: i64 = 2_000;
/// How old the ring of a node is at most.
const NODE_LAG: Duration = PROPAGATION.saturating_sub(Duration::from_millis(CLOCK_ERROR_MS as u64));
/// How old a reader's key set is at most: just taken from a node that was late.
pub(super) const READER_LAG: Duration = KEY_SET_MAX_AGE.saturating_add(NODE_LAG);
/// Checks that each thread makes in a tick.
const CHECKS: usize = 3;
/// Tokens that are kept for checks: about as many as live at a time.
const TOKENS_MAX: usize = 400;
/// Refusals that are kept to be shown.
const REFUSALS_MAX: usize = 5;
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256];

/// Everything that the threads share.
pub(super) struct Scene {
    rotations: usize,
    nodes: [Node; 4],
    policy: TokenPolicy,
    now_ms: AtomicU64,
    over: AtomicBool,
    /// Every ring that there was, and since when; the last ones are looked at.
    rings: Mutex<Vec<(Timestamp, Arc<KeyRing>)>>,
    /// The youngest last.
    tokens: Mutex<VecDeque<(String, Timestamp)>>,
    counts: Mutex<Counts>,
}

/// Who knows the ring how late, and by which clock.
#[derive(Clone, Copy)]
struct Node {
    issues: Issues,
    lag_max: Duration,
    clock_offset_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Issues {
    Tokens,
    Nothing,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) rotations: usize,
    pub(super) issued: u64,
    pub(super) issues_failed: u64,
    pub(super) checked: u64,
    pub(super) refused: u64,
    /// The first refusals, in words.
    pub(super) refusals: Vec<String>,
}

// === impl Scene ===

impl Scene {
    /// A scene that ends after so many rotations, with a reader whose key set is up to `reader_lag` old.
    pub(super) fn new(rotations: usize, reader_lag: Duration) -> Self {
        let node = |issues, lag_max, clock_offset_ms| Node { issues, lag_max, clock_offset_ms };
        let settings = TokenSettings {
            issuer: "https://link.example".to_owned(),
            audience: "linkshield".to_owned(),
            lifetime: LIFETIME,
        };
        let scopes = ScopeTable::new(&["account"]).expect("a name of a scope");
        let schedule =
            RotationSchedule { period: PERIOD, key_set_max_age: KEY_SET_MAX_AGE, propagation: PROPAGATION };
        let ring = KeyRing::begin(schedule, key(0), BEGIN);
        Self {
            rotations,
            nodes: [
                node(Issues::Tokens, NODE_LAG, CLOCK_ERROR_MS),
                node(Issues::Tokens, NODE_LAG, -CLOCK_ERROR_MS),
                node(Issues::Nothing, NODE_LAG, 0),
                node(Issues::Nothing, reader_lag, 0),
            ],
            policy: TokenPolicy::new(settings, scopes).expect("settings within their ranges"),
            now_ms: AtomicU64::new(START.0),
            over: AtomicBool::new(false),
            rings: Mutex::new(vec![(BEGIN, Arc::new(ring))]),
            tokens: Mutex::default(),
            counts: Mutex::default(),
        }
    }

    /// Lives through all of it.
    pub(super) fn play(&self) -> Counts {
        let barrier = Barrier::new(self.nodes.len() + 1);
        thread::scope(|scope| {
            for (seed, node) in (1..).zip(self.nodes) {
                let barrier = &barrier;
                scope.spawn(move || self.live(node, Rng::with_seed(seed), barrier));
            }
            self.rotate(&barrier);
        });
        lock(&self.counts).clone()
    }

    /// Moves time on, and announces keys that are due while the nodes are at work.
    fn rotate(&self, barrier: &Barrier) {
        let mut rotations = 0;
        while rotations < self.rotations {
            barrier.wait();
            let now = Timestamp(self.now_ms.load(Ordering::Acquire));
            let (_, ring) = lock(&self.rings).last().cloned().expect("there is a first ring");
            if ring.rotation_due(now) {
                rotations += 1;
                let next = ring.rotate(key(rotations), now).expect("the ring has room for a key per period");
                lock(&self.rings).push((now, Arc::new(next)));
            }
            barrier.wait();
            self.now_ms.store(now.after(TICK).0, Ordering::Release);
        }
        self.over.store(true, Ordering::Release);
        barrier.wait();
        lock(&self.counts).rotations = rotations;
    }

    /// A node's life, tick by tick.
    fn live(&self, node: Node, mut random: Rng, barrier: &Barrier) {
        let cache = VerifiedTokenCache::new(1_024).expect("a size that a cache can have");
        let verifier = TokenVerifier::new(self.policy.clone(), cache);
        loop {
            barrier.wait();
            if self.over.load(Ordering::Acquire) {
                return;
            }
            let now = self.now_ms.load(Ordering::Acquire);
            let lag = Duration::from_millis(random.u64(..=node.lag_max.as_millis() as u64));
            let ring = self.ring_at(Timestamp(now.saturating_sub(lag.as_millis() as u64)));
            let clock = Timestamp(now.saturating_add_signed(node.clock_offset_ms));
            if node.issues == Issues::Tokens {
                self.issue(&ring, clock, &mut random);
            }
            for _ in 0..CHECKS {
                self.check(&verifier, &ring, clock, &mut random);
            }
            barrier.wait();
        }
    }

    /// The ring that was the newest at a moment.
    fn ring_at(&self, moment: Timestamp) -> Arc<KeyRing> {
        let rings = lock(&self.rings);
        let known = rings.iter().rev().find(|(since, _)| *since <= moment);
        Arc::clone(&known.unwrap_or(&rings[0]).1)
    }

    fn issue(&self, ring: &KeyRing, clock: Timestamp, random: &mut Rng) {
        let claims = AccessClaims {
            account: AccountId::new(clock, [1; 10]),
            session: SessionId::new(clock, [2; 10]),
            token: TokenId::new(clock, std::array::from_fn(|_| random.u8(..))),
            scopes: self.policy.scopes().all(),
        };
        match self.policy.issue(ring, &claims, clock, &SystemRandom::new()) {
            Ok(token) => {
                lock(&self.counts).issued += 1;
                let mut tokens = lock(&self.tokens);
                if tokens.len() >= TOKENS_MAX {
                    tokens.pop_front();
                }
                tokens.push_back((token.text.expose().clone(), token.expires_at));
            }
            Err(_) => lock(&self.counts).issues_failed += 1,
        }
    }

    /// Verifies one of the tokens that are valid by this clock: the oldest of them, the youngest, or any other.
    fn check(&self, verifier: &TokenVerifier, ring: &KeyRing, clock: Timestamp, random: &mut Rng) {
        let (token, expires_at) = {
            let tokens = lock(&self.tokens);
            let valid = tokens.iter().position(|(_, expires_at)| clock < *expires_at);
            let Some(oldest) = valid else { return };
            let youngest = tokens.len() - 1;
            let place = match random.u8(..3) {
                0 => oldest,
                1 => youngest,
                _ => random.usize(oldest..=youngest),
            };
            tokens[place].clone()
        };
        // The two issuers' clocks differ: behind the oldest valid one may be one that is not.
        if clock >= expires_at {
            return;
        }
        let verified = verifier.verify(ring, token.as_bytes(), clock);
        let mut counts = lock(&self.counts);
        counts.checked += 1;
        if let Err(refusal) = verified {
            counts.refused += 1;
            if counts.refusals.len() < REFUSALS_MAX {
                counts.refusals.push(refusal.to_string());
            }
        }
    }
}

/// A fresh key; algorithms take turns.
fn key(number: usize) -> SigningKey {
    let key = SigningKey::generate(ALGORITHMS[number % ALGORITHMS.len()], &SystemRandom::new());
    key.expect("the system has random bytes")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Counts ===

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} rotations, {} tokens issued ({} failed), {} checks, {} refused",
            self.rotations, self.issued, self.issues_failed, self.checked, self.refused
        )
    }
}
