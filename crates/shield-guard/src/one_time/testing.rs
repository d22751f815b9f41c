//! Stores for tests: one that keeps its promise, one that is away.

use std::{
    collections::BTreeMap,
    future::{self, Future},
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use shield_types::Timestamp;

use super::{Insertion, OPEN_TOKENS_MAX, OneTimeDigest, OneTimeRecord, OneTimeStore};
use crate::StoreError;

/// The output of a future that never waits.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future of an in-memory store waited"),
    }
}

/// Keeps tokens in a map.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<BTreeMap<OneTimeDigest, OneTimeRecord>>);

/// Never answers.
pub(crate) struct BrokenStore;

/// What [`BrokenStore`] says.
pub(crate) fn away() -> StoreError {
    StoreError::away("one-time tokens", "connection refused")
}

fn alike(one: &OneTimeRecord, other: &OneTimeRecord) -> bool {
    (one.account, one.purpose) == (other.account, other.purpose)
}

impl OneTimeStore for MemoryStore {
    fn insert(
        &self,
        digest: OneTimeDigest,
        record: OneTimeRecord,
        now: Timestamp,
    ) -> impl Future<Output = Result<Insertion, StoreError>> + Send {
        let mut kept = self.0.lock().unwrap();
        let alike = |other: &&OneTimeRecord| alike(other, &record) && now < other.expires_at;
        if kept.values().filter(alike).count() >= OPEN_TOKENS_MAX as usize {
            return future::ready(Ok(Insertion::Full));
        }
        kept.insert(digest, record);
        future::ready(Ok(Insertion::Kept))
    }

    fn consume(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<OneTimeRecord>, StoreError>> + Send {
        let mut kept = self.0.lock().unwrap();
        let taken = kept.remove(&digest);
        if let Some(taken) = &taken {
            kept.retain(|_, other| !alike(other, taken));
        }
        future::ready(Ok(taken.filter(|record| now < record.expires_at)))
    }
}

impl OneTimeStore for BrokenStore {
    fn insert(
        &self,
        _: OneTimeDigest,
        _: OneTimeRecord,
        _: Timestamp,
    ) -> impl Future<Output = Result<Insertion, StoreError>> + Send {
        future::ready(Err(away()))
    }

    fn consume(
        &self,
        _: OneTimeDigest,
        _: Timestamp,
    ) -> impl Future<Output = Result<Option<OneTimeRecord>, StoreError>> + Send {
        future::ready(Err(away()))
    }
}
