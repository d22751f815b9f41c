//! Which master has which slots, and the tasks that keep the ways to them.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use tokio::task::{AbortHandle, JoinSet};

use super::{ServerAddress, dial::Dialer, link::Link, slot::Tag, store::Shared};

/// Ranges of slots.
pub(super) type Slots = Vec<RangeInclusive<u16>>;
/// Who is the master of what.
pub(super) type Masters = Vec<(Slots, ServerAddress)>;

/// The ways to all masters.
#[derive(Default)]
pub(super) struct Fleet(Vec<(Slots, Arc<Link>)>);

/// Keeps a fleet.
pub(super) struct Crew {
    dialer: Dialer,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    kept: BTreeMap<ServerAddress, Kept>,
}

struct Kept {
    link: Arc<Link>,
    probe_key: Option<String>,
    task: AbortHandle,
}

// === impl Fleet ===

impl Fleet {
    /// The way to the master of a slot.
    pub(super) fn link(&self, slot: u16) -> Option<&Arc<Link>> {
        let found = self.0.iter().find(|(slots, _)| slots.iter().any(|range| range.contains(&slot)));
        found.map(|(_, link)| link)
    }

    /// How many masters there are, and how many of them answer.
    pub(super) fn present(&self) -> (usize, usize) {
        (self.0.len(), self.0.iter().filter(|(_, link)| link.lane().is_some()).count())
    }
}

// === impl Crew ===

impl Crew {
    pub(super) fn new(dialer: Dialer, shared: Arc<Shared>) -> Self {
        Self { dialer, shared, tasks: JoinSet::new(), kept: BTreeMap::new() }
    }

    /// Keeps the ways to these masters, and no others.
    pub(super) fn follow(&mut self, masters: Masters) {
        let gone = |address: &ServerAddress, kept: &Kept| {
            !masters
                .iter()
                .any(|(slots, master)| master == address && self.probe_key(slots) == kept.probe_key)
        };
        let left: Vec<_> = self
            .kept
            .iter()
            .filter(|(address, kept)| gone(address, kept))
            .map(|(address, _)| address.clone())
            .collect();
        for address in left {
            self.leave(&address);
        }
        let ways = masters.into_iter().map(|(slots, address)| {
            let link = self.way(&slots, address);
            (slots, link)
        });
        let fleet = Fleet(ways.collect());
        self.shared.replace(fleet);
        while self.tasks.try_join_next().is_some() {}
    }

    /// Ends all tasks.
    pub(super) async fn dismiss(mut self) {
        self.follow(Masters::new());
        while self.tasks.join_next().await.is_some() {}
    }

    fn way(&mut self, slots: &Slots, address: ServerAddress) -> Arc<Link> {
        if let Some(kept) = self.kept.get(&address) {
            return Arc::clone(&kept.link);
        }
        let probe_key = self.probe_key(slots);
        let link = Arc::new(Link::new(address.clone(), probe_key.clone()));
        let keeping = Arc::clone(&link).keep(self.dialer.clone(), Arc::clone(&self.shared));
        let task = self.tasks.spawn(keeping);
        self.kept.insert(address, Kept { link: Arc::clone(&link), probe_key, task });
        link
    }

    fn leave(&mut self, address: &ServerAddress) {
        if let Some(kept) = self.kept.remove(address) {
            kept.task.abort();
            kept.link.forget();
        }
    }

    /// A key that the master of these slots must be able to write.
    fn probe_key(&self, slots: &Slots) -> Option<String> {
        let tag = Tag::all().find(|tag| slots.iter().any(|range| range.contains(&tag.slot())))?;
        Some(self.shared.key(tag, "probe"))
    }
}
