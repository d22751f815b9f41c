//! `linkshield make-admin`: the first administrator cannot be appointed by another. It leaves a security event as any change of a
//! role does.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use linkshield::{
    accounts::{EmailAddress, promote},
    gate::{EventFile, EventSink, EventWriter},
    settings::EVENTS_FILE,
    store::{DATABASE_FILE, Role, Store, StoreError, StorePlace},
};
use shield_guard::event::{EventContext, SecurityEvent};
use tokio::runtime::Builder;

use crate::{EXIT_SETTINGS, failed, store_hint};

/// Takes events, and writes them.
type Events = (EventSink, EventWriter);

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
    /// File of security events, as for `serve`. Default: `security-events.jsonl` in the directory of the database.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_EVENTS")]
    events: Option<PathBuf>,
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
    let file = arguments.events.clone().unwrap_or_else(|| arguments.data.join(EVENTS_FILE));
    let events = match open_events(&file).await {
        Ok(events) => events,
        Err(error) => return failed(&error, "`--events FILE` (LINKSHIELD_EVENTS) chooses another file"),
    };
    let code = match promote_and_tell(&store, email, events).await {
        Ok(Some(address)) => {
            println!("{address} is a super administrator");
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("error: no account has the address `{}`", email.as_given());
            eprintln!("  hint: register it first, at /api/v1/user/register");
            ExitCode::from(EXIT_UNKNOWN)
        }
        Err(error) if error.retryable() => failed(&error, "the database may be busy; try again"),
        Err(error) => failed(&error, store_hint(place)),
    };
    store.close().await;
    code
}

/// Before anything is changed: a change that cannot be written down is not made.
async fn open_events(file: &Path) -> io::Result<Events> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    EventWriter::start(EventFile::at(file.to_owned()), "make-admin").await
}

/// Answers the address as its holder spells it; None when no account has it.
async fn promote_and_tell(
    store: &Store,
    email: &EmailAddress,
    (sink, writer): Events,
) -> Result<Option<String>, StoreError> {
    let before = store.find_account_by_email(email.key()).await?.map_or(Role::User, |account| account.role);
    let promoted = promote(store, email).await?;
    if let Some(account) = promoted.as_ref().filter(|account| account.role != before) {
        let changed = SecurityEvent::RoleChanged { from: before.as_str(), to: account.role.as_str() };
        sink.tell(&changed, |context| EventContext { subject: Some(account.id), ..context });
    }
    writer.finish().await;
    Ok(promoted.map(|account| account.email))
}
