//! How a node keeps its index of keys complete: it reads all that live once, and then every change in its order.
//!
//! Stores number the changes of keys (made, replaced, cut short, taken back) so that whoever sees one sees all before it. A node
//! remembers the last number that it read; so an outage of any length costs it nothing but time, and a key whose end came
//! nearer on one node ends everywhere. When the store begins another life (a restored backup, a promotion), or when keys were
//! left out for want of room and there is room again, everything is read anew, and what the store has no more is forgotten.
//!
//! A revocation is refused sooner, by the log; its entry there is only remembered for [`API_KEY_REVOCATION_KEPT`]. A node that
//! could not read changes for [`API_KEYS_BELIEVED`], which is less, forgets all keys rather than believe one too many.

use std::time::Duration;

use shield_types::Timestamp;

use super::{ApiKeyIndex, ApiKeyRecord, IndexFull};
use crate::revocation::LogEpoch;

/// How long the log of revocations remembers that a key was taken back: no node knows the key any more by then.
pub const API_KEY_REVOCATION_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long keys are believed of which no changes can be read.
pub const API_KEYS_BELIEVED: Duration = Duration::from_secs(12 * 3_600);
/// One part in so many of the index must be free before what was left out is looked for.
const FREE_PART: usize = 16;

/// The number of a change; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiKeyChangeNumber(pub u64);

/// What a node asks a store about keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyQuestion {
    /// Keys that live, by the number of their last change.
    Living {
        /// Those whose last change is a later one.
        after: ApiKeyChangeNumber,
    },
    /// Keys that changed, whatever they are now.
    Changed {
        /// Those whose last change is a later one.
        after: ApiKeyChangeNumber,
    },
}

/// A key, as its last change left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// The key.
    pub record: ApiKeyRecord,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// What a store answers, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyPage {
    /// Which life of the store.
    pub epoch: LogEpoch,
    /// The last change there is.
    pub head: ApiKeyChangeNumber,
    /// Everything that was asked for up to this change is in here.
    pub through: ApiKeyChangeNumber,
    /// The keys.
    pub changes: Vec<ApiKeyChange>,
}

/// Whether there is more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyProgress {
    /// Ask again, now.
    More,
    /// The index is as the store was.
    UpToDate,
}

/// Where a node is in its reading.
#[derive(Debug)]
pub struct ApiKeyFollower {
    reading: Reading,
    /// When everything was read last; the beginning, before the first time.
    up_to_date_at: Timestamp,
    /// Whether keys were left out for want of room.
    left_out: bool,
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// All that live; after the first page it is known from which change on to go on with the others.
    Whole { after: ApiKeyChangeNumber, began: Option<(LogEpoch, ApiKeyChangeNumber)> },
    /// What changed.
    Changes { epoch: LogEpoch, after: ApiKeyChangeNumber },
}

// === impl ApiKeyFollower ===

impl ApiKeyFollower {
    /// One that has read nothing.
    pub fn new(now: Timestamp) -> Self {
        Self { reading: Reading::WHOLE, up_to_date_at: now, left_out: false }
    }

    /// What to ask next.
    pub fn question(&mut self, index: &ApiKeyIndex) -> ApiKeyQuestion {
        if let Reading::Changes { .. } = self.reading
            && self.left_out
            && index.len() <= index.keys_max() - index.keys_max().div_ceil(FREE_PART)
        {
            self.reading = Reading::WHOLE;
        }
        match self.reading {
            Reading::Whole { after, .. } => ApiKeyQuestion::Living { after },
            Reading::Changes { after, .. } => ApiKeyQuestion::Changed { after },
        }
    }

    /// Puts the answer to the last question into the index.
    pub fn take(&mut self, page: &ApiKeyPage, index: &ApiKeyIndex, now: Timestamp) -> ApiKeyProgress {
        self.reading = match self.reading {
            Reading::Whole { began, .. } => self.take_living(page, began, index),
            Reading::Changes { epoch, after } if epoch != page.epoch || page.head < after => Reading::WHOLE,
            Reading::Changes { epoch, .. } => {
                self.take_changed(page, index, now);
                Reading::Changes { epoch, after: page.through }
            }
        };
        match self.reading {
            Reading::Changes { after, .. } if after >= page.head => {
                self.up_to_date_at = now;
                ApiKeyProgress::UpToDate
            }
            Reading::Changes { .. } | Reading::Whole { .. } => ApiKeyProgress::More,
        }
    }

