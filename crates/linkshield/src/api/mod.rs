//! The HTTP interface: routes, what they accept, how they refuse.
//!
//! Every refusal is an RFC 9457 problem document. Checking one URL is open to everyone who reaches the port; everything else asks
//! for a credential, and an account's checks are shown to nobody else.

mod accounts;
mod body;
mod changes;
mod checks;
mod credentials;
mod csp_reports;
mod csrf;
mod fields;
mod health;
mod history;
mod host;
mod meta;
mod mistakes;
mod observe;
mod openapi;
mod path_id;
mod problem;
mod quotas;
mod request_id;
mod requests;
mod routes;
mod state;
mod stats;
mod strict_json;

pub use accounts::ACCOUNT_BODY_BYTES_MAX;
pub use body::{BULK_BODY_BYTES_MAX, CHECK_BODY_BYTES_MAX};
#[cfg(test)]
pub(crate) use openapi::openapi_text;
pub use problem::{FieldError, Location, Problem};
pub(crate) use request_id::RequestId;
pub use requests::{BULK_URLS_MAX, BulkRequest, CheckRequest};
pub use routes::router;
pub use state::{App, InFlight};
