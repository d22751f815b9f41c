//! The HTTP interface: routes, what they accept, how they refuse.
//!
//! Every refusal is an RFC 9457 problem document. Checking URLs is open to everyone who reaches the port, and the history shows
//! all checks to everyone; paths about accounts ask for a credential.

mod accounts;
mod body;
mod checks;
mod fields;
mod health;
mod history;
mod meta;
mod mistakes;
mod observe;
mod openapi;
mod problem;
mod request_id;
mod requests;
mod routes;
mod state;

pub use accounts::ACCOUNT_BODY_BYTES_MAX;
pub use body::{BULK_BODY_BYTES_MAX, CHECK_BODY_BYTES_MAX};
pub use problem::{FieldError, Location, Problem};
pub(crate) use request_id::RequestId;
pub use requests::{BULK_URLS_MAX, BulkRequest, CheckRequest};
pub use routes::router;
pub use state::{App, InFlight};
