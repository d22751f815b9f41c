//! What `serve` opens between the database and the port: the master key, accounts, the gate, and the tasks beside them.

use std::{error::Error, process::ExitCode, sync::Arc, time::Duration};

use linkshield::{
    accounts::{Accounts, AccountsParts, KeyWatch, Messenger},
    breached::open_filter,
    gate::{Gate, GateTasks, open_gate},
    keys::{KeyKeeper, KeyPurpose, MasterKey, MasterKeyError},
    mail::{Mailer, Postman},
    settings::Settings,
    store::{Store, may_pass},
};
use shield_guard::token::RotationSchedule;
use tokio::time::timeout;

use crate::{failed, store_hint};

/// How long letters that wait at the end may take.
const LETTERS_TIMEOUT: Duration = Duration::from_secs(10);

/// Accounts, and the gate that checks their credentials.
pub(crate) type Opened = (Accounts, Arc<Gate<Accounts>>);

/// The tasks that work for accounts.
pub(crate) struct Backstage {
    keeper: KeyKeeper,
    watch: KeyWatch,
    gate_tasks: GateTasks,
    messenger: Messenger,
    postman: Postman,
}

/// Opens them, or says what stood in the way.
pub(crate) async fn open_accounts(
    store: &Store,
    settings: &Settings,
) -> Result<(Opened, Backstage), ExitCode> {
    let master_key = open_master_key(store, settings).await?;
    let letters = settings.data.join("mail");
    let (mailer, postman) = Mailer::start(&settings.mail, letters, settings.mail_from.clone())
        .map_err(|error| failed(&error, "`--mail` (LINKSHIELD_MAIL) chooses another way"))?;
    let breached_hint = "`linkshield breached-passwords LIST --output FILE` makes such a file";
    let breached = settings.breached_passwords.as_deref().map(open_filter).transpose();
    let breached = breached.map_err(|error| failed(&error, breached_hint))?;
    let parts = AccountsParts {
        store: store.clone(),
        master_key: &master_key,
        issuer: settings.issuer.clone(),
        schedule: RotationSchedule::default(),
        mailer,
        breached,
    };
    let data_hint = "the database and the master key must be of one installation";
    let opened = Accounts::open(parts).await;
    let (accounts, messenger) = opened.map_err(|error| failed(&error, hint(&error, data_hint)))?;
    let keeper = KeyKeeper::start(accounts.keys().clone());
    let watch = KeyWatch::start(accounts.clone());
    let csrf_key = master_key.derive(KeyPurpose::Csrf);
    let gate_hint = "`--events FILE` (LINKSHIELD_EVENTS) chooses another file";
    let opened = open_gate(&accounts, settings.gate.clone(), &csrf_key).await;
    let (gate, gate_tasks) = opened.map_err(|error| failed(&error, hint(&error, gate_hint)))?;
    Ok(((accounts, gate), Backstage { keeper, watch, gate_tasks, messenger, postman }))
}

/// A database that was used before has a key: another one in its place would only hide that it is lost.
async fn open_master_key(store: &Store, settings: &Settings) -> Result<MasterKey, ExitCode> {
    let sealed = store.patiently(async || store.sealed().await).await;
    let sealed = sealed.map_err(|error| failed(&error, store_hint(&settings.database)))?;
    let file = &settings.master_key;
    let opened = if sealed { MasterKey::open(file) } else { MasterKey::open_or_make(file) };
    opened.map_err(|error| failed(&error, key_hint(&error)))
}

/// What was asked in vain for as long as a start may take is no matter of keys.
fn hint(error: &(dyn Error + 'static), otherwise: &'static str) -> &'static str {
    match may_pass(error) {
        true => "the database is overloaded, or waits for a lock: start again once it answers",
        false => otherwise,
    }
}

fn key_hint(error: &MasterKeyError) -> &'static str {
    match error {
        MasterKeyError::Missing { .. } => {
            "put it back from your copy, or name it with `--master-key FILE` (LINKSHIELD_MASTER_KEY); without it neither signing \
             keys nor second factors of this database can be opened, and no other key is made in its place"
        }
        _ => "`--master-key FILE` (LINKSHIELD_MASTER_KEY) chooses another file",
    }
}

// === impl Backstage ===

impl Backstage {
    /// When nobody uses the accounts any more: what was asked for is still done, within a bound.
    pub(crate) async fn finish(self) {
        self.keeper.stop().await;
        self.watch.stop().await;
        self.gate_tasks.finish().await;
        let letters = async {
            self.messenger.finish().await;
            self.postman.finish().await;
        };
        if timeout(LETTERS_TIMEOUT, letters).await.is_err() {
            tracing::error!("letters were cut: the mail server did not take them in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use shield_data::SqlError;

    use super::*;

    #[test]
    fn late_database_is_no_matter_of_keys() {
        let late = SqlError::Late { deadline: Duration::from_secs(2) };
        assert!(hint(&late, "keys").starts_with("the database is overloaded"));
        assert_eq!(hint(&SqlError::Damaged { column: "id", expected: "a number" }, "keys"), "keys");
    }
}
