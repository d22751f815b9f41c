//! Ports for instances: 20000-29999, below the ephemeral range, so that no outgoing connection takes one in between.
//!
//! A port is checked by listening on it for a moment. Between that and the instance's own bind another program can take it;
//! the instance then fails to start and its successor gets another port.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr, TcpListener},
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Lowest port an instance gets.
pub const PORT_MIN: u16 = 20_000;
/// Highest port an instance gets.
pub const PORT_MAX: u16 = 29_999;

/// Every port of the range is taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("find a free port on `{ip}`: all of {first}-{last} are in use")]
pub struct NoFreePort {
    /// The address that was tried.
    pub ip: IpAddr,
    /// First port of the range.
    pub first: u16,
    /// Last port of the range.
    pub last: u16,
}

/// Hands out ports, none twice until it is released.
#[derive(Debug)]
pub struct Ports {
    range: RangeInclusive<u16>,
    taken: Mutex<BTreeSet<u16>>,
}

// === impl Ports ===

impl Ports {
    /// The instances' range, with nothing handed out.
    pub fn new() -> Self {
        Self::within(PORT_MIN..=PORT_MAX)
    }

    fn within(range: RangeInclusive<u16>) -> Self {
        Self { range, taken: Mutex::default() }
    }

    /// A port nobody listens on at `ip`, kept for the caller until [`Ports::release`].
    pub fn take(&self, ip: IpAddr) -> Result<SocketAddr, NoFreePort> {
        let (first, last) = (*self.range.start(), *self.range.end());
        let start = fastrand::u16(first..=last);
        let mut taken = self.lock();
        let port = (start..=last)
            .chain(first..start)
            .find(|port| !taken.contains(port) && free(SocketAddr::new(ip, *port)))
            .ok_or(NoFreePort { ip, first, last })?;
        taken.insert(port);
        Ok(SocketAddr::new(ip, port))
    }

    /// Remembers the port of an adopted instance; `false` when it was handed out before.
    pub fn occupy(&self, port: u16) -> bool {
        self.lock().insert(port)
    }

    /// Takes a port back once its instance is gone; one that was not handed out is fine.
    pub fn release(&self, port: u16) {
        self.lock().remove(&port);
    }

    /// The set is whole after every statement that changes it, whatever panicked elsewhere.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u16>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self::new()
    }
}

fn free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn hands_no_port_out_twice() {
        let ports = Ports::new();
        let mut handed_out = BTreeSet::new();
        for _ in 0..300 {
            let address = ports.take(LOOPBACK).unwrap();
            assert!((PORT_MIN..=PORT_MAX).contains(&address.port()));
            assert!(handed_out.insert(address.port()));
        }
    }

    #[test]
    fn skips_ports_in_use() {
        let all = Ports::new();
        let listener = TcpListener::bind(all.take(LOOPBACK).unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ports = Ports::within(port..=port);
        assert_eq!(ports.take(LOOPBACK), Err(NoFreePort { ip: LOOPBACK, first: port, last: port }));
        drop(listener);
        assert_eq!(ports.take(LOOPBACK).unwrap().port(), port);
        assert!(ports.take(LOOPBACK).is_err());
        ports.release(port);
        assert!(ports.occupy(port) && !ports.occupy(port));
        assert!(ports.take(LOOPBACK).is_err());
    }
}
