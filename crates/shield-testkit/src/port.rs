//! Ports for servers that tests start in other processes.
//!
//! A port is taken from 10000-19999: outside the kernel's ephemeral range, so that no outgoing connection takes it
//! between the look and the bind, and outside 20000-29999, where instances live. No port is handed out twice by one
//! process; two test processes start at different places, so a clash between them is unlikely but possible. Where the
//! server is in the same process, bind port 0 instead.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

const FIRST_PORT: u32 = 10_000;
const PORT_COUNT: u32 = 10_000;
/// Distance between the starting points of processes with neighbouring pids; coprime to `PORT_COUNT`.
const PID_STRIDE: u32 = 97;

static HANDED_OUT: AtomicU32 = AtomicU32::new(0);

/// A port on loopback that nothing listens on.
///
/// # Panics
/// When all 10,000 ports were handed out or are taken.
#[must_use]
pub fn free_port() -> u16 {
    let start = std::process::id().wrapping_mul(PID_STRIDE);
    loop {
        let offset = HANDED_OUT.fetch_add(1, Ordering::Relaxed);
        assert!(offset < PORT_COUNT, "all ports from {FIRST_PORT} on are taken");
        let port = FIRST_PORT + start.wrapping_add(offset) % PORT_COUNT;
        let port = u16::try_from(port).expect("the range ends below 20000");
        if bindable(port).is_ok() {
            return port;
        }
    }
}

/// Binds without listening, and with the option that lets a server bind as well: another thread that forks at this moment
/// holds a copy of the socket until its child executes, and must neither take connections nor block the port with it.
fn bindable(port: u16) -> rustix::io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{Ipv4Addr, TcpListener};

    use super::{bindable, free_port};

    #[test]
    fn sees_a_listener() {
        let port = free_port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        assert!(bindable(port).is_err());
        drop(listener);
        assert!(bindable(port).is_ok());
    }

    #[test]
    fn never_repeats_a_port() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| (10_000..20_000).contains(port)));
    }
}
