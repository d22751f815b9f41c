//! The host of a URL, sorted into what rules ask about: a name with its registrable part, an address, or none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

/// Where a URL points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name.
    Name(HostName),
    /// A literal address.
    Address(IpAddr),
    /// The scheme has no host (`javascript:`, `data:`).
    None,
}

/// A host name in ASCII form, without the trailing dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName {
    /// Lower-case ASCII (punycode) name.
    pub ascii: String,
    /// The same with punycode labels decoded.
    pub unicode: String,
    /// Whether it was written with a trailing dot.
    pub trailing_dot: bool,
    /// The public suffix (`co.uk`).
    pub suffix: String,
    /// Whether the public suffix list knows that suffix.
    pub suffix_listed: bool,
    /// Whether the suffix belongs to the registries' part of that list (`co.uk`, not `github.io`).
    pub suffix_icann: bool,
    /// Suffix plus one label: what somebody registered. None for a bare suffix or an empty label.
    pub registrable: Option<String>,
}

// === impl Host ===

impl Host {
    pub(crate) fn of(url: &Url) -> Self {
        match url.host() {
            None => Self::None,
            Some(url::Host::Ipv4(address)) => Self::Address(IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => Self::Address(IpAddr::V6(address)),
            Some(url::Host::Domain("")) => Self::None,
            Some(url::Host::Domain(name)) => Self::Name(HostName::of(name)),
        }
    }

    /// The name, when it is one.
    pub fn name(&self) -> Option<&HostName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) | Self::None => None,
        }
    }

    /// The host as text: the ASCII name, the address, or nothing.
    pub fn text(&self) -> String {
        match self {
            Self::Name(name) => name.ascii.clone(),
            Self::Address(address) => address.to_string(),
            Self::None => String::new(),
        }
    }

    /// What belongs to one owner: the registrable domain, else the host itself.
    pub fn owner(&self) -> String {
        match self {
            Self::Name(HostName { registrable: Some(registrable), .. }) => registrable.clone(),
            other => other.text(),
        }
    }
}

// === impl HostName ===

impl HostName {
    fn of(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let ascii = lower.strip_suffix('.').unwrap_or(&lower).to_owned();
        // Two dots at the end are no name, but must not hide which one is meant.
        let meant = ascii.trim_end_matches('.');
        let suffix = psl::suffix(meant.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let registrable = psl::domain(meant.as_bytes()).map(|domain| text(domain.as_bytes()));
        Self {
            unicode: url::quirks::domain_to_unicode(&ascii),
            trailing_dot: lower.ends_with('.'),
            suffix_listed: suffix.is_some_and(|suffix| suffix.is_known()),
            suffix_icann: suffix.is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann)),
            suffix: suffix.map(|suffix| text(suffix.as_bytes())).unwrap_or_default(),
            registrable: registrable.filter(|domain| !domain.starts_with('.')),
            ascii,
        }
    }

    /// The labels in front of the registrable domain, outermost last.
    pub(crate) fn subdomain_labels(&self) -> Vec<&str> {
        let Some(registrable) = &self.registrable else { return Vec::new() };
        let front = self.ascii.strip_suffix(registrable.as_str()).unwrap_or_default();
        front.trim_end_matches('.').split('.').filter(|label| !label.is_empty()).collect()
    }

    /// Whether this is `name` or lies below it.
    pub(crate) fn within(&self, name: &str) -> bool {
        self.ascii.strip_suffix(name).is_some_and(|front| front.is_empty() || front.ends_with('.'))
    }
}

/// What kind of network an address belongs to, when it is not the public one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// This very machine.
    Loopback,
    /// A private network.
    Private,
    /// The local link.
    LinkLocal,
    /// Shared, reserved, multicast or documentation space.
    Reserved,
}

impl Reach {
    /// The kind of `address`; None for a public one. Addresses that carry an IPv4 address are judged by it.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => match embedded_v4(address) {
                Some(embedded) => Self::of_v4(embedded),
                None => Self::of_v6(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Option<Self> {
        match address.octets() {
            [169, 254, 169, 254] | [169, 254, 170, 2] | [100, 100, 100, 200] => Some(Self::Metadata),
            [127, ..] | [0, ..] => Some(Self::Loopback),
            [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Some(Self::Private),
            [169, 254, ..] => Some(Self::LinkLocal),
            [100, 64..=127, ..] | [192, 0, 0, _] | [192, 0, 2, _] | [198, 18..=19, ..] => {
                Some(Self::Reserved)
            }
            [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Some(Self::Reserved),
            _ => None,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Option<Self> {
        let segments = address.segments();
        if segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] {
            return Some(Self::Metadata);
        }
        match segments[0] {
            _ if address.is_loopback() || address.is_unspecified() => Some(Self::Loopback),
            0xfc00..=0xfdff => Some(Self::Private),
            0xfe80..=0xfeff => Some(Self::LinkLocal),
            0xff00..=0xffff | 0x0100 => Some(Self::Reserved),
            0x2001 if segments[1] == 0xdb8 => Some(Self::Reserved),
            _ => None,
        }
    }

    /// The words for a sentence: "… is `describe()`".
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Metadata => "a cloud metadata service, which hands out credentials",
            Self::Loopback => "the very machine that opens the link",
            Self::Private => "a private network",
            Self::LinkLocal => "the local network link",
            Self::Reserved => "address space that is not on the public internet",
        }
    }
}

/// The IPv4 address inside an IPv4-mapped, IPv4-translated, IPv4-compatible, NAT64 or 6to4 address.
pub(crate) fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second, third, .., seventh, eighth] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    let middle_is_zero = address.segments()[2..6].iter().all(|segment| *segment == 0);
    match first {
        0x2002 => Some(join(second, third)),
        0x64 if second == 0xff9b && middle_is_zero => Some(join(seventh, eighth)),
        0 if second == 0 && seventh != 0 && middle_is_zero => Some(join(seventh, eighth)),
        0 if address.segments()[..6] == [0, 0, 0, 0, 0xffff, 0] => Some(join(seventh, eighth)),
        _ => address.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_registrable_part() {
        for (name, registrable, labels) in [
            ("www.news.bbc.co.uk", Some("bbc.co.uk"), 2),
            ("a.github.io", Some("a.github.io"), 0),
            ("github.io", None, 0),
            ("co.uk", None, 0),
            ("malware.test", Some("malware.test"), 0),
            ("example.com.", Some("example.com"), 0),
        ] {
            let host = HostName::of(name);
            assert_eq!(host.registrable.as_deref(), registrable, "{name}");
            assert_eq!(host.subdomain_labels().len(), labels, "{name}");
        }
    }

    #[test]
    fn judges_embedded_addresses() {
        for (address, reach) in [
            ("::ffff:169.254.169.254", Some(Reach::Metadata)),
            ("64:ff9b::7f00:1", Some(Reach::Loopback)),
            ("2002:7f00:1::", Some(Reach::Loopback)),
            ("::127.0.0.1", Some(Reach::Loopback)),
            ("::ffff:0:7f00:1", Some(Reach::Loopback)),
            ("::1", Some(Reach::Loopback)),
            ("fe80::1", Some(Reach::LinkLocal)),
            ("fd00:ec2::254", Some(Reach::Metadata)),
            ("2606:4700::1111", None),
            ("8.8.8.8", None),
            ("10.1.2.3", Some(Reach::Private)),
            ("172.32.0.1", None),
            ("100.64.0.1", Some(Reach::Reserved)),
        ] {
            assert_eq!(Reach::of(address.parse().unwrap()), reach, "{address}");
        }
    }
}
