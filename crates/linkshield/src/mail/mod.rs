//! Mail to the holders of accounts: to files by default, over SMTP where one is configured.

mod destination;
mod letter;
mod mailer;

pub(crate) use destination::MAIL_ACCEPTED;
pub use destination::{MailDestination, ParseDestinationError};
pub use letter::{Letter, Urgency};
pub use mailer::{MailError, Mailer, Postman, RESERVED, WAITING_MAX};
