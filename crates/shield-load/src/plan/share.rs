//! One run on several workers: what each of them does, so that together they do what one would.
//!
//! Pure. Nothing is rounded away: clients, iterations and evenly spaced arrivals of all shares add up to those of the whole,
//! each user has the number and so the row of a per-user feed that it would have in one process, and rows of a feed that is
//! gone through are dealt out. Seeds and the beginnings of ids differ.

use fastrand::Rng;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::plan::model::{LoadPlan, Model, Stop};
use crate::scenario::model::{Feed, FeedOrder};

/// Most workers of a run.
pub(crate) const WORKERS_MAX: usize = 256;

/// Which part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    index: u32,
    of: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Share")]
struct Stored {
    index: u32,
    of: u32,
}

// === impl Share ===

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// From 0.
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// How many shares there are.
    pub(crate) fn of(self) -> u32 {
        self.of
    }

    /// The number in the whole run of a user, the lane `lane` of this share, where clients have `streams` lanes each.
    pub(crate) fn user(self, lane: usize, streams: usize) -> usize {
        let (of, index) = (self.of as usize, self.index as usize);
        (lane / streams * of + index) * streams + lane % streams
    }

    /// How many of `count` things are dealt to this share.
    fn deal(self, count: u64) -> u64 {
        let (of, index) = (u64::from(self.of), u64::from(self.index));
        count / of + u64::from(index < count % of)
    }

    /// The same of things that are numbered on from `first`.
    fn deal_from(self, first: usize, count: usize) -> usize {
        let before = |end: usize| self.deal(end as u64);
        usize::try_from(before(first + count) - before(first)).expect("a part is no more than the whole")
    }

    /// Rows that are gone through one after the other are dealt out; with fewer rows than workers, some share one. A random row
    /// is drawn from all, and a user's row follows from its number.
    fn deal_rows(self, feed: &mut Feed) {
        if feed.order != FeedOrder::Sequence || feed.rows.is_empty() {
            return;
        }
        let first = self.index as usize % feed.rows.len();
        let rows = std::mem::take(&mut feed.rows);
        feed.rows = rows.into_iter().skip(first).step_by(self.of as usize).collect();
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { index, of } = Stored::deserialize(deserializer)?;
        if index < of && of as usize <= WORKERS_MAX {
            return Ok(Self { index, of });
        }
        Err(de::Error::custom(format_args!("share {index} of {of}: there are at most {WORKERS_MAX}, from 0")))
    }
}

// === impl LoadPlan ===

