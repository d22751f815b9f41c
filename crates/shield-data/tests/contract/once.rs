//! What works once.

use shield_data::{Database, SqlOneTimeTokens, SqlRecoveryCodes, SqlTotpSteps};
use shield_guard::{
    one_time::{
        Insertion, IssuedToken, OPEN_TOKENS_MAX, OneTimeRecord, OneTimeStore, Purpose, TokenOrder, issue,
    },
    totp::{
        RECOVERY_CODES, RecoveryCode, RecoveryCodeDigest, RecoveryCodeStore, StepAcceptance, TotpStep,
        TotpStepStore,
    },
};

use shield_types::Timestamp;

use crate::fixture::{NOW, account, race};

on_both!(
    asvs_v15_4_2_one_of_many_takes_a_token,
    newer_token_leaves_the_older_open,
    so_many_are_open_and_no_more,
    expired_token_is_gone,
    asvs_v6_5_1_one_of_many_uses_a_step,
    steps_move_forward_only,
    one_of_many_takes_a_recovery_code,
    asvs_v6_5_6_new_set_replaces_the_old,
);

fn token(purpose: Purpose, random: u8) -> IssuedToken {
    let order = TokenOrder { account: account(1), purpose, email: "ä@example.org".to_owned() };
    issue(order, [random; 32], NOW)
}

fn codes(owner: u8, random: u8) -> [RecoveryCodeDigest; RECOVERY_CODES] {
    std::array::from_fn(|index| {
        let mut bytes = [random; 15];
        bytes[0] = u8::try_from(index).unwrap();
        RecoveryCode::new(bytes).digest(account(owner))
    })
}

async fn asvs_v15_4_2_one_of_many_takes_a_token(database: Database) {
    let store = SqlOneTimeTokens::new(database);
    let issued = token(Purpose::PasswordReset, 1);
    store.insert(issued.digest, issued.record.clone(), NOW).await.unwrap();
    let answers = race(20, |_| {
        let (store, digest) = (store.clone(), issued.digest);
        async move { store.consume(digest, NOW).await.unwrap() }
    });
    let taken: Vec<_> = answers.await.into_iter().flatten().collect();
    assert_eq!(taken, [issued.record]);
}

async fn newer_token_leaves_the_older_open(database: Database) {
    let store = SqlOneTimeTokens::new(database);
    let (older, newer) = (token(Purpose::EmailChange, 1), token(Purpose::EmailChange, 2));
    let newer_record = OneTimeRecord { email: "b@example.org".to_owned(), ..newer.record };
    let other = token(Purpose::EmailVerification, 3);
    for (digest, record) in
        [(older.digest, &older.record), (other.digest, &other.record), (newer.digest, &newer_record)]
    {
        assert_eq!(store.insert(digest, record.clone(), NOW).await.unwrap(), Insertion::Kept);
    }
    assert_eq!(store.consume(newer.digest, NOW).await.unwrap(), Some(newer_record));
    assert_eq!(store.consume(older.digest, NOW).await.unwrap(), None, "void with the one that was used");
    assert_eq!(store.consume(other.digest, NOW).await.unwrap(), Some(other.record), "for something else");
}

async fn so_many_are_open_and_no_more(database: Database) {
    let store = SqlOneTimeTokens::new(database);
    let insert = |random: usize, now| {
        let (store, random) = (store.clone(), u8::try_from(random).unwrap());
        let IssuedToken { digest, record, .. } = token(Purpose::PasswordReset, random);
        let record = OneTimeRecord { expires_at: Timestamp(NOW.0 + 1_000), ..record };
        async move { store.insert(digest, record, now).await.unwrap() }
    };
    let answers = race(20, |number| insert(number, NOW)).await;
    let kept = |answer: &&Insertion| **answer == Insertion::Kept;
    assert_eq!(answers.iter().filter(kept).count(), OPEN_TOKENS_MAX as usize);
    let first = answers.iter().position(|answer| kept(&answer)).unwrap();
    let first = token(Purpose::PasswordReset, u8::try_from(first).unwrap());
    let later = insert(100, Timestamp(NOW.0 + 1_000)).await;
    assert_eq!(later, Insertion::Kept, "the others have expired");
    assert_eq!(store.consume(first.digest, NOW).await.unwrap(), None);
    assert!(store.consume(token(Purpose::PasswordReset, 100).digest, NOW).await.unwrap().is_some());
}

