//! The control plane's end of the protocol.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    time::Duration,
};

use shield_release::RouteTable;
use shield_types::Generation;
use tokio::{net::UnixStream, sync::Mutex, time::timeout};

use super::{
    EdgeConfig, EdgeStatus, ListenerName, Request, Response,
    frame::{FrameError, FrameStream},
};

/// From asking to the whole answer; nothing the edge does for an answer waits for traffic.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// A connection to a running edge. Several may be open at once, also from different processes; every order may be
/// repeated.
#[derive(Debug)]
pub struct EdgeClient {
    socket: PathBuf,
    /// `None` after a failure: the next answer on it could be to the last question.
    stream: Mutex<Option<FrameStream>>,
}

/// What became of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyAnswer {
    /// It is in force.
    Applied {
        /// Its generation.
        generation: Generation,
        /// Requests in flight, on all pools, at the moment of the swap.
        claims: u64,
    },
    /// One at least as new is in force; nothing changed.
    Stale {
        /// The generation in force.
        generation: Generation,
    },
}

/// The edge could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectEdgeError {
    /// Nobody listens at the socket.
    #[error("connect to the edge at `{}`", socket.display())]
    Connect {
        /// Its path.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Connecting took too long.
    #[error("connect to the edge at `{}` within {CONNECT_DEADLINE:?}", socket.display())]
    Late {
        /// Its path.
        socket: PathBuf,
    },
}

/// The edge did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AskEdgeError {
    /// The edge refused; nothing changed.
    #[error("{action}: the edge refuses: {reason}")]
    Refused {
        /// What was asked.
        action: &'static str,
        /// The edge's reason.
        reason: String,
    },
    /// The connection failed; whether the order was carried out is not known. Connect again and ask for the status.
    #[error("{action} at the edge `{}`", socket.display())]
    Frame {
        /// What was asked.
        action: &'static str,
        /// The edge's socket.
        socket: PathBuf,
        /// How it failed.
        #[source]
        source: FrameError,
    },
    /// No answer in time; whether the order was carried out is not known.
    #[error("{action} at the edge `{}` within {ANSWER_DEADLINE:?}", socket.display())]
    Late {
        /// What was asked.
        action: &'static str,
        /// The edge's socket.
        socket: PathBuf,
    },
    /// An earlier order on this connection failed or was abandoned: connect again.
    #[error("{action} at the edge `{}`: an earlier order on this connection was broken off", socket.display())]
    Broken {
        /// What was asked.
        action: &'static str,
        /// The edge's socket.
        socket: PathBuf,
    },
    /// The edge speaks another version of the protocol.
    #[error("{action} at the edge `{}`: its answer does not fit the question", socket.display())]
    Mismatch {
        /// What was asked.
        action: &'static str,
        /// The edge's socket.
        socket: PathBuf,
    },
}

// === impl EdgeClient ===

impl EdgeClient {
    /// Connects to the edge that listens at `socket`.
    pub async fn connect(socket: &Path) -> Result<Self, ConnectEdgeError> {
        let path = || socket.to_owned();
        let stream = timeout(CONNECT_DEADLINE, UnixStream::connect(socket))
            .await
            .map_err(|_| ConnectEdgeError::Late { socket: path() })?
            .map_err(|source| ConnectEdgeError::Connect { socket: path(), source })?;
        Ok(Self { socket: path(), stream: Mutex::new(Some(FrameStream::new(stream))) })
    }

    /// Sets limits, certificate and probes.
    pub async fn configure(&self, config: EdgeConfig) -> Result<(), AskEdgeError> {
        let action = "configure";
        let answer = self.ask(action, Request::Configure { config: Box::new(config) }, &[]).await?;
        self.expect_done(action, answer.0)
    }

    /// Hands over listening sockets; accepting begins at once. The caller keeps its own copies.
    pub async fn give_listeners(
        &self,
        listeners: &[(ListenerName, BorrowedFd<'_>)],
    ) -> Result<(), AskEdgeError> {
        let action = "hand over listening sockets";
        let names = listeners.iter().map(|(name, _)| *name).collect();
        let sockets: Vec<BorrowedFd<'_>> = listeners.iter().map(|(_, socket)| *socket).collect();
        let answer = self.ask(action, Request::GiveListeners { names }, &sockets).await?;
        self.expect_done(action, answer.0)
    }

    /// Copies of the listening sockets.
    pub async fn take_listeners(&self) -> Result<Vec<(ListenerName, OwnedFd)>, AskEdgeError> {
        let action = "take back listening sockets";
        match self.ask(action, Request::TakeListeners, &[]).await? {
            (Response::Listeners { names }, sockets) if names.len() == sockets.len() => {
                Ok(names.into_iter().zip(sockets).collect())
            }
            _ => Err(self.mismatch(action)),
        }
    }

    /// Puts a table in force, unless one at least as new is.
    pub async fn apply(&self, table: RouteTable) -> Result<ApplyAnswer, AskEdgeError> {
        let action = "apply a route table";
        match self.ask(action, Request::Apply { table: Box::new(table) }, &[]).await?.0 {
            Response::Applied { generation, claims } => Ok(ApplyAnswer::Applied { generation, claims }),
            Response::Stale { generation } => Ok(ApplyAnswer::Stale { generation }),
            _ => Err(self.mismatch(action)),
        }
    }

    /// Everything the edge knows.
    pub async fn status(&self) -> Result<EdgeStatus, AskEdgeError> {
        let action = "read the status";
        match self.ask(action, Request::Status, &[]).await?.0 {
            Response::Status { status } => Ok(*status),
            _ => Err(self.mismatch(action)),
        }
    }

    /// Orders the edge to finish what was begun and exit, within `deadline`. Returns at once.
    pub async fn drain(&self, deadline: Duration) -> Result<(), AskEdgeError> {
        let action = "drain";
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let answer = self.ask(action, Request::Drain { deadline_ms }, &[]).await?;
        self.expect_done(action, answer.0)
    }

    async fn ask(
        &self,
        action: &'static str,
        request: Request,
        sockets: &[BorrowedFd<'_>],
    ) -> Result<(Response, Vec<OwnedFd>), AskEdgeError> {
        let mut held = self.stream.lock().await;
        // Taken out, and put back only after a whole answer: a call that is dropped half-way leaves nothing behind.
        let stream =
            held.take().ok_or_else(|| AskEdgeError::Broken { action, socket: self.socket.clone() })?;
        let exchange = async {
            stream.send(&request, sockets).await?;
            stream.receive::<Response>().await?.ok_or(FrameError::Closed)
        };
        let answer = timeout(ANSWER_DEADLINE, exchange)
            .await
            .map_err(|_| AskEdgeError::Late { action, socket: self.socket.clone() })?
            .map_err(|source| AskEdgeError::Frame { action, socket: self.socket.clone(), source })?;
        *held = Some(stream);
        match answer {
            (Response::Refused { reason }, _) => Err(AskEdgeError::Refused { action, reason }),
            answer => Ok(answer),
        }
    }

    fn expect_done(&self, action: &'static str, answer: Response) -> Result<(), AskEdgeError> {
        if answer == Response::Done { Ok(()) } else { Err(self.mismatch(action)) }
    }

    fn mismatch(&self, action: &'static str) -> AskEdgeError {
        AskEdgeError::Mismatch { action, socket: self.socket.clone() }
    }
}
