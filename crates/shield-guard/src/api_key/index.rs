//! All keys of the service in memory: a look-up is a SHA-256, and beside it one memory miss.
//!
//! A key's place follows from its hint, which lists show anyway and the record has: so it is known before the key is hashed,
//! and memory brings the entry meanwhile. Several keys of one hint lie side by side; the digest tells them apart.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use shield_types::Timestamp;

use super::{ApiKeyRecord, Environment, PresentedApiKey, format::HINT_LETTERS};
use crate::{
    AccountId, ApiKeyId,
    revocation::Grant,
    session::WriteBack,
    table::{Key, SharedTable, hash_of_place},
};

/// How often a key's last use is written down at most.
const USE_INTERVAL_S: u32 = 3_600;

/// Every key that may be presented, by digest. Bounded: a key that does not fit cannot be used, and making it fails.
///
/// A guess costs the guesser a SHA-256 per try whatever it resembles: the search compares digests, so its time says nothing
/// about keys.
#[derive(Debug)]
pub struct ApiKeyIndex {
    keys: SharedTable<32, Entry>,
    /// Counts the readings of all keys, and starts over after 256.
    round: AtomicU8,
}

/// What the index keeps of a record, 56 bytes beside the digest's 32. The end is in whole seconds, rounded down: a key never
/// outlives its record. The beginning is exact, because a not-before is: it must spare the key that was made right after.
#[derive(Debug)]
struct Entry {
    id: ApiKeyId,
    account: AccountId,
    scopes: u64,
    created_s: u32,
    expires_s: u32,
    used_s: AtomicU32,
    /// Beside `created_s`.
    created_millis: u16,
    environment: Environment,
    /// The reading that knew it last.
    round: u8,
}

/// A key that exists and has not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyGrant {
    /// Which.
    pub id: ApiKeyId,
    /// Who it speaks for.
    pub account: AccountId,
    /// What it may be used for.
    pub scopes: u64,
    /// Which data it opens.
    pub environment: Environment,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether its use is to be written down.
    pub write_back: WriteBack,
}

/// Why a key opens nothing. The client hears 401 and one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyRefusal {
    /// There is no such key.
    #[error("find the API key: it is well-formed, and nobody was given it")]
    NotFound,
    /// It, or the grace after its rotation, is over.
    #[error("take the API key `{key}`, which has expired")]
    Expired {
        /// Which.
        key: ApiKeyId,
    },
}

/// As many keys as the index may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hold more than `{keys_max}` API keys in memory")]
pub struct IndexFull {
    /// How many.
    pub keys_max: usize,
}

// === impl ApiKeyIndex ===

impl ApiKeyIndex {
    /// An empty index for at most `keys_max` keys, each 125 to 160 bytes.
    pub fn new(keys_max: usize) -> Self {
        Self { keys: SharedTable::new(keys_max), round: AtomicU8::new(0) }
    }

    /// The grant of a key. One that was taken back is refused by [`crate::revocation::RevocationSet`], asked next.
    pub fn find(&self, key: &PresentedApiKey, now: Timestamp) -> Result<ApiKeyGrant, ApiKeyRefusal> {
        let place = place(key.hint());
        let whole = || Key::placed(place, *key.digest().as_bytes());
        let found = self.keys.with_key_of(hash_of_place(place), whole, |entry| entry.grant(now));
        found.unwrap_or(Err(ApiKeyRefusal::NotFound))
    }

    /// Adds a key or replaces what is known of it (a rotation's new end), while others read: in any order, any number of times.
    pub fn insert(&self, record: &ApiKeyRecord) -> Result<(), IndexFull> {
        let fresh = || Entry::of(record, self.round.load(Ordering::Relaxed));
        let replace = |entry: &mut Entry| {
            let used = entry.used_s.load(Ordering::Relaxed);
            *entry = fresh();
            entry.used_s.fetch_max(used, Ordering::Relaxed);
        };
        let inserted = self.keys.upsert(&key(record), replace, fresh);
        inserted.map_err(|_| IndexFull { keys_max: self.keys.entries_max() })
    }

    /// Removes a key by its digest and hint, while others read. False if it was not there.
    pub fn remove(&self, record: &ApiKeyRecord) -> bool {
        self.keys.remove_if(&key(record), |_| true).is_some()
    }

    /// Begins to read all keys anew: what is not added from here to [`Self::end_round`] goes then.
    pub(super) fn begin_round(&self) {
        self.round.fetch_add(1, Ordering::Relaxed);
    }

    /// Forgets the keys that were not added since [`Self::begin_round`]. Returns how many went.
    pub(super) fn end_round(&self) -> usize {
        let round = self.round.load(Ordering::Relaxed);
        self.keys.retain(|entry| entry.round == round)
    }

    /// Forgets every key.
    pub(super) fn clear(&self) {
        self.keys.retain(|_| false);
    }