async fn expired_token_is_gone(database: Database) {
    let store = SqlOneTimeTokens::new(database);
    let issued = token(Purpose::PasswordReset, 1);
    store.insert(issued.digest, issued.record.clone(), NOW).await.unwrap();
    assert_eq!(store.consume(issued.digest, issued.record.expires_at).await.unwrap(), None);
    assert_eq!(
        store.consume(issued.digest, NOW).await.unwrap(),
        None,
        "a clock that goes back opens nothing"
    );
}

async fn asvs_v6_5_1_one_of_many_uses_a_step(database: Database) {
    let store = SqlTotpSteps::new(database);
    for step in [100, 101] {
        let answers = race(20, |_| {
            let store = store.clone();
            async move { store.accept(account(1), TotpStep(step)).await.unwrap() }
        });
        let accepted = answers.await.into_iter().filter(|answer| *answer == StepAcceptance::Accepted).count();
        assert_eq!(accepted, 1, "step {step}");
    }
}

async fn steps_move_forward_only(database: Database) {
    let store = SqlTotpSteps::new(database);
    let accept = async |owner, step| store.accept(account(owner), TotpStep(step)).await.unwrap();
    assert_eq!(accept(1, 100).await, StepAcceptance::Accepted);
    assert_eq!(accept(1, 99).await, StepAcceptance::Replayed);
    assert_eq!(accept(2, 99).await, StepAcceptance::Accepted, "another's");
    assert_eq!(accept(1, 100).await, StepAcceptance::Replayed);
    assert_eq!(accept(1, 101).await, StepAcceptance::Accepted);
}

async fn one_of_many_takes_a_recovery_code(database: Database) {
    let store = SqlRecoveryCodes::new(database);
    let (set, strangers) = (codes(1, 7), codes(2, 7));
    store.replace(account(1), set).await.unwrap();
    store.replace(account(2), strangers).await.unwrap();
    let answers = race(12, |_| {
        let store = store.clone();
        async move { store.consume(account(1), codes(1, 7)[3]).await.unwrap() }
    });
    assert_eq!(answers.await.into_iter().flatten().collect::<Vec<_>>(), [9]);
    // All others at once: each is told another number.
    let answers = race(RECOVERY_CODES, |index| {
        let store = store.clone();
        async move { store.consume(account(1), codes(1, 7)[index]).await.unwrap() }
    });
    let mut left: Vec<_> = answers.await.into_iter().flatten().collect();
    left.sort_unstable();
    assert_eq!(left, (0..=8).collect::<Vec<_>>());
    assert_eq!(store.consume(account(1), strangers[0]).await.unwrap(), None);
}

async fn asvs_v6_5_6_new_set_replaces_the_old(database: Database) {
    let store = SqlRecoveryCodes::new(database);
    let (old, new) = (codes(1, 1), codes(1, 2));
    store.replace(account(1), old).await.unwrap();
    store.replace(account(1), new).await.unwrap();
    assert_eq!(store.consume(account(1), old[0]).await.unwrap(), None);
    assert_eq!(store.consume(account(1), new[0]).await.unwrap(), Some(9));
    // A set with a code twice breaks off in the middle.
    let mut broken = codes(1, 3);
    broken[9] = broken[0];
    store.replace(account(1), broken).await.unwrap_err();
    assert_eq!(store.consume(account(1), new[1]).await.unwrap(), Some(8), "the set before it is whole");
    assert_eq!(store.consume(account(1), broken[0]).await.unwrap(), None);
}
