//! The edge's end of the protocol: who may speak, and what each order does.
//!
//! The socket lies in a directory only its owner may enter, has mode 0600, and every connection's peer must be the same
//! user or root (SO_PEERCRED). That keeps other users out; it does not, and cannot, keep out processes of the same user.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::{net::sockopt::socket_peercred, process::geteuid};
use shield_types::chain;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{RwLock, Semaphore},
};

use super::{Request, Response, frame::FrameStream};
use crate::edge::{Edge, refused};

/// Control connections open at once.
const CONNECTIONS_MAX: usize = 32;
/// Pause after an accept that failed for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The control socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BindControlError {
    /// The path has no directory.
    #[error("make control socket `{}`: the path names no directory", socket.display())]
    NoDirectory {
        /// Its path.
        socket: PathBuf,
    },
    /// The directory lets others in.
    #[error("make control socket in `{}`: the directory must belong to user {user} and have mode 0700, it belongs to {owner} with mode {mode:o}", directory.display())]
    OpenDirectory {
        /// The directory.
        directory: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who must own it.
        user: u32,
        /// Its mode.
        mode: u32,
    },
    /// Another edge answers there.
    #[error("make control socket `{}`: another process listens on it", socket.display())]
    Occupied {
        /// Its path.
        socket: PathBuf,
    },
    /// The file system or the socket refuses.
    #[error("make control socket `{}`", socket.display())]
    Io {
        /// Its path.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The bound control socket; its file is removed with it.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    path: PathBuf,
    listener: UnixListener,
}

/// Holds back the end of the process while an answer is being written.
pub(crate) type Answering = Arc<RwLock<()>>;

// === impl ControlSocket ===

impl ControlSocket {
    pub(crate) fn bind(path: &Path) -> Result<Self, BindControlError> {
        let failed = |source| BindControlError::Io { socket: path.to_owned(), source };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = parent.ok_or_else(|| BindControlError::NoDirectory { socket: path.to_owned() })?;
        if !directory.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        }
        check_directory(directory, path)?;
        if path.exists() {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(BindControlError::Occupied { socket: path.to_owned() });
            }
            fs::remove_file(path).map_err(failed)?;
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), listener })
    }

    /// Serves control connections until dropped.
    pub(crate) async fn serve(&self, edge: Arc<Edge>, answering: Answering) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!("control connection closed: too many are open");
                continue;
            };
            let (edge, answering) = (Arc::clone(&edge), Arc::clone(&answering));
            tokio::spawn(async move {
                converse(edge, stream, &answering).await;
                drop(place);
            });
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Whoever starts next removes what is left.
        let _ = fs::remove_file(&self.path);
    }
}

fn check_directory(directory: &Path, socket: &Path) -> Result<(), BindControlError> {
    let metadata = fs::symlink_metadata(directory)
        .map_err(|source| BindControlError::Io { socket: socket.to_owned(), source })?;
    let user = geteuid().as_raw();
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if metadata.is_dir() && owner == user && mode & 0o077 == 0 {
        return Ok(());
    }
    Err(BindControlError::OpenDirectory { directory: directory.to_owned(), owner, user, mode })
}

/// Whether a process of user `peer` may give orders to one of user `own`.
fn may_order(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

async fn converse(edge: Arc<Edge>, stream: UnixStream, answering: &RwLock<()>) {
    let peer = socket_peercred(&stream).map(|peer| peer.uid.as_raw());
    if !peer.is_ok_and(|peer| may_order(peer, geteuid().as_raw())) {
        tracing::warn!("control connection of another user refused");
        return;
    }
    let stream = FrameStream::new(stream);
    loop {
        let (request, sockets) = match stream.receive::<Request>().await {
            Ok(Some(received)) => received,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "control connection ended");
                // It may still read why; the answer to nonsense is best effort.
                let _ = stream.send(&refused(&error.to_string()), &[]).await;
                return;
            }
        };
        let held = answering.read().await;
        let (response, sockets) = answer(&edge, request, sockets).await;
        let borrowed: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        let sent = stream.send(&response, &borrowed).await;
        drop(held);
        if sent.is_err() {
            return;
        }
    }
}

async fn answer(edge: &Arc<Edge>, request: Request, sockets: Vec<OwnedFd>) -> (Response, Vec<OwnedFd>) {
    let response = match request {
        Request::Configure { config } => match edge.settings.configure(*config) {
            Ok(()) => Response::Done,
            Err(error) => refused(&chain(&error)),
        },
        Request::GiveListeners { names } => edge.add_listeners(names, sockets).await,
        Request::TakeListeners => match edge.copy_listeners().await {
            Ok((names, sockets)) => return (Response::Listeners { names }, sockets),
            Err(refusal) => refusal,
        },
        Request::Apply { table } => edge.apply(*table),
        Request::Status => Response::Status { status: Box::new(edge.status()) },
        Request::Drain { deadline_ms } => {
            edge.drain(Duration::from_millis(deadline_ms));
            Response::Done
        }
    };
    (response, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_owner_and_root_give_orders() {
        assert!(may_order(1000, 1000) && may_order(0, 1000));
        assert!(!may_order(1001, 1000) && !may_order(1000, 0));
    }

    #[tokio::test]
    async fn refuses_directory_open_to_others() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let bound = ControlSocket::bind(&directory.path().join("edge.sock"));
        assert!(matches!(bound, Err(BindControlError::OpenDirectory { .. })), "{bound:?}");
    }

    #[tokio::test]
    async fn takes_over_dead_socket_not_live_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run").join("edge.sock");
        let first = ControlSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(ControlSocket::bind(&path), Err(BindControlError::Occupied { .. })));
        let ControlSocket { .. } = &first;
        drop(first);
        // A killed edge leaves its file behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists() && ControlSocket::bind(&path).is_ok());
    }
}