    /// Removes all keys of an account. Looks at every key: for emergencies, off the request path. Returns how many went.
    pub fn remove_account(&self, account: AccountId) -> usize {
        self.keys.retain(|entry| entry.account != account)
    }

    /// Forgets keys that have expired. To be called about once an hour. Returns how many went.
    pub fn prune(&self, now: Timestamp) -> usize {
        let now_s = seconds(now);
        self.keys.retain(|entry| entry.expires_s > now_s)
    }

    /// The most keys that it can hold.
    pub const fn keys_max(&self) -> usize {
        self.keys.entries_max()
    }

    /// Keys in it.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When a key ends, to the second.
    #[cfg(test)]
    pub(super) fn ends_at(&self, record: &ApiKeyRecord) -> Option<Timestamp> {
        self.keys.with(&key(record), |entry| Timestamp(u64::from(entry.expires_s) * 1_000))
    }
}

// === impl Entry ===

impl Entry {
    fn of(record: &ApiKeyRecord, round: u8) -> Self {
        Self {
            id: record.id,
            account: record.account,
            scopes: record.scopes,
            created_s: seconds(record.created_at),
            created_millis: (record.created_at.0 % 1_000) as u16,
            expires_s: seconds(record.expires_at),
            used_s: AtomicU32::new(record.last_used_at.map_or(0, seconds)),
            environment: record.environment,
            round,
        }
    }

    fn grant(&self, now: Timestamp) -> Result<ApiKeyGrant, ApiKeyRefusal> {
        let now_s = seconds(now);
        if now_s >= self.expires_s {
            return Err(ApiKeyRefusal::Expired { key: self.id });
        }
        Ok(ApiKeyGrant {
            id: self.id,
            account: self.account,
            scopes: self.scopes,
            environment: self.environment,
            created_at: Timestamp(u64::from(self.created_s) * 1_000 + u64::from(self.created_millis)),
            write_back: self.write_back(now_s),
        })
    }

