//! A network that misbehaves on purpose: a TCP proxy, a DNS forwarder, and an expired certificate.

mod answer;
mod attention;
mod connection;
mod dns;
mod expired;
mod filter;
mod line;
mod listener;
mod model;
mod relay;
mod request;

pub use dns::{DnsCounts, DnsFault, DnsTrouble};
pub use expired::{ExpiredCertificate, ExpiredCounts, StartExpiredError};
pub use listener::{FaultProxy, ProxyCounts};
pub use model::{Bursts, Direction, NetworkFault};
