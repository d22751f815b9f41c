//! What changes together, and what a change does to whatever was under way.

use shield_data::Statement;
use shield_guard::{AccountId, limit::DeviceDigest, revocation::RevocationReason, token::RefreshLife};

use super::{
    grant::RightLogin,
    tests::{BY_OWNER, OTHER_PASSWORD, PASSWORD, World, address, client, login, secret},
    *,
};
use crate::{
    authenticator::code_of,
    clock::now,
    store::{Account, AccountStatus, Role, StandingChange},
};

impl World {
    async fn execute(&self, text: &'static str) {
        self.store.guard_database().write(Statement::new(text)).await.unwrap();
    }

    async fn number(&self, text: &'static str) -> i64 {
        let row = self.store.guard_database().read_one(Statement::new(text)).await.unwrap().unwrap();
        row.get("number").unwrap()
    }

    async fn allow(&self) {
        self.execute("DROP TRIGGER refuse").await;
    }

    /// A log-in whose password was looked at when the account was like this.
    async fn grant(&self, seen: &Account) -> Result<Granted, LoginError> {
        let counted = self.accounts.count_attempt(&address("ada@example.org"), client().address).await?;
        let (account, client) = (seen.clone(), client());
        let (life, counted, client) = (RefreshLife::Day, &counted, &client);
        let login = RightLogin { account, counted, client, life, replaces: None };
        let factors = shield_guard::event::LoginFactors::Password;
        self.accounts.grant(login, Proof { factors, recovery_codes_left: None }).await
    }

    /// An account of somebody else, without a letter.
    async fn opened(&self, email: &str) -> Account {
        let account = self.register(email).await;
        self.change_standing(&account, status(AccountStatus::Active)).await.account
    }

    pub(super) async fn change_standing(&self, account: &Account, change: StandingChange) -> StandingChanged {
        let by = Administrator { account: AccountId::from_uuid(uuid::Uuid::nil()), role: Role::SuperAdmin };
        self.accounts.change_standing(by, account.id, change).await.unwrap()
    }
}

const REFUSE_END_OF_SESSIONS: &str =
    "CREATE TRIGGER refuse BEFORE DELETE ON guard_sessions BEGIN SELECT RAISE(ABORT, 'no'); END";
const REFUSE_CHANGE_OF_ACCOUNTS: &str =
    "CREATE TRIGGER refuse BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'no'); END";
const REFUSE_USE_OF_SESSIONS: &str =
    "CREATE TRIGGER refuse BEFORE UPDATE ON guard_sessions BEGIN SELECT RAISE(ABORT, 'no'); END";
const REFUSE_RECOVERY_CODES: &str =
    "CREATE TRIGGER refuse BEFORE INSERT ON guard_recovery_codes BEGIN SELECT RAISE(ABORT, 'no'); END";

fn status(status: AccountStatus) -> StandingChange {
    StandingChange { status: Some(status), ..StandingChange::default() }
}

fn change_password(own: &Granted, current: &str, new: &str) -> ChangePassword {
    ChangePassword {
        account: own.account.id,
        session: own.session.id,
        current: secret(current),
        new: secret(new),
        address: client().address,
    }
}

#[tokio::test]
async fn password_and_sessions_change_together_or_not_at_all() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let own = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let other = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    world.execute(REFUSE_END_OF_SESSIONS).await;
    let change = || world.accounts.change_password(change_password(&own, PASSWORD, OTHER_PASSWORD));
    let failed = change().await;
    assert!(matches!(failed, Err(ChangePasswordError::Failed(_))), "{failed:?}");
    assert!(world.knows(&other).await);
    world.allow().await;
    assert_eq!(change().await.unwrap(), [other.session.id], "the old password is the password still");
    assert!(world.knows(&own).await && !world.knows(&other).await);
}

