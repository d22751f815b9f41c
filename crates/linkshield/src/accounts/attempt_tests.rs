//! What counts as failed, and whom it keeps out: what a hostile user of issue 4 found.

use std::net::IpAddr;

use futures_util::future::join_all;
use shield_guard::{AccountId, limit::DeviceDigest};
use shield_types::Secret;

use super::{
    tests::{PASSWORD, World, address, client, login, secret},
    *,
};
use crate::{
    authenticator::code_of,
    clock::now,
    store::{AccountStatus, StandingChange},
};

const EMAIL: &str = "ada@example.org";
const OWN: DeviceDigest = DeviceDigest([7; 32]);

impl World {
    /// A second factor for the account; its recovery codes.
    async fn app(&self, account: AccountId) -> Vec<Secret<String>> {
        let setup = self.accounts.begin_totp(account).await.unwrap();
        let code = code_of(setup.secret.expose(), now().0 / 30_000);
        self.accounts.confirm_totp(account, &code).await.unwrap()
    }

    /// The right password with this code, on this device, from another network each.
    async fn code(&self, device: Device, code: &str, network: u8) -> Result<Granted, LoginError> {
        let code = Some(code.to_owned());
        let client = Client { address: IpAddr::from([198, 51, network, 7]), ..client() };
        self.log_in_as(Login { code, device, client, ..login(EMAIL, PASSWORD) }).await
    }

    async fn wrong_codes(&self, device: Device, count: u8) {
        for network in 0..count {
            let wrong = self.code(device, "wrong", network).await;
            assert!(matches!(wrong, Err(LoginError::SecondFactorWrong)), "{network}: {wrong:?}");
        }
    }

    async fn end(&self, granted: &Granted, code: &str) -> Result<UsedCode, SecondFactorError> {
        let whose = (granted.account.id, granted.session.id);
        self.accounts.end_totp(whose, secret(PASSWORD), code).await
    }
}

fn status(status: AccountStatus) -> StandingChange {
    StandingChange { status: Some(status), ..StandingChange::default() }
}

fn locked(locked: bool) -> StandingChange {
    StandingChange { locked: Some(locked), ..StandingChange::default() }
}

/// What clients read that the full count is called.
fn count<T>(outcome: &Result<T, LoginError>) -> Option<&'static str> {
    match outcome {
        Err(LoginError::Throttled { by, .. }) => Some(by.name),
        _ => None,
    }
}

fn too_many<T>(outcome: &Result<T, LoginError>, expected: TooMany) -> bool {
    matches!(outcome, Err(LoginError::Throttled { what, .. }) if *what == expected)
}

#[tokio::test]
async fn right_passwords_are_no_failures_whatever_keeps_out() {
    let world = World::begin().await;
    let account = world.register(EMAIL).await;
    for _ in 0..7 {
        let early = world.log_in(EMAIL, PASSWORD).await;
        assert!(matches!(early, Err(LoginError::NotVerified)), "{early:?}");
    }
    world.change_standing(&account, status(AccountStatus::Suspended)).await;
    for _ in 0..7 {
        let closed = world.log_in(EMAIL, PASSWORD).await;
        assert!(matches!(closed, Err(LoginError::Closed)), "{closed:?}");
    }
    world.change_standing(&account, status(AccountStatus::Active)).await;
    world.change_standing(&account, locked(true)).await;
    for _ in 0..7 {
        let locked = world.log_in(EMAIL, PASSWORD).await;
        assert!(matches!(locked, Err(LoginError::Locked)), "{locked:?}");
    }
    world.change_standing(&account, locked(false)).await;
    let recovery = world.app(account.id).await;
    for _ in 0..7 {
        let missing = world.log_in(EMAIL, PASSWORD).await;
        assert!(matches!(missing, Err(LoginError::SecondFactorMissing)), "{missing:?}");
    }
    let code = Some(recovery[0].expose().clone());
    assert!(world.log_in_as(Login { code, ..login(EMAIL, PASSWORD) }).await.is_ok());
}

#[tokio::test]
async fn right_passwords_that_open_nothing_forgive_no_wrong_ones() {
    let world = World::begin().await;
    world.register(EMAIL).await;
    for _ in 0..5 {
        let right = world.log_in(EMAIL, PASSWORD).await;
        assert!(matches!(right, Err(LoginError::NotVerified)), "{right:?}");
        let wrong = world.log_in(EMAIL, "wrong").await;
        assert!(matches!(wrong, Err(LoginError::Invalid)), "{wrong:?}");
    }
    let refused = world.log_in(EMAIL, PASSWORD).await;
    assert!(too_many(&refused, TooMany::Passwords), "{refused:?}");
}

