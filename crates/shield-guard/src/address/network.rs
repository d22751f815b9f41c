//! A network in CIDR notation (RFC 4632, RFC 4291).

use std::{fmt, net::IpAddr, str::FromStr};

/// Addresses with a common prefix. Has no bits set below the prefix, and is never IPv4-mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNetworkError {
    /// No address, or no prefix length after the slash.
    #[error(
        "read the network `{text}`: expected an address or CIDR notation, like `10.0.0.0/8` or `2001:db8::/32`"
    )]
    Form {
        /// What was given, cut at 80 characters.
        text: String,
    },
    /// Longer than an address.
    #[error("read the network `{text}`: expected a prefix of at most {prefix_max} bits")]
    Prefix {
        /// What was given.
        text: String,
        /// The most that it may be.
        prefix_max: u8,
    },
    /// `10.1.2.3/8`: one of the two numbers is a mistake.
    #[error("read the network `{text}`: it has bits below its prefix; the network would be `{network}`")]
    HostBits {
        /// What was given.
        text: String,
        /// Without those bits.
        network: Network,
    },
    /// `::ffff:10.0.0.0/104`: addresses are compared in their IPv4 form.
    #[error("read the network `{text}`: write an IPv4-mapped network as IPv4")]
    Mapped {
        /// What was given.
        text: String,
    },
}

/// More networks than are looked through for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trust `{networks}` networks: expected at most 64")]
pub struct TooManyNetworks {
    /// What was asked for.
    pub networks: usize,
}

// === impl Network ===

impl Network {
    /// The network of that prefix that `address`, in its canonical form, lies in.
    pub(super) fn around(address: IpAddr, prefix: u8) -> Self {
        Self { address: masked(address, prefix), prefix }
    }

    /// Whether `address` lies in it. IPv4-mapped IPv6 is IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let form = || ParseNetworkError::Form { text: text.chars().take(80).collect() };
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(left, right)| (left, Some(right)));
        let address: IpAddr = address.parse().map_err(|_| form())?;
        let prefix_max: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => prefix_max,
            // The standard parser takes `+8` and `008`.
            Some(digits) if digits.starts_with(['+', '0']) && digits != "0" => return Err(form()),
            Some(digits) => digits.parse::<u8>().map_err(|_| form())?,
        };
        let text = || text.chars().take(80).collect::<String>();
        if prefix > prefix_max {
            return Err(ParseNetworkError::Prefix { text: text(), prefix_max });
        }
        if address.to_canonical() != address {
            return Err(ParseNetworkError::Mapped { text: text() });
        }
        let network = Self::around(address, prefix);
        match network.address == address {
            true => Ok(network),
            false => Err(ParseNetworkError::HostBits { text: text(), network }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

/// `address` with nothing but its first `prefix` bits.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, ParseNetworkError};

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn contains_its_addresses_only() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "10.0.0.1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
        ];
        for (range, address, expected) in cases {
            assert_eq!(network(range).contains(address.parse().unwrap()), expected, "{range} {address}");
        }
    }

    #[test]
    fn refuses_other_text() {
        for text in [
            "",
            "10/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/8 ",
            "a/8",
            "010.0.0.0/8",
            "10.0.0.0/8/8",
        ] {
            assert!(matches!(text.parse::<Network>(), Err(ParseNetworkError::Form { .. })), "{text}");
        }
        assert!(matches!(
            "10.0.0.0/33".parse::<Network>(),
            Err(ParseNetworkError::Prefix { prefix_max: 32, .. })
        ));
        assert!(matches!(
            "::/129".parse::<Network>(),
            Err(ParseNetworkError::Prefix { prefix_max: 128, .. })
        ));
        assert!(matches!("::ffff:10.0.0.0/104".parse::<Network>(), Err(ParseNetworkError::Mapped { .. })));
        let mistake = "10.1.0.0/8".parse::<Network>().unwrap_err();
        assert_eq!(
            mistake,
            ParseNetworkError::HostBits { text: "10.1.0.0/8".into(), network: network("10.0.0.0/8") }
        );
    }

    #[test]
    fn reads_what_it_prints() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.7/32"] {
            assert_eq!(network(text).to_string(), text);
        }
    }
}
