//! A store in memory, and sessions to put into it.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use shield_types::Timestamp;

use super::{
    NewSession, SessionDigest, SessionLimit, SessionPolicy, SessionRandom, SessionRecord, SessionSecret,
    SessionStart, SessionState, SessionStore, SessionTimes,
};
use crate::{AccountId, SessionId, StoreError, revocation::RevocationCause};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Runs a future that never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory never waits"),
    }
}

pub(crate) fn start(account: u8) -> SessionStart<'static> {
    SessionStart {
        account: AccountId::new(NOW, [account; 10]),
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        user_agent: b"curl/8.5.0",
        device: b"",
    }
}

pub(crate) fn record(number: u32, now: Timestamp) -> SessionRecord {
    let policy = SessionPolicy::new(SessionTimes::default()).unwrap();
    let mut random = SessionRandom { id: [0; 10], secret: secret_bytes(number) };
    random.id[4..8].copy_from_slice(&number.to_be_bytes());
    NewSession::begin(&start(1), &policy, now, random).record
}

/// The secret of that session.
pub(crate) fn secret(number: u32) -> SessionSecret {
    SessionSecret::new(secret_bytes(number))
}

fn secret_bytes(number: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes
}

#[derive(Default)]
pub(crate) struct MemorySessions {
    records: Mutex<Vec<SessionRecord>>,
    finds: AtomicUsize,
    away: AtomicBool,
}

impl MemorySessions {
    pub(crate) fn finds(&self) -> usize {
        self.finds.load(Ordering::Relaxed)
    }

    pub(crate) fn go_away(&self) {
        self.away.store(true, Ordering::Relaxed);
    }
}

impl SessionStore for MemorySessions {
    async fn create(
        &self,
        record: &SessionRecord,
        limit: SessionLimit,
    ) -> Result<Vec<SessionId>, StoreError> {
        let live = self.list(record.account, record.created_at).await?;
        let ended = limit.ends_for_one_more(&live);
        let mut records = self.records.lock().unwrap();
        records.retain(|present| !ended.contains(&present.id));
        records.push(record.clone());
        Ok(ended)
    }

    async fn replace(&self, old: SessionId, record: &SessionRecord) -> Result<bool, StoreError> {
        let mut records = self.records.lock().unwrap();
        let place = records.iter().position(|present| present.id == old && present.account == record.account);
        Ok(place.map(|place| records[place] = record.clone()).is_some())
    }

    async fn find(&self, digest: SessionDigest) -> Result<Option<SessionRecord>, StoreError> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Err(StoreError::away("sessions", "connection refused"));
        }
        Ok(self.records.lock().unwrap().iter().find(|present| present.digest == digest).cloned())
    }

    async fn touch(&self, id: SessionId, seen_at: Timestamp) -> Result<(), StoreError> {
        for present in self.records.lock().unwrap().iter_mut().filter(|present| present.id == id) {
            present.last_seen_at = present.last_seen_at.max(seen_at);
        }
        Ok(())
    }

    async fn list(&self, account: AccountId, now: Timestamp) -> Result<Vec<SessionRecord>, StoreError> {
        let records = self.records.lock().unwrap();
        let live =
            |present: &&SessionRecord| present.account == account && present.state(now) == SessionState::Live;
        Ok(records.iter().filter(live).cloned().collect())
    }

    async fn end(&self, account: AccountId, id: SessionId, _: RevocationCause) -> Result<bool, StoreError> {
        let mut records = self.records.lock().unwrap();
        let before = records.len();
        records.retain(|present| (present.account, present.id) != (account, id));
        Ok(records.len() < before)
    }

    async fn end_all(
        &self,
        account: AccountId,
        spared: Option<SessionId>,
        _: RevocationCause,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut records = self.records.lock().unwrap();
        let ends = |present: &SessionRecord| present.account == account && Some(present.id) != spared;
        let ended = records.iter().filter(|present| ends(present)).map(|present| present.id).collect();
        records.retain(|present| !ends(present));
        Ok(ended)
    }
}
