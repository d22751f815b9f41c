//! Letters with tokens, and the task that sends those that nobody may wait for.
//!
//! Whoever asks for a new password must not learn from the time of the answer whether the address has an account (ASVS 5.0,
//! 6.3.8). So the request is answered at once and only noted; the task looks for the account later. At most [`WAITING_MAX`]
//! requests wait, further ones are dropped with a warning in the log.

use shield_data::SqlOneTimeTokens;
use shield_guard::one_time::{Insertion, OneTimeStore, Purpose, TokenOrder, issue};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Accounts, email::EmailAddress, failure::Failure, service::SERVICE};
use crate::{
    clock::now,
    keys::random_bytes,
    mail::{Letter, Mailer},
    store::{Account, AccountStatus, Store},
    telemetry::causes,
};

/// Requests that may wait.
const WAITING_MAX: usize = 1_000;

/// Makes tokens and sends them.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) one_time: SqlOneTimeTokens,
    pub(super) mailer: Mailer,
}

/// What somebody asked for.
#[derive(Debug)]
pub(super) enum Errand {
    /// Another link to verify an address.
    Verification(EmailAddress),
    /// A link to set a new password.
    PasswordReset(EmailAddress),
}

/// The task that runs errands.
#[derive(Debug)]
pub struct Messenger {
    task: JoinHandle<()>,
}

// === impl Accounts ===

impl Accounts {
    /// Sends another link to verify this address, if an account waits for it.
    pub fn resend_verification(&self, email: EmailAddress) {
        self.note(Errand::Verification(email));
    }

    /// Sends a link to set a new password, if this address has an account that may be used.
    pub fn forgot_password(&self, email: EmailAddress) {
        self.note(Errand::PasswordReset(email));
    }

    fn note(&self, errand: Errand) {
        if self.inner.errands.try_send(errand).is_err() {
            tracing::warn!(waiting = WAITING_MAX, "request for a letter dropped: too many are waiting");
        }
    }
}

// === impl Messenger ===

impl Messenger {
    pub(super) fn start(desk: Desk) -> (mpsc::Sender<Errand>, Self) {
        let (sender, errands) = mpsc::channel(WAITING_MAX);
        (sender, Self { task: tokio::spawn(run_all(desk, errands)) })
    }

    /// Waits until every errand was run; call it when every [`Accounts`] is gone.
    pub async fn finish(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the messenger ended early");
        }
    }
}

async fn run_all(desk: Desk, mut errands: mpsc::Receiver<Errand>) {
    while let Some(errand) = errands.recv().await {
        if let Err(error) = desk.run(errand).await {
            let cause = causes(&error).join(": ");
            tracing::error!(error = %error, cause, "a letter that was asked for is not sent");
        }
    }
}

// === impl Desk ===

impl Desk {
    async fn run(&self, errand: Errand) -> Result<(), Failure> {
        match errand {
            Errand::Verification(email) => match self.store.find_account_by_email(email.key()).await? {
                Some(account) if account.status == AccountStatus::PendingVerification => {
                    self.send(&account, Purpose::EmailVerification).await
                }
                Some(_) | None => Ok(()),
            },
            Errand::PasswordReset(email) => match self.store.find_account_by_email(email.key()).await? {
                Some(account) if resettable(&account) => self.send(&account, Purpose::PasswordReset).await,
                Some(_) | None => Ok(()),
            },
        }
    }

    /// Sends a token to the account's address, unless so many are open that another letter would only annoy: those stay good.
    pub(super) async fn send(&self, account: &Account, purpose: Purpose) -> Result<(), Failure> {
        let address = address_of(account)?;
        let order = TokenOrder { account: account.id, purpose, email: account.email_key.clone() };
        let now = now();
        let issued = issue(order, random_bytes(), now);
        match self.one_time.insert(issued.digest, issued.record, now).await? {
            Insertion::Kept => {}
            Insertion::Full => {
                tracing::info!(account = %account.id, purpose = purpose.label(), "no letter: enough are open");
                return Ok(());
            }
        }
        let token = issued.text.expose();
        let letter = match purpose {
            Purpose::EmailVerification | Purpose::EmailChange => Letter::verify_address(token, SERVICE),
            Purpose::PasswordReset => Letter::reset_password(token, SERVICE),
        };
        self.mailer.send(address.mailbox(), letter);
        Ok(())
    }
}

/// The address that letters about an account go to.
pub(super) fn address_of(account: &Account) -> Result<EmailAddress, Failure> {
    account.email.parse().map_err(|_| Failure::Damaged { what: "an account's address is no address" })
}

fn resettable(account: &Account) -> bool {
    account.locked_at.is_none()
        && matches!(account.status, AccountStatus::Active | AccountStatus::PendingVerification)
}
