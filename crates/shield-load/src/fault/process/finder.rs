//! Which process is meant, by what people know of it.
//!
//! A description fits one process or none is taken: a fault must not hit what nobody meant. Only processes that this user may
//! look at are found.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::fault::process::identity::ProcessIdentity;
use crate::fault::process::procfs;

/// Longest name that the kernel keeps.
pub(crate) const COMMAND_BYTES_MAX: usize = 15;
/// State of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";
/// Processes that are named when several fit.
const NAMED_MAX: usize = 10;

/// What is known of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetFinder {
    /// Its id.
    Pid(i32),
    /// The file that holds its id.
    PidFile(PathBuf),
    /// The TCP port that it listens on.
    Listens(u16),
    /// Its name, as the kernel keeps it: at most 15 bytes. Only processes of this user have one.
    Name(String),
}

/// No process was found, or too many.
#[derive(Debug, thiserror::Error)]
pub enum FindTargetError {
    /// The file is not there.
    #[error("read the process id in `{}`", path.display())]
    PidFile {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("read the process id in `{}`: it holds `{held}`", path.display())]
    NotPid {
        /// Which.
        path: PathBuf,
        /// Its beginning.
        held: String,
    },
    /// Nobody fits.
    #[error("find the process {target}: there is none that this user may look at")]
    Missing {
        /// What was looked for.
        target: TargetFinder,
    },
    /// It is not clear who is meant.
    #[error("find the process {target}: there are several, {found}")]
    Several {
        /// What was looked for.
        target: TargetFinder,
        /// Who fits, with their names.
        found: String,
    },
}

// === impl TargetFinder ===

impl TargetFinder {
    /// The process that fits, now.
    pub fn find(&self) -> Result<ProcessIdentity, FindTargetError> {
        let found = match self {
            Self::Pid(pid) => vec![*pid],
            Self::PidFile(path) => vec![pid_in(path)?],
            Self::Listens(port) => listeners(*port),
            Self::Name(name) => named(name),
        };
        let found: Vec<ProcessIdentity> = found.into_iter().filter_map(ProcessIdentity::of).collect();
        match found.as_slice() {
            [process] => Ok(*process),
            [] => Err(FindTargetError::Missing { target: self.clone() }),
            several => Err(FindTargetError::Several { target: self.clone(), found: listed(several) }),
        }
    }

    /// Whether it fits whoever takes the place of a process. An id is reused by anybody.
    pub(crate) fn outlives_process(&self) -> bool {
        matches!(self, Self::Listens(_) | Self::Name(_))
    }
}

impl fmt::Display for TargetFinder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => write!(formatter, "`{pid}`"),
            Self::PidFile(path) => write!(formatter, "of the id in `{}`", path.display()),
            Self::Listens(port) => write!(formatter, "that listens on port `{port}`"),
            Self::Name(name) => write!(formatter, "with the name `{name}`"),
        }
    }
}

fn pid_in(path: &PathBuf) -> Result<i32, FindTargetError> {
    let text =
        fs::read_to_string(path).map_err(|source| FindTargetError::PidFile { path: path.clone(), source })?;
    let not_pid = |_| {
        let held = text.trim().chars().take(20).collect();
        FindTargetError::NotPid { path: path.clone(), held }
    };
    text.trim().parse().map_err(not_pid)
}

/// Processes that hold a socket which listens on `port`.
fn listeners(port: u16) -> Vec<i32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let sockets: BTreeSet<String> = tables
        .iter()
        .flat_map(|table| listening(table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let holds = |pid: &i32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
        links.any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
    };
    procfs::pids().into_iter().filter(holds).collect()
}

/// Inodes of the sockets of a `/proc/net/tcp` that listen on `port`.
fn listening(table: &str, port: u16) -> impl Iterator<Item = &str> {
    table.lines().filter_map(move |line| inode(line, port))
}

/// Of a line about a socket that listens on `port`.
fn inode(line: &str, port: u16) -> Option<&str> {
    let mut fields = line.split_ascii_whitespace();
    let (_, local_port) = fields.nth(1)?.rsplit_once(':')?;
    let listens = fields.nth(1)? == LISTENING && u16::from_str_radix(local_port, 16) == Ok(port);
    fields.nth(5).filter(|_| listens)
}

/// Processes of this user with this name.
fn named(name: &str) -> Vec<i32> {
    let user = geteuid().as_raw();
    let own = |pid: &i32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|entry| entry.uid() == user);
    let fits = |pid: &i32| procfs::command(*pid).is_some_and(|command| command == name);
    procfs::pids().into_iter().filter(|pid| fits(pid) && own(pid)).collect()
}

fn listed(processes: &[ProcessIdentity]) -> String {
    let shown = processes.iter().take(NAMED_MAX).map(|process| {
        let command = procfs::command(process.pid).unwrap_or_default();
        format!("pid {} (`{command}`)", process.pid)
    });
    let more = processes.len().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::process::Command;
    use std::time::Duration;

    use shield_testkit::{ProcessGuard, wait_for_sync};

    use super::*;

    fn own() -> ProcessIdentity {
        ProcessIdentity::of(std::process::id().cast_signed()).unwrap()
    }

    #[test]
    fn pid_and_its_file_mean_the_same() {
        assert_eq!(TargetFinder::Pid(own().pid).find().unwrap(), own());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("it.pid");
        let of_file = || TargetFinder::PidFile(path.clone()).find();
        assert!(matches!(of_file(), Err(FindTargetError::PidFile { .. })));
        fs::write(&path, format!(" {}\n", own().pid)).unwrap();
        assert_eq!(of_file().unwrap(), own());
        fs::write(&path, "soon").unwrap();
        assert!(of_file().unwrap_err().to_string().ends_with("it holds `soon`"));
        fs::write(&path, i32::MAX.to_string()).unwrap();
        assert!(matches!(of_file(), Err(FindTargetError::Missing { .. })));
    }

    #[test]
    fn listener_is_found_by_its_port() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let target = TargetFinder::Listens(listener.local_addr().unwrap().port());
        assert_eq!(target.find().unwrap(), own());
        drop(listener);
        let error = target.find().unwrap_err().to_string();
        assert!(error.contains("that listens on port") && error.contains("there is none"), "{error}");
    }

    #[test]
    fn several_of_a_name_are_listed() {
        let directory = tempfile::tempdir().unwrap();
        let name = format!("v{}", std::process::id());
        let program = directory.path().join(&name);
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        // A process that was just started has its name a moment later.
        let start = || {
            let started = ProcessGuard::of_child(Command::new(&program).arg("600").spawn().unwrap()).unwrap();
            let named = || procfs::command(started.pid().cast_signed()).filter(|command| *command == name);
            wait_for_sync("its name", Duration::from_secs(60), named).unwrap();
            started
        };
        let first = start();
        let target = TargetFinder::Name(name.clone());
        assert_eq!(target.find().unwrap().pid.cast_unsigned(), first.pid());
        let second = start();
        let error = target.find().unwrap_err().to_string();
        for process in [&first, &second] {
            assert!(error.contains(&format!("pid {} (`v", process.pid())), "{error}");
        }
    }

    #[test]
    fn only_listening_sockets_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n   \
             1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n   \
             2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1\n   \
             3: 0100007F\n";
        assert_eq!(listening(table, 8080).collect::<Vec<_>>(), ["4711"]);
    }
}
