//! Refresh tokens: one use each, repeats, theft, races.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, ready},
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use proptest::prelude::*;
use shield_types::{Secret, Timestamp};

use super::{MINUTE, NOW};
use crate::{
    AccountId, SessionId, StoreError,
    token::{
        Exchange, OUTAGE_WINDOW, REFRESH_TOKEN_BYTES, REFRESH_TOKEN_PREFIX, REPEAT_WINDOW, RefreshAttempt,
        RefreshDecision, RefreshError, RefreshFamily, RefreshGrant, RefreshLife, RefreshOutcome,
        RefreshRefusal, RefreshSecrets, RefreshSecretsError, RefreshStore, RefreshToken, RefreshTokens,
    },
};

#[derive(Default)]
struct Memory(Mutex<BTreeMap<SessionId, RefreshFamily>>);

impl RefreshStore for Memory {
    fn insert(&self, family: &RefreshFamily) -> impl Future<Output = Result<Exchange, StoreError>> + Send {
        let previous = self.0.lock().unwrap().insert(family.session, family.clone());
        ready(Ok(if previous.is_none() { Exchange::Done } else { Exchange::Lost }))
    }

    fn load(
        &self,
        session: SessionId,
    ) -> impl Future<Output = Result<Option<RefreshFamily>, StoreError>> + Send {
        let family = self.0.lock().unwrap().get(&session).cloned();
        // Others get their turn between a load and a replace.
        thread::yield_now();
        ready(Ok(family))
    }

    fn replace(&self, next: &RefreshFamily) -> impl Future<Output = Result<Exchange, StoreError>> + Send {
        let mut families = self.0.lock().unwrap();
        let stored = families.get_mut(&next.session).unwrap();
        ready(Ok(if stored.revision + 1 == next.revision {
            *stored = next.clone();
            Exchange::Done
        } else {
            Exchange::Lost
        }))
    }
}

/// The result of a future that never waits.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the store in memory does not wait"),
    }
}

fn tokens() -> RefreshTokens {
    RefreshTokens::new(RefreshSecrets::new(&Secret::new([1; 32]), &[]).unwrap())
}

fn grant(life: RefreshLife) -> RefreshGrant {
    RefreshGrant { session: SessionId::new(NOW, [5; 10]), account: AccountId::new(NOW, [6; 10]), life }
}

fn begin(life: RefreshLife) -> (Memory, String) {
    let store = Memory::default();
    let (family, token) = tokens().begin(grant(life), NOW, &Secret::new([7; 32]));
    assert_eq!(now_or_never(store.insert(&family)).unwrap(), Exchange::Done);
    (store, text(&token))
}

fn text(token: &RefreshToken) -> String {
    token.text().expose().clone()
}

fn attempt(now: Timestamp, salt: u8) -> RefreshAttempt {
    RefreshAttempt { now, salt: [salt; 32], outage: None }
}

fn refresh(store: &Memory, token: &str, now: Timestamp) -> Result<RefreshOutcome, RefreshError> {
    now_or_never(tokens().refresh(store, token.as_bytes(), &attempt(now, 9)))
}

