//! A log, a store and a chain in memory, for the tests of this folder.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use ring::rand::SystemRandom;
use shield_guard::{
    AccountId, KeyId, ScopeTable, SessionId, StoreError, TokenId,
    api_key::{ApiKeyFormat, ApiKeyIndex},
    chain::{AccountFacts, AccountStanding, Answer, Chain, Question, Use},
    csrf::Origins,
    limit::Tier,
    revocation::{LogEpoch, LogPage, Revocation, RevocationLog, RevocationReason, Revoked, Sequence},
    session::{NewSession, SessionPolicy, SessionRandom, SessionRecord, SessionStart, SessionTimes},
    token::{AccessClaims, Algorithm, KeyRing, RotationSchedule, SigningKey, TokenPolicy, TokenSettings},
};
use shield_types::{Secret, Timestamp};
use tokio::time::sleep;

use super::{ChainSettings, GateStore, build_chain, catch_up};
use crate::{api::Problem, clock::now};

/// How long a condition may take to come true.
const DEADLINE: Duration = Duration::from_secs(30);

/// A log that can be away.
#[derive(Clone, Default)]
pub(crate) struct MemoryLog(Arc<LogInner>);

#[derive(Default)]
struct LogInner {
    entries: Mutex<Vec<Revocation>>,
    away: AtomicBool,
    refusals: AtomicUsize,
}

/// A store with one session, which can be away.
pub(crate) struct MemoryStore {
    pub(crate) log: MemoryLog,
    pub(crate) session: NewSession,
    /// As this process knows the keys.
    pub(crate) ring: Mutex<Arc<KeyRing>>,
    /// As another process has changed them.
    pub(crate) stored_ring: Mutex<Arc<KeyRing>>,
    pub(crate) looks: AtomicUsize,
    pub(crate) away: AtomicBool,
    pub(crate) questions: AtomicUsize,
    pub(crate) settled: AtomicUsize,
    pub(crate) touched: Mutex<Vec<Use>>,
}

// === impl MemoryLog ===

impl MemoryLog {
    pub(crate) fn token(number: u32) -> TokenId {
        let mut random = [0; 10];
        random[..4].copy_from_slice(&number.to_be_bytes());
        TokenId::new(Timestamp(0), random)
    }

    /// Takes a token back.
    pub(crate) fn revoke(&self, number: u32) -> Revoked {
        self.add(Revoked::Token { token: Self::token(number) })
    }

    pub(crate) fn add(&self, revoked: Revoked) -> Revoked {
        let revoked_at = now();
        let expires_at = revoked_at.after(Duration::from_mins(15));
        let entry = Revocation { revoked, reason: RevocationReason::Logout, revoked_at, expires_at };
        self.0.entries.lock().unwrap().push(entry);
        revoked
    }

    pub(crate) fn away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    /// Times that it was asked while it was away.
    pub(crate) fn refusals(&self) -> usize {
        self.0.refusals.load(Ordering::SeqCst)
    }
}

impl RevocationLog for MemoryLog {
    async fn append(&self, entry: &Revocation) -> Result<Sequence, StoreError> {
        let mut entries = self.0.entries.lock().unwrap();
        entries.push(*entry);
        Ok(Sequence(entries.len() as u64))
    }

    async fn read_after(&self, after: Sequence, limit: usize) -> Result<LogPage, StoreError> {
        if self.0.away.load(Ordering::SeqCst) {
            self.0.refusals.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::away("revocations", "connection refused"));
        }
        let entries = self.0.entries.lock().unwrap();
        let numbered = (1..).map(Sequence).zip(entries.iter().copied());
        let entries_after: Vec<_> = numbered.filter(|(number, _)| *number > after).take(limit).collect();
        let head = Sequence(entries.len() as u64);
        let through = entries_after.last().map_or(head, |(number, _)| *number);
        Ok(LogPage { epoch: LogEpoch(1), after, through, head, entries: entries_after })
    }
}

// === impl MemoryStore ===

impl MemoryStore {
    pub(crate) fn new() -> Self {
        let ring = Arc::new(ring());
        Self {
            log: MemoryLog::default(),
            session: session(1),
            ring: Mutex::new(Arc::clone(&ring)),
            stored_ring: Mutex::new(ring),
            looks: AtomicUsize::new(0),
            away: AtomicBool::new(false),
            questions: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            touched: Mutex::default(),
        }
    }

