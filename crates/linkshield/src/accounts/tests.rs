//! Accounts over a real SQLite file, with letters in files.

use std::{fs, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use shield_data::Statement;
use shield_guard::{
    limit::DeviceDigest, revocation::RevocationReason, session::SessionSecret, token::RefreshLife,
};
use shield_types::Secret;
use tokio::time::{Instant, sleep};

use super::*;
use crate::{
    authenticator::code_of,
    gate::{CountStanding, Gate, GateTasks},
    opened::{UNLIMITED, open_accounts, open_gate},
    scratch::ScratchDirectory,
    store::{Account, AccountStatus, Profile, StandingChange, Store},
};

pub(super) const PASSWORD: &str = "wombat seventy";
pub(super) const OTHER_PASSWORD: &str = "giraffe ninety-one";
pub(super) const BY_OWNER: RevocationReason = RevocationReason::EndedByOwner;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct World {
    pub(super) accounts: Accounts,
    gate: Arc<Gate<Accounts>>,
    _tasks: GateTasks,
    pub(super) store: Store,
    directory: Arc<ScratchDirectory>,
}

impl World {
    pub(super) async fn begin() -> Self {
        let directory = Arc::new(ScratchDirectory::new());
        let store = Store::open(directory.path()).await.unwrap();
        Self::over(store, directory).await
    }

    async fn over(store: Store, directory: Arc<ScratchDirectory>) -> Self {
        let accounts = open_accounts(&store, &directory).await;
        let (gate, _tasks) = open_gate(&accounts, &directory, UNLIMITED).await;
        Self { accounts, gate, _tasks, store, directory }
    }

    /// Another process on the same file.
    pub(super) async fn elsewhere(&self) -> Self {
        Self::over(self.store.clone(), Arc::clone(&self.directory)).await
    }

    /// The token in the newest letter with this subject, once it is there.
    pub(super) async fn token(&self, subject: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut letters: Vec<PathBuf> = fs::read_dir(self.directory.path().join("mail"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
                .collect();
            letters.sort();
            let texts = letters.iter().rev().map(|path| fs::read_to_string(path).unwrap());
            let letter = texts.into_iter().find(|text| text.contains(subject));
            if let Some(token) = letter.and_then(|text| token_in(&text)) {
                return token;
            }
            assert!(Instant::now() < deadline, "waited in vain for a letter `{subject}`");
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn register(&self, email: &str) -> Account {
        let profile = Profile::default();
        self.accounts
            .register(Register { email: address(email), password: secret(PASSWORD), profile })
            .await
            .unwrap()
    }

    pub(super) async fn verified(&self, email: &str) -> Account {
        self.register(email).await;
        let token = self.token("Confirm your e-mail address").await;
        self.accounts.verify_email(&token).await.unwrap()
    }

    pub(super) async fn log_in(&self, email: &str, password: &str) -> Result<Granted, LoginError> {
        self.log_in_as(login(email, password)).await
    }

    pub(super) async fn log_in_as(&self, login: Login) -> Result<Granted, LoginError> {
        self.accounts.log_in(login).await.map_err(|refused| refused.error)
    }

    /// Whether the gate lets this credential in, once it has read what was taken back.
    async fn admits(&self, name: HeaderName, value: &str) -> bool {
        self.gate.settle().await;
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]);
        self.gate.whom(&headers, client().address).await.unwrap().is_some()
    }

    async fn admits_token(&self, token: &str) -> bool {
        self.admits(header::AUTHORIZATION, &format!("Bearer {token}")).await
    }

    async fn admits_secret(&self, secret: &SessionSecret) -> bool {
        self.admits(header::COOKIE, &format!("__Host-session={}", secret.text().expose())).await
    }

    pub(super) async fn admits_key(&self, key: &str) -> bool {
        self.admits(HeaderName::from_static("x-api-key"), key).await
    }

    /// Whether the gate takes this access token for an administrator's.
    pub(super) async fn token_administers(&self, token: &str) -> bool {
        self.gate.settle().await;
        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        let principal = self.gate.whom(&headers, client().address).await.unwrap().unwrap();
        principal.scopes.contains(self.accounts.keys().scopes().scope(scopes::ADMIN).unwrap())
    }

    pub(super) async fn administers(&self, granted: &Granted) -> bool {
        self.token_administers(granted.access.text.expose()).await
    }

    pub(super) async fn knows(&self, granted: &Granted) -> bool {
        let by_token = self.admits_token(granted.access.text.expose()).await;
        let by_cookie = self.admits_secret(&granted.secret).await;
        assert_eq!(by_token, by_cookie, "token and cookie live and die together");
        by_token
    }
}

fn token_in(letter: &str) -> Option<String> {
    letter.lines().find(|line| line.len() == 43 && !line.contains(' ')).map(str::to_owned)
}

pub(super) fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

pub(super) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(super) fn client() -> Client {
    Client { address: IpAddr::from([192, 0, 2, 1]), user_agent: "test".to_owned(), device: String::new() }
}

pub(super) fn login(email: &str, password: &str) -> Login {
    Login {
        email: address(email),
        password: secret(password),
        code: None,
        life: RefreshLife::Day,
        client: client(),
        device: Device::Fresh(DeviceDigest([1; 32])),
        replaces: None,
    }
}

#[tokio::test]
async fn registers_verifies_and_logs_in() {
    let world = World::begin().await;
    let account = world.register("Ada@Example.org").await;
    assert_eq!(account.status, AccountStatus::PendingVerification);
    let early = world.log_in("ada@example.org", PASSWORD).await;
    assert!(matches!(early, Err(LoginError::NotVerified)), "{early:?}");
    let token = world.token("Confirm your e-mail address").await;
    assert_eq!(world.accounts.verify_email(&token).await.unwrap().status, AccountStatus::Active);
    let again = world.accounts.verify_email(&token).await;
    assert!(matches!(again, Err(VerifyEmailError::NotOpen)), "{again:?}");
    let granted = world.log_in("ADA@EXAMPLE.ORG", PASSWORD).await.unwrap();
    assert!(world.knows(&granted).await);
    assert_eq!(granted.account.id, account.id);
}

#[tokio::test]
async fn one_account_per_address_and_no_weak_password() {
    let world = World::begin().await;
    world.register("ada@example.org").await;
    let register = |email: &str, password: &str| {
        let profile = Profile::default();
        world.accounts.register(Register { email: address(email), password: secret(password), profile })
    };
    let second = register("ADA@example.org", PASSWORD).await;
    assert!(matches!(second, Err(RegisterError::Taken)), "{second:?}");
    for weak in ["short", "Password1!", "longstocking 1"] {
        let refused = register("jane.longstocking@example.org", weak).await;
        assert!(matches!(refused, Err(RegisterError::Password(_))), "{weak}: {refused:?}");
    }
}

#[tokio::test]
async fn asvs_v6_3_8_absent_account_looks_like_a_wrong_password() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let wrong = world.log_in("ada@example.org", OTHER_PASSWORD).await.unwrap_err();
    let absent = world.log_in("eve@example.org", OTHER_PASSWORD).await.unwrap_err();
    assert_eq!(format!("{wrong:?}"), format!("{absent:?}"));
}

#[tokio::test]
async fn asvs_v6_3_1_guessing_is_throttled_and_logging_in_elsewhere_is_not() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let attempts = join_all((0..8).map(|_| world.log_in("ada@example.org", "wrong"))).await;
    let throttled = attempts.iter().filter(|attempt| matches!(attempt, Err(LoginError::Throttled { .. })));
    assert_eq!(throttled.count(), 3, "five were looked at");
    let right = world.log_in("ada@example.org", PASSWORD).await;
    assert!(
        matches!(right, Err(LoginError::Throttled { by: CountStanding { seconds_left: 1..=900, .. }, .. })),
        "{right:?}"
    );
    let mut elsewhere = login("ada@example.org", PASSWORD);
    elsewhere.client.address = IpAddr::from([198, 51, 100, 7]);
    assert!(world.log_in_as(elsewhere).await.is_ok(), "nobody is locked out by a stranger");
}