    fn write_back(&self, now_s: u32) -> WriteBack {
        let used = self.used_s.load(Ordering::Relaxed);
        if now_s.saturating_sub(used) < USE_INTERVAL_S {
            return WriteBack::NotDue;
        }
        let won = self.used_s.compare_exchange(used, now_s, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() { WriteBack::Due } else { WriteBack::NotDue }
    }
}

fn key(record: &ApiKeyRecord) -> Key<32> {
    Key::placed(place(record.hint.as_bytes()), *record.digest.as_bytes())
}

/// Where keys of a hint are. A record whose hint is not its key's first letters is found by nobody.
fn place(hint: &[u8]) -> u32 {
    hint.first_chunk::<HINT_LETTERS>().map_or(0, |letters| u32::from_le_bytes(*letters))
}

/// Whole seconds; what lies beyond the year 2106 is its end.
fn seconds(moment: Timestamp) -> u32 {
    u32::try_from(moment.0 / 1_000).unwrap_or(u32::MAX)
}

// === impl ApiKeyGrant ===

impl ApiKeyGrant {
    /// What revocations are asked about.
    pub fn grant(&self) -> Grant {
        Grant {
            account: self.account,
            issued_at: self.created_at,
            token: None,
            session: None,
            signing_key: None,
            api_key: Some(self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{mem, thread};

    use shield_types::Timestamp;

    use super::{ApiKeyIndex, ApiKeyRefusal, Entry, IndexFull};
    use crate::{
        AccountId,
        api_key::{
            ApiKeyFormat, ApiKeyOrder, ApiKeyPolicy, ApiKeyRandom, Environment, NewApiKey, PresentedApiKey,
        },
        session::WriteBack,
    };

    const NOW: Timestamp = Timestamp(1_700_000_000_789);

    fn policy() -> ApiKeyPolicy {
        ApiKeyPolicy::new(ApiKeyFormat::new("ls").unwrap())
    }

    fn key(number: u32, account: u8) -> NewApiKey {
        let account = AccountId::new(NOW, [account; 10]);
        let order = ApiKeyOrder { account, name: "", scopes: 5, environment: Environment::Live, life: None };
        let mut random = ApiKeyRandom { id: [0; 10], key: [0; 32] };
        random.id[4..8].copy_from_slice(&number.to_be_bytes());
        random.key[..4].copy_from_slice(&number.to_be_bytes());
        policy().make(&order, NOW, random).unwrap()
    }

    fn presented(key: &NewApiKey) -> PresentedApiKey {
        policy().format.parse(key.text.expose().as_bytes()).unwrap()
    }

    #[test]
    fn d10_a_key_that_was_made_authenticates() {
        let (index, key) = (ApiKeyIndex::new(10), key(1, 1));
        assert_eq!(index.find(&presented(&key), NOW), Err(ApiKeyRefusal::NotFound));
        index.insert(&key.record).unwrap();
        let grant = index.find(&presented(&key), NOW).unwrap();
        assert_eq!((grant.id, grant.account, grant.scopes), (key.record.id, key.record.account, 5));
        assert_eq!((grant.created_at, grant.grant().api_key), (key.record.created_at, Some(key.record.id)));
    }

    #[test]
    fn asvs_v13_3_4_an_expired_key_is_refused_and_forgotten() {
        let (index, key) = (ApiKeyIndex::new(10), key(1, 1));
        index.insert(&key.record).unwrap();
        let end = key.record.expires_at;
        assert!(index.find(&presented(&key), Timestamp(end.0 - 1_000)).is_ok());
        let expired = Err(ApiKeyRefusal::Expired { key: key.record.id });
        assert_eq!(index.find(&presented(&key), end), expired);
        assert_eq!((index.prune(Timestamp(end.0 - 1_000)), index.prune(end)), (0, 1));
    }

    #[test]
    fn a_rotation_shortens_the_old_key_in_place() {
        let (index, old) = (ApiKeyIndex::new(10), key(1, 1));
        index.insert(&old.record).unwrap();
        let random = ApiKeyRandom { id: [9; 10], key: [9; 32] };
        let rotation = policy().replace(&old.record, NOW, random).unwrap();
        index.insert(&rotation.replaced).unwrap();
        index.insert(&rotation.successor.record).unwrap();
        let after = Timestamp(NOW.0 + 31 * 24 * 3_600_000);
        assert!(matches!(index.find(&presented(&old), after), Err(ApiKeyRefusal::Expired { .. })));
        assert!(index.find(&presented(&rotation.successor), after).is_ok());
        assert_eq!(index.len(), 2);
    }

    #[test]
    fn a_full_index_takes_no_more() {
        let index = ApiKeyIndex::new(2);
        for number in 0..2 {
            index.insert(&key(number, 1).record).unwrap();
        }
        assert_eq!(index.insert(&key(2, 1).record), Err(IndexFull { keys_max: 2 }));
        assert_eq!(index.insert(&key(1, 1).record), Ok(()), "what is in it is replaced");
        assert!(index.remove(&key(0, 1).record));
        assert!(!index.remove(&key(0, 1).record));
        assert_eq!(index.insert(&key(2, 1).record), Ok(()));
    }

    #[test]
    fn an_emergency_removes_an_accounts_keys() {
        let index = ApiKeyIndex::new(100);
        for number in 0..10 {
            index.insert(&key(number, (number % 2) as u8).record).unwrap();
        }
        assert_eq!(index.remove_account(AccountId::new(NOW, [1; 10])), 5);
        assert_eq!(index.find(&presented(&key(1, 1)), NOW), Err(ApiKeyRefusal::NotFound));
        assert!(index.find(&presented(&key(2, 0)), NOW).is_ok());
    }

    #[test]
    fn its_use_is_written_down_once_an_hour() {
        let (index, key) = (ApiKeyIndex::new(10), key(1, 1));
        index.insert(&key.record).unwrap();
        let due = |minute: &u64| {
            let now = Timestamp(NOW.0 + minute * 60_000);
            index.find(&presented(&key), now).unwrap().write_back == WriteBack::Due
        };
        assert_eq!((0..150).filter(due).collect::<Vec<_>>(), [0, 60, 120]);
    }

    #[test]
    fn keys_of_one_hint_are_told_apart() {
        let index = ApiKeyIndex::new(300);
        let keys: Vec<_> = (0..200).map(|number| key(number, 1)).collect();
        assert!(keys.iter().all(|key| key.record.hint == keys[0].record.hint), "their numbers come later");
        keys.iter().for_each(|key| index.insert(&key.record).unwrap());
        assert!(keys.iter().all(|key| index.find(&presented(key), NOW).unwrap().id == key.record.id));
        assert!(index.remove(&keys[7].record));
        let found = keys.iter().filter(|key| index.find(&presented(key), NOW).is_ok());
        assert_eq!(found.count(), 199);
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(mem::size_of::<Entry>() + 32, 88);
    }

    #[test]
    fn asvs_v15_4_1_readers_never_miss_a_key_while_others_come_and_go() {
        let index = ApiKeyIndex::new(10_000);
        let stays: Vec<_> = (0..64).map(|number| key(number, 1)).collect();
        for key in &stays {
            index.insert(&key.record).unwrap();
        }
        let comes: Vec<_> = (1_000..1_500).map(|number| key(number, 2)).collect();
        thread::scope(|scope| {
            let writers: Vec<_> = comes
                .chunks(250)
                .map(|share| {
                    let index = &index;
                    scope.spawn(move || {
                        for key in share.iter().cycle().take(2_500) {
                            index.insert(&key.record).unwrap();
                            index.remove(&key.record);
                        }
                    })
                })
                .collect();
            while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
                for key in &stays {
                    assert!(index.find(&presented(key), NOW).is_ok());
                }
            }
        });
        assert_eq!(index.len(), 64);
    }
}
