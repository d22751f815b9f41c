//! Sessions.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use shield_data::{Database, SqlRefreshFamilies, SqlRevocations, SqlSessions};
use shield_guard::{
    SessionId,
    revocation::{RevocationCause, RevocationLog, RevocationReason, Revoked, Sequence},
    session::{
        CACHED_SESSION_AGE_MAX, NewSession, SessionLimit, SessionPolicy, SessionRandom, SessionRecord,
        SessionStart, SessionStore, SessionTimes,
    },
    token::{ACCESS_TOKEN_LIFETIME_MAX, RefreshFamily, RefreshStore},
};
use shield_types::{Sha256Digest, Timestamp};

use crate::fixture::{NOW, account, race};

const BY_OWNER: RevocationCause = RevocationCause { reason: RevocationReason::EndedByOwner, at: NOW };
const SUSPENDED: RevocationCause = RevocationCause { reason: RevocationReason::AccountSuspension, at: NOW };

on_both!(
    reads_back_every_field,
    asvs_v7_1_2_limit_holds_in_a_race,
    asvs_v7_2_4_replaced_session_is_gone,
    one_of_many_replacements_wins,
    touch_moves_forward_only,
    lists_only_what_is_live,
    asvs_v7_5_2_ends_own_sessions_only,
    asvs_v7_4_3_ends_all_but_one,
    failed_creation_leaves_nothing,
    cancelled_creations_happen_whole_or_not,
    ended_session_is_remembered_no_longer_than_it_is_near,
    log_ins_are_counted_whatever_became_of_them,
);

const NEVER: SessionLimit = SessionLimit::new(100);

fn record(owner: u8, number: u8) -> SessionRecord {
    let start = SessionStart {
        account: account(owner),
        address: IpAddr::V6(Ipv6Addr::LOCALHOST),
        user_agent: "curl/8.5.0 (ü)".as_bytes(),
        device: b"phone",
    };
    let policy = SessionPolicy::new(SessionTimes::default()).unwrap();
    let mut secret = [number; 32];
    secret[0] = owner;
    let mut id = [number; 10];
    id[4] = owner;
    NewSession::begin(&start, &policy, NOW, SessionRandom { id, secret }).record
}

fn family(session: &SessionRecord) -> RefreshFamily {
    RefreshFamily {
        session: session.id,
        account: session.account,
        began_at: NOW,
        ends_at: Timestamp(NOW.0 + 30 * 86_400_000),
        revision: 1,
        current: Sha256Digest::of(b"token"),
        rotation: None,
        revoked_at: None,
    }
}

async fn revoked(database: &Database) -> Vec<(SessionId, RevocationReason)> {
    let page = SqlRevocations::new(database.clone()).read_after(Sequence(0), 1_000).await.unwrap();
    let session = |revoked| match revoked {
        Revoked::Session { session } => session,
        other => panic!("{other:?}"),
    };
    page.entries.iter().map(|(_, entry)| (session(entry.revoked), entry.reason)).collect()
}

async fn reads_back_every_field(database: Database) {
    let store = SqlSessions::new(database.clone());
    let session = record(1, 1);
    assert_eq!(store.find(session.digest).await.unwrap(), None);
    assert!(store.create(&session, NEVER).await.unwrap().is_empty());
    assert_eq!(store.find(session.digest).await.unwrap(), Some(session));
    assert!(revoked(&database).await.is_empty());
}

async fn asvs_v7_1_2_limit_holds_in_a_race(database: Database) {
    let store = SqlSessions::new(database.clone());
    let ended = race(20, |racer| {
        let store = store.clone();
        async move { store.create(&record(1, u8::try_from(racer).unwrap()), SessionLimit::USER).await.unwrap() }
    });
    let mut ended: Vec<_> = ended.await.into_iter().flatten().collect();
    let live = store.list(account(1), NOW).await.unwrap();
    assert_eq!((live.len(), ended.len()), (5, 15));
    let mut announced = revoked(&database).await;
    announced.sort_unstable_by_key(|(session, _)| *session);
    ended.sort_unstable();
    let expected: Vec<_> = ended.into_iter().map(|id| (id, RevocationReason::SessionLimit)).collect();
    assert_eq!(announced, expected);
}

