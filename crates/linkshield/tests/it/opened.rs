//! Accounts and a gate for tests, of this crate from inside and from outside.

use std::sync::Arc;

use linkshield::{
    accounts::{Accounts, AccountsParts},
    gate::{self, Gate, GateSettings, GateTasks},
    keys::{MASTER_KEY_FILE, MasterKey},
    mail::{MailDestination, Mailer},
    store::Store,
};
use shield_guard::{csrf::Origins, token::RotationSchedule};
use shield_types::Secret;

use crate::scratch::ScratchDirectory;

/// What the operator limits.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) address: u32,
    pub(crate) anonymous: u32,
    pub(crate) account: u32,
}

/// More than any test asks.
pub(crate) const UNLIMITED: Limits = Limits { address: 1_000_000, anonymous: 1_000_000, account: 1_000 };

/// Accounts over `store`, their letters as files in `mail` of `directory`.
pub(crate) async fn open_accounts(store: &Store, directory: &ScratchDirectory) -> Accounts {
    let from = "linkshield@example.org".parse().unwrap();
    let (mailer, _postman) =
        Mailer::start(&MailDestination::File, directory.path().join("mail"), from).unwrap();
    let master_key = MasterKey::open_or_make(&directory.path().join(MASTER_KEY_FILE)).unwrap();
    let parts = AccountsParts {
        store: store.clone(),
        master_key: &master_key,
        issuer: "linkshield".to_owned(),
        schedule: RotationSchedule::default(),
        mailer,
        breached: None,
    };
    Accounts::open(parts).await.unwrap().0
}

/// A gate in front of them, whose events go to `security-events.jsonl` of `directory`; and the tasks beside it, which end when
/// they are dropped.
pub(crate) async fn open_gate(
    accounts: &Accounts,
    directory: &ScratchDirectory,
    limits: Limits,
) -> (Arc<Gate<Accounts>>, GateTasks) {
    let settings = GateSettings {
        trusted_proxies: Vec::new(),
        origins: Origins::of_host(),
        address_limit: limits.address,
        anonymous_limit: limits.anonymous,
        account_limit: limits.account,
        events: directory.path().join("security-events.jsonl"),
        redis: None,
    };
    gate::open_gate(accounts, settings, &Secret::new([3; 32])).await.unwrap()
}
