//! Accounts for tests inside of this crate.

use std::sync::Arc;

use shield_guard::{csrf::Origins, token::RotationSchedule};
use shield_types::Secret;

use super::{Accounts, AccountsParts};
use crate::{
    gate::{self, Gate, GateSettings},
    keys::{MASTER_KEY_FILE, MasterKey},
    mail::{MailDestination, Mailer},
    scratch::ScratchDirectory,
    store::Store,
};

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
    };
    Accounts::open(parts).await.unwrap().0
}

/// A gate in front of them that limits nobody.
pub(crate) async fn open_gate(accounts: &Accounts, directory: &ScratchDirectory) -> Arc<Gate<Accounts>> {
    let settings = GateSettings {
        trusted_proxies: Vec::new(),
        origins: Origins::of_host(),
        address_limit: 1_000_000,
        anonymous_limit: 1_000_000,
        account_limit: 1_000,
        events: directory.path().join("security-events.jsonl"),
        redis: None,
    };
    gate::open_gate(accounts, settings, &Secret::new([3; 32])).await.unwrap().0
}
