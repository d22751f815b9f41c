//! Keys come, sign, retire and are killed, while nodes learn of it late and have clocks that differ.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use shield_types::Timestamp;

use super::{MINUTE, NOW, claims, key, random};
use crate::{
    KeyId, ScopeTable,
    token::{
        ACCESS_TOKEN_LIFETIME_MAX, Algorithm, KEYS_MAX, KeyRecord, KeyRefusal, KeyRing, KeyState, KillError,
        LoadRingError, RotateError, RotationSchedule, TokenPolicy, TokenSettings,
    },
};

fn begin() -> KeyRing {
    KeyRing::begin(RotationSchedule::default(), key(Algorithm::EdDsa), NOW)
}

fn states(ring: &KeyRing, now: Timestamp) -> Vec<KeyState> {
    ring.records().map(|record| record.state(now)).collect()
}

#[test]
fn a_key_is_announced_before_it_signs() {
    let first = begin();
    let ring = first.rotate(key(Algorithm::EdDsa), NOW).unwrap();
    let lead = RotationSchedule::default().lead();
    let takes_over = NOW.after(lead);
    let gone = takes_over.after(RotationSchedule::default().overlap());
    assert_eq!(states(&ring, Timestamp(takes_over.0 - 1)), [KeyState::Active, KeyState::Announced]);
    assert_eq!(states(&ring, takes_over), [KeyState::Retired, KeyState::Active]);
    assert_eq!(states(&ring, Timestamp(gone.0 - 1)), [KeyState::Retired, KeyState::Active]);
    assert_eq!(states(&ring, gone), [KeyState::Gone, KeyState::Active]);
    let published = |now| ring.jwks(now).text.matches("kid").count();
    assert_eq!([published(NOW), published(takes_over), published(gone)], [2, 2, 1]);
    assert!(lead > ring.jwks(NOW).max_age);
    let old = first.signing_key(NOW).unwrap().id();
    assert_eq!(ring.verifying_key(old, gone).err(), Some(KeyRefusal::Gone));
    assert_ne!(ring.signing_key(takes_over).unwrap().id(), old);
}

#[test]
fn the_last_token_of_a_late_node_verifies() {
    let world = World::new(1);
    let (late, schedule) = (&world.ring, RotationSchedule::default());
    let ring = late.rotate(key(Algorithm::Hs256), NOW).unwrap();
    // As late as the schedule allows, with the longest life, in the last moment of it.
    let last = Timestamp(NOW.after(schedule.lead()).after(schedule.propagation).0 - 1_000);
    let token = world.policy.issue(late, &claims(1), last, &random()).unwrap();
    let end = Timestamp(token.expires_at.0 - 1);
    assert_eq!(end, Timestamp(last.after(ACCESS_TOKEN_LIFETIME_MAX).0 - 1));
    assert!(world.policy.verify(&ring, token.text.expose().as_bytes(), end).is_ok());
}

#[test]
fn rotations_queue_behind_each_other() {
    let ring = begin().rotate(key(Algorithm::EdDsa), NOW).unwrap();
    let pending = ring.records().last().unwrap().id;
    assert_eq!(ring.rotate(key(Algorithm::EdDsa), NOW).err(), Some(RotateError::Pending { id: pending }));
    assert!(ring.rotate(key(Algorithm::EdDsa), NOW.after(6 * MINUTE)).is_ok());
}

#[test]
fn a_full_ring_refuses_keys() {
    let (mut ring, mut now) = (begin(), NOW);
    for _ in 1..KEYS_MAX {
        ring = ring.rotate(key(Algorithm::EdDsa), now).unwrap();
        now = now.after(6 * MINUTE);
    }
    let until = ring.records().next().unwrap().verifies_until.unwrap();
    assert_eq!(ring.rotate(key(Algorithm::EdDsa), now).err(), Some(RotateError::Full { until }));
    assert_eq!(ring.rotate(key(Algorithm::EdDsa), until).unwrap().records().count(), KEYS_MAX);
}

