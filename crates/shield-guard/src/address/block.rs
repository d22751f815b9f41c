//! The addresses that one client has: what a limit by address counts.

use std::{fmt, net::IpAddr};

use super::Network;

/// One IPv4 address, or one IPv6 /64: the least that a subscriber is given (RFC 6177, BCP 157), so that nobody has 2^64
/// addresses to be counted under. IPv4-mapped IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressBlock(IpAddr);

// === impl AddressBlock ===

impl AddressBlock {
    /// The block that `address` lies in.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// The network around it that one owner may well have as a whole: an IPv4 /24, an IPv6 /48.
    pub fn neighbourhood(self) -> Network {
        Network::around(self.0, if self.0.is_ipv4() { 24 } else { 48 })
    }

    /// Sixteen bytes that no other block has: IPv4 in its mapped form.
    pub fn bytes(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        }
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(formatter, "{address}"),
            IpAddr::V6(address) => write!(formatter, "{address}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AddressBlock;

    fn block(address: &str) -> AddressBlock {
        AddressBlock::of(address.parse().unwrap())
    }

    #[test]
    fn groups_what_one_subscriber_has() {
        assert_eq!(block("2001:db8:1:2::1"), block("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(block("2001:db8:1:2::1"), block("2001:db8:1:3::1"));
        assert_ne!(block("192.0.2.1"), block("192.0.2.2"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.1"));
    }

    #[test]
    fn neighbourhoods_are_wider() {
        assert_eq!(block("192.0.2.77").neighbourhood().to_string(), "192.0.2.0/24");
        assert_eq!(block("2001:db8:1:2::1").neighbourhood().to_string(), "2001:db8:1::/48");
    }

    #[test]
    fn bytes_tell_families_apart() {
        assert_ne!(block("0.0.0.1").bytes(), block("::1").bytes());
        assert_eq!(block("::ffff:192.0.2.1").bytes(), block("192.0.2.1").bytes());
    }
}
