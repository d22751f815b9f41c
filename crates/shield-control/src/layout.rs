//! Where things live: one state directory per service, beside its `shield.toml`.
//!
//! Sockets live elsewhere, since a socket path ends at 108 bytes: in `$XDG_RUNTIME_DIR`, else in an owner-only directory
//! under the temporary directory, named by a hash of the state directory's path. Where, is noted in the state directory.

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use shield_types::{ArtifactDigest, EnvironmentName, InstanceId, Sha256Digest};

use crate::{
    durable::{StateFileError, create_private_directory, failed, write_atomically},
    lock::LockPlace,
};

/// First line of the file that marks a state directory.
const FORMAT_LINE: &str = "shield-state 1\n";

/// Names of inventories in the store begin with it; the digest follows.
pub(crate) const INVENTORY: &str = ".inventory-";

/// The paths of one state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
    sockets: PathBuf,
    scope: String,
}

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenLayoutError {
    /// A file or directory could not be made or read.
    #[error("open the state directory")]
    File {
        /// Which, and why.
        #[source]
        source: StateFileError,
    },
    /// It was written by another version.
    #[error("open state directory `{}`: its format is `{found}`, this shield reads `shield-state 1`", root.display())]
    Format {
        /// The directory.
        root: PathBuf,
        /// What the marker says.
        found: String,
    },
    /// Its marker was damaged, and is whole again.
    #[error("open state directory `{}`: its marker `format` was damaged (`{found}`); it was written again", root.display())]
    Damaged {
        /// The directory.
        root: PathBuf,
        /// What the marker said.
        found: String,
    },
    /// The socket directory belongs to somebody else.
    #[error("use socket directory `{}`: it must belong to this user and be closed to others", path.display())]
    SocketDirectory {
        /// The directory.
        path: PathBuf,
    },
}

impl From<StateFileError> for OpenLayoutError {
    fn from(source: StateFileError) -> Self {
        Self::File { source }
    }
}

// === impl Layout ===

impl Layout {
    /// Opens the state directory `root`, making it on first use.
    pub fn open(root: &Path) -> Result<Self, OpenLayoutError> {
        create_private_directory(root)?;
        let root = fs::canonicalize(root).map_err(failed("resolve", root))?;
        let scope = Sha256Digest::of(root.as_os_str().as_encoded_bytes()).short();
        let layout = Self { sockets: socket_directory(&root, &scope)?, root, scope };
        layout.check_format()?;
        let directories = ["production", "store", "logs", "bin", "evidence", "ca", "data"];
        for directory in directories {
            create_private_directory(&layout.root.join(directory))?;
        }
        Ok(layout)
    }