#[test]
fn keys_killed_within_an_hour_leave_room() {
    let (mut ring, mut killed) = (begin(), Vec::new());
    for second in 0..3 * KEYS_MAX as u64 {
        let now = Timestamp(NOW.0 + 1_000 * second);
        let id = ring.signing_key(now).unwrap().id();
        ring = ring.kill(id, now).unwrap().rotate(key(Algorithm::EdDsa), now).unwrap();
        killed.push(id);
        assert!(ring.records().count() <= KEYS_MAX);
        assert!(killed.iter().all(|id| ring.verifying_key(*id, now).is_err()), "killed or forgotten");
    }
}

#[test]
fn killing_the_active_key_promotes_its_heir() {
    let ring = begin().rotate(key(Algorithm::EdDsa), NOW).unwrap();
    let [old, heir] = [0, 1].map(|place| ring.records().nth(place).unwrap().id);
    let killed = ring.kill(old, NOW).unwrap();
    assert_eq!(killed.signing_key(NOW).unwrap().id(), heir);
    assert_eq!(killed.verifying_key(old, NOW).err(), Some(KeyRefusal::Killed));
    assert_eq!(killed.revision(), ring.revision() + 1);
}

#[test]
fn killing_the_heir_keeps_the_active_key() {
    let ring = begin().rotate(key(Algorithm::EdDsa), NOW).unwrap();
    let [active, heir] = [0, 1].map(|place| ring.records().nth(place).unwrap().id);
    let killed = ring.kill(heir, NOW).unwrap();
    let much_later = NOW.after(Duration::from_hours(48));
    assert_eq!(killed.signing_key(much_later).unwrap().id(), active);
    let id = KeyId::from_thumbprint([0; 32]);
    assert_eq!(killed.kill(id, NOW).err(), Some(KillError::NotInRing { id }));
    assert_eq!(killed.kill(heir, NOW).err(), Some(KillError::Killed { id: heir }), "once is enough");
}

#[test]
fn an_heir_signs_where_nobody_does() {
    let ring = begin();
    let id = ring.signing_key(NOW).unwrap().id();
    let killed = ring.kill(id, NOW).unwrap();
    assert!(killed.signing_key(NOW).is_err());
    let heir = key(Algorithm::EdDsa);
    let next = heir.id();
    let killed = killed.with_heir(heir, NOW);
    assert_eq!((killed.signing_key(NOW).unwrap().id(), killed.revision()), (next, ring.revision() + 1));
    let same = killed.with_heir(key(Algorithm::EdDsa), NOW);
    assert_eq!((same.signing_key(NOW).unwrap().id(), same.records().count()), (next, 2), "one signs already");
}

#[test]
fn killing_keys_without_end_leaves_one() {
    let mut ring = begin();
    let mut killed = Vec::new();
    for second in 0..3 * KEYS_MAX as u64 {
        let now = Timestamp(NOW.0 + 1_000 * second);
        let id = ring.signing_key(now).unwrap().id();
        ring = ring.kill(id, now).unwrap().with_heir(key(Algorithm::EdDsa), now);
        killed.push(id);
        assert!(ring.records().count() <= KEYS_MAX);
        assert!(killed.iter().all(|id| ring.verifying_key(*id, now).is_err()), "killed or forgotten");
        assert!(KeyRing::from_store(RotationSchedule::default(), ring.to_store(), &random()).is_ok());
    }
}

#[test]
fn a_killed_key_does_not_come_back() {
    let ring = begin();
    let stored = ring.to_store();
    let id = ring.signing_key(NOW).unwrap().id();
    let killed = ring.kill(id, NOW).unwrap();
    let again = KeyRing::from_store(RotationSchedule::default(), stored, &random()).unwrap();
    let same = Arc::into_inner(again.keys.into_iter().next().unwrap().signing.unwrap()).unwrap();
    assert_eq!(killed.rotate(same, NOW).err(), Some(RotateError::Present { id }));
}

#[test]
fn rotation_is_due_after_its_period() {
    let ring = begin();
    let due = NOW.after(RotationSchedule::default().period);
    assert!(!ring.rotation_due(Timestamp(due.0 - 1)));
    assert!(ring.rotation_due(due));
    assert!(!ring.rotate(key(Algorithm::EdDsa), due).unwrap().rotation_due(due));
    assert!(ring.kill(ring.signing_key(NOW).unwrap().id(), NOW).unwrap().rotation_due(NOW));
}

