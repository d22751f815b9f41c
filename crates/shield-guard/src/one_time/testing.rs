//! Stores for tests: one that keeps its promise, one that is away.

use std::{
    collections::BTreeMap,
    future::{self, Future},
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use shield_types::Timestamp;

use super::{OneTimeDigest, OneTimeRecord, OneTimeStore};
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

impl OneTimeStore for MemoryStore {
    fn insert(
        &self,
        digest: OneTimeDigest,
        record: OneTimeRecord,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let mut kept = self.0.lock().unwrap();
        kept.retain(|_, other| (other.account, other.purpose) != (record.account, record.purpose));
        kept.insert(digest, record);
        future::ready(Ok(()))
    }

    fn consume(
        &self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<OneTimeRecord>, StoreError>> + Send {
        let taken = self.0.lock().unwrap().remove(&digest);
        future::ready(Ok(taken.filter(|record| now < record.expires_at)))
    }
}

impl OneTimeStore for BrokenStore {
    fn insert(
        &self,
        _: OneTimeDigest,
        _: OneTimeRecord,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
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
