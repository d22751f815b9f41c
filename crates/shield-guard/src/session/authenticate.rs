//! From a secret to a session.

use shield_types::Timestamp;

use super::{
    SessionCache, SessionHit, SessionRecord, SessionSecret, SessionState, SessionStore, SoughtSession,
};
use crate::StoreError;

/// Why a secret opens nothing. The client hears 401 and one text for all but [`Self::Store`], which is 503.
#[derive(Debug, thiserror::Error)]
pub enum SessionRefusal {
    /// There is no such session, or no more.
    #[error("find the session: none is stored under this secret")]
    NotFound,
    /// It was not used for as long as it may go unused.
    #[error("resume a session that was idle for too long")]
    Idle,
    /// It reached its absolute end.
    #[error("resume a session that reached its absolute end")]
    Expired,
    /// The store did not answer. The session is neither taken nor ended.
    #[error("find the session")]
    Store(#[source] StoreError),
}

/// Finds the live session of a secret, in the near cache or else in the store. Whether it was revoked is the caller's next
/// question, on a hit as on a miss.
pub async fn authenticate_session(
    cache: &SessionCache,
    store: &impl SessionStore,
    secret: &SessionSecret,
    now: Timestamp,
) -> Result<SessionHit, SessionRefusal> {
    let sought = match cache.find(secret, now) {
        Ok(hit) => return Ok(hit),
        Err(sought) => sought,
    };
    let record = store.find(sought.digest()).await.map_err(SessionRefusal::Store)?;
    resume_session(cache, sought, &record.ok_or(SessionRefusal::NotFound)?, now)
}

/// Takes up the session that the store just returned as the one sought, if it is live, and keeps it in the near cache.
pub fn resume_session(
    cache: &SessionCache,
    sought: SoughtSession,
    record: &SessionRecord,
    now: Timestamp,
) -> Result<SessionHit, SessionRefusal> {
    match record.state(now) {
        SessionState::Live => Ok(cache.insert(sought, record.active(), record.last_seen_at, now)),
        SessionState::Idle => Err(SessionRefusal::Idle),
        SessionState::Expired => Err(SessionRefusal::Expired),
    }
}

#[cfg(test)]
mod tests {
    use shield_types::Timestamp;

    use super::{SessionRefusal, authenticate_session};
    use crate::{
        AccountId,
        revocation::{RevocationCause, RevocationReason},
        session::{
            NewSession, SessionCache, SessionLimit, SessionPolicy, SessionRandom, SessionSecret,
            SessionStart, SessionStore, SessionTimes,
            testing::{MemorySessions, NOW, ready, start},
        },
    };

    const BY_OWNER: RevocationCause = RevocationCause { reason: RevocationReason::EndedByOwner, at: NOW };

    fn policy() -> SessionPolicy {
        SessionPolicy::new(SessionTimes::default()).unwrap()
    }

    fn begin(number: u8) -> NewSession {
        let random = SessionRandom { id: [number; 10], secret: [number; 32] };
        NewSession::begin(&start(1), &policy(), NOW, random)
    }

    fn world() -> (SessionCache, MemorySessions) {
        (SessionCache::new(1_000, &policy()), MemorySessions::default())
    }

    fn refusal(cache: &SessionCache, store: &MemorySessions, secret: &SessionSecret) -> Option<String> {
        ready(authenticate_session(cache, store, secret, NOW)).err().map(|error| format!("{error:?}"))
    }

    #[test]
    fn d8_a_secret_that_nobody_was_given_opens_nothing() {
        let (cache, store) = world();
        ready(store.create(&begin(1).record, SessionLimit::USER)).unwrap();
        assert_eq!(refusal(&cache, &store, &SessionSecret::new([2; 32])), Some("NotFound".to_owned()));
        assert!(SessionSecret::parse(b"garbage").is_err());
    }

    #[test]
    fn finds_in_the_store_and_then_near() {
        let (cache, store) = world();
        let session = begin(1);
        ready(store.create(&session.record, SessionLimit::USER)).unwrap();
        for _ in 0..2 {
            let hit = ready(authenticate_session(&cache, &store, &session.secret, NOW)).unwrap();
            assert_eq!(hit.session, session.record.active());
        }
        assert_eq!(store.finds(), 1);
    }

