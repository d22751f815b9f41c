//! `linkshield make-admin`: the first administrator cannot be appointed by another. It leaves a security event as any change of a
//! role does, and running processes hear of it as of any other.

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
    store::{Role, Store, StoreError},
};
use shield_guard::event::{EventContext, SecurityEvent};

use crate::{
    account_place::{AccountPlace, not_registered},
    failed,
};

/// Takes events, and writes them.
type Events = (EventSink, EventWriter);

/// Whom to promote, and where.
#[derive(Debug, Args)]
pub(crate) struct MakeAdmin {
    #[command(flatten)]
    place: AccountPlace,
    /// File of security events, as for `serve`. Default: `security-events.jsonl` in the directory of the database.
    #[arg(long, value_name = "FILE", env = "LINKSHIELD_EVENTS")]
    events: Option<PathBuf>,
}

pub(crate) fn make_admin(arguments: &MakeAdmin) -> ExitCode {
    let file = arguments.events.clone().unwrap_or_else(|| arguments.place.data.join(EVENTS_FILE));
    arguments.place.open(async |store: &Store, email: &EmailAddress| promote_in(store, email, &file).await)
}

async fn promote_in(store: &Store, email: &EmailAddress, file: &Path) -> ExitCode {
    let events = match open_events(file).await {
        Ok(events) => events,
        Err(error) => return failed(&error, "`--events FILE` (LINKSHIELD_EVENTS) chooses another file"),
    };
    match promote_and_tell(store, email, events).await {
        Ok(Some(address)) => {
            println!("{address} is a super administrator");
            eprintln!("an access token from before does not know it: log in again, or refresh it");
            ExitCode::SUCCESS
        }
        Ok(None) => not_registered(email),
        Err(error) if error.retryable() => failed(&error, "the database may be busy; try again"),
        Err(error) => failed(&error, "the database has to take writes"),
    }
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
