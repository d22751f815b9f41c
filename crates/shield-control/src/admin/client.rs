//! The asking side of the admin API.

use std::{future::Future, io, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use shield_release::FinishedRelease;
use shield_types::chain;
use tokio::{net::UnixStream, time::timeout};

use super::message::{
    Progress, Refusal, ReleaseOrder, RollbackOrder, StagingOrder, StagingReport, StatusReport,
};
use crate::layout::Layout;

/// Longest wait for a short answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Longest accepted answer or line.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Asks the control plane of one state directory.
#[derive(Clone, Debug)]
pub struct AdminClient {
    socket: PathBuf,
}

/// The control plane did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// None runs, or it does not answer on its socket.
    #[error("reach the control plane on `{}`", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It runs and the conversation broke off: it was killed, or is overloaded.
    #[error("talk to the control plane: {problem}")]
    Broken {
        /// What happened.
        problem: String,
    },
    /// It refused.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

// === impl AdminClient ===

impl AdminClient {
    /// A client; nothing is connected yet.
    pub fn new(layout: &Layout) -> Self {
        Self { socket: layout.admin_socket() }
    }

    /// The state of production.
    pub async fn status(&self) -> Result<StatusReport, AdminError> {
        self.short("GET", "/v1/status").await
    }

    /// Finished releases, oldest first.
    pub async fn history(&self) -> Result<Vec<FinishedRelease>, AdminError> {
        self.short("GET", "/v1/history").await
    }

    /// Serve (again); also confirms that the state is whole.
    pub async fn up(&self) -> Result<(), AdminError> {
        self.short("POST", "/v1/up").await
    }

    /// Stop everything. Returns when the order is recorded; the control plane ends when all is stopped.
    pub async fn down(&self) -> Result<(), AdminError> {
        self.short("POST", "/v1/down").await
    }

    /// Releases an artifact; `observe` gets every progress, the last one is the result.
    pub async fn release(
        &self,
        order: &ReleaseOrder,
        observe: impl FnMut(&Progress),
    ) -> Result<Progress, AdminError> {
        self.follow("/v1/releases", order, observe).await
    }

    /// Takes back, or brings back; `observe` gets every progress, the last one is the result.
    pub async fn rollback(
        &self,
        order: &RollbackOrder,
        observe: impl FnMut(&Progress),
    ) -> Result<Progress, AdminError> {
        self.follow("/v1/rollback", order, observe).await
    }

    /// Starts a staging instance. It lives as long as the returned value.
    pub async fn stage(&self, order: &StagingOrder) -> Result<StagingStream, AdminError> {
        Ok(StagingStream(self.open("/v1/staging", order).await?))
    }

    async fn follow<T: Serialize>(
        &self,
        path: &str,
        order: &T,
        mut observe: impl FnMut(&Progress),
    ) -> Result<Progress, AdminError> {
        let mut lines = self.open(path, order).await?;
        while let Some(progress) = lines.next::<Progress>().await? {
            match progress {
                Progress::Refused { refusal } => return Err(AdminError::Refused { refusal }),
                Progress::Finished { .. } => return Ok(progress),
                Progress::Moved { .. } | Progress::Note { .. } => observe(&progress),
            }
        }
        Err(AdminError::Broken {
            problem: "it ended before the release did; the release goes on after `shield up`".to_owned(),
        })
    }

    async fn open<T: Serialize>(&self, path: &str, order: &T) -> Result<Lines, AdminError> {
        let body = serde_json::to_vec(order).expect("orders have only text keys");
        let response = self.send("POST", path, body).await?;
        match response.status() {
            StatusCode::OK => Ok(Lines { body: response.into_body(), buffer: Vec::new() }),
            _ => Err(refused(response).await),
        }
    }

    async fn short<T: DeserializeOwned>(&self, method: &str, path: &str) -> Result<T, AdminError> {
        within(async {
            let response = self.send(method, path, Vec::new()).await?;
            let status = response.status();
            if !status.is_success() {
                return Err(refused(response).await);
            }
            let bytes = read(response).await?;
            let bytes = if status == StatusCode::NO_CONTENT { b"null" } else { &bytes[..] };
            serde_json::from_slice(bytes).map_err(|error| broken(&error))
        })
        .await
    }

    async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Response<Incoming>, AdminError> {
        let unreachable = |source| AdminError::Unreachable { socket: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(unreachable)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // It ends when the response body was read, or dropped.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "shield")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(&error))?;
        sender.send_request(request).await.map_err(|error| broken(&error))
    }
}

/// The reports of one staging instance; dropping it stops the instance.
pub struct StagingStream(Lines);

// === impl StagingStream ===

impl StagingStream {
    /// The next report; `None` when the control plane is gone.
    pub async fn next(&mut self) -> Result<Option<StagingReport>, AdminError> {
        self.0.next().await
    }
}

struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Lines {
    async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, AdminError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return serde_json::from_slice(&line).map(Some).map_err(|error| broken(&error));
            }
            if self.buffer.len() > ANSWER_BYTES_MAX {
                return Err(AdminError::Broken { problem: "a line of its answer is too long".to_owned() });
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.map_err(|error| broken(&error))?;
                    self.buffer.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
            }
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, AdminError>>) -> Result<T, AdminError> {
    let late = || AdminError::Broken { problem: "it did not answer within 30s".to_owned() };
    timeout(ANSWER_DEADLINE, work).await.unwrap_or_else(|_| Err(late()))
}

async fn refused(response: Response<Incoming>) -> AdminError {
    let status = response.status();
    let bytes = match read(response).await {
        Ok(bytes) => bytes,
        Err(error) => return error,
    };
    match serde_json::from_slice(&bytes) {
        Ok(refusal) => AdminError::Refused { refusal },
        Err(_) => AdminError::Broken {
            problem: format!("it answered {status}: {}", String::from_utf8_lossy(&bytes)),
        },
    }
}

async fn read(response: Response<Incoming>) -> Result<Bytes, AdminError> {
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| AdminError::Broken { problem: error.to_string() })
}

fn broken(error: &dyn std::error::Error) -> AdminError {
    AdminError::Broken { problem: chain(error) }
}