#[tokio::test]
async fn failed_reset_changes_nothing_and_spends_nothing() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let thief = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    world.accounts.forgot_password(address("ada@example.org"));
    let token = world.token("Choose a new password").await;
    world.execute(REFUSE_END_OF_SESSIONS).await;
    let failed = world.accounts.reset_password(&token, secret(OTHER_PASSWORD)).await;
    assert!(matches!(failed, Err(ResetPasswordError::Failed(_))), "{failed:?}");
    world.allow().await;
    assert!(world.log_in("ada@example.org", PASSWORD).await.is_ok(), "it is as it was");
    let reset = world.accounts.reset_password(&token, secret(OTHER_PASSWORD)).await.unwrap();
    assert!(reset.ended.contains(&thief.session.id));
    assert!(!world.knows(&thief).await);
}

#[tokio::test]
async fn failed_verification_spends_nothing() {
    let world = World::begin().await;
    world.register("ada@example.org").await;
    let token = world.token("Confirm your e-mail address").await;
    world.execute(REFUSE_CHANGE_OF_ACCOUNTS).await;
    let failed = world.accounts.verify_email(&token).await;
    assert!(matches!(failed, Err(VerifyEmailError::Failed(_))), "{failed:?}");
    world.allow().await;
    assert_eq!(world.accounts.verify_email(&token).await.unwrap().status, AccountStatus::Active);
}

#[tokio::test]
async fn app_and_recovery_codes_come_together_or_not_at_all() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let setup = world.accounts.begin_totp(account.id).await.unwrap();
    let step = now().0 / 30_000;
    let code = |step: u64| code_of(setup.secret.expose(), step);
    let confirm = async |step| world.accounts.confirm_totp(account.id, &code(step)).await;
    for (refuse, step) in [(REFUSE_CHANGE_OF_ACCOUNTS, step - 1), (REFUSE_RECOVERY_CODES, step)] {
        world.execute(refuse).await;
        let failed = confirm(step).await;
        assert!(matches!(failed, Err(SecondFactorError::Failed(_))), "{failed:?}");
        world.allow().await;
        assert_eq!(world.number("SELECT count(*) AS number FROM guard_recovery_codes").await, 0);
        assert!(world.log_in("ada@example.org", PASSWORD).await.is_ok(), "no code is asked for");
    }
    assert_eq!(confirm(step + 1).await.unwrap().len(), 10);
}

#[tokio::test]
async fn asvs_v7_4_2_and_7_4_3_log_in_under_way_loses_against_what_ends_sessions() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let seen = || async { world.store.find_account(account.id).await.unwrap().unwrap() };
    let before = seen().await;
    let own = world.grant(&before).await.unwrap();
    world.accounts.end_sessions(account.id, None, BY_OWNER).await.unwrap();
    let outlived = world.grant(&before).await;
    assert!(matches!(outlived, Err(LoginError::Invalid)), "log out everywhere: {outlived:?}");

    let before = seen().await;
    world.accounts.change_password(change_password(&own, PASSWORD, OTHER_PASSWORD)).await.unwrap();
    let outlived = world.grant(&before).await;
    assert!(matches!(outlived, Err(LoginError::Invalid)), "a new password: {outlived:?}");

    let before = seen().await;
    world.accounts.forgot_password(address("ada@example.org"));
    let token = world.token("Choose a new password").await;
    world.accounts.reset_password(&token, secret(PASSWORD)).await.unwrap();
    let outlived = world.grant(&before).await;
    assert!(matches!(outlived, Err(LoginError::Invalid)), "a reset: {outlived:?}");

    let before = seen().await;
    world.change_standing(&account, status(AccountStatus::Suspended)).await;
    let outlived = world.grant(&before).await;
    assert!(matches!(outlived, Err(LoginError::Closed)), "a suspension: {outlived:?}");
    world.change_standing(&account, status(AccountStatus::Active)).await;
    let outlived = world.grant(&before).await;
    assert!(matches!(outlived, Err(LoginError::Invalid)), "even when it was lifted: {outlived:?}");
    assert!(world.accounts.sessions(account.id).await.unwrap().is_empty());
    assert!(world.grant(&seen().await).await.is_ok());
}

