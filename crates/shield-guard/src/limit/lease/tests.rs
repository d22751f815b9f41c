//! Three nodes and a store that is away, slow, cut off from some, or forgets, at any moment.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use proptest::prelude::*;
use shield_types::Timestamp;

use super::{
    Cluster, LeaseAnswer, LeaseDecision, LeaseDemand, LeaseRefusal, LeaseRequest, LeaseSettings, LeaseTable,
    Sharing, StoreState,
};
use crate::limit::{LimitKey, Rate, Refusal};

const NODES: usize = 3;
const PERIOD_MS: u64 = 60_000;

/// The store's contract in memory.
#[derive(Default)]
struct Store {
    lent: BTreeMap<(u16, u64), u32>,
    remembers_since: u64,
    calls: usize,
}

impl Store {
    fn take(&mut self, request: &LeaseRequest) -> LeaseAnswer {
        self.calls += 1;
        if request.window_start.0 < self.remembers_since {
            return LeaseAnswer::Forgotten;
        }
        let LimitKey::RouteClass(class) = request.key else { panic!("{request:?}") };
        let lent = self.lent.entry((class, request.window_start.0)).or_default();
        let tokens = request.want.get().min(request.rate.count() - *lent);
        *lent += tokens;
        LeaseAnswer::Granted { tokens }
    }

