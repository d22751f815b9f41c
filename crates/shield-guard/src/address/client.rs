//! The client's address: the right-most hop that is not one of our own proxies.
//!
//! Each proxy appends to the chain the address that it saw. What our own proxies wrote is true; everything to the left of
//! the first hop they did not trust was written by strangers, so the left-most address, which the original took, is whatever a
//! client likes it to be. The chain is walked from the right while hops are trusted, and the first one that is not is the
//! client. Nothing to its left is even read.
//!
//! **Damage.** When a trusted hop's successor cannot be read, the walk stops, and the address is the last one that is known:
//! the hop that wrote the damaged element. It is true, if less precise, and nobody can choose it.
//!
//! **Deployment.** Name exactly the networks of the proxies, and the one field that they write. A proxy that writes
//! `X-Forwarded-For` passes a client's own `Forwarded` on; only one of the two is ever believed. Proxies must append to the
//! field, or replace it. A trusted network that clients can connect from makes the field theirs (ASVS 5.0, 4.1.3).

use std::net::IpAddr;

use super::{
    Network, TooManyNetworks,
    element::{parse_forwarded, parse_node, split_last},
};

/// Trusted networks.
const NETWORKS_MAX: usize = 64;
/// Elements of a chain that are looked at, empty ones included.
const HOPS_MAX: usize = 16;
/// Bytes of a chain that are looked at.
const BYTES_MAX: usize = 2_048;

/// The field that our proxies write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopField {
    /// `X-Forwarded-For`: addresses, separated by commas.
    XForwardedFor,
    /// `Forwarded` (RFC 7239): the parameter `for` of each element.
    Forwarded,
}

/// The proxies whose word is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedHops {
    networks: Box<[Network]>,
    field: HopField,
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    /// Never IPv4-mapped.
    pub address: IpAddr,
    /// How it is known.
    pub origin: Origin,
}

/// How a client's address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is the peer of the connection: not one of our proxies, or one that named no client.
    Peer,
    /// One of our proxies named it.
    Forwarded,
    /// The chain ends at one of our proxies: the request began there.
    Inside,
    /// The chain could not be followed to its end; the address is the last hop that is known.
    Damaged(ChainDamage),
}

/// Why a chain could not be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainDamage {
    /// An element is not an address: another text, an obfuscated name, `unknown`.
    Unreadable,
    /// More than 16 elements or 2048 bytes, all of them trusted.
    TooLong,
}

/// What is known on the way from right to left.
struct Walk {
    known: IpAddr,
    origin: Origin,
    /// Elements that were read.
    hops: usize,
    /// Bytes that may still be read.
    bytes: usize,
}

// === impl TrustedHops ===

impl TrustedHops {
    /// Proxies in `networks` (at most 64), which write `field`. Without networks the client is always the peer.
    pub fn new(networks: &[Network], field: HopField) -> Result<Self, TooManyNetworks> {
        match networks.len() <= NETWORKS_MAX {
            true => Ok(Self { networks: networks.into(), field }),
            false => Err(TooManyNetworks { networks: networks.len() }),
        }
    }

    /// The field to hand to [`Self::client`], in lower case.
    pub fn field_name(&self) -> &'static str {
        match self.field {
            HopField::XForwardedFor => "x-forwarded-for",
            HopField::Forwarded => "forwarded",
        }
    }

    /// Who a request from `peer` comes from. `lines`: the values of the field, in the order in which they arrived.
    /// Allocates nothing; reads at most 16 hops and 2048 bytes.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> ClientAddress {
        let mut walk = Walk { known: peer.to_canonical(), origin: Origin::Peer, hops: 0, bytes: BYTES_MAX };
        if self.trusts(walk.known) {
            for line in lines.rev() {
                if !self.follow(&mut walk, line) {
                    break;
                }
            }
        }
        ClientAddress { address: walk.known, origin: walk.origin }
    }

    /// Walks one line from its right end; whether the walk goes on in the line before it.
    fn follow(&self, walk: &mut Walk, line: &[u8]) -> bool {
        let cut = line.len() > walk.bytes;
        let mut rest = Some(&line[line.len().saturating_sub(walk.bytes)..]);
        walk.bytes = walk.bytes.saturating_sub(line.len());
        while let Some(list) = rest {
            let (element, before) = split_last(list);
            rest = before;
            // The first element of a cut line has lost its beginning.
            if walk.hops == HOPS_MAX || (cut && before.is_none()) {
                walk.origin = Origin::Damaged(ChainDamage::TooLong);
                return false;
            }
            walk.hops += 1;
            // Empty elements of lists mean nothing (RFC 9110, 5.6.1).
            if !element.trim_ascii().is_empty() && !self.step(walk, element) {
                return false;
            }
        }
        true
    }

    /// One hop; whether there is a reason to look further.
    fn step(&self, walk: &mut Walk, element: &[u8]) -> bool {
        let address = match self.field {
            HopField::XForwardedFor => parse_node(element),
            HopField::Forwarded => parse_forwarded(element),
        };
        let Some(address) = address else {
            walk.origin = Origin::Damaged(ChainDamage::Unreadable);
            return false;
        };
        let trusted = self.trusts(address);
        walk.known = address;
        walk.origin = if trusted { Origin::Inside } else { Origin::Forwarded };
        trusted
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}