    #[test]
    fn asvs_v7_2_4_authenticating_again_ends_the_session_before() {
        let (cache, store) = world();
        let (old, new) = (begin(1), begin(2));
        ready(store.create(&old.record, SessionLimit::USER)).unwrap();
        assert!(ready(store.replace(old.record.id, &new.record)).unwrap());
        assert_ne!(old.record.id, new.record.id);
        assert_ne!(old.record.digest, new.record.digest);
        assert_eq!(refusal(&cache, &store, &old.secret), Some("NotFound".to_owned()));
        assert_eq!(refusal(&cache, &store, &new.secret), None);
        assert!(!ready(store.replace(old.record.id, &begin(3).record)).unwrap(), "ended is ended");
    }

    #[test]
    fn asvs_v7_4_1_what_was_ended_is_not_found_again() {
        let (cache, store) = world();
        let session = begin(1);
        ready(store.create(&session.record, SessionLimit::USER)).unwrap();
        assert_eq!(refusal(&cache, &store, &session.secret), None);
        assert!(ready(store.end(session.record.account, session.record.id, BY_OWNER)).unwrap());
        cache.forget(session.record.id);
        assert_eq!(refusal(&cache, &store, &session.secret), Some("NotFound".to_owned()));
    }

    #[test]
    fn asvs_v7_5_2_nobody_ends_the_session_of_another() {
        let (cache, store) = world();
        let session = begin(1);
        ready(store.create(&session.record, SessionLimit::USER)).unwrap();
        let stranger = AccountId::new(NOW, [0xee; 10]);
        assert!(!ready(store.end(stranger, session.record.id, BY_OWNER)).unwrap());
        assert_eq!(refusal(&cache, &store, &session.secret), None);
    }

    #[test]
    fn asvs_v16_5_3_a_store_that_is_away_refuses() {
        let (cache, store) = world();
        let session = begin(1);
        ready(store.create(&session.record, SessionLimit::USER)).unwrap();
        store.go_away();
        let refused = ready(authenticate_session(&cache, &store, &session.secret, NOW));
        assert!(matches!(refused, Err(SessionRefusal::Store(_))));
    }

    #[test]
    fn a_session_used_on_another_node_is_not_idle_here() {
        let (cache, store) = world();
        let session = begin(1);
        ready(store.create(&session.record, SessionLimit::USER)).unwrap();
        ready(authenticate_session(&cache, &store, &session.secret, NOW)).unwrap();
        let tomorrow = Timestamp(NOW.0 + 25 * 3_600_000);
        ready(store.touch(session.record.id, Timestamp(NOW.0 + 20 * 3_600_000))).unwrap();
        assert!(ready(authenticate_session(&cache, &store, &session.secret, tomorrow)).is_ok());
        let refused =
            ready(authenticate_session(&cache, &store, &session.secret, Timestamp(NOW.0 + 50 * 3_600_000)));
        assert!(matches!(refused, Err(SessionRefusal::Idle)));
    }

    #[test]
    fn asvs_v7_1_2_a_sixth_session_ends_the_oldest() {
        let (cache, store) = world();
        let sessions: Vec<_> = (1..=6).map(begin).collect();
        let ended: Vec<_> = sessions
            .iter()
            .flat_map(|session| ready(store.create(&session.record, SessionLimit::USER)).unwrap())
            .collect();
        assert_eq!(ended, [sessions[0].record.id]);
        assert_eq!(refusal(&cache, &store, &sessions[0].secret), Some("NotFound".to_owned()));
        assert_eq!(ready(store.list(sessions[0].record.account, NOW)).unwrap().len(), 5);
        let spared = sessions[3].record.id;
        let ended = ready(store.end_all(sessions[0].record.account, Some(spared), BY_OWNER)).unwrap();
        assert_eq!(ended.len(), 4);
        assert_eq!(refusal(&cache, &store, &sessions[3].secret), None);
    }

    #[test]
    fn what_a_client_says_is_cut_before_it_is_kept() {
        let long = [b'a'; 2_000];
        let start = SessionStart { user_agent: &long, device: &long, ..start(1) };
        let random = SessionRandom { id: [1; 10], secret: [1; 32] };
        let record = NewSession::begin(&start, &policy(), NOW, random).record;
        assert_eq!((record.user_agent.as_str().len(), record.device.as_str().len()), (512, 64));
    }
}
