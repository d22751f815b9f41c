//! `linkshield find-account`: the id of an account, which every path of administrators takes, and how the account stands.

use std::process::ExitCode;

use clap::Args;
use linkshield::{
    accounts::EmailAddress,
    store::{Account, Store},
};

use crate::{
    account_place::{AccountPlace, not_registered},
    failed,
};

/// Which account.
#[derive(Debug, Args)]
pub(crate) struct FindAccount {
    #[command(flatten)]
    place: AccountPlace,
}

pub(crate) fn find_account(arguments: &FindAccount) -> ExitCode {
    arguments.place.open(async |store: &Store, email: &EmailAddress| {
        match store.find_account_by_email(email.key()).await {
            Ok(Some(account)) => {
                print!("{}", described(&account));
                ExitCode::SUCCESS
            }
            Ok(None) => not_registered(email),
            Err(error) => failed(&error, "the database may be busy; try again"),
        }
    })
}

/// A line for each thing that an operator asks about.
fn described(account: &Account) -> String {
    let moment = |at: Option<_>| at.map_or("never".to_owned(), |at: shield_types::Timestamp| at.to_string());
    let second_factor = account.totp.as_ref().and_then(|totp| totp.since);
    [
        ("id", account.id.to_string()),
        ("address", account.email.clone()),
        ("role", account.role.as_str().to_owned()),
        ("status", account.status.as_str().to_owned()),
        ("locked", account.locked_at.map_or("no".to_owned(), |at| format!("since {at}"))),
        ("plan", account.plan.as_str().to_owned()),
        ("second factor", second_factor.map_or("no".to_owned(), |at| format!("since {at}"))),
        ("registered", moment(Some(account.created_at))),
        ("verified", moment(account.email_verified_at)),
        ("last log-in", moment(account.last_login_at)),
    ]
    .map(|(name, value)| format!("{name}: {value}\n"))
    .concat()
}