    fn standing() -> AccountStanding {
        let scopes = token_policy().scopes().parse("account url_check").unwrap();
        AccountStanding::Acting(AccountFacts { tier: Tier::Free, scopes })
    }

    fn record(&self) -> &SessionRecord {
        &self.session.record
    }

    /// Another process kills the key that signs; this one has not heard of it. Answers the killed key.
    pub(crate) fn kill_elsewhere(&self) -> KeyId {
        let (now, mut stored) = (now(), self.stored_ring.lock().unwrap());
        let key = stored.signing_key(now).unwrap().id();
        let heir = SigningKey::generate(Algorithm::EdDsa, &SystemRandom::new()).unwrap();
        *stored = Arc::new(stored.kill(key, now).unwrap().with_heir(heir, now));
        key
    }
}

impl GateStore for MemoryStore {
    async fn answer(&self, question: Question) -> Result<Answer, StoreError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::away("sessions", "connection refused"));
        }
        Ok(match question {
            Question::Session(digest) if digest == self.record().digest => {
                Answer::Session(Some((self.record().clone(), Self::standing())))
            }
            Question::Session(_) => Answer::Session(None),
            Question::Account(account) if account == self.record().account => {
                Answer::Account(Self::standing())
            }
            Question::Account(_) => Answer::Account(AccountStanding::Barred),
        })
    }

    async fn settle(&self, chain: &Chain) -> Result<(), StoreError> {
        self.settled.fetch_add(1, Ordering::SeqCst);
        catch_up(&self.log, chain).await
    }

    fn check_room(&self) -> Result<(), Problem> {
        Ok(())
    }

    async fn touch(&self, used: Use, _at: Timestamp) -> Result<(), StoreError> {
        self.touched.lock().unwrap().push(used);
        Ok(())
    }

    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.lock().unwrap())
    }

    async fn look_for_keys(&self) {
        self.looks.fetch_add(1, Ordering::SeqCst);
        *self.ring.lock().unwrap() = Arc::clone(&self.stored_ring.lock().unwrap());
    }
}

pub(crate) fn token_policy() -> TokenPolicy {
    let settings = TokenSettings {
        issuer: "linkshield".to_owned(),
        audience: "linkshield".to_owned(),
        lifetime: Duration::from_mins(15),
    };
    TokenPolicy::new(settings, ScopeTable::new(&["account", "admin", "url_check"]).unwrap()).unwrap()
}

/// A session that began two minutes ago and was not noted as used since.
pub(crate) fn session(number: u8) -> NewSession {
    let begun = Timestamp(now().0 - 120_000);
    let start = SessionStart {
        account: AccountId::new(begun, [1; 10]),
        address: IpAddr::from([192, 0, 2, 1]),
        user_agent: b"curl/8.5.0",
        device: b"",
    };
    let policy = SessionPolicy::new(SessionTimes::default()).unwrap();
    NewSession::begin(&start, &policy, begun, SessionRandom { id: [number; 10], secret: [number; 32] })
}

pub(crate) fn ring() -> KeyRing {
    let key = SigningKey::generate(Algorithm::EdDsa, &SystemRandom::new()).unwrap();
    KeyRing::begin(RotationSchedule::default(), key, Timestamp(now().0 - 60_000))
}

/// An access token of this session with every scope.
pub(crate) fn token(ring: &KeyRing, account: AccountId, session: SessionId) -> String {
    let (policy, now) = (token_policy(), now());
    let claims =
        AccessClaims { account, session, token: TokenId::new(now, [7; 10]), scopes: policy.scopes().all() };
    policy.issue(ring, &claims, now, &SystemRandom::new()).unwrap().text.expose().clone()
}

pub(crate) fn chain() -> Chain {
    chain_with(1_000)
}

/// With so many requests per minute and address.
pub(crate) fn chain_with(coarse_per_minute: u32) -> Chain {
    build_chain(ChainSettings {
        trusted_proxies: &["127.0.0.0/8".parse().unwrap()],
        origins: Origins::new(["https://links.example.org"]).unwrap(),
        coarse_per_minute,
        tokens: token_policy(),
        api_key_format: ApiKeyFormat::new("ls").unwrap(),
        api_keys: Arc::new(ApiKeyIndex::new(10)),
        api_key_scopes: &[],
        sessions: SessionPolicy::new(SessionTimes::default()).unwrap(),
        csrf_key: &Secret::new([3; 32]),
        seed: [9; 16],
    })
    .unwrap()
}

/// Waits for a condition.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "it did not come true");
        sleep(Duration::from_millis(5)).await;
    }
}