#[tokio::test]
async fn asvs_v6_1_1_a_known_device_is_not_hindered_by_its_neighbours() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let own = DeviceDigest([7; 32]);
    let on = |device| Login { device, ..login("ada@example.org", PASSWORD) };
    assert!(world.log_in_as(on(Device::Fresh(own))).await.is_ok());
    for _ in 0..5 {
        let wrong = Login { password: secret("wrong"), ..on(Device::Fresh(DeviceDigest([8; 32]))) };
        assert!(matches!(world.log_in_as(wrong).await, Err(LoginError::Invalid)));
    }
    for stranger in [Device::Fresh(own), Device::Presented(DeviceDigest([9; 32]))] {
        let refused = world.log_in_as(on(stranger)).await;
        assert!(matches!(refused, Err(LoginError::Throttled { .. })), "{refused:?}");
    }
    assert!(world.log_in_as(on(Device::Presented(own))).await.is_ok(), "from the same address");
}

#[tokio::test]
async fn d1_log_out_ends_every_credential_of_the_session() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let other = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert!(world.accounts.end_session(account.id, granted.session.id, BY_OWNER).await.unwrap());
    assert!(!world.knows(&granted).await && world.knows(&other).await);
    let refreshed = world.accounts.refresh(granted.refresh.expose()).await;
    assert!(matches!(refreshed, Err(RefreshFailure::Refused)), "{refreshed:?}");
    assert!(!world.accounts.end_session(account.id, granted.session.id, BY_OWNER).await.unwrap());
    // Another process on the same file says the same.
    let elsewhere = world.elsewhere().await;
    assert!(!elsewhere.knows(&granted).await && elsewhere.knows(&other).await);
}

