//! Accepting connections, serving them, and ending without losing a request.

mod accept;
mod connection;
mod drain;
mod pruner;
mod signals;
mod stall;

pub use accept::{BindError, Server};
pub use drain::DrainReport;
pub use pruner::Pruner;
pub use signals::Signals;
