//! The account and the database that the commands on the machine itself are about: whoever can open the database may do it.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use linkshield::{
    accounts::EmailAddress,
    store::{DATABASE_FILE, Store, StorePlace},
};
use tokio::runtime::Builder;

use crate::{EXIT_SETTINGS, failed, store_hint};

/// No account has this address.
const EXIT_UNKNOWN: u8 = 5;

/// Which account, and in which database.
#[derive(Debug, Args)]
pub(crate) struct AccountPlace {
    /// Address of the account; it has to be registered.
    email: String,
    /// Directory of the database, as for `serve`, which may run meanwhile.
    #[arg(long, value_name = "DIR", env = "LINKSHIELD_DATA", default_value = "linkshield-data")]
    pub(crate) data: PathBuf,
    /// The database, as for `serve`.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "LINKSHIELD_DATABASE",
        default_value = "sqlite",
        hide_env_values = true
    )]
    database: String,
}

// === impl AccountPlace ===

impl AccountPlace {
    /// Opens the database for `work`, and closes it afterwards. Nothing is made where there is none.
    pub(crate) fn open(&self, work: impl AsyncFnOnce(&Store, &EmailAddress) -> ExitCode) -> ExitCode {
        let email: EmailAddress = match self.email.parse() {
            Ok(email) => email,
            Err(error) => {
                eprintln!("error: `{}` {error}", self.email);
                return ExitCode::from(EXIT_SETTINGS);
            }
        };
        let place: StorePlace = match self.database.parse() {
            Ok(place) => place,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(EXIT_SETTINGS);
            }
        };
        let file = self.data.join(DATABASE_FILE);
        if place == StorePlace::File && !file.exists() {
            eprintln!("error: there is no database `{}`", file.display());
            eprintln!("  hint: `--data DIR` (LINKSHIELD_DATA) names the directory that `serve` uses");
            return ExitCode::from(EXIT_SETTINGS);
        }
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&error, "the system gave no timers to the process"),
        };
        runtime.block_on(async {
            let store = match place.open(&self.data).await {
                Ok(store) => store,
                Err(error) => return failed(&error, store_hint(&place)),
            };
            let code = work(&store, &email).await;
            store.close().await;
            code
        })
    }
}

/// Says that no account has this address.
pub(crate) fn not_registered(email: &EmailAddress) -> ExitCode {
    eprintln!("error: no account has the address `{}`", email.as_given());
    eprintln!("  hint: register it first, at /api/v1/user/register");
    ExitCode::from(EXIT_UNKNOWN)
}
