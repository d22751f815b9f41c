//! Sessions: a cookie's secret that the near cache knows.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use fastrand::Rng;
use ring::digest::{SHA256, digest};
use shield_guard::{
    AccountId, SessionId, StoreError,
    revocation::RevocationCause,
    session::{
        NewSession, SessionCache, SessionDigest, SessionHit, SessionLimit, SessionPolicy, SessionRandom,
        SessionRecord, SessionRefusal, SessionSecret, SessionStart, SessionStore, SessionTimes,
        authenticate_session,
    },
};
use shield_types::Timestamp;

use super::case::{Case, Primitive, Sizes, prepared};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// A store that answers once, with the session that is to get into the cache. It has nothing else, so that a miss is an
/// error and not a slow hit.
#[derive(Default)]
struct Next(Mutex<Option<SessionRecord>>);

pub(super) fn cases(sizes: &Sizes) -> Vec<Case> {
    let policy = SessionPolicy::new(SessionTimes::default()).expect("the default times");
    let cache = SessionCache::new(2 * sizes.sessions as usize, &policy);
    let store = Next::default();
    for number in 0..sizes.sessions {
        let session = begin(number, &policy);
        store.offer(session.record);
        authenticate(&cache, &store, text(number).as_bytes()).expect("the store has the session");
    }
    let (sessions, mut random) = (sizes.sessions, Rng::with_seed(3));
    let find = prepared(
        move || text(random.u32(..sessions)),
        move |text: &String| {
            authenticate(&cache, &store, text.as_bytes()).expect("the near cache has the session")
        },
    );
    let hash = prepared(|| [7; 32], |secret: &[u8; 32]| digest(&SHA256, secret));
    let hash = Primitive { name: "SHA-256 of the secret", operation: hash };
    let case = Case { primitive: Some(hash), ..Case::absolute("session, near cache", find) };
    vec![case.within(300.0)]
}

fn authenticate(cache: &SessionCache, store: &Next, text: &[u8]) -> Result<SessionHit, SessionRefusal> {
    let secret = SessionSecret::parse(text).expect("the text of a secret");
    let mut future = pin!(authenticate_session(cache, store, &secret, NOW));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => found,
        Poll::Pending => unreachable!("neither cache nor store waits"),
    }
}

fn begin(number: u32, policy: &SessionPolicy) -> NewSession {
    let start = SessionStart {
        account: AccountId::new(NOW, [1; 10]),
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        user_agent: b"curl/8.5.0",
        device: b"",
    };
    let mut id = [0; 10];
    id[..4].copy_from_slice(&number.to_be_bytes());
    NewSession::begin(&start, policy, NOW, SessionRandom { id, secret: secret(number) })
}

/// The n-th session's secret.
fn secret(number: u32) -> [u8; 32] {
    let mut secret = [0; 32];
    Rng::with_seed(u64::from(number)).fill(&mut secret);
    secret
}

fn text(number: u32) -> String {
    SessionSecret::new(secret(number)).text().expose().clone()
}

// === impl Next ===

impl Next {
    fn offer(&self, record: SessionRecord) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(record);
    }

    fn away<T>() -> Result<T, StoreError> {
        Err(StoreError::away("sessions", "it only finds"))
    }
}

impl SessionStore for Next {
    async fn create(&self, _: &SessionRecord, _: SessionLimit) -> Result<Vec<SessionId>, StoreError> {
        Self::away()
    }

    async fn replace(&self, _: SessionId, _: &SessionRecord) -> Result<bool, StoreError> {
        Self::away()
    }

    async fn find(&self, digest: SessionDigest) -> Result<Option<SessionRecord>, StoreError> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(next.filter(|record| record.digest == digest))
    }

    async fn touch(&self, _: SessionId, _: Timestamp) -> Result<(), StoreError> {
        Self::away()
    }

    async fn list(&self, _: AccountId, _: Timestamp) -> Result<Vec<SessionRecord>, StoreError> {
        Self::away()
    }

    async fn end(&self, _: AccountId, _: SessionId, _: RevocationCause) -> Result<bool, StoreError> {
        Self::away()
    }

    async fn end_all(
        &self,
        _: AccountId,
        _: Option<SessionId>,
        _: RevocationCause,
    ) -> Result<Vec<SessionId>, StoreError> {
        Self::away()
    }
}