#[tokio::test]
async fn attempts_under_way_are_told_from_failures() {
    let world = World::begin().await;
    world.verified(EMAIL).await;
    let mut under_way = Vec::new();
    for _ in 0..5 {
        under_way.push(world.accounts.count_attempt(&address(EMAIL), client().address).await.unwrap());
    }
    let refused = world.log_in(EMAIL, PASSWORD).await;
    assert!(too_many(&refused, TooMany::InFlight), "{refused:?}");
    let Err(LoginError::Throttled { by: in_the_way, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((in_the_way.name, in_the_way.remaining, in_the_way.seconds_left), ("failed_logins", 0, 1));
    // Another name's, and whoever comes when they turned out wrong.
    assert!(matches!(world.log_in("eve@example.org", PASSWORD).await, Err(LoginError::Invalid)));
    under_way.clear();
    let refused = world.log_in(EMAIL, PASSWORD).await;
    assert!(too_many(&refused, TooMany::Passwords), "{refused:?}");
}

#[tokio::test]
async fn right_passwords_at_once_wait_a_second_at_most() {
    let world = World::begin().await;
    world.verified(EMAIL).await;
    let outcomes = join_all((0..8).map(|_| world.log_in(EMAIL, PASSWORD))).await;
    for outcome in &outcomes {
        assert!(outcome.is_ok() || too_many(outcome, TooMany::InFlight), "{outcome:?}");
    }
    assert!(world.log_in(EMAIL, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn asvs_v6_1_1_who_knows_the_password_keeps_no_owner_from_the_second_factor() {
    let world = World::begin().await;
    let account = world.verified(EMAIL).await;
    let owner = Login { device: Device::Fresh(OWN), ..login(EMAIL, PASSWORD) };
    let session = world.log_in_as(owner).await.unwrap();
    let recovery = world.app(account.id).await;
    let stranger = Device::Fresh(DeviceDigest([8; 32]));
    world.wrong_codes(stranger, 5).await;
    for network in 5..30 {
        let refused = world.code(stranger, recovery[0].expose(), network).await;
        assert!(too_many(&refused, TooMany::Codes), "{network}: {refused:?}");
        assert_eq!(count(&refused), Some("failed_codes"));
    }
    let home = world.code(Device::Presented(OWN), recovery[0].expose(), 77).await;
    assert!(home.is_ok(), "a device known before there was a second factor: {home:?}");
    world.end(&session, recovery[1].expose()).await.expect("a live session has a count of its own");
}

#[tokio::test]
async fn devices_and_sessions_have_a_limit_of_codes_each() {
    let world = World::begin().await;
    let account = world.verified(EMAIL).await;
    let (other, proven) = (DeviceDigest([8; 32]), DeviceDigest([9; 32]));
    for device in [OWN, other] {
        let before = Login { device: Device::Fresh(device), ..login(EMAIL, PASSWORD) };
        world.log_in_as(before).await.unwrap();
    }
    let recovery = world.app(account.id).await;
    let session = world.code(Device::Fresh(proven), recovery[0].expose(), 1).await.unwrap();
    world.wrong_codes(Device::Presented(OWN), 3).await;
    world.wrong_codes(Device::Presented(other), 2).await;
    for device in [OWN, other] {
        let refused = world.code(Device::Presented(device), recovery[1].expose(), 1).await;
        assert!(too_many(&refused, TooMany::Codes), "both gave no right code before: {refused:?}");
    }
    world.wrong_codes(Device::Presented(proven), 5).await;
    let refused = world.code(Device::Presented(proven), recovery[1].expose(), 1).await;
    assert!(too_many(&refused, TooMany::Codes), "{refused:?}");
    let strange = Device::Fresh(DeviceDigest([10; 32]));
    let new = world.code(strange, recovery[1].expose(), 2).await.expect("nobody guessed elsewhere");
    for _ in 0..5 {
        let wrong = world.end(&session, "wrong").await;
        assert!(matches!(wrong, Err(SecondFactorError::Code)), "{wrong:?}");
    }
    let refused = world.end(&session, recovery[2].expose()).await;
    let throttled =
        matches!(refused, Err(SecondFactorError::Throttled { what: TooMany::PasswordsOrCodes, .. }));
    assert!(throttled, "{refused:?}");
    world.end(&new, recovery[2].expose()).await.expect("another session");
}
