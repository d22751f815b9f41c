//! `linkshield make-admin`: the first administrator cannot be appointed by another.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use linkshield::{
    accounts::{EmailAddress, promote},
    store::{DATABASE_FILE, StorePlace},
};
use tokio::runtime::Builder;

use crate::{EXIT_SETTINGS, failed, store_hint};

/// No account has this address.
const EXIT_UNKNOWN: u8 = 5;

/// Whom to promote, and where.
#[derive(Debug, Args)]
pub(crate) struct MakeAdmin {
    /// Address of the account; it has to be registered.
    email: String,
    /// Directory of the database, as for `serve`, which may run meanwhile.
    #[arg(long, value_name = "DIR", env = "LINKSHIELD_DATA", default_value = "linkshield-data")]
    data: PathBuf,
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

pub(crate) fn make_admin(arguments: &MakeAdmin) -> ExitCode {
    let email: EmailAddress = match arguments.email.parse() {
        Ok(email) => email,
        Err(error) => {
            eprintln!("error: `{}` {error}", arguments.email);
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    let place: StorePlace = match arguments.database.parse() {
        Ok(place) => place,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    let file = arguments.data.join(DATABASE_FILE);
    if place == StorePlace::File && !file.exists() {
        eprintln!("error: there is no database `{}`", file.display());
        eprintln!("  hint: `--data DIR` (LINKSHIELD_DATA) names the directory that `serve` uses");
        return ExitCode::from(EXIT_SETTINGS);
    }
    match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(promote_in(arguments, &place, &email)),
        Err(error) => failed(&error, "the system gave no timers to the process"),
    }
}

async fn promote_in(arguments: &MakeAdmin, place: &StorePlace, email: &EmailAddress) -> ExitCode {
    let store = match place.open(&arguments.data).await {
        Ok(store) => store,
        Err(error) => return failed(&error, store_hint(place)),
    };
    let code = match promote(&store, email).await {
        Ok(Some(account)) => {
            println!("{} is a super administrator", account.email);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("error: no account has the address `{}`", email.as_given());
            eprintln!("  hint: register it first, at /api/v1/user/register");
            ExitCode::from(EXIT_UNKNOWN)
        }
        Err(error) => failed(&error, "the database may be busy; try again"),
    };
    store.close().await;
    code
}