#[test]
fn a_stored_ring_comes_back() {
    let ring = begin().rotate(key(Algorithm::Es256), NOW).unwrap();
    let ring = ring.rotate(key(Algorithm::Hs256), NOW.after(6 * MINUTE)).unwrap();
    let stored = ring.to_store();
    for key in &stored.keys {
        let text = serde_json::to_string(&key.record).unwrap();
        assert_eq!(serde_json::from_str::<KeyRecord>(&text).unwrap(), key.record);
    }
    let back = KeyRing::from_store(RotationSchedule::default(), stored, &random()).unwrap();
    assert!(back.records().eq(ring.records()) && back.revision() == 3);
    let later = NOW.after(Duration::from_mins(12));
    assert_eq!(back.signing_key(later).unwrap().algorithm(), Algorithm::Hs256);
}

#[test]
fn damaged_rings_are_refused() {
    let load = |stored| KeyRing::from_store(RotationSchedule::default(), stored, &random()).err();
    let good = begin().rotate(key(Algorithm::Hs256), NOW).unwrap().to_store();
    let [first, second] = [0, 1].map(|place| good.keys[place].record.id);

    let mut other = good.clone();
    other.keys[0].record.public = Some(vec![1; 32]);
    assert_eq!(load(other), Some(LoadRingError::OtherKey { id: first }));

    let mut swapped = good.clone();
    swapped.keys[0].record.id = second;
    assert_eq!(load(swapped), Some(LoadRingError::OtherKey { id: second }));

    let mut bare = good.clone();
    bare.keys[1].secret = None;
    assert_eq!(load(bare), Some(LoadRingError::SecretMissing { id: second }));

    let mut both = good.clone();
    both.keys[0].record.signs_until = None;
    both.keys[0].record.verifies_until = None;
    assert_eq!(load(both), Some(LoadRingError::Times { id: second }));

    let mut confused = good.clone();
    confused.keys[1].record.algorithm = Algorithm::EdDsa;
    assert!(matches!(load(confused), Some(LoadRingError::Secret { .. })));

    let mut reader = good;
    reader.keys[0].secret = None;
    let reader = KeyRing::from_store(RotationSchedule::default(), reader, &random()).unwrap();
    assert!(reader.signing_key(NOW).is_err() && reader.verifying_key(first, NOW).is_ok());
}

/// A node: the rings on their way to it, the one that it has, and its clock's error.
struct Node {
    ring: KeyRing,
    coming: Vec<(Timestamp, KeyRing)>,
    clock_ahead_ms: i64,
}

struct Issued {
    text: Vec<u8>,
    key: KeyId,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

struct World {
    policy: TokenPolicy,
    ring: KeyRing,
    nodes: Vec<Node>,
    tokens: Vec<Issued>,
    killed: BTreeSet<KeyId>,
    /// Keys that had to sign before every node knew them, because the one before was killed.
    hurried: BTreeSet<KeyId>,
    seed: u64,
}

// === impl Node ===

impl Node {
    fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.clock_ahead_ms))
    }

    fn receive(&mut self, now: Timestamp) {
        let arrived = self.coming.iter().filter(|(at, _)| *at <= now).map(|(_, ring)| ring);
        if let Some(newest) = arrived.max_by_key(|ring| ring.revision()) {
            self.ring = newest.clone();
        }
        self.coming.retain(|(at, _)| *at > now);
        let revision = self.ring.revision();
        self.coming.retain(|(_, ring)| ring.revision() > revision);
    }
}

// === impl World ===

