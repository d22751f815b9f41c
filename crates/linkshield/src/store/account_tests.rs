//! Accounts against a real SQLite file, and a real PostgreSQL.

use std::net::Ipv4Addr;

use shield_guard::{
    AccountId, SessionId,
    limit::Tier,
    session::{NewSession, SessionLimit, SessionPolicy, SessionRandom, SessionStart},
};
use shield_types::{Secret, Timestamp};

use super::{
    Account, AccountStatus, NewAccount, Profile, ProfileChange, Role, StandingChange, Store, fixture::Fixture,
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const LATER: Timestamp = Timestamp(1_790_000_001_000);

on_both!(
    account_is_read_back,
    address_has_one_account,
    only_its_own_address_verifies,
    rehash_never_undoes_a_new_password,
    profile_changes_where_asked,
    lock_is_kept_and_lifted,
    what_is_abandoned_or_dropped_never_was,
    what_ends_sessions_voids_log_ins_under_way,
    session_comes_with_its_account,
);

fn new_account(number: u8, email_key: &str) -> NewAccount {
    NewAccount {
        id: AccountId::new(NOW, [number; 10]),
        email: email_key.to_uppercase(),
        email_key: email_key.to_owned(),
        profile: Profile { first_name: Some("Ada".to_owned()), ..Profile::default() },
        password: Secret::new("$argon2id$old".to_owned()),
        created_at: NOW,
    }
}

async fn inserted(store: &Store) -> Account {
    store.insert_account(new_account(1, "ada@example.org")).await.unwrap().unwrap()
}

async fn verify_email(store: &Store, id: AccountId, email_key: &str) -> Option<Account> {
    let mut change = store.change_account(id).await.unwrap();
    let verified = change.verify_email(email_key, LATER).await.unwrap();
    change.commit().await.unwrap();
    verified
}

async fn account_is_read_back(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    assert_eq!(account.email, "ADA@EXAMPLE.ORG");
    assert_eq!((account.role, account.status), (Role::User, AccountStatus::PendingVerification));
    assert_eq!((account.plan, account.usable()), (Tier::Free, false));
    assert_eq!(store.find_account(account.id).await.unwrap(), Some(account.clone()));
    assert_eq!(store.find_account_by_email("ada@example.org").await.unwrap(), Some(account));
    assert_eq!(store.find_account_by_email("ADA@EXAMPLE.ORG").await.unwrap(), None);
}

async fn address_has_one_account(fixture: Fixture) {
    let store = &fixture.store;
    let racing = (1..=8).map(|number| store.insert_account(new_account(number, "ada@example.org")));
    let outcomes = futures_util::future::join_all(racing).await;
    assert_eq!(outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_some()).count(), 1);
}

async fn only_its_own_address_verifies(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    assert_eq!(verify_email(store, account.id, "eve@example.org").await, None);
    let verified = verify_email(store, account.id, "ada@example.org").await.unwrap();
    assert_eq!((verified.status, verified.email_verified_at), (AccountStatus::Active, Some(LATER)));
    let suspend = StandingChange { status: Some(AccountStatus::Suspended), ..StandingChange::default() };
    store.change_standing(account.id, suspend, LATER).await.unwrap().unwrap();
    let again = verify_email(store, account.id, "ada@example.org").await.unwrap();
    assert_eq!(again.status, AccountStatus::Suspended, "a link does not undo what an administrator did");
}

async fn rehash_never_undoes_a_new_password(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    let new = Secret::new("$argon2id$new".to_owned());
    let mut change = store.change_account(account.id).await.unwrap();
    assert!(change.set_password(&new, LATER).await.unwrap());
    change.commit().await.unwrap();
    let dearer = Secret::new("$argon2id$dearer".to_owned());
    store.replace_hash(account.id, &account.password, &dearer).await.unwrap();
    assert_eq!(store.find_account(account.id).await.unwrap().unwrap().password, new);
    store.replace_hash(account.id, &new, &dearer).await.unwrap();
    assert_eq!(store.find_account(account.id).await.unwrap().unwrap().password, dearer);
}