#[tokio::test]
async fn new_password_loses_against_a_newer_one() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let own = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let new = |new| world.accounts.change_password(change_password(&own, PASSWORD, new));
    let (one, other) = tokio::join!(new(OTHER_PASSWORD), new("walrus thirty-eight"));
    let outcomes = [one, other];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn asvs_v7_4_2_suspension_counts_at_once_everywhere_and_so_does_its_end() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let order = KeyOrder { name: "a".to_owned(), permissions: Permissions::URL_CHECK, expires_at: None };
    let made = world.accounts.make_api_key(account.id, order).await.unwrap();
    let key = made.text.expose();
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let elsewhere = world.elsewhere().await;
    assert!(elsewhere.admits_key(key).await && elsewhere.knows(&granted).await);
    let changed = world.change_standing(&account, status(AccountStatus::Suspended)).await;
    assert_eq!(changed.ended, [granted.session.id]);
    assert!(!elsewhere.admits_key(key).await && !elsewhere.knows(&granted).await);
    world.change_standing(&account, status(AccountStatus::Active)).await;
    assert!(elsewhere.admits_key(key).await, "keys are good again");
    assert!(!elsewhere.knows(&granted).await, "sessions are not");
    let again = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert!(elsewhere.knows(&again).await);
}

/// Found by a hostile user: other processes went on with what they had last heard of the account.
#[tokio::test]
async fn promotion_counts_at_once_everywhere() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let before = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let elsewhere = world.elsewhere().await;
    assert!(!elsewhere.administers(&before).await);
    promote(&world.store, &address("ada@example.org")).await.unwrap().unwrap();
    let after = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert!(elsewhere.administers(&after).await);
    assert!(elsewhere.knows(&before).await, "nobody is logged out");
    assert!(!elsewhere.administers(&before).await, "a token is good for what it says");
    let refreshed = world.accounts.refresh(before.refresh.expose()).await.unwrap();
    assert!(elsewhere.token_administers(refreshed.access.text.expose()).await);
}

#[tokio::test]
async fn attempt_without_a_verdict_is_given_back() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let own = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    world.execute("UPDATE accounts SET password = 'no hash'").await;
    for _ in 0..8 {
        let failed = world.log_in("ada@example.org", PASSWORD).await;
        assert!(matches!(failed, Err(LoginError::Failed(_))), "{failed:?}");
        let failed = world.accounts.change_password(change_password(&own, PASSWORD, OTHER_PASSWORD)).await;
        assert!(matches!(failed, Err(ChangePasswordError::Failed(_))), "{failed:?}");
    }
    let hash = Statement::new("UPDATE accounts SET password = $1").with(account.password.expose().clone());
    world.store.guard_database().write(hash).await.unwrap();
    assert!(world.log_in("ada@example.org", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn overload_is_told_before_anything_is_counted() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let own = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let mut waiting: Vec<_> =
        (0..200).map(|_| Box::pin(world.accounts.inner.hashing.hash(secret(PASSWORD)))).collect();
    waiting.retain_mut(|hash| futures_util::FutureExt::now_or_never(hash).is_none());
    let busy = world.accounts.change_password(change_password(&own, PASSWORD, OTHER_PASSWORD)).await;
    let refused =
        matches!(busy, Err(ChangePasswordError::Failed(Failure::Hashing(HashingError::Busy { .. }))));
    assert!(refused, "{busy:?}");
    assert_eq!(world.number("SELECT sum(failures) AS number FROM guard_login_failures").await, 0);
}

#[tokio::test]
async fn refresh_that_fails_leaves_the_token_unused() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let refresh = || world.accounts.refresh(granted.refresh.expose());
    world.execute("ALTER TABLE accounts RENAME TO gone").await;
    let failed = refresh().await;
    assert!(matches!(failed, Err(RefreshFailure::Failed(_))), "{failed:?}");
    assert_eq!(world.number("SELECT max(revision) AS number FROM guard_refresh_families").await, 1);
    world.execute("ALTER TABLE gone RENAME TO accounts").await;
    world.execute(REFUSE_USE_OF_SESSIONS).await;
    let first = refresh().await.expect("what is only a note does not fail it");
    world.allow().await;
    assert_eq!(first.session, granted.session.id);
    assert!(world.accounts.refresh(first.refresh.expose()).await.is_ok());
}