    fn check_format(&self) -> Result<(), OpenLayoutError> {
        let marker = self.root.join("format");
        let found = match fs::read(&marker) {
            Ok(bytes) if bytes == FORMAT_LINE.as_bytes() => return Ok(()),
            Ok(bytes) => String::from_utf8_lossy(&bytes).chars().take(80).collect::<String>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(write_atomically(&marker, FORMAT_LINE.as_bytes())?);
            }
            Err(error) => return Err(failed("read", &marker)(error).into()),
        };
        let (root, found) = (self.root.clone(), found.trim_end().to_owned());
        if names_a_format(&found) {
            return Err(OpenLayoutError::Format { root, found });
        }
        write_atomically(&marker, FORMAT_LINE.as_bytes())?;
        Err(OpenLayoutError::Damaged { root, found: found.escape_default().to_string() })
    }

    /// The state directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Names this state directory in the environment of its processes, so that two of them never adopt each other's.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The admin API of the control plane.
    pub fn admin_socket(&self) -> PathBuf {
        self.sockets.join("admin.sock")
    }

    /// The control socket of the `number`-th edge process.
    pub fn edge_socket(&self, number: u32) -> PathBuf {
        self.sockets.join(format!("edge-{number}.sock"))
    }

    /// The directory of the sockets.
    pub fn socket_directory(&self) -> &Path {
        &self.sockets
    }

    /// Held by the control plane for as long as it lives.
    pub(crate) fn control_lock(&self) -> LockPlace {
        LockPlace { directory: self.root.clone(), name: self.root.join("control.lock") }
    }

    /// Held by a pipeline for as long as it runs.
    pub(crate) fn ship_lock(&self) -> LockPlace {
        LockPlace { directory: self.store(), name: self.root.join("ship.lock") }
    }

    /// The resolved `shield.toml` that the control plane was last given.
    pub fn service_file(&self) -> PathBuf {
        self.root.join("service.json")
    }

    /// The journal of the production environment.
    pub fn journal(&self) -> PathBuf {
        self.root.join("production").join("journal")
    }

    /// The state at the end of the last release, for the day the journal is lost.
    pub fn last_good(&self) -> PathBuf {
        self.root.join("production").join("last-good.json")
    }

    /// Stored artifacts.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Where the artifact of this digest lies, once stored.
    pub fn artifact(&self, digest: ArtifactDigest) -> PathBuf {
        self.store().join(digest.0.hex())
    }

    /// The list of what a stored directory holds.
    pub fn inventory(&self, digest: ArtifactDigest) -> PathBuf {
        self.store().join(format!("{INVENTORY}{}", digest.0.hex()))
    }

    /// Stored copies of `shield` that daemons run from.
    pub fn binaries(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// The evidence log and its keys.
    pub fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }

    /// The id of the evidence log's key, so that a log that was replaced as a whole is noticed.
    pub fn evidence_key_note(&self) -> PathBuf {
        self.root.join("evidence.key-id")
    }

    /// The local certificate authority.
    pub fn authority(&self) -> PathBuf {
        self.root.join("ca")
    }

    /// The data directory of an environment; staging never touches production's.
    pub fn data(&self, environment: &EnvironmentName) -> PathBuf {
        self.root.join("data").join(environment.as_str())
    }

    /// Log files of instances, the edge and the control plane.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The log of one instance.
    pub fn instance_log(&self, instance: &InstanceId) -> PathBuf {
        self.logs().join(format!("{instance}.log"))
    }

    /// The log of the control plane.
    pub fn control_log(&self) -> PathBuf {
        self.logs().join("control.log")
    }
}

/// Another version wrote it, rather than an accident.
fn names_a_format(marker: &str) -> bool {
    let number = marker.strip_prefix("shield-state ");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The directory that was noted at first use, so that a command with other variables finds the same sockets; a new one when
/// there is none, or it is gone (a reboot, the end of a login session).
fn socket_directory(root: &Path, scope: &str) -> Result<PathBuf, OpenLayoutError> {
    let note = root.join("sockets");
    let noted = fs::read_to_string(&note).map(|path| PathBuf::from(path.trim_end()));
    // The scope differs when the state directory was copied from elsewhere.
    if let Ok(path) = noted
        && path.ends_with(scope)
        && path.is_dir()
    {
        check_closed(&path)?;
        return Ok(path);
    }
    let path = new_socket_directory(scope)?;
    write_atomically(&note, path.as_os_str().as_encoded_bytes())?;
    Ok(path)
}

fn new_socket_directory(scope: &str) -> Result<PathBuf, OpenLayoutError> {
    let base = match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|base| base.is_dir()) {
        Some(runtime) => runtime.join("shield"),
        None => env::temp_dir().join(format!("shield-{}", geteuid().as_raw())),
    };
    let path = base.join(scope);
    create_private_directory(&path)?;
    check_closed(&base)?;
    check_closed(&path)?;
    Ok(path)
}

/// A directory under the shared temporary directory could have been put there by somebody else: it is used only if it is
/// ours and closed.
fn check_closed(directory: &Path) -> Result<(), OpenLayoutError> {
    let metadata = fs::symlink_metadata(directory).map_err(failed("inspect", directory))?;
    if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
        return Err(OpenLayoutError::SocketDirectory { path: directory.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_twice_and_refuses_other_formats() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join(".shield");
        let first = Layout::open(&root).unwrap();
        assert_eq!(Layout::open(&root).unwrap(), first);
        assert!(first.admin_socket().as_os_str().len() < 108);
        fs::remove_dir(first.socket_directory()).unwrap();
        assert_eq!(Layout::open(&root).unwrap(), first);
        fs::write(root.join("format"), "shield-state 9\n").unwrap();
        assert!(matches!(Layout::open(&root), Err(OpenLayoutError::Format { .. })));
        for damage in ["", "shield-st", "\0\0"] {
            fs::write(root.join("format"), damage).unwrap();
            assert!(matches!(Layout::open(&root), Err(OpenLayoutError::Damaged { .. })));
            assert_eq!(Layout::open(&root).unwrap(), first);
        }
    }
}