async fn profile_changes_where_asked(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    let change = ProfileChange {
        company: Some("Analytical Engines".to_owned()),
        first_name: Some(String::new()),
        marketing_consent: Some(true),
        ..ProfileChange::default()
    };
    let changed = store.change_profile(account.id, change, LATER).await.unwrap().unwrap();
    assert_eq!(changed.profile.first_name, None);
    assert_eq!(changed.profile.company.as_deref(), Some("Analytical Engines"));
    assert!(changed.profile.marketing_consent);
    assert_eq!(changed.updated_at, LATER);
    let nobody = AccountId::new(NOW, [9; 10]);
    assert_eq!(store.change_profile(nobody, ProfileChange::default(), LATER).await.unwrap(), None);
}

async fn lock_is_kept_and_lifted(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    verify_email(store, account.id, "ada@example.org").await.unwrap();
    let change = async |change| store.change_standing(account.id, change, LATER).await.unwrap().unwrap();
    let locked = change(StandingChange { locked: Some(true), ..StandingChange::default() }).await;
    assert_eq!((locked.locked_at, locked.usable()), (Some(LATER), false));
    let promoted = change(StandingChange {
        role: Some(Role::Admin),
        plan: Some(Tier::Business),
        ..StandingChange::default()
    });
    let promoted = promoted.await;
    assert_eq!(
        (promoted.role, promoted.plan, promoted.locked_at),
        (Role::Admin, Tier::Business, Some(LATER))
    );
    let open = change(StandingChange { locked: Some(false), ..StandingChange::default() }).await;
    assert!(open.usable());
}

async fn what_is_abandoned_or_dropped_never_was(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    let other = Secret::new("$argon2id$other".to_owned());
    for abandoned in [true, false] {
        let mut change = store.change_account(account.id).await.unwrap();
        assert!(change.set_password(&other, LATER).await.unwrap());
        assert_eq!(change.account().await.unwrap().unwrap().password, other);
        if abandoned {
            change.abandon().await.unwrap();
        }
        assert_eq!(store.find_account(account.id).await.unwrap().as_ref(), Some(&account));
    }
}

async fn what_ends_sessions_voids_log_ins_under_way(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    let mut change = store.change_account(account.id).await.unwrap();
    change.record_login(LATER).await.unwrap();
    assert_eq!(change.account().await.unwrap().unwrap().generation, account.generation);
    change.void_log_ins().await.unwrap();
    change.set_password(&account.password, LATER).await.unwrap();
    change.change_standing(StandingChange::default(), LATER).await.unwrap();
    change.commit().await.unwrap();
    let changed = store.find_account(account.id).await.unwrap().unwrap();
    assert_eq!(changed.generation, account.generation + 3);
    assert!(store.begin_totp(account.id, vec![1], LATER).await.unwrap());
    let mut change = store.change_account(account.id).await.unwrap();
    assert!(!change.enable_totp(vec![2], LATER).await.unwrap(), "not the one that is being set up");
    assert!(change.enable_totp(vec![1], LATER).await.unwrap());
    change.commit().await.unwrap();
    let enabled = store.find_account(account.id).await.unwrap().unwrap();
    assert_eq!((enabled.generation, enabled.second_factor()), (account.generation + 4, true));
}

async fn session_comes_with_its_account(fixture: Fixture) {
    let store = &fixture.store;
    let account = inserted(store).await;
    let (address, agent) = (Ipv4Addr::new(192, 0, 2, 1).into(), b"curl".as_slice());
    let start = SessionStart { account: account.id, address, user_agent: agent, device: b"phone" };
    let random = SessionRandom { id: [1; 10], secret: [2; 32] };
    let session = NewSession::begin(&start, &SessionPolicy::default(), NOW, random).record;
    assert_eq!(store.session_of_secret(session.digest).await.unwrap(), None);
    let mut change = store.change_account(account.id).await.unwrap();
    let begun = change.begin_session(&session, SessionLimit::USER, None).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!((begun.replaced, begun.displaced), (None, Vec::new()));
    let both = Some((session.clone(), account));
    assert_eq!(store.session_of_secret(session.digest).await.unwrap(), both);
    assert_eq!(store.session_of_id(session.id).await.unwrap(), both);
    assert_eq!(store.session_of_id(SessionId::new(NOW, [9; 10])).await.unwrap(), None);
}