#[tokio::test]
async fn who_got_no_answer_in_an_outage_comes_back_for_it() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let first = world.accounts.refresh(granted.refresh.expose()).await.unwrap();
    // The answer was lost; the database was away after that, and half a minute passed.
    world.execute("UPDATE guard_refresh_families SET rotated_at = rotated_at - 30000").await;
    world.execute("ALTER TABLE accounts RENAME TO gone").await;
    assert!(world.accounts.refresh(granted.refresh.expose()).await.is_err());
    world.execute("ALTER TABLE gone RENAME TO accounts").await;
    let repeated = world.accounts.refresh(granted.refresh.expose()).await.unwrap();
    assert_eq!(repeated.refresh, first.refresh);
    assert!(world.knows(&granted).await);
}

#[tokio::test]
async fn asvs_v7_2_4_log_in_takes_the_place_of_the_session_it_came_with() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    world.opened("eve@example.org").await;
    let old = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert_eq!(old.replaced, None);
    let with_cookie = |email| Login { replaces: Some(old.secret.digest()), ..login(email, PASSWORD) };
    let eve = world.log_in_as(with_cookie("eve@example.org")).await.unwrap();
    assert_eq!(eve.replaced, None, "another's session is nobody's to end");
    assert!(world.knows(&old).await);
    let new = world.log_in_as(with_cookie("ada@example.org")).await.unwrap();
    assert_eq!((new.replaced, new.displaced.as_slice()), (Some(old.session.id), [].as_slice()));
    assert!(!world.knows(&old).await && world.knows(&new).await);
    let again = world.log_in_as(with_cookie("ada@example.org")).await.unwrap();
    assert_eq!(again.replaced, None, "it is over");
    assert_eq!(world.accounts.sessions(new.account.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn reset_makes_known_devices_strangers() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let thiefs = DeviceDigest([7; 32]);
    let on = |device, password| Login { device, ..login("ada@example.org", password) };
    assert!(world.log_in_as(on(Device::Fresh(thiefs), PASSWORD)).await.is_ok());
    world.accounts.forgot_password(address("ada@example.org"));
    let token = world.token("Choose a new password").await;
    world.accounts.reset_password(&token, secret(OTHER_PASSWORD)).await.unwrap();
    for _ in 0..5 {
        let wrong = world.log_in_as(on(Device::Fresh(DeviceDigest([8; 32])), "wrong")).await;
        assert!(matches!(wrong, Err(LoginError::Invalid)), "{wrong:?}");
    }
    let refused = world.log_in_as(on(Device::Presented(thiefs), PASSWORD)).await;
    assert!(matches!(refused, Err(LoginError::Throttled { .. })), "it has no count of its own: {refused:?}");
}

#[tokio::test]
async fn log_ins_of_one_account_are_bounded() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let other = world.opened("eve@example.org").await;
    for number in 0..30 {
        let granted = world.grant(&account).await;
        assert!(granted.is_ok(), "{number}: {granted:?}");
    }
    for _ in 0..7 {
        let refused = world.log_in("ada@example.org", PASSWORD).await;
        let Err(LoginError::Throttled { by, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((by.name, by.units, by.remaining), ("logins", 30, 0));
        assert!((1..=900).contains(&by.seconds_left) && by.full_at > now(), "{by:?}");
    }
    assert!(world.log_in(&other.email, PASSWORD).await.is_ok());
    let entries = "SELECT count(*) AS number FROM guard_revocations";
    assert_eq!(world.number(entries).await, 26, "one for each beyond five, and one for a changed standing");
    world.execute("UPDATE guard_refresh_families SET began_at = began_at - 900000").await;
    assert!(world.log_in("ada@example.org", PASSWORD).await.is_ok(), "a quarter of an hour later");
    let reason = RevocationReason::Administrator;
    assert_eq!(world.accounts.end_sessions(account.id, None, reason).await.unwrap().len(), 5);
}
