//! Finds the workers of a run, proves their keys, and gives each its share, before anything is sent.

use std::io;
use std::time::Duration;

use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fleet::frames::{
    Bounds, FORMAT, FrameError, PLAN_BYTES_MAX, ToCoordinator, ToWorker, WORD_BYTES_MAX, read_frame,
    write_frame,
};
use crate::fleet::identity::{CERTIFICATE_NAME, WorkerAddress};
use crate::fleet::job::PREPARE_MAX;
use crate::fleet::tls::coordinator_config;
use crate::plan::model::LoadPlan;

/// Longest time for a connection and its handshake; a worker makes those wait whose keys were wrong before.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// The workers of a run are not all there. Nothing was sent.
#[derive(Debug, Error)]
pub enum PrepareFleetError {
    /// No connection.
    #[error("reach the worker `{worker}`")]
    Reach {
        /// Which.
        worker: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has another certificate, or the handshake broke off.
    #[error("verify the worker `{worker}`: another program answers there, or a worker with another key")]
    Verify {
        /// Which.
        worker: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does something else.
    #[error("use the worker `{worker}`: it is busy with another run")]
    Busy {
        /// Which.
        worker: String,
    },
    /// It refused the key or the plan.
    #[error("use the worker `{worker}`: {problem}")]
    Refused {
        /// Which.
        worker: String,
        /// Why.
        problem: String,
    },
    /// The same one twice.
    #[error("use the worker `{worker}` twice in one run")]
    Twice {
        /// Which.
        worker: String,
    },
}

/// A worker that waits for the start.
pub(crate) struct Ready {
    pub(crate) worker: String,
    pub(crate) stream: TlsStream<TcpStream>,
    /// Its share.
    pub(crate) plan: LoadPlan,
}

/// All that have something to do, in the order of their shares.
pub(crate) async fn prepare(
    workers: &[WorkerAddress],
    plan: &LoadPlan,
) -> Result<Vec<Ready>, PrepareFleetError> {
    for (index, worker) in workers.iter().enumerate() {
        if workers[..index].iter().any(|other| other.token() == worker.token()) {
            return Err(PrepareFleetError::Twice { worker: worker.authority().to_owned() });
        }
    }
    let mut preparing = JoinSet::new();
    for (index, address) in workers.iter().enumerate() {
        let Some(share) = plan.share(index, workers.len()) else { continue };
        let address = address.clone();
        preparing.spawn(async move { Ok((index, prepare_one(&address, share).await?)) });
    }
    let mut ready = Vec::new();
    while let Some(prepared) = preparing.join_next().await {
        ready.push(prepared.expect("nothing cancels it, and it does not panic")?);
    }
    ready.sort_by_key(|(index, _)| *index);
    Ok(ready.into_iter().map(|(_, ready)| ready).collect())
}

async fn prepare_one(address: &WorkerAddress, plan: LoadPlan) -> Result<Ready, PrepareFleetError> {
    let worker = address.authority().to_owned();
    let reach = |source| PrepareFleetError::Reach { worker: worker.clone(), source };
    let late = |_| reach(io::ErrorKind::TimedOut.into());
    let tcp = timeout(CONNECT_MAX, TcpStream::connect(address.authority())).await;
    let tcp = tcp.map_err(late)?.map_err(reach)?;
    tcp.set_nodelay(true).map_err(reach)?;
    let config = coordinator_config(address).map_err(|error| reach(io::Error::other(error)))?;
    let name = ServerName::try_from(CERTIFICATE_NAME).expect("the name is a host name");
    let stream = timeout(CONNECT_MAX, TlsConnector::from(config).connect(name, tcp)).await;
    let verify = |source| PrepareFleetError::Verify { worker: worker.clone(), source };
    let mut stream = stream.map_err(late)?.map_err(verify)?;
    let failed = |error: FrameError| PrepareFleetError::Refused {
        worker: worker.clone(),
        problem: format!("it did not answer as a worker: {error}"),
    };
    let hello = ToWorker::Hello { format: FORMAT, token: address.token() };
    write_frame(&mut stream, &hello, WORD_BYTES_MAX).await.map_err(failed)?;
    expect(&mut stream, CONNECT_MAX, &worker).await?;
    let share = ToWorker::Plan(Box::new(plan.clone()));
    write_frame(&mut stream, &share, PLAN_BYTES_MAX).await.map_err(failed)?;
    expect(&mut stream, PREPARE_MAX, &worker).await?;
    Ok(Ready { worker, stream, plan })
}

/// Reads the next word, which agrees or tells why not.
async fn expect(
    stream: &mut TlsStream<TcpStream>,
    silence_max: Duration,
    worker: &str,
) -> Result<(), PrepareFleetError> {
    let worker = worker.to_owned();
    match read_frame(stream, Bounds { bytes_max: WORD_BYTES_MAX, silence_max }).await {
        Ok(ToCoordinator::Welcome | ToCoordinator::Ready) => Ok(()),
        Ok(ToCoordinator::Busy) => Err(PrepareFleetError::Busy { worker }),
        Ok(ToCoordinator::Refused { problem }) => Err(PrepareFleetError::Refused { worker, problem }),
        Ok(ToCoordinator::Sample { .. } | ToCoordinator::Leaving | ToCoordinator::Report(_)) => {
            Err(PrepareFleetError::Refused { worker, problem: "it answers what was not asked".to_owned() })
        }
        Err(error) => {
            let problem = format!("it did not answer as a worker: {error}");
            Err(PrepareFleetError::Refused { worker, problem })
        }
    }
}
