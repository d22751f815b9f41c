//! Which processes of a state directory run: by the mark that `shield` puts into their environment, read from `/proc`.
//! Asked of the kernel, not of the control plane, which may be what is being tested.

use std::{fs, path::Path};

use shield_testkit::ProcessGuard;
use shield_types::Sha256Digest;

/// A process of a state directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Running {
    /// The control plane.
    Control {
        /// Its process id.
        pid: u32,
    },
    /// An edge.
    Edge {
        /// Its process id.
        pid: u32,
    },
    /// An instance.
    Instance {
        /// Its id.
        id: String,
        /// Its process id.
        pid: u32,
    },
}

// === impl Running ===

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Control { pid } | Self::Edge { pid } | Self::Instance { pid, .. } => *pid,
        }
    }
}

/// Everything that runs for the state directory `state`, in order. Processes that ended meanwhile are left out.
pub(crate) fn running(state: &Path) -> Vec<Running> {
    let scope = Sha256Digest::of(state.as_os_str().as_encoded_bytes()).short();
    let mut found: Vec<Running> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // Another user's process, or one that ended.
            let environment = fs::read(entry.path().join("environ")).ok()?;
            identify(&environment, &scope, pid)
        })
        .collect();
    found.sort();
    found
}

fn identify(environment: &[u8], scope: &str, pid: u32) -> Option<Running> {
    let mark = environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok())
        .find_map(|variable| variable.strip_prefix("SHIELD_INSTANCE="))?;
    let (of, id) = mark.split_once('/')?;
    if of.strip_suffix("-control") == Some(scope) {
        return Some(Running::Control { pid });
    }
    (of == scope).then(|| match id.starts_with("edge.") {
        true => Running::Edge { pid },
        false => Running::Instance { id: id.to_owned(), pid },
    })
}

/// Kills a process that runs (`SIGKILL`); one that ended meanwhile is fine too.
pub(crate) fn kill(pid: u32) {
    // The guard kills it when it is dropped.
    drop(ProcessGuard::of_pid(pid));
}

#[cfg(test)]
mod tests {
    use super::{Running, identify};

    #[test]
    fn tells_processes_by_their_mark() {
        let of = |mark: &str| identify(format!("A=b\0SHIELD_INSTANCE={mark}\0").as_bytes(), "5c09e", 7);
        assert_eq!(of("5c09e-control/control.0.9"), Some(Running::Control { pid: 7 }));
        assert_eq!(of("5c09e/edge.0.1"), Some(Running::Edge { pid: 7 }));
        assert_eq!(of("5c09e/r1-ab.0.0"), Some(Running::Instance { id: "r1-ab.0.0".into(), pid: 7 }));
        assert_eq!(of("other/r1-ab.0.0"), None);
        assert_eq!(identify(b"A=b\0", "5c09e", 7), None);
    }
}
