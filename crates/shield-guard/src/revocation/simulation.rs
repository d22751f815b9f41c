//! Three nodes, one log, a network that loses, repeats and reorders: whatever happens, the sets end equal.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;
use shield_types::Timestamp;

use super::{
    Freshness, Grant, LogEpoch, LogPage, PushedRevocation, Revocation, RevocationLimits, RevocationReason,
    RevocationSet, Revoked, Sensitivity, Sequence, SetProgress,
};
use crate::{AccountId, ApiKeyId, KeyId, SessionId, TokenId};

const NODES: usize = 3;
/// One tick of the simulated clock per step; a set is fresh for eight of them.
const LIMITS: RevocationLimits = RevocationLimits { entries_max: 10_000, age_max: Duration::from_millis(8) };

/// Longer than any run.
const LIFE: Duration = Duration::from_secs(1_000);

#[derive(Clone, Debug)]
enum Step {
    /// An entry is appended, acknowledged, and pushed to all nodes.
    Append { kind: u8, subject: u8 },
    /// A message in flight arrives at a node; it may arrive again.
    Deliver { node: usize, message: prop::sample::Index },
    /// A message in flight to a node is lost.
    Lose { node: usize, message: prop::sample::Index },
    /// A node asks for a page; the answer is under way.
    Ask { node: usize, limit: usize },
    /// An answer under way arrives, perhaps long after others.
    Answer { node: usize, answer: prop::sample::Index },
    /// Another server takes over; every acknowledged entry survives, renumbered from 1.
    Promote,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let node = || 0..NODES;
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        4 => (0..6_u8, 0..8_u8).prop_map(|(kind, subject)| Step::Append { kind, subject }),
        6 => (node(), index()).prop_map(|(node, message)| Step::Deliver { node, message }),
        2 => (node(), index()).prop_map(|(node, message)| Step::Lose { node, message }),
        3 => (node(), 1..4_usize).prop_map(|(node, limit)| Step::Ask { node, limit }),
        4 => (node(), index()).prop_map(|(node, answer)| Step::Answer { node, answer }),
        1 => Just(Step::Promote),
    ];
    prop::collection::vec(step, 0..120)
}

#[derive(Default)]
struct Log {
    epoch: u64,
    entries: Vec<Revocation>,
}

struct Node {
    set: RevocationSet,
    messages: Vec<PushedRevocation>,
    answers: Vec<(Timestamp, LogPage)>,
    /// Where the node was last told to read on.
    read_after: Sequence,
}

struct World {
    now: Timestamp,
    log: Log,
    nodes: Vec<Node>,
    /// Every entry, with the moment of its acknowledgement.
    acknowledged: Vec<(Timestamp, Revocation)>,
}

// === impl Log ===

impl Log {
    fn read_after(&self, after: Sequence, limit: usize) -> LogPage {
        let start = (after.0 as usize).min(self.entries.len());
        let end = (start + limit).min(self.entries.len());
        let numbered = (start..end).map(|place| (Sequence(place as u64 + 1), self.entries[place]));
        LogPage {
            epoch: LogEpoch(self.epoch),
            after,
            through: Sequence(after.0.max(end as u64)),
            head: Sequence(self.entries.len() as u64),
            entries: numbered.collect(),
        }
    }
}

// === impl World ===

impl World {
    fn new() -> Self {
        let node = || Node {
            set: RevocationSet::new(LIMITS),
            messages: Vec::new(),
            answers: Vec::new(),
            read_after: Sequence(0),
        };
        let nodes = (0..NODES).map(|_| node()).collect();
        Self { now: Timestamp(1_000), log: Log::default(), nodes, acknowledged: Vec::new() }
    }

    fn step(&mut self, step: &Step) {
        self.now = Timestamp(self.now.0 + 1);
        match step {
            Step::Append { kind, subject } => self.append(*kind, *subject),
            Step::Deliver { node, message } => {
                let node = &mut self.nodes[*node];
                if !node.messages.is_empty() {
                    let message = node.messages[message.index(node.messages.len())];
                    node.heed(|set| set.take_pushed(&message));
                }
            }
            Step::Lose { node, message } => {
                let messages = &mut self.nodes[*node].messages;
                if !messages.is_empty() {
                    messages.remove(message.index(messages.len()));
                }
            }
            Step::Ask { node, limit } => {
                let node = &mut self.nodes[*node];
                let page = self.log.read_after(node.read_after, *limit);
                node.answers.push((self.now, page));
            }
            Step::Answer { node, answer } => {
                let node = &mut self.nodes[*node];
                if !node.answers.is_empty() {
                    let (asked_at, page) = node.answers.remove(answer.index(node.answers.len()));
                    node.heed(|set| set.take_page(&page, asked_at));
                }
            }
            Step::Promote => {
                self.log.epoch += 1;
                self.log.entries.reverse();
            }
        }
    }

