//! The HTTP interface: routes, what they accept, how they refuse.
//!
//! Every refusal is an RFC 9457 problem document. There are no accounts in this release: every path is open to
//! whoever can reach the port, and the history shows all checks to everyone. Put nothing in front of it that treats
//! an answer as private until accounts exist.

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

pub use body::{BULK_BODY_BYTES_MAX, CHECK_BODY_BYTES_MAX};
pub use problem::{FieldError, Location, Problem};
pub(crate) use request_id::RequestId;
pub use requests::{BULK_URLS_MAX, BulkRequest, CheckRequest};
pub use routes::router;
pub use state::{App, InFlight};