#[tokio::test]
async fn d7_keys_are_made_kept_and_rotated() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let now = crate::clock::now();
    let key = granted.access.key_id;
    let announced = world.accounts.keys().rotate(now).await.unwrap();
    assert_ne!(announced, key);
    assert!(world.knows(&granted).await, "what the older key signed stays good");
    let elsewhere = world.elsewhere().await;
    assert_eq!(elsewhere.accounts.keys().records().len(), 2);
    world.accounts.kill_signing_key(key).await.unwrap();
    let token = granted.access.text.expose();
    assert!(!world.admits_token(token).await, "killed with what it signed");
    assert!(
        !elsewhere.admits_token(token).await,
        "the log says so, whether or not it has looked at the ring since"
    );
    for process in [&elsewhere, &world] {
        let next = process.log_in("ada@example.org", PASSWORD).await.unwrap();
        assert_eq!(next.access.key_id, announced, "whichever process gives the next");
    }
}

#[tokio::test]
async fn d8_what_nobody_was_given_opens_nothing() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert!(!world.admits_secret(&SessionSecret::new([7; 32])).await);
    let token = granted.access.text.expose();
    let last = if token.ends_with('A') { 'Q' } else { 'A' };
    let forged = format!("{}{last}", &token[..token.len() - 1]);
    for text in ["garbage", "", "a.b.c", &token[1..], &forged] {
        assert!(!world.admits_token(text).await, "{text}");
        assert!(matches!(world.accounts.refresh(text).await, Err(RefreshFailure::Refused)));
    }
}

#[tokio::test]
async fn asvs_v10_4_5_reuse_of_a_refresh_token_ends_the_session() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let first = world.accounts.refresh(granted.refresh.expose()).await.unwrap();
    assert_eq!(first.session, granted.session.id);
    let repeated = world.accounts.refresh(granted.refresh.expose()).await.unwrap();
    assert_eq!(repeated.refresh, first.refresh, "a lost answer can be asked for again");
    world.accounts.refresh(first.refresh.expose()).await.unwrap();
    let reused = world.accounts.refresh(granted.refresh.expose()).await;
    assert!(matches!(reused, Err(RefreshFailure::Reused { .. })), "{reused:?}");
    assert!(!world.knows(&granted).await);
}

#[tokio::test]
async fn asvs_v7_4_3_new_password_ends_other_sessions() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let own = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let other = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let change = |current: &str, new: &str| {
        let change = ChangePassword {
            account: own.account.id,
            session: own.session.id,
            current: secret(current),
            new: secret(new),
            address: client().address,
        };
        world.accounts.change_password(change)
    };
    let refused = change("wrong", OTHER_PASSWORD).await;
    assert!(matches!(refused, Err(ChangePasswordError::Current)), "{refused:?}");
    let refused = change(PASSWORD, "Password1!").await;
    assert!(matches!(refused, Err(ChangePasswordError::New(_))), "{refused:?}");
    assert!(world.knows(&other).await);
    change(PASSWORD, OTHER_PASSWORD).await.unwrap();
    assert!(world.knows(&own).await && !world.knows(&other).await);
    assert!(matches!(world.log_in("ada@example.org", PASSWORD).await, Err(LoginError::Invalid)));
    assert!(world.log_in("ada@example.org", OTHER_PASSWORD).await.is_ok());
}

