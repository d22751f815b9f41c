//! Where a process really listens: the answer to "it runs, why does nobody answer?".

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File},
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// State of a listening socket in `/proc/<pid>/net/tcp`.
const LISTEN: &str = "0A";
/// How much of a socket table is read. Listening sockets come first in it, however many connections follow.
const TABLE_BYTES_MAX: u64 = 1 << 20;

/// The TCP addresses that any of `pids` listens on; they share the network of the first.
pub(crate) fn listening(pids: &[i32]) -> BTreeSet<SocketAddr> {
    let Some(first) = pids.first() else { return BTreeSet::new() };
    let sockets: HashSet<u64> = pids.iter().flat_map(|pid| sockets(*pid)).collect();
    ["tcp", "tcp6"]
        .iter()
        .flat_map(|table| listeners(&read_table(&format!("/proc/{first}/net/{table}"))))
        .filter(|(_, inode)| sockets.contains(inode))
        .map(|(address, _)| address)
        .collect()
}

/// Whether a client that connects to `address` reaches a socket that listens on `listener`.
pub(crate) fn serves(listener: SocketAddr, address: SocketAddr) -> bool {
    listener.port() == address.port() && (listener.ip() == address.ip() || listener.ip().is_unspecified())
}

fn sockets(pid: i32) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
        })
        .collect()
}

fn read_table(path: &str) -> String {
    let mut table = Vec::new();
    if let Ok(file) = File::open(path) {
        // What was read before an error is still true.
        let _ = file.take(TABLE_BYTES_MAX).read_to_end(&mut table);
    }
    String::from_utf8_lossy(&table).into_owned()
}

/// Address and inode of each listening socket of a table.
fn listeners(table: &str) -> Vec<(SocketAddr, u64)> {
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        if fields.get(3) != Some(&LISTEN) {
            return None;
        }
        Some((parse_address(fields.get(1)?)?, fields.get(9)?.parse().ok()?))
    };
    table.lines().filter_map(parse).collect()
}

/// `0100007F:1F90`: the address in 32-bit words as they lie in memory, the port as a number.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |index: usize| {
        let digits = ip.get(index * 8..index * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn finds_own_listeners() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = std::process::id().cast_signed();
        assert!(listening(&[own]).contains(&address));
        drop(listener);
        assert!(!listening(&[own]).contains(&address));
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn parses_kernel_tables() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41 1 0 100\n   \
                     1: 0100007F:1F91 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0        0 42 1 0 100\n";
        assert_eq!(listeners(table), [("127.0.0.1:8080".parse().unwrap(), 41)]);
        let six = "00000000000000000000000001000000:0050";
        assert_eq!(parse_address(six), Some("[::1]:80".parse().unwrap()));
        assert_eq!(parse_address("00é:1"), None);
    }

    #[test]
    fn wildcard_serves_every_address() {
        let address: SocketAddr = "127.0.0.1:80".parse().unwrap();
        assert!(serves("0.0.0.0:80".parse().unwrap(), address));
        assert!(serves("[::]:80".parse().unwrap(), address));
        assert!(!serves("[::1]:80".parse().unwrap(), address));
        assert!(!serves("0.0.0.0:81".parse().unwrap(), address));
    }
}