impl LoadPlan {
    /// How many of `of` workers have something to do: each has a client, and an iteration if those are counted.
    #[must_use]
    pub fn shares(&self, of: usize) -> usize {
        let clients = match &self.model {
            Model::Closed => self.clients.iter().map(|group| group.count).sum(),
            Model::Open { clients_max, .. } => *clients_max,
        };
        let iterations = match self.stop {
            Stop::Iterations(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Stop::After(_) | Stop::WhenTold => usize::MAX,
        };
        of.min(WORKERS_MAX).min(clients).min(iterations)
    }

    /// What worker `index` of `of` does; none when there is nothing left for it. For a whole plan only.
    ///
    /// In the open model each worker begins with at least one client, also where the plan begins with fewer clients than
    /// there are workers.
    #[must_use]
    pub fn share(&self, index: usize, of: usize) -> Option<Self> {
        let of = self.shares(of);
        if index >= of {
            return None;
        }
        let part = |value: usize| u32::try_from(value).expect("there are few workers");
        let share = Share { index: part(index), of: part(of) };
        let mut plan = self.clone();
        plan.share = share;
        let mut first = 0;
        for group in &mut plan.clients {
            let count = group.count;
            group.count = share.deal_from(first, count);
            first += count;
        }
        match &mut plan.model {
            Model::Closed => plan.clients.retain(|group| group.count > 0),
            Model::Open { clients_max, .. } => {
                *clients_max = share.deal_from(0, *clients_max);
                plan.clients.iter_mut().for_each(|group| group.count = group.count.max(1));
            }
        }
        if let Stop::Iterations(count) = &mut plan.stop {
            *count = share.deal(*count);
        }
        plan.workload.feeds.iter_mut().for_each(|feed| share.deal_rows(feed));
        plan.workload.id_prefix.push_str(&format!(".w{index}"));
        let mut seeds = Rng::with_seed(self.seed);
        plan.seed = (0..=index).fold(0, |_, _| seeds.u64(..));
        plan.failures_kept_max = self.failures_kept_max.div_ceil(of);
        Some(plan)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Share, WORKERS_MAX};
    use crate::engine::arrivals::{Phase, Schedule, Spacing};
    use crate::plan::model::{ClientGroup, Connection, LoadPlan, Model, Protocol, Scheme, Stop, Target};
    use crate::plan::validate::validate;
    use crate::scenario::model::{Feed, FeedOrder};

    fn plan(groups: &[usize]) -> LoadPlan {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority: "localhost".into(), address });
        let group = |count: &usize| ClientGroup::new(*count, Protocol::Http1, Connection::KeepAlive);
        plan.clients = groups.iter().map(group).collect();
        plan
    }

    fn shares(plan: &LoadPlan, of: usize) -> Vec<LoadPlan> {
        (0..of).filter_map(|index| plan.share(index, of)).collect()
    }

    fn feed(rows: usize, order: FeedOrder) -> Feed {
        let rows = (0..rows).map(|row| vec![row.to_string()]).collect();
        Feed { name: "rows".into(), columns: vec!["row".into()], rows, order }
    }

    fn clients(plan: &LoadPlan) -> usize {
        plan.clients.iter().map(|group| group.count).sum()
    }

    proptest! {
        #[test]
        fn closed_shares_add_up(
            groups in prop::collection::vec(1_usize..50, 1..4),
            iterations in 1_u64..10_000,
            of in 1_usize..40,
        ) {
            let mut whole = plan(&groups);
            whole.stop = Stop::Iterations(iterations);
            let shares = shares(&whole, of);
            prop_assert_eq!(shares.len(), whole.shares(of));
            prop_assert_eq!(shares.iter().map(clients).sum::<usize>(), clients(&whole));
            let counted = shares.iter().map(|share| match share.stop {
                Stop::Iterations(count) => count,
                Stop::After(_) | Stop::WhenTold => 0,
            });
            prop_assert_eq!(counted.sum::<u64>(), iterations);
            prop_assert!(shares.iter().all(|share| validate(share).is_ok()));
        }

        #[test]
        fn open_shares_are_the_whole(
            rates in prop::collection::vec((0.0..200.0_f64, 0.0..200.0_f64, 1_u64..2_000), 1..4),
            users in 1_usize..30,
            more in 0_usize..30,
            of in 1_usize..40,
        ) {
            let phases = rates.iter().map(|(from, to, ms)| Phase {
                duration: Duration::from_millis(*ms),
                from_per_second: *from,
                to_per_second: *to,
            });
            let schedule = Schedule { phases: phases.collect(), spacing: Spacing::Even };
            let mut whole = plan(&[users]);
            whole.model = Model::Open { schedule: schedule.clone(), clients_max: users + more };
            let shares = shares(&whole, of);
            let (mut due, mut most) = (Vec::new(), 0);
            for share in &shares {
                prop_assert!(validate(share).is_ok());
                let Model::Open { schedule, clients_max } = &share.model else { panic!("not open") };
                due.extend(schedule.arrivals_of(share.share, share.seed));
                most += clients_max;
            }
            due.sort();
            prop_assert_eq!(due, schedule.arrivals(1).collect::<Vec<_>>());
            prop_assert_eq!(most, users + more);
        }

        #[test]
        fn users_are_numbered_as_in_one(clients in 1_usize..40, streams in 1_usize..5, of in 1_usize..10) {
            let mut whole = plan(&[clients]);
            whole.clients[0].streams = streams;
            let mut numbers = Vec::new();
            for share in shares(&whole, of) {
                let lanes = share.clients[0].count * streams;
                numbers.extend((0..lanes).map(|lane| share.share.user(lane, streams)));
            }
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (0..clients * streams).collect::<Vec<_>>());
        }

        #[test]
        fn rows_in_sequence_are_dealt_out(rows in 1_usize..60, of in 1_usize..20) {
            let mut whole = plan(&[100]);
            whole.workload.feeds =
                vec![feed(rows, FeedOrder::Sequence), feed(rows, FeedOrder::Random), feed(rows, FeedOrder::PerUser)];
            let shares = shares(&whole, of);
            let mut dealt: Vec<_> = shares.iter().flat_map(|share| share.workload.feeds[0].rows.clone()).collect();
            dealt.sort_unstable();
            prop_assert!(shares.iter().all(|share| !share.workload.feeds[0].rows.is_empty()));
            if rows >= of {
                let mut all = whole.workload.feeds[0].rows.clone();
                all.sort_unstable();
                prop_assert_eq!(dealt, all);
            }
            prop_assert!(shares.iter().all(|share| share.workload.feeds[1..].iter().all(|feed| feed.rows.len() == rows)));
        }

        #[test]
        fn poisson_shares_have_the_rate(of in 1_usize..10, seed: u64) {
            let schedule = Schedule::constant(1_000.0, Duration::from_secs(10), Spacing::Poisson);
            let mut whole = plan(&[10]);
            whole.seed = seed;
            whole.model = Model::Open { schedule: schedule.clone(), clients_max: 100 };
            let due = |share: &LoadPlan| schedule.arrivals_of(share.share, share.seed).count();
            let count: usize = shares(&whole, of).iter().map(due).sum();
            // Six standard deviations of a Poisson count.
            prop_assert!(count.abs_diff(10_000) < 600, "{count} arrivals");
        }
    }

    #[test]
    fn workers_differ_where_they_must() {
        let shares = shares(&plan(&[5]), 3);
        let seeds: Vec<u64> = shares.iter().map(|share| share.seed).collect();
        assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2] && seeds[0] != seeds[2]);
        let prefixes: Vec<&str> = shares.iter().map(|share| share.workload.id_prefix.as_str()).collect();
        assert_eq!(prefixes, ["load.w0", "load.w1", "load.w2"]);
    }

    #[test]
    fn nothing_is_left_for_some() {
        let whole = plan(&[2]);
        assert_eq!((whole.shares(3), whole.share(2, 3).is_some()), (2, false));
        assert_eq!(whole.share(1, 3).unwrap().share, Share { index: 1, of: 2 });
    }

    #[test]
    fn share_outside_of_the_whole_is_refused() {
        let read = serde_json::from_str::<Share>;
        assert!(read(r#"{"index":1,"of":2}"#).is_ok());
        assert!(read(r#"{"index":2,"of":2}"#).is_err());
        assert!(read(&format!(r#"{{"index":0,"of":{}}}"#, WORKERS_MAX + 1)).is_err());
    }
}