/// The review of issue 4, 7.
#[tokio::test]
async fn asvs_v6_4_3_strangers_can_neither_void_letters_nor_flood_a_mailbox() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    world.accounts.forgot_password(address("ada@example.org"));
    let own = world.token("Choose a new password").await;
    for _ in 0..20 {
        world.accounts.forgot_password(address("ada@example.org"));
    }
    // Errands are run in their order.
    world.register("eve@example.org").await;
    world.accounts.resend_verification(address("eve@example.org"));
    let letters = || {
        let mail = fs::read_dir(world.directory.path().join("mail")).unwrap();
        mail.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect::<Vec<_>>()
    };
    let about = |subject: &str| letters().iter().filter(|letter| letter.contains(subject)).count();
    let deadline = Instant::now() + PATIENCE;
    while about("Confirm your e-mail address") < 3 {
        assert!(Instant::now() < deadline, "waited in vain for the last letter");
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(about("Choose a new password"), 5, "and the others are not sent");
    world.accounts.reset_password(&own, secret(OTHER_PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn reset_works_once_and_ends_every_session() {
    let world = World::begin().await;
    world.verified("lovelace@example.org").await;
    let granted = world.log_in("lovelace@example.org", PASSWORD).await.unwrap();
    world.accounts.forgot_password(address("nobody@example.org"));
    world.accounts.forgot_password(address("Lovelace@example.org"));
    let token = world.token("Choose a new password").await;
    for weak in ["short", "lovelace1!"] {
        let refused = world.accounts.reset_password(&token, secret(weak)).await;
        assert!(matches!(refused, Err(ResetPasswordError::New(_))), "{weak}: {refused:?}");
    }
    let resets =
        join_all((0..4).map(|_| world.accounts.reset_password(&token, secret(OTHER_PASSWORD)))).await;
    assert_eq!(resets.iter().filter(|reset| reset.is_ok()).count(), 1, "{resets:?}");
    assert!(!world.knows(&granted).await);
    assert!(matches!(world.log_in("lovelace@example.org", PASSWORD).await, Err(LoginError::Invalid)));
    assert!(world.log_in("lovelace@example.org", OTHER_PASSWORD).await.is_ok());
    let letters = fs::read_dir(world.directory.path().join("mail")).unwrap();
    let to_nobody = letters.filter(|entry| {
        fs::read_to_string(entry.as_ref().unwrap().path()).unwrap().contains("nobody@example.org")
    });
    assert_eq!(to_nobody.count(), 0);
}

#[tokio::test]
async fn asvs_v7_1_2_sixth_session_ends_the_oldest() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(world.log_in("ada@example.org", PASSWORD).await.unwrap());
    }
    assert!(!world.knows(&sessions[0]).await && world.knows(&sessions[1]).await);
    assert_eq!(world.accounts.sessions(account.id).await.unwrap().len(), 5);
    assert_eq!(
        world.accounts.end_sessions(account.id, Some(sessions[3].session.id), BY_OWNER).await.unwrap().len(),
        4
    );
    assert!(world.knows(&sessions[3]).await && !world.knows(&sessions[5]).await);
}

#[tokio::test]
async fn asvs_v7_4_2_closed_account_has_no_sessions() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let granted = world.log_in("ada@example.org", PASSWORD).await.unwrap();
    let lock = StandingChange { locked: Some(true), ..StandingChange::default() };
    world.store.change_standing(account.id, lock, crate::clock::now()).await.unwrap();
    world.gate.forget(account.id);
    assert!(!world.knows(&granted).await);
    let refreshed = world.accounts.refresh(granted.refresh.expose()).await;
    assert!(matches!(refreshed, Err(RefreshFailure::Refused)), "{refreshed:?}");
    assert!(matches!(world.log_in("ada@example.org", PASSWORD).await, Err(LoginError::Locked)));
    assert!(matches!(world.log_in("ada@example.org", "wrong").await, Err(LoginError::Invalid)));
}

#[tokio::test]
async fn d10_keys_of_another_process_are_known_and_forgotten() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let elsewhere = world.elsewhere().await;
    let watch = KeyWatch::start(elsewhere.accounts.clone());
    let order = KeyOrder { name: "a".to_owned(), permissions: Permissions::URL_CHECK, expires_at: None };
    let made = world.accounts.make_api_key(account.id, order).await.unwrap();
    let key = made.text.expose();
    assert!(world.admits_key(key).await);
    let deadline = Instant::now() + PATIENCE;
    while !elsewhere.admits_key(key).await {
        assert!(Instant::now() < deadline, "waited in vain for the key");
        sleep(Duration::from_millis(5)).await;
    }
    assert!(world.accounts.revoke_api_key(account.id, made.record.id).await.unwrap());
    assert!(!world.admits_key(key).await && !elsewhere.admits_key(key).await, "at once, everywhere");
    assert!(!world.elsewhere().await.admits_key(key).await);
    watch.stop().await;
}