    /// The store did not answer. Forgets all keys when that has gone on for too long; answers whether it did.
    pub fn unanswered(&mut self, index: &ApiKeyIndex, now: Timestamp) -> bool {
        let lapsed = now.since(self.up_to_date_at) >= API_KEYS_BELIEVED && !index.is_empty();
        if lapsed {
            index.clear();
            self.reading = Reading::WHOLE;
        }
        lapsed
    }

    /// Whether there were keys that found no room in the index: they are refused.
    pub fn left_out(&self) -> bool {
        self.left_out
    }

    fn take_living(
        &mut self,
        page: &ApiKeyPage,
        began: Option<(LogEpoch, ApiKeyChangeNumber)>,
        index: &ApiKeyIndex,
    ) -> Reading {
        let (epoch, head) = began.unwrap_or_else(|| {
            index.begin_round();
            self.left_out = false;
            (page.epoch, page.head)
        });
        if epoch != page.epoch {
            return Reading::WHOLE;
        }
        page.changes.iter().for_each(|change| self.note(index.insert(&change.record)));
        if page.through < page.head {
            return Reading::Whole { after: page.through, began: Some((epoch, head)) };
        }
        index.end_round();
        // What changed since the first page may have been read before or after its change.
        Reading::Changes { epoch, after: head }
    }

    fn take_changed(&mut self, page: &ApiKeyPage, index: &ApiKeyIndex, now: Timestamp) {
        for ApiKeyChange { record, revoked } in &page.changes {
            if *revoked || record.expires_at <= now {
                index.remove(record);
            } else {
                self.note(index.insert(record));
            }
        }
    }

    fn note(&mut self, inserted: Result<(), IndexFull>) {
        self.left_out |= inserted.is_err();
    }
}

// === impl Reading ===

impl Reading {
    const WHOLE: Self = Self::Whole { after: ApiKeyChangeNumber(0), began: None };
}

#[cfg(test)]
mod tests {
    use shield_types::Timestamp;

    use super::{
        API_KEY_REVOCATION_KEPT, API_KEYS_BELIEVED, ApiKeyChange, ApiKeyChangeNumber, ApiKeyFollower,
        ApiKeyPage, ApiKeyProgress, ApiKeyQuestion,
    };
    use crate::{
        AccountId,
        api_key::{
            ApiKeyFormat, ApiKeyIndex, ApiKeyOrder, ApiKeyPolicy, ApiKeyRandom, ApiKeyRecord, Environment,
        },
        revocation::LogEpoch,
    };

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const PAGE_KEYS: usize = 3;

    /// A store of keys, each with the number of its last change.
    struct Store {
        epoch: u64,
        head: u64,
        keys: Vec<(u64, ApiKeyChange)>,
    }

    impl Store {
        fn with(keys: u8) -> Self {
            let mut store = Self { epoch: 1, head: 0, keys: Vec::new() };
            (0..keys).for_each(|number| store.make(number));
            store
        }

        fn make(&mut self, number: u8) {
            self.head += 1;
            self.keys.push((self.head, ApiKeyChange { record: record(number), revoked: false }));
        }

        fn change(&mut self, number: u8, change: impl FnOnce(&mut ApiKeyChange)) {
            self.head += 1;
            let place = self.keys.iter().position(|(_, key)| key.record.id == record(number).id).unwrap();
            let (_, mut key) = self.keys.remove(place);
            change(&mut key);
            self.keys.push((self.head, key));
        }

        fn answer(&self, question: ApiKeyQuestion) -> ApiKeyPage {
            let (after, all) = match question {
                ApiKeyQuestion::Living { after } => (after.0, false),
                ApiKeyQuestion::Changed { after } => (after.0, true),
            };
            let wanted = |(number, key): &&(u64, ApiKeyChange)| {
                *number > after && (all || !key.revoked && key.record.expires_at > NOW)
            };
            let page: Vec<_> = self.keys.iter().filter(wanted).take(PAGE_KEYS).collect();
            let through = if page.len() == PAGE_KEYS { page[PAGE_KEYS - 1].0 } else { self.head };
            ApiKeyPage {
                epoch: LogEpoch(self.epoch),
                head: ApiKeyChangeNumber(self.head),
                through: ApiKeyChangeNumber(through),
                changes: page.into_iter().map(|(_, change)| change.clone()).collect(),
            }
        }
    }

    fn record(number: u8) -> ApiKeyRecord {
        let account = AccountId::new(NOW, [1; 10]);
        let order = ApiKeyOrder { account, name: "", scopes: 1, environment: Environment::Live, life: None };
        let random = ApiKeyRandom { id: [number; 10], key: [number; 32] };
        ApiKeyPolicy::new(ApiKeyFormat::new("ls").unwrap()).make(&order, NOW, random).unwrap().record
    }