impl World {
    fn new(seed: u64) -> Self {
        let ring = KeyRing::begin(RotationSchedule::default(), key(Algorithm::Hs256), NOW);
        let settings = TokenSettings {
            issuer: "https://link.example".to_owned(),
            audience: "linkshield".to_owned(),
            // The longest: nothing is left of the overlap when such a token expires.
            lifetime: ACCESS_TOKEN_LIFETIME_MAX,
        };
        let scopes = ScopeTable::new(&["account", "reports:write", "urls:check"]).unwrap();
        let node = |clock_ahead_ms| Node { ring: ring.clone(), coming: Vec::new(), clock_ahead_ms };
        Self {
            policy: TokenPolicy::new(settings, scopes).unwrap(),
            nodes: vec![node(0), node(2_000), node(-2_000)],
            ring,
            tokens: Vec::new(),
            killed: BTreeSet::new(),
            hurried: BTreeSet::new(),
            seed,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % end
    }

    /// Sends a new ring to the nodes; the clocks' errors and the way take as long as the schedule allows, together.
    fn publish(&mut self, ring: KeyRing, now: Timestamp) {
        self.ring = ring;
        for place in 0..self.nodes.len() {
            let way = Duration::from_millis(self.below(56_001));
            self.nodes[place].coming.push((now.after(way), self.ring.clone()));
        }
    }

    fn change_keys(&mut self, now: Timestamp) {
        let none_signs = self.ring.signing_key(now).is_err();
        match self.below(12) {
            0 => {
                let place = self.below(self.ring.records().count() as u64) as usize;
                let id = self.ring.records().nth(place).unwrap().id;
                // A key that is gone has left the ring already.
                let Ok(ring) = self.ring.kill(id, now) else { return };
                self.killed.insert(id);
                let signer = |ring: &KeyRing| ring.signing_key(now).map(|key| key.id());
                self.hurried
                    .extend(signer(&ring).into_iter().filter(|_| signer(&ring) != signer(&self.ring)));
                self.publish(ring, now);
            }
            1..=3 => {
                let new = key(Algorithm::Hs256);
                let id = new.id();
                if let Ok(ring) = self.ring.rotate(new, now) {
                    self.hurried.extend(none_signs.then_some(id));
                    self.publish(ring, now);
                }
            }
            _ => {}
        }
    }

    /// One node issues a token.
    fn issue(&mut self, now: Timestamp) {
        let place = self.below(self.nodes.len() as u64) as usize;
        let node = &self.nodes[place];
        match self.policy.issue(&node.ring, &claims(1), node.clock(now), &random()) {
            Ok(token) => self.tokens.push(Issued {
                text: token.text.expose().clone().into_bytes(),
                key: token.key_id,
                issued_at: now,
                expires_at: token.expires_at,
            }),
            Err(error) => assert!(!self.killed.is_empty(), "{error}: nothing was killed"),
        }
    }

    fn check(&mut self, now: Timestamp) {
        for token in &self.tokens {
            for node in &self.nodes {
                let clock = node.clock(now);
                let accepted = self.policy.verify(&node.ring, &token.text, clock);
                let knows_death =
                    node.ring.records().any(|key| key.id == token.key && key.killed_at.is_some());
                if clock >= token.expires_at || knows_death {
                    assert!(accepted.is_err(), "accepted after its end");
                    continue;
                }
                let hurried = self.hurried.contains(&token.key) && !node.coming.is_empty();
                let exempt = self.killed.contains(&token.key) || hurried;
                assert!(exempt || accepted.is_ok(), "{accepted:?} issued {}", token.issued_at);
            }
        }
        // A minute after a kill no node accepts anything of the key.
        let pending = self.nodes.iter().any(|node| !node.coming.is_empty());
        for token in self.tokens.iter().filter(|token| !pending && self.killed.contains(&token.key)) {
            for node in &self.nodes {
                assert!(self.policy.verify(&node.ring, &token.text, node.clock(now)).is_err());
            }
        }
        self.tokens.retain(|token| now < token.expires_at.after(Duration::from_secs(10)));
    }
}

#[test]
fn valid_tokens_survive_any_schedule() {
    for seed in 1..=12 {
        let mut world = World::new(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut now = NOW;
        for _ in 0..250 {
            now = now.after(Duration::from_millis(world.below(180_000)));
            for node in &mut world.nodes {
                node.receive(now);
            }
            world.change_keys(now);
            world.issue(now);
            world.check(now);
        }
    }
}

#[test]
fn without_kills_nothing_is_ever_refused() {
    for seed in 1..=4 {
        let mut world = World::new(u64::wrapping_mul(seed, 0x2545_f491_4f6c_dd1d));
        let mut now = NOW;
        for _ in 0..250 {
            now = now.after(Duration::from_millis(world.below(120_000)));
            for node in &mut world.nodes {
                node.receive(now);
            }
            if let Ok(ring) = world.ring.rotate(key(Algorithm::Hs256), now) {
                world.publish(ring, now);
            }
            world.issue(now);
            world.check(now);
        }
        assert!(world.killed.is_empty() && world.hurried.is_empty());
        assert!(world.ring.revision() > 20, "{}", world.ring.revision());
    }
}