#[tokio::test]
async fn second_factor_is_asked_for_and_works_once() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let setup = world.accounts.begin_totp(account.id).await.unwrap();
    assert!(setup.uri.expose().starts_with("otpauth://totp/LinkShield:ada"), "{:?}", setup.uri.expose());
    assert!(world.log_in("ada@example.org", PASSWORD).await.is_ok(), "not before it is confirmed");
    let step = crate::clock::now().0 / 30_000;
    let code = |step: u64| code_of(setup.secret.expose(), step);
    let wrong = world.accounts.confirm_totp(account.id, "000000x").await;
    assert!(matches!(wrong, Err(SecondFactorError::Code)), "{wrong:?}");
    let recovery = world.accounts.confirm_totp(account.id, &code(step)).await.unwrap();
    assert_eq!(recovery.len(), 10);
    let log_in = async |code: Option<&str>| {
        let code = code.map(str::to_owned);
        world.log_in_as(Login { code, ..login("ada@example.org", PASSWORD) }).await
    };
    let missing = log_in(None).await;
    assert!(matches!(missing, Err(LoginError::SecondFactorMissing)), "{missing:?}");
    for refused in [code(step).as_str(), "123"] {
        let refused = log_in(Some(refused)).await;
        assert!(matches!(refused, Err(LoginError::SecondFactorWrong)), "{refused:?}");
    }
    let session = log_in(Some(&code(step + 1))).await.unwrap().session.id;
    assert!(log_in(Some(recovery[0].expose())).await.is_ok());
    let used = log_in(Some(recovery[0].expose())).await;
    assert!(matches!(used, Err(LoginError::SecondFactorWrong)), "{used:?}");
    assert!(matches!(world.accounts.begin_totp(account.id).await, Err(SecondFactorError::Present)));
    let end = async |password: &str, code: &str| {
        world.accounts.end_totp((account.id, session), secret(password), code).await
    };
    assert!(matches!(end("wrong", recovery[1].expose()).await, Err(SecondFactorError::Password)));
    end(PASSWORD, recovery[1].expose()).await.unwrap();
    assert!(log_in(None).await.is_ok());
}

#[tokio::test]
async fn asvs_v6_3_1_codes_are_not_guessed_from_many_places() {
    let world = World::begin().await;
    let account = world.verified("ada@example.org").await;
    let setup = world.accounts.begin_totp(account.id).await.unwrap();
    let step = crate::clock::now().0 / 30_000;
    world.accounts.confirm_totp(account.id, &code_of(setup.secret.expose(), step)).await.unwrap();
    let mut throttled = 0;
    for number in 0..8 {
        let mut guess = Login { code: Some("x".to_owned()), ..login("ada@example.org", PASSWORD) };
        guess.client.address = IpAddr::from([198, 51, number, 7]);
        match world.log_in_as(guess).await {
            Err(LoginError::Throttled { .. }) => throttled += 1,
            Err(LoginError::SecondFactorWrong) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(throttled, 3, "five were looked at");
}

#[tokio::test]
async fn pruning_spares_what_lives() {
    let world = World::begin().await;
    world.verified("ada@example.org").await;
    let (over, live) = (
        world.log_in("ada@example.org", PASSWORD).await.unwrap(),
        world.log_in("ada@example.org", PASSWORD).await.unwrap(),
    );
    assert_eq!(world.accounts.prune().await.unwrap(), 0);
    let end = Statement::new("UPDATE guard_sessions SET expires_at = 1 WHERE id = $1").with(over.session.id);
    world.store.guard_database().write(end).await.unwrap();
    assert_eq!(world.accounts.prune().await.unwrap(), 1);
    assert!(world.knows(&live).await && !world.admits_secret(&over.secret).await);
}

/// The review of issue 4, 31.
#[tokio::test]
async fn addresses_are_not_squatted_for_ever() {
    let world = World::begin().await;
    let owned = world.verified("eve@example.org").await;
    let squatted = world.register("ada@example.org").await;
    let began = |account: &Account, days: u64| {
        let at = shield_types::Timestamp(crate::clock::now().0 - days * 24 * 60 * 60 * 1_000);
        let begin = Statement::new("UPDATE accounts SET created_at = $2 WHERE id = $1");
        world.store.guard_database().write(begin.with(account.id).with(at))
    };
    began(&squatted, 6).await.unwrap();
    began(&owned, 99).await.unwrap();
    assert_eq!(world.accounts.prune().await.unwrap(), 0);
    began(&squatted, 8).await.unwrap();
    assert_eq!(world.accounts.prune().await.unwrap(), 1);
    assert_eq!(world.accounts.account(owned.id).await.unwrap().id, owned.id);
    assert_ne!(
        world.register("ada@example.org").await.id,
        squatted.id,
        "who owns the address comes after all"
    );
}