    fn restart_empty(&mut self, now: u64) {
        self.lent.clear();
        self.remembers_since = now;
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
enum Line {
    /// The breaker is open: no call.
    Broken,
    /// The store never hears of it.
    Lost,
    /// It counts, but its answer comes too late.
    Unheard,
    /// It answers after so many milliseconds.
    Answered(u64),
}

/// One request, so many milliseconds after the one before.
#[derive(Clone, Debug)]
struct Event {
    pause_ms: u64,
    node: usize,
    class: u16,
    cost: u32,
    line: Line,
    /// The store loses its memory just before.
    forgets: bool,
}

struct Simulation {
    nodes: Vec<LeaseTable>,
    store: Store,
    rate: Rate,
    now: u64,
    /// Answers under way: when they arrive, and where.
    answers: Vec<(u64, usize, LeaseRequest, LeaseAnswer)>,
    /// Units admitted, by class and window.
    admitted: BTreeMap<(u16, u64), u32>,
}

fn units(cost: u32) -> NonZeroU32 {
    NonZeroU32::new(cost).unwrap()
}

impl Simulation {
    fn new(count: u32, sharing: Sharing, keys: u32) -> Self {
        let period = Duration::from_millis(PERIOD_MS);
        let settings = LeaseSettings { limit: "api", period, keys: units(keys), sharing };
        Self {
            nodes: (0..NODES).map(|node| LeaseTable::new(settings, [node as u8; 16]).unwrap()).collect(),
            store: Store::default(),
            rate: Rate::new(count, period).unwrap(),
            now: 100 * PERIOD_MS,
            answers: Vec::new(),
            admitted: BTreeMap::new(),
        }
    }

    fn request(&mut self, event: &Event) -> LeaseDecision {
        self.now += event.pause_ms;
        self.deliver();
        if event.forgets {
            self.store.restart_empty(self.now);
        }
        let cluster = self.cluster(event.line);
        let (key, now) = (LimitKey::RouteClass(event.class), Timestamp(self.now));
        let demand = LeaseDemand { key, rate: self.rate, cost: units(event.cost) };
        let decision = self.nodes[event.node].take(demand, now, cluster);
        let LeaseDecision::NeedsStore(request) = decision else {
            self.note(event.class, self.now, event.cost, decision);
            return decision;
        };
        match event.line {
            Line::Broken => panic!("a call without a store: {request:?}"),
            Line::Answered(delay) => {
                let answer = self.store.take(&request);
                self.answers.push((self.now + delay, event.node, request, answer));
                self.deliver();
            }
            Line::Lost | Line::Unheard => {
                if matches!(event.line, Line::Unheard) {
                    self.store.take(&request);
                }
                let decision = self.nodes[event.node].unanswered(&request, now, cluster);
                self.note(event.class, self.now, event.cost, decision);
            }
        }
        decision
    }

    /// Requests one after the other.
    fn requests(&mut self, times: usize, event: impl Fn(usize) -> Event) {
        for turn in 0..times {
            self.request(&event(turn));
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        let due = self.answers.extract_if(.., |(at, ..)| *at <= now).collect::<Vec<_>>();
        for (at, node, request, answer) in due {
            let decision =
                self.nodes[node].answered(&request, answer, Timestamp(at), self.cluster(Line::Lost));
            let LimitKey::RouteClass(class) = request.key else { panic!("{request:?}") };
            // What was lent counts where it was lent; a share where it is used.
            let counted = match answer {
                LeaseAnswer::Granted { .. } => request.window_start.0,
                LeaseAnswer::Forgotten => at,
            };
            self.note(class, counted, request.cost.get(), decision);
        }
    }

    fn note(&mut self, class: u16, at: u64, cost: u32, decision: LeaseDecision) {
        match decision {
            LeaseDecision::Admitted => *self.admitted.entry((class, at / PERIOD_MS)).or_default() += cost,
            LeaseDecision::Refused(_) => {}
            LeaseDecision::NeedsStore(_) => panic!("asked twice"),
        }
    }

    fn cluster(&self, line: Line) -> Cluster {
        let store = match line {
            Line::Broken => StoreState::Away,
            Line::Lost | Line::Unheard | Line::Answered(_) => StoreState::Present,
        };
        Cluster { store, nodes: units(NODES as u32) }
    }

    fn most_in_a_window(&self) -> u32 {
        self.admitted.values().copied().max().unwrap_or(0)
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        2 => Just(Line::Broken),
        1 => Just(Line::Lost),
        1 => Just(Line::Unheard),
        6 => (0..40u64).prop_map(Line::Answered),
    ]
}

/// A run of requests during which each node's line stays as it is: an outage begins and ends between two runs.
fn run() -> impl Strategy<Value = Vec<Event>> {
    let lines = [line(), line(), line()];
    let event = (0..NODES, 0..6u16, 1..4u32, prop_oneof![9 => 0..50u64, 1 => 0..PERIOD_MS]);
    (lines, any::<bool>(), proptest::collection::vec(event, 1..150)).prop_map(|(lines, forgets, events)| {
        let event = |(index, (node, class, cost, pause_ms))| Event {
            pause_ms,
            node,
            class,
            cost,
            line: lines[node],
            forgets: forgets && index == 0,
        };
        events.into_iter().enumerate().map(event).collect()
    })
}

proptest! {
    #[test]
    fn outages_admit_half_more_at_most(
        count in prop_oneof![1..40u32, Just(200)], runs in proptest::collection::vec(run(), 1..8), keys in 1..12u32,
    ) {
        let mut simulation = Simulation::new(count, Sharing::Leased, keys);
        runs.iter().flatten().for_each(|event| { simulation.request(event); });
        prop_assert!(2 * simulation.most_in_a_window() <= 3 * count, "{:?}", simulation.admitted);
    }

    #[test]
    fn exact_limits_admit_no_more(
        count in prop_oneof![1..40u32, Just(200)], runs in proptest::collection::vec(run(), 1..8), keys in 1..12u32,
    ) {
        let mut simulation = Simulation::new(count, Sharing::Exact, keys);
        runs.iter().flatten().for_each(|event| { simulation.request(event); });
        prop_assert!(simulation.most_in_a_window() <= count, "{:?}", simulation.admitted);
    }
}

fn event(node: usize, pause_ms: u64, line: Line) -> Event {
    Event { pause_ms, node, class: 0, cost: 1, line, forgets: false }
}

/// The bound is reached: the outage begins when all is lent and handed out.
#[test]
fn worst_outage_admits_half_more() {
    let mut simulation = Simulation::new(600, Sharing::Leased, 100);
    for line in [Line::Answered(0), Line::Broken] {
        simulation.requests(3_000, |turn| event(turn % NODES, 1, line));
    }
    assert_eq!(simulation.most_in_a_window(), 600, "who knows that nothing is left admits nothing");

    let mut simulation = Simulation::new(600, Sharing::Leased, 100);
    simulation.requests(600, |_| event(0, 1, Line::Answered(0)));
    simulation.requests(3_000, |turn| event(turn % NODES, 1, Line::Broken));
    assert_eq!(simulation.most_in_a_window(), 900);
}

#[test]
fn steady_load_seldom_calls() {
    for (count, load) in [(2_000, 1_900), (2_000, 1_000), (10_000, 9_500), (10_000, 1_000)] {
        let mut simulation = Simulation::new(count, Sharing::Leased, 100);
        let window = |simulation: &mut Simulation| {
            let start = simulation.now / PERIOD_MS * PERIOD_MS;
            for number in 0..load {
                let at = start + number * PERIOD_MS / load;
                simulation.request(&event(0, at.saturating_sub(simulation.now), Line::Answered(0)));
            }
            simulation.now = start + PERIOD_MS;
        };
        window(&mut simulation);
        let warm = simulation.store.calls;
        (0..5).for_each(|_| window(&mut simulation));
        let calls = (simulation.store.calls - warm) as u64;
        assert!(calls * 100 <= 5 * load, "{count}: {calls} calls for {} requests", 5 * load);
        assert_eq!(simulation.admitted.values().sum::<u32>() as u64, 6 * load);
    }
}

#[test]
fn nodes_use_the_count_up() {
    let mut simulation = Simulation::new(500, Sharing::Leased, 100);
    simulation.requests(5_000, |turn| event(turn % NODES, 1, Line::Answered(0)));
    assert_eq!(simulation.most_in_a_window(), 500, "what is lent is handed out");
    let calls = simulation.store.calls;
    let refused = simulation.request(&event(0, 0, Line::Answered(0)));
    let LeaseDecision::Refused(LeaseRefusal::Limit(Refusal::Wait { retry_ns })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(simulation.store.calls, calls, "nobody asks for what is known to be gone");
    let later = event(0, retry_ns.div_ceil(1_000_000), Line::Answered(0));
    simulation.request(&later);
    assert_eq!(simulation.admitted.get(&(0, 101)), Some(&1));
}

#[test]
fn asvs_v16_5_2_never_opens_without_store() {
    // Nothing to share among three nodes, and an exact limit.
    for (count, sharing) in [(5, Sharing::Leased), (1_000, Sharing::Exact)] {
        let mut simulation = Simulation::new(count, sharing, 100);
        let decision = simulation.request(&event(0, 0, Line::Broken));
        assert_eq!(decision, LeaseDecision::Refused(LeaseRefusal::StoreAway));
    }
    let mut simulation = Simulation::new(600, Sharing::Leased, 100);
    let admitted =
        (0..1_000).filter(|_| simulation.request(&event(0, 0, Line::Broken)) == LeaseDecision::Admitted);
    assert_eq!(admitted.count(), 100, "600 / (2 x 3)");
}

#[test]
fn forgetful_store_lends_nothing() {
    let mut simulation = Simulation::new(600, Sharing::Leased, 100);
    simulation.requests(600, |_| event(0, 1, Line::Answered(0)));
    let calls = simulation.store.calls;
    simulation.request(&Event { forgets: true, ..event(1, 1, Line::Answered(0)) });
    simulation.requests(3_000, |turn| event(turn % NODES, 1, Line::Answered(0)));
    assert_eq!(simulation.admitted.get(&(0, 100)), Some(&900));
    assert_eq!(simulation.store.calls, calls + NODES, "each node asks once");
    // The next window is as any other.
    simulation.request(&event(0, PERIOD_MS, Line::Answered(0)));
    simulation.requests(1_000, |_| event(0, 1, Line::Answered(0)));
    assert_eq!(simulation.admitted.get(&(0, 101)), Some(&600));
}

#[test]
fn costly_requests_are_told_apart() {
    let mut simulation = Simulation::new(600, Sharing::Leased, 100);
    let decision = simulation.request(&Event { cost: 601, ..event(0, 0, Line::Answered(0)) });
    assert_eq!(decision, LeaseDecision::Refused(LeaseRefusal::Limit(Refusal::TooCostly)));
}

#[test]
fn leases_stay_small() {
    let bytes = size_of::<std::sync::Mutex<super::bucket::Leases>>() / 4 + 32;
    assert!(bytes <= 114, "{bytes}");
}