    fn append(&mut self, kind: u8, subject: u8) {
        let entry = entry(kind, subject, self.now);
        self.log.entries.push(entry);
        self.acknowledged.push((self.now, entry));
        let sequence = Sequence(self.log.entries.len() as u64);
        let message = PushedRevocation { epoch: LogEpoch(self.log.epoch), sequence, entry };
        for node in &mut self.nodes {
            node.messages.push(message);
        }
    }

    /// The network heals: every node reads to the end.
    fn heal(&mut self) {
        self.now = Timestamp(self.now.0 + 1);
        for node in &mut self.nodes {
            let mut pages = 0;
            loop {
                let page = self.log.read_after(node.read_after, 3);
                if node.heed(|set| set.take_page(&page, self.now)) == SetProgress::UpToDate {
                    break;
                }
                pages += 1;
                assert!(pages < 1_000, "reading must come to an end");
            }
        }
    }
}

// === impl Node ===

impl Node {
    fn heed(&mut self, take: impl FnOnce(&RevocationSet) -> SetProgress) -> SetProgress {
        let progress = take(&self.set);
        self.read_after = self.set.cursor();
        if let SetProgress::ReadAfter(after) = progress {
            assert_eq!(after, self.read_after);
        }
        progress
    }

    /// Whether this node would refuse what an entry took back.
    fn refuses(&self, entry: &Revocation, now: Timestamp) -> bool {
        self.set.admit(&grant_of(entry), Sensitivity::Ordinary, now).is_err()
    }
}

fn entry(kind: u8, subject: u8, now: Timestamp) -> Revocation {
    let (reason, random) = (RevocationReason::Administrator, [subject; 10]);
    let issued = Timestamp(500);
    let revoked = match kind {
        0 => Revoked::Token { token: TokenId::new(issued, random) },
        1 => Revoked::Session { session: SessionId::new(issued, random) },
        2 => Revoked::SigningKey { key: KeyId::from_thumbprint([subject; 32]) },
        3 => Revoked::ApiKey { key: ApiKeyId::new(issued, random) },
        4 => return Revocation::of_sessions(AccountId::new(issued, random), reason, now, LIFE),
        _ => return Revocation::of_account(AccountId::new(issued, random), reason, now, LIFE),
    };
    Revocation { revoked, reason, revoked_at: now, expires_at: now.after(LIFE) }
}

/// Something that the entry took back.
fn grant_of(entry: &Revocation) -> Grant {
    let bystander = AccountId::new(Timestamp(1), [0xee; 10]);
    let issued_at = entry.revoked_at;
    let grant =
        Grant { account: bystander, issued_at, token: None, session: None, signing_key: None, api_key: None };
    match entry.revoked {
        Revoked::Token { token } => Grant { token: Some(token), ..grant },
        Revoked::Session { session } => Grant { session: Some(session), ..grant },
        Revoked::SigningKey { key } => Grant { signing_key: Some(key), ..grant },
        Revoked::ApiKey { key } => Grant { api_key: Some(key), ..grant },
        Revoked::Sessions { account, .. } | Revoked::Account { account, .. } => Grant { account, ..grant },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn sets_end_equal_and_lose_nothing(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            for node in &world.nodes {
                if node.set.freshness(world.now) != Freshness::Fresh {
                    continue;
                }
                // Fresh: nothing is missing that was acknowledged longer ago than the bound.
                let old = |moment: &Timestamp| world.now.since(*moment) > LIMITS.age_max;
                for (_, entry) in world.acknowledged.iter().filter(|(moment, _)| old(moment)) {
                    prop_assert!(node.refuses(entry, world.now), "{entry:?}");
                }
            }
        }
        world.heal();
        for node in &world.nodes {
            prop_assert_eq!(node.set.contents(), world.nodes[0].set.contents());
            for (_, entry) in &world.acknowledged {
                prop_assert!(node.refuses(entry, world.now), "{entry:?}");
            }
        }
        let numbers: BTreeSet<_> = world.nodes.iter().map(|node| node.set.cursor()).collect();
        prop_assert_eq!(numbers, BTreeSet::from([Sequence(world.log.entries.len() as u64)]));
    }
}