async fn asvs_v7_2_4_replaced_session_is_gone(database: Database) {
    let store = SqlSessions::new(database.clone());
    let (old, new) = (record(1, 1), record(1, 2));
    store.create(&old, NEVER).await.unwrap();
    assert!(store.replace(old.id, &new).await.unwrap());
    assert_eq!(store.find(old.digest).await.unwrap(), None);
    assert_eq!(store.find(new.digest).await.unwrap(), Some(new));
    assert_eq!(revoked(&database).await, [(old.id, RevocationReason::Rotation)]);
    assert!(!store.replace(old.id, &record(1, 3)).await.unwrap(), "it has ended");
    assert_eq!(store.find(record(1, 3).digest).await.unwrap(), None);
    let strangers = record(2, 4);
    store.create(&strangers, NEVER).await.unwrap();
    assert!(!store.replace(strangers.id, &record(1, 5)).await.unwrap(), "it is another's");
}

async fn one_of_many_replacements_wins(database: Database) {
    let store = SqlSessions::new(database);
    let old = record(1, 100);
    store.create(&old, NEVER).await.unwrap();
    let answers = race(12, |racer| {
        let store = store.clone();
        async move { store.replace(old_id(), &record(1, u8::try_from(racer).unwrap())).await.unwrap() }
    });
    assert_eq!(answers.await.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(store.list(account(1), NOW).await.unwrap().len(), 1);
}

fn old_id() -> SessionId {
    record(1, 100).id
}

async fn touch_moves_forward_only(database: Database) {
    let store = SqlSessions::new(database);
    let session = record(1, 1);
    store.create(&session, NEVER).await.unwrap();
    for (seen, expected) in [(50, 50), (20, 50), (70, 70)] {
        store.touch(session.id, Timestamp(NOW.0 + seen)).await.unwrap();
        let found = store.find(session.digest).await.unwrap().unwrap();
        assert_eq!(found.last_seen_at, Timestamp(NOW.0 + expected));
    }
    store.touch(record(1, 2).id, NOW).await.unwrap();
    assert_eq!(store.list(account(1), NOW).await.unwrap().len(), 1);
}

async fn lists_only_what_is_live(database: Database) {
    let store = SqlSessions::new(database);
    let (idle, used) = (record(1, 1), record(1, 2));
    for session in [&idle, &used, &record(2, 3)] {
        store.create(session, NEVER).await.unwrap();
    }
    let day = Timestamp(NOW.0 + 86_400_000);
    store.touch(used.id, Timestamp(day.0 - 1)).await.unwrap();
    let live = store.list(account(1), day).await.unwrap();
    assert_eq!(live.iter().map(|session| session.id).collect::<Vec<_>>(), [used.id]);
    let week = Timestamp(NOW.0 + 7 * 86_400_000);
    store.touch(used.id, Timestamp(week.0 - 1)).await.unwrap();
    assert!(store.list(account(1), week).await.unwrap().is_empty());
}

async fn asvs_v7_5_2_ends_own_sessions_only(database: Database) {
    let store = SqlSessions::new(database.clone());
    let families = SqlRefreshFamilies::new(database.clone());
    let session = record(1, 1);
    store.create(&session, NEVER).await.unwrap();
    let _ = families.insert(&family(&session)).await.unwrap();
    assert!(!store.end(account(2), session.id, BY_OWNER).await.unwrap());
    assert!(revoked(&database).await.is_empty());
    assert!(store.end(account(1), session.id, BY_OWNER).await.unwrap());
    assert!(!store.end(account(1), session.id, BY_OWNER).await.unwrap());
    assert_eq!(store.find(session.digest).await.unwrap(), None);
    assert_eq!(revoked(&database).await, [(session.id, RevocationReason::EndedByOwner)]);
    let family = families.load(session.id).await.unwrap().unwrap();
    assert!(
        family.revoked_at.is_some() && family.revision == 2,
        "its refresh tokens end with it: {family:?}"
    );
}

async fn asvs_v7_4_3_ends_all_but_one(database: Database) {
    let store = SqlSessions::new(database.clone());
    let sessions: Vec<_> = (1..=4).map(|number| record(1, number)).collect();
    for session in sessions.iter().chain([&record(2, 5)]) {
        store.create(session, NEVER).await.unwrap();
    }
    let mut ended = store.end_all(account(1), Some(sessions[2].id), SUSPENDED).await.unwrap();
    ended.sort_unstable();
    assert_eq!(ended, [sessions[0].id, sessions[1].id, sessions[3].id]);
    let announced = revoked(&database).await;
    assert_eq!(announced.len(), 3);
    assert!(announced.iter().all(|(_, reason)| *reason == SUSPENDED.reason), "{announced:?}");
    assert_eq!(store.end_all(account(1), None, SUSPENDED).await.unwrap(), [sessions[2].id]);
    assert_eq!(store.list(account(2), NOW).await.unwrap().len(), 1);
}

/// Or whoever logs in again and again fills every node's set.
async fn ended_session_is_remembered_no_longer_than_it_is_near(database: Database) {
    let store = SqlSessions::new(database.clone());
    let session = record(1, 1);
    store.create(&session, NEVER).await.unwrap();
    assert!(store.end(account(1), session.id, BY_OWNER).await.unwrap());
    let page = SqlRevocations::new(database).read_after(Sequence(0), 1_000).await.unwrap();
    let [(_, entry)] = page.entries[..] else { panic!("{page:?}") };
    let kept = entry.expires_at.since(NOW);
    assert_eq!(kept, ACCESS_TOKEN_LIFETIME_MAX.max(CACHED_SESSION_AGE_MAX), "not the session's seven days");
}

async fn log_ins_are_counted_whatever_became_of_them(database: Database) {
    let store = SqlSessions::new(database.clone());
    let mut transaction = database.begin().await.unwrap();
    for (owner, number) in [(1, 1), (1, 2), (1, 3), (2, 4)] {
        let session = record(owner, number);
        let began_at = Timestamp(NOW.0 + u64::from(number));
        let family = RefreshFamily { began_at, ..family(&session) };
        let _done = SqlRefreshFamilies::insert_within(&mut transaction, &family).await.unwrap();
        SqlSessions::create_within(&mut transaction, &session, NEVER, None).await.unwrap();
    }
    transaction.commit().await.unwrap();
    store.end_all(account(1), None, BY_OWNER).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    let mut begun = async |since: u64, count| {
        let since = Timestamp(NOW.0 + since);
        let begun = SqlRefreshFamilies::begun_within(&mut transaction, account(1), since, count).await;
        begun.unwrap().into_iter().map(|at| at.0 - NOW.0).collect::<Vec<_>>()
    };
    assert_eq!(begun(0, 10).await, [3, 2, 1]);
    assert_eq!(begun(0, 2).await, [3, 2]);
    assert_eq!(begun(2, 10).await, [3]);
}

/// The last statement of a creation fails: nothing that went before it in the transaction may stay.
async fn failed_creation_leaves_nothing(database: Database) {
    let store = SqlSessions::new(database.clone());
    let oldest = record(1, 1);
    store.create(&oldest, NEVER).await.unwrap();
    let twin = SessionRecord { digest: oldest.digest, ..record(1, 2) };
    let other = record(1, 3);
    store.create(&other, NEVER).await.unwrap();
    store.touch(other.id, Timestamp(NOW.0 + 1)).await.unwrap();
    // Ends the other one so that the twin fits, and then finds the digest taken.
    store.touch(oldest.id, Timestamp(NOW.0 + 2)).await.unwrap();
    store.create(&twin, SessionLimit::new(2)).await.unwrap_err();
    assert!(store.find(other.digest).await.unwrap().is_some(), "it was not ended");
    assert!(revoked(&database).await.is_empty(), "nor announced");
    assert!(store.create(&record(1, 4), NEVER).await.unwrap().is_empty(), "the store works on");
}

/// Clients go away in the middle of things, at any moment of a transaction.
async fn cancelled_creations_happen_whole_or_not(database: Database) {
    let store = SqlSessions::new(database.clone());
    let answers = race(60, |racer| {
        let store = store.clone();
        async move {
            let session = record(1, u8::try_from(racer).unwrap());
            let moment = Duration::from_micros(300 * u64::try_from(racer).unwrap());
            let cut = tokio::time::timeout(moment, store.create(&session, SessionLimit::USER)).await;
            (session, cut.is_ok_and(|answer| answer.is_ok()))
        }
    });
    let answers = answers.await;
    // Waits for the locks of the last ones that were cut.
    store.create(&record(1, 200), SessionLimit::USER).await.unwrap();
    let live: BTreeSet<_> =
        store.list(account(1), NOW).await.unwrap().iter().map(|session| session.id).collect();
    assert!(live.len() <= 5, "{live:?}");
    let ended: BTreeSet<_> = revoked(&database).await.into_iter().map(|(session, _)| session).collect();
    for (session, acknowledged) in answers {
        let found = store.find(session.digest).await.unwrap().is_some();
        assert_eq!(found, live.contains(&session.id));
        assert!(!(found && ended.contains(&session.id)), "both live and announced as ended");
        assert!(
            !acknowledged || found || ended.contains(&session.id),
            "acknowledged, and lost without a trace"
        );
    }
    let page = SqlRevocations::new(database).read_after(Sequence(0), 1_000).await.unwrap();
    assert_eq!(page.head.0, u64::try_from(page.entries.len()).unwrap(), "a hole in the numbers");
}