    fn follow(follower: &mut ApiKeyFollower, index: &ApiKeyIndex, store: &Store) {
        for _ in 0..100 {
            let page = store.answer(follower.question(index));
            if follower.take(&page, index, NOW) == ApiKeyProgress::UpToDate {
                return;
            }
        }
        panic!("it never comes to an end");
    }

    fn knows(index: &ApiKeyIndex, number: u8) -> bool {
        index.ends_at(&record(number)).is_some()
    }

    #[test]
    fn changes_reach_the_index_after_any_outage() {
        let (index, mut store) = (ApiKeyIndex::new(100), Store::with(10));
        let mut follower = ApiKeyFollower::new(NOW);
        follow(&mut follower, &index, &store);
        assert_eq!(index.len(), 10);
        // While it cannot read: a key is cut short, one is taken back, others are made.
        let end = Timestamp(NOW.0 + 5_000);
        store.change(2, |key| key.record.expires_at = end);
        store.change(3, |key| key.revoked = true);
        store.change(4, |key| key.record.expires_at = NOW);
        (10..20).for_each(|number| store.make(number));
        follow(&mut follower, &index, &store);
        assert_eq!(index.ends_at(&record(2)), Some(end), "a replaced key ends here as well");
        assert!(!knows(&index, 3) && !knows(&index, 4));
        assert_eq!(index.len(), 18);
    }

    #[test]
    fn a_change_between_pages_is_not_missed() {
        let (index, mut store) = (ApiKeyIndex::new(100), Store::with(10));
        let mut follower = ApiKeyFollower::new(NOW);
        let page = store.answer(follower.question(&index));
        assert_eq!(follower.take(&page, &index, NOW), ApiKeyProgress::More);
        assert!(knows(&index, 0));
        store.change(0, |key| key.revoked = true);
        follow(&mut follower, &index, &store);
        assert!(!knows(&index, 0) && index.len() == 9);
    }

    #[test]
    fn another_life_of_the_store_is_read_anew() {
        let (index, mut store) = (ApiKeyIndex::new(100), Store::with(10));
        let mut follower = ApiKeyFollower::new(NOW);
        follow(&mut follower, &index, &store);
        // A backup without the last key, in which another was made since.
        store.keys.pop();
        store.epoch = 2;
        store.make(50);
        follow(&mut follower, &index, &store);
        assert!(!knows(&index, 9), "the store does not have it any more");
        assert!(knows(&index, 50) && index.len() == 10);
        // One that says nothing of its life, and has fewer changes.
        let mut older = Store::with(4);
        older.epoch = 2;
        follow(&mut follower, &index, &older);
        assert_eq!(index.len(), 4);
    }

    #[test]
    fn a_key_made_during_the_reading_stays() {
        let (index, store) = (ApiKeyIndex::new(100), Store::with(10));
        let mut follower = ApiKeyFollower::new(NOW);
        let page = store.answer(follower.question(&index));
        follower.take(&page, &index, NOW);
        index.insert(&record(60)).unwrap();
        follow(&mut follower, &index, &store);
        assert!(knows(&index, 60));
    }

    #[test]
    fn what_was_left_out_comes_in_when_there_is_room() {
        let (index, mut store) = (ApiKeyIndex::new(8), Store::with(10));
        let mut follower = ApiKeyFollower::new(NOW);
        follow(&mut follower, &index, &store);
        assert!(follower.left_out() && index.len() == 8);
        let left_out = (0..10).find(|number| !knows(&index, *number)).unwrap();
        (0..10).filter(|number| *number != left_out).take(2).for_each(|number| {
            store.change(number, |key| key.revoked = true);
        });
        follow(&mut follower, &index, &store);
        follow(&mut follower, &index, &store);
        assert!(knows(&index, left_out) && !follower.left_out());
    }

    #[test]
    fn keys_without_news_are_forgotten_before_their_revocations_are() {
        assert!(API_KEYS_BELIEVED < API_KEY_REVOCATION_KEPT);
        let (index, store) = (ApiKeyIndex::new(100), Store::with(10));
        let mut follower = ApiKeyFollower::new(NOW);
        follow(&mut follower, &index, &store);
        let end = NOW.after(API_KEYS_BELIEVED);
        assert!(!follower.unanswered(&index, Timestamp(end.0 - 1)) && index.len() == 10);
        assert!(follower.unanswered(&index, end) && index.is_empty());
        assert!(!follower.unanswered(&index, end), "it is told once");
        follow(&mut follower, &index, &store);
        assert_eq!(index.len(), 10);
    }
}
