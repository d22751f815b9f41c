//! Whether a request looks like the device its session was begun on.
//!
//! A signal, never a verdict: it is written to the events, may ask for a step-up, and ends no session. Addresses move within a
//! provider's network, so only a change of /24 (IPv4) or /48 (IPv6) counts; versions of browsers move every few weeks, so
//! only the family counts.

use std::net::IpAddr;

use super::{Browser, UserAgentFamily};

/// The part of an address that does not change while somebody sits still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 48 bits.
    V6([u8; 6]),
}

/// What a session was begun from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceBinding {
    /// CRC-32 of the header: equal headers, by far the most, need no second look. Whoever forges it could send the same
    /// header. In bytes, so that the whole has no gaps.
    user_agent_sum: [u8; 4],
    family: UserAgentFamily,
    network: Network,
}

/// Something that is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RiskSignal {
    /// Another browser.
    BrowserChanged = 1,
    /// Another operating system: one cookie in two devices.
    SystemChanged = 2,
    /// A browser that named itself does so no more.
    UserAgentMissing = 4,
    /// Another /24 or /48.
    NetworkChanged = 8,
    /// From IPv4 to IPv6 or back, as clients with both do all the time.
    AddressFamilyChanged = 16,
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskSignals(u8);

/// What the signals amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskLevel {
    /// As it was.
    None,
    /// People do that.
    Low,
    /// Worth an event.
    Medium,
    /// Worth an event and a step-up before anything sensitive.
    High,
}

/// A request compared with its session's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RiskAssessment {
    /// What is not as it was.
    pub signals: RiskSignals,
    /// What that amounts to.
    pub level: RiskLevel,
}

const SIGNALS: [RiskSignal; 5] = [
    RiskSignal::BrowserChanged,
    RiskSignal::SystemChanged,
    RiskSignal::UserAgentMissing,
    RiskSignal::NetworkChanged,
    RiskSignal::AddressFamilyChanged,
];

// === impl Network ===

impl Network {
    /// The network of an address; an IPv4 address in IPv6 clothes is one of IPv4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, ..] = address.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

fn sum(user_agent: &[u8]) -> [u8; 4] {
    crc32fast::hash(user_agent).to_le_bytes()
}

// === impl DeviceBinding ===

impl DeviceBinding {
    /// What a session that begins now is bound to. `user_agent` is empty if there was none.
    pub fn of(address: IpAddr, user_agent: &[u8]) -> Self {
        Self {
            user_agent_sum: sum(user_agent),
            family: UserAgentFamily::of(user_agent),
            network: Network::of(address),
        }
    }

    /// Compares a request with it.
    pub fn assess(&self, address: IpAddr, user_agent: &[u8]) -> RiskAssessment {
        let mut signals = RiskSignals::default();
        match (self.network, Network::of(address)) {
            (before, now) if before == now => {}
            (Network::V4(_), Network::V4(_)) | (Network::V6(_), Network::V6(_)) => {
                signals.add(RiskSignal::NetworkChanged);
            }
            _ => signals.add(RiskSignal::AddressFamilyChanged),
        }
        if sum(user_agent) != self.user_agent_sum {
            let family = UserAgentFamily::of(user_agent);
            match family.browser {
                browser if browser == self.family.browser => {}
                Browser::Unnamed => signals.add(RiskSignal::UserAgentMissing),
                _ => signals.add(RiskSignal::BrowserChanged),
            }
            if family.system != self.family.system && family.browser != Browser::Unnamed {
                signals.add(RiskSignal::SystemChanged);
            }
        }
        RiskAssessment { signals, level: signals.level() }
    }
}

// === impl RiskSignals ===

impl RiskSignals {
    fn add(&mut self, signal: RiskSignal) {
        self.0 |= signal as u8;
    }

    /// Whether a signal is among them.
    pub const fn contains(self, signal: RiskSignal) -> bool {
        self.0 & signal as u8 != 0
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = RiskSignal> {
        SIGNALS.into_iter().filter(move |signal| self.contains(*signal))
    }

    /// A changed device is medium, with a changed network high; a changed network alone is low.
    fn level(self) -> RiskLevel {
        let device = [RiskSignal::BrowserChanged, RiskSignal::SystemChanged, RiskSignal::UserAgentMissing];
        let device = device.into_iter().any(|signal| self.contains(signal));
        match (device, self.contains(RiskSignal::NetworkChanged)) {
            (true, true) => RiskLevel::High,
            (true, false) => RiskLevel::Medium,
            (false, true) => RiskLevel::Low,
            (false, false) if self.contains(RiskSignal::AddressFamilyChanged) => RiskLevel::Low,
            (false, false) => RiskLevel::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceBinding, RiskLevel, RiskSignal};

    const FIREFOX: &[u8] = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
    const FIREFOX_UPDATED: &[u8] = b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    const CHROME: &[u8] = b"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36";

    fn assess(begun: &str, address: &str, user_agent: &[u8]) -> (Vec<RiskSignal>, RiskLevel) {
        let binding = DeviceBinding::of(begun.parse().unwrap(), FIREFOX);
        let assessment = binding.assess(address.parse().unwrap(), user_agent);
        (assessment.signals.iter().collect(), assessment.level)
    }

    #[test]
    fn what_moves_by_itself_is_no_signal() {
        assert_eq!(assess("192.0.2.1", "192.0.2.250", FIREFOX_UPDATED), (vec![], RiskLevel::None));
        assert_eq!(assess("192.0.2.1", "::ffff:192.0.2.9", FIREFOX), (vec![], RiskLevel::None));
        assert_eq!(assess("2001:db8:1:1::1", "2001:db8:1:ffff::2", FIREFOX), (vec![], RiskLevel::None));
    }

    #[test]
    fn another_network_alone_is_a_low_risk() {
        let network = vec![RiskSignal::NetworkChanged];
        assert_eq!(assess("192.0.2.1", "192.0.3.1", FIREFOX), (network.clone(), RiskLevel::Low));
        assert_eq!(assess("2001:db8:1::1", "2001:db8:2::1", FIREFOX), (network, RiskLevel::Low));
        let family = vec![RiskSignal::AddressFamilyChanged];
        assert_eq!(assess("192.0.2.1", "2001:db8::1", FIREFOX), (family, RiskLevel::Low));
    }

    #[test]
    fn another_device_is_a_medium_risk_and_elsewhere_a_high_one() {
        let device = vec![RiskSignal::BrowserChanged, RiskSignal::SystemChanged];
        assert_eq!(assess("192.0.2.1", "192.0.2.1", CHROME), (device.clone(), RiskLevel::Medium));
        let both = [device, vec![RiskSignal::NetworkChanged]].concat();
        assert_eq!(assess("192.0.2.1", "198.51.100.1", CHROME), (both, RiskLevel::High));
        let missing = vec![RiskSignal::UserAgentMissing];
        assert_eq!(assess("192.0.2.1", "192.0.2.1", b""), (missing, RiskLevel::Medium));
    }
}
