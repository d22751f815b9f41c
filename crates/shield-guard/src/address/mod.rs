//! Who a request comes from, as far as that can be known.

mod block;
mod client;
mod element;
mod network;
#[cfg(test)]
mod tests;

pub use block::AddressBlock;
pub use client::{ChainDamage, ClientAddress, HopField, Origin, TrustedHops};
pub use network::{Network, ParseNetworkError, TooManyNetworks};
