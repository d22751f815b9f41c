//! Listening sockets: bound by the control plane, before anything starts, and handed to the edge.
//!
//! The control plane keeps its copies, so connections queue while an edge is replaced, instead of being refused.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::Path,
};

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody listens there.
    #[error("listen on `{address}`: it is in use{}", held_by(holder.as_ref()))]
    InUse {
        /// The address.
        address: SocketAddr,
        /// Who listens there, if that can be seen.
        holder: Option<PortHolder>,
    },
    /// Anything else: no such address, no permission.
    #[error("listen on `{address}`")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortHolder {
    /// Its id.
    pub pid: u32,
    /// Its command line, cut at 120 characters.
    pub command: String,
}

fn held_by(holder: Option<&PortHolder>) -> String {
    holder.map_or_else(
        || " by a process that this user may not inspect".to_owned(),
        |holder| format!(" by process {} (`{}`)", holder.pid, holder.command),
    )
}

/// Listens on `address`, without accepting.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    // The standard library sets SO_REUSEADDR and a backlog of 4096 (bounded by the system's somaxconn).
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, holder: find_holder(address.port()) },
        _ => BindError::Refused { address, source },
    })
}

/// Looks the listening socket up in `/proc/net/tcp{,6}`, then its inode among the descriptors of every process.
fn find_holder(port: u16) -> Option<PortHolder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let inodes: Vec<String> = tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|line| listening_inode(line, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if holds_any(&process.path(), &inodes) {
            return Some(PortHolder { pid, command: command_line(&process.path()) });
        }
    }
    None
}

/// The socket inode of a `/proc/net/tcp` line that listens on `port`.
fn listening_inode(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_whitespace().skip(1);
    let (_, local_port) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?;
    let matches = state == LISTEN && u16::from_str_radix(local_port, 16).ok()? == port;
    matches.then(|| format!("socket:[{inode}]"))
}

fn holds_any(process: &Path, inodes: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    let targets = descriptors.flatten().filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    targets.into_iter().any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
}

fn command_line(process: &Path) -> String {
    let raw = fs::read(process.join("cmdline")).unwrap_or_default();
    let words: Vec<_> =
        raw.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    words
        .join(" ")
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(120)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_who_holds_the_port() {
        let held = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = held.local_addr().unwrap();
        let error = bind(address).unwrap_err();
        let BindError::InUse { holder: Some(holder), .. } = &error else { panic!("{error}") };
        assert_eq!(holder.pid, std::process::id());
        assert!(error.to_string().contains(&format!("by process {}", std::process::id())));
    }
}
