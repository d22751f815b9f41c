//! Accounts for tests inside of this crate.

use shield_guard::token::RotationSchedule;

use super::{Accounts, AccountsParts};
use crate::{
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
