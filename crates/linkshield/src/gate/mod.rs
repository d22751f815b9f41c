//! What happens to a request before its handler: guard's chain, and what the world has to do for it.
//!
//! [`Guard`] asks the chain, asks the [`GateStore`] once when this process does not know a session or an account, answers
//! refusals, and dresses every answer with the headers about limits and security. Beside it run [`EventWriter`],
//! [`UseWriter`] and [`RevocationFollower`]; no request waits for any of them. Where there is Redis, limits count over all
//! processes, and what one takes back the others hear of at once.
//!
//! **Invariant.** A route that nobody declared is closed ([`RouteTable`]). Until the log of revocations was read to its end
//! once ([`catch_up`]), no credential is taken.

mod build;
mod circumstances;
mod counts;
mod event_file;
mod events;
mod fanout;
mod follower;
mod global;
mod headers;
mod lacking;
mod layer;
mod middleware;
mod open;
mod policies;
mod principal;
mod routes;
mod strange;
mod uses;
mod watch;
mod witness;

use circumstances::Circumstances;
use routes::Route;

pub use build::{BuildChainError, ChainSettings, build_chain, device_cookie, session_cookie};
pub use counts::{CountStanding, Counts};
pub use event_file::EventFile;
pub use events::{EventSink, EventWriter};
pub use fanout::Fanout;
pub use follower::{RevocationFollower, catch_up};
pub use global::GlobalLimits;
pub use layer::{Guard, Guarded};
pub use middleware::{Gate, GateParts, GateStore};
pub use open::{GateSettings, GateTasks, OpenGateError, open_gate};
pub use policies::LimitRoutesError;
pub(crate) use policies::{CredentialKinds, RouteClass, class_of};
pub use principal::{
    Admin, Authenticated, ClientAddress, Holder, LoggedIn, MaybeAuthenticated, Peer, Principal,
};
pub use routes::RouteTable;
pub use uses::{UseNotes, UseWriter};
pub use witness::Witness;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