fn refusal(result: Result<RefreshOutcome, RefreshError>) -> RefreshRefusal {
    match result {
        Err(RefreshError::Refused { refusal }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn reused() -> RefreshRefusal {
    let RefreshGrant { session, account, .. } = grant(RefreshLife::Day);
    RefreshRefusal::Reused { session, account }
}

#[test]
fn each_token_gives_the_next() {
    let (store, mut token) = begin(RefreshLife::Day);
    let mut now = NOW;
    for _ in 0..20 {
        now = now.after(15 * MINUTE);
        let outcome = refresh(&store, &token, now).unwrap();
        assert_ne!(text(&outcome.token), token);
        assert_eq!(
            (outcome.session, outcome.ends_at),
            (grant(RefreshLife::Day).session, NOW.after(24 * 60 * MINUTE))
        );
        token = text(&outcome.token);
    }
}

#[test]
fn a_repeat_gets_the_same_successor() {
    let (store, token) = begin(RefreshLife::Day);
    let successor = refresh(&store, &token, NOW).unwrap();
    let last = Timestamp(NOW.after(REPEAT_WINDOW).0 - 1);
    assert_eq!(refresh(&store, &token, last).unwrap(), successor);
    // And the repeat changed nothing: the successor still works.
    assert!(refresh(&store, &text(&successor.token), last).is_ok());
}

#[test]
fn who_got_no_answer_because_of_an_outage_is_no_thief() {
    let (store, token) = begin(RefreshLife::Day);
    let successor = refresh(&store, &token, NOW).unwrap();
    let outage = NOW.after(5 * MINUTE);
    let comes_back = |now, outage| {
        let attempt = RefreshAttempt { outage: Some(outage), ..attempt(now, 9) };
        now_or_never(tokens().refresh(&store, token.as_bytes(), &attempt))
    };
    let last = Timestamp(outage.after(OUTAGE_WINDOW).0 - 1);
    assert_eq!(comes_back(last, outage).unwrap(), successor);
    let ever = NOW.after(15 * MINUTE);
    assert!(comes_back(Timestamp(ever.0 - 1), Timestamp(ever.0 - 1)).is_ok());
    // One that was over before the rotation explains nothing; nor does one that is long over.
    let earlier = Timestamp(NOW.0 - 1);
    assert_eq!(refusal(comes_back(NOW.after(REPEAT_WINDOW), earlier)), reused());
    let (store, token) = begin(RefreshLife::Day);
    refresh(&store, &token, NOW).unwrap();
    let on_and_on = RefreshAttempt { outage: Some(ever), ..attempt(ever, 9) };
    let too_old = now_or_never(tokens().refresh(&store, token.as_bytes(), &on_and_on));
    assert_eq!(refusal(too_old), reused(), "whatever the store did");
    let (store, token) = begin(RefreshLife::Day);
    let successor = text(&refresh(&store, &token, NOW).unwrap().token);
    assert!(refresh(&store, &successor, NOW).is_ok());
    let late = RefreshAttempt { outage: Some(outage), ..attempt(outage, 9) };
    let used = now_or_never(tokens().refresh(&store, token.as_bytes(), &late));
    assert_eq!(refusal(used), reused(), "its successor was used");
}

#[test]
fn asvs_v10_4_5_reuse_revokes_the_family() {
    let (store, token) = begin(RefreshLife::Day);
    let successor = text(&refresh(&store, &token, NOW).unwrap().token);
    assert_eq!(refusal(refresh(&store, &token, NOW.after(REPEAT_WINDOW))), reused());
    // The thief's token and the victim's are dead.
    assert_eq!(refusal(refresh(&store, &successor, NOW.after(REPEAT_WINDOW))), RefreshRefusal::Revoked);
    assert_eq!(refusal(refresh(&store, &token, NOW.after(REPEAT_WINDOW))), RefreshRefusal::Revoked);
}

#[test]
fn asvs_v10_4_5_any_older_token_revokes_the_family() {
    let (store, first) = begin(RefreshLife::Day);
    let mut token = first.clone();
    for _ in 0..5 {
        token = text(&refresh(&store, &token, NOW).unwrap().token);
    }
    // Inside of the window too: the first token is not the one just before.
    assert_eq!(refusal(refresh(&store, &first, NOW)), reused());
    assert_eq!(refusal(refresh(&store, &token, NOW)), RefreshRefusal::Revoked);
}

#[test]
fn asvs_v10_4_5_a_used_successor_ends_the_window() {
    let (store, token) = begin(RefreshLife::Day);
    let second = text(&refresh(&store, &token, NOW).unwrap().token);
    refresh(&store, &second, NOW).unwrap();
    assert_eq!(refusal(refresh(&store, &token, NOW)), reused());
}

#[test]
fn asvs_v10_4_8_families_end_absolutely() {
    for life in [RefreshLife::Day, RefreshLife::Remembered] {
        let (store, token) = begin(life);
        let end = NOW.after(life.duration());
        let late = text(&refresh(&store, &token, Timestamp(end.0 - 1)).unwrap().token);
        assert_eq!(refusal(refresh(&store, &late, end)), RefreshRefusal::Expired);
    }
    assert_eq!(RefreshLife::Day.duration(), Duration::from_secs(86_400));
    assert_eq!(RefreshLife::Remembered.duration(), 30 * RefreshLife::Day.duration());
}

#[test]
fn asvs_v7_4_1_log_out_ends_refreshing() {
    let (store, token) = begin(RefreshLife::Day);
    let family = now_or_never(store.load(grant(RefreshLife::Day).session)).unwrap().unwrap();
    // A rotation that was decided before the log-out does not undo it.
    let presented = tokens().read(token.as_bytes()).unwrap();
    let decision = tokens().decide(&family, &presented, &attempt(NOW, 1));
    assert_eq!(now_or_never(store.replace(&family.revoked(NOW))).unwrap(), Exchange::Done);
    let RefreshDecision::Rotate { next, .. } = decision else { panic!("{decision:?}") };
    assert_eq!(now_or_never(store.replace(&next)).unwrap(), Exchange::Lost);
    assert_eq!(refusal(refresh(&store, &token, NOW)), RefreshRefusal::Revoked);
}

#[test]
fn asvs_v7_2_3_tokens_cannot_be_made_up() {
    let (store, token) = begin(RefreshLife::Day);
    // Who knows a session's id can neither enter it nor end it.
    let stranger = RefreshTokens::new(RefreshSecrets::new(&Secret::new([2; 32]), &[]).unwrap());
    let (_, forged) = stranger.begin(grant(RefreshLife::Day), NOW, &Secret::new([8; 32]));
    assert_eq!(refusal(refresh(&store, &text(&forged), NOW)), RefreshRefusal::NotOurs);
    for place in 0..token.len() {
        for mask in [1, 2, 0x20] {
            let mut mutant = token.clone().into_bytes();
            mutant[place] ^= mask;
            assert_eq!(tokens().read(&mutant).err(), Some(RefreshRefusal::NotOurs), "{place}");
        }
    }
    assert!(refresh(&store, &token, NOW).is_ok());
}

#[test]
fn asvs_v15_4_2_parallel_replay_has_one_winner() {
    for round in 0..50 {
        let (store, token) = begin(RefreshLife::Day);
        let outcomes: Vec<RefreshOutcome> = thread::scope(|scope| {
            let present = |salt| {
                let (store, token) = (&store, &token);
                move || now_or_never(tokens().refresh(store, token.as_bytes(), &attempt(NOW, salt))).unwrap()
            };
            let threads: Vec<_> = (0..8).map(|salt| scope.spawn(present(salt))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // Every one brought another salt, and all got one token.
        assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "{round}");
        let family = now_or_never(store.load(grant(RefreshLife::Day).session)).unwrap().unwrap();
        assert_eq!((family.revision, family.rotation.unwrap().number), (2, 1));
        assert!(refresh(&store, &text(&outcomes[0].token), NOW).is_ok());
    }
}

#[test]
fn asvs_v11_2_2_the_servers_secret_can_change() {
    let (store, token) = begin(RefreshLife::Day);
    let older = [Secret::new([1; 32])];
    let changed = RefreshTokens::new(RefreshSecrets::new(&Secret::new([3; 32]), &older).unwrap());
    let present = |tokens: &RefreshTokens, token: &str| {
        now_or_never(tokens.refresh(&store, token.as_bytes(), &attempt(NOW, 9)))
    };
    let outcome = refresh(&store, &token, NOW).unwrap();
    // A repeat across the change gets the token that was made before it, under the new MAC.
    let repeated = present(&changed, &token).unwrap();
    assert_eq!(repeated, outcome);
    assert_ne!(text(&repeated.token), text(&outcome.token));
    let successor = text(&outcome.token);
    let third = present(&changed, &successor).unwrap();
    // A server without the new secret does not know its tokens; one without the old one does not know the old.
    assert_eq!(refusal(present(&tokens(), &text(&third.token))), RefreshRefusal::NotOurs);
    let forgetful = RefreshTokens::new(RefreshSecrets::new(&Secret::new([3; 32]), &[]).unwrap());
    assert_eq!(refusal(present(&forgetful, &successor)), RefreshRefusal::NotOurs);
    let four = [const { [0; 32] }; 4].map(Secret::new);
    assert_eq!(RefreshSecrets::new(&four[0], &four).err(), Some(RefreshSecretsError { count: 5 }));
}

#[test]
fn successors_need_every_ingredient() {
    let next = |secret: u8, salt: u8, first: u8| {
        let tokens = RefreshTokens::new(RefreshSecrets::new(&Secret::new([secret; 32]), &[]).unwrap());
        let (family, token) = tokens.begin(grant(RefreshLife::Day), NOW, &Secret::new([first; 32]));
        let presented = tokens.read(text(&token).as_bytes()).unwrap();
        match tokens.decide(&family, &presented, &attempt(NOW, salt)) {
            RefreshDecision::Rotate { next, .. } => next.current,
            other => panic!("{other:?}"),
        }
    };
    let all = [next(1, 1, 1), next(2, 1, 1), next(1, 2, 1), next(1, 1, 2)];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4);
    assert_eq!(next(1, 1, 1), all[0]);
}

#[test]
fn only_digests_are_stored_or_shown() {
    let (family, token) = tokens().begin(grant(RefreshLife::Day), NOW, &Secret::new([0xab; 32]));
    let presented = tokens().read(text(&token).as_bytes()).unwrap();
    let shown = format!("{family:?} {token:?} {presented:?} {:?}", tokens());
    let secret = &text(&token)[REFRESH_TOKEN_PREFIX.len() + 24..];
    assert!(!shown.contains(&secret[..20]) && !shown.contains("171, 171"), "{shown}");
    assert_eq!(text(&token).len(), REFRESH_TOKEN_BYTES);
    assert!(text(&token).starts_with(REFRESH_TOKEN_PREFIX));
}

#[test]
fn families_are_not_mixed_up() {
    let (store, token) = begin(RefreshLife::Day);
    let other = RefreshGrant { session: SessionId::new(NOW, [9; 10]), ..grant(RefreshLife::Day) };
    let (family, stray) = tokens().begin(other, NOW, &Secret::new([7; 32]));
    let presented = tokens().read(token.as_bytes()).unwrap();
    let decision = tokens().decide(&family, &presented, &attempt(NOW, 1));
    assert_eq!(decision, RefreshDecision::Refused(RefreshRefusal::NoFamily));
    assert_eq!(refusal(refresh(&store, &text(&stray), NOW)), RefreshRefusal::NoFamily);
}

proptest! {
    #[test]
    fn any_text_is_refused(text: Vec<u8>, tail in "[A-Za-z0-9_-]{107}") {
        prop_assert!(tokens().read(&text).is_err());
        let made_up = [REFRESH_TOKEN_PREFIX, &tail].concat();
        prop_assert!(tokens().read(made_up.as_bytes()).is_err());
    }
}
