//! HTTP/2: one connection, shared by the streams of one client.
//!
//! A connection that said GOAWAY, or closed, before a request was put on it is replaced; nothing was sent. A request
//! that was put on it is answered or failed. When GOAWAY names an earlier stream as the last one, the protocol promises
//! that the request was not processed; a client that never retries counts it all the same, as a kind of its own. Only
//! a request that was taken back before a byte of it left goes to the next connection: it has not been sent yet.

use std::os::fd::AsFd;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::driver::Connection;
use super::exchange::{Exchange, Outcome};
use super::sending::{Request, Trust};
use crate::measure::failure::FailureKind;
use crate::plan::model;
use crate::scenario::program::Program;
use crate::scenario::user::User;
use crate::wire::connect::Connector;
use crate::wire::exchange::{Answer, Broken, Progress};
use crate::wire::request::{Http2Requests, Http2Room};

/// Connections tried for one request, as long as nothing was sent and the server says GOAWAY in good order.
const CONNECTIONS_MAX: usize = 3;
/// Old connections of one client that may be closing at a time; beyond it all of them are cut.
const CLOSING_MAX: usize = 64;

/// One stream of a client.
pub(crate) struct Http2Client {
    connector: Connector,
    program: Arc<Program>,
    requests: Arc<Http2Requests>,
    kept: model::Connection,
    shared: Arc<SharedConnection>,
    /// The connection that it used last, to look at before anybody is asked.
    current: Option<Arc<Connection>>,
    /// Room to make requests in.
    room: Http2Room,
}

/// The connection that the streams of a client share.
#[derive(Default)]
pub(crate) struct SharedConnection {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    open: Option<Arc<Connection>>,
    /// Drives the connections; ends them when the client ends.
    drivers: JoinSet<()>,
}

/// A connection to use now, and whether it was there before.
struct Lease {
    connection: Arc<Connection>,
    reused: bool,
}

// === impl Http2Client ===

impl Http2Client {
    pub(crate) fn new(
        connector: Connector,
        program: Arc<Program>,
        requests: Arc<Http2Requests>,
        kept: model::Connection,
        shared: Arc<SharedConnection>,
    ) -> Self {
        let room = Http2Room::default();
        Self { connector, program, requests, kept, shared, current: None, room }
    }

    /// Sends the request of a step once.
    pub(crate) async fn exchange(
        &mut self,
        step: usize,
        user: &mut User,
        progress: &Progress<'_>,
    ) -> Result<Answer, Broken> {
        let Self { connector, program, requests, kept, shared, current, room } = self;
        let Some((block, body)) = requests.make(step, user, room) else {
            return Err(Broken::new(
                FailureKind::Protocol,
                "a value made the request one that cannot be sent",
            ));
        };
        let request = Request { step, block, body };
        let (mut trust, mut reused, mut tried) = (Trust::IfBusy, true, 0);
        loop {
            let Some(connection) = current else {
                let lease = shared.lease(connector, program, progress).await?;
                (trust, reused) = (Trust::Looked, lease.reused);
                *current = Some(lease.connection);
                continue;
            };
            progress.set_reused(reused);
            let outcome = Exchange::new(connection, request, progress, trust).await;
            let (result, ended) = match outcome {
                Outcome::Answered(answer) => (Ok(answer), true),
                Outcome::Broken(broken) => (Err(broken), true),
                Outcome::Refused(refusal) => {
                    tried += 1;
                    let again = (reused || refusal.orderly) && tried < CONNECTIONS_MAX;
                    (Err(refusal.broken), !again)
                }
                Outcome::Unknown if connection.usable().await => {
                    trust = Trust::Looked;
                    continue;
                }
                Outcome::Unknown => {
                    *current = None;
                    continue;
                }
            };
            if !ended {
                *current = None;
                continue;
            }
            if *kept == model::Connection::Fresh {
                connection.retire();
            }
            return result;
        }
    }
}

// === impl SharedConnection ===

impl SharedConnection {
    /// The open connection, or a new one.
    async fn lease(
        &self,
        connector: &Connector,
        program: &Arc<Program>,
        progress: &Progress<'_>,
    ) -> Result<Lease, Broken> {
        let mut slot = self.slot.lock().await;
        if let Some(open) = &slot.open {
            if open.usable().await {
                return Ok(Lease { connection: open.clone(), reused: true });
            }
            slot.open = None;
        }
        let connection = slot.connect(connector, program, progress).await?;
        slot.open = Some(connection.clone());
        Ok(Lease { connection, reused: false })
    }
}

// === impl Slot ===

impl Slot {
    async fn connect(
        &mut self,
        connector: &Connector,
        program: &Arc<Program>,
        progress: &Progress<'_>,
    ) -> Result<Arc<Connection>, Broken> {
        while self.drivers.try_join_next().is_some() {}
        if self.drivers.len() >= CLOSING_MAX {
            self.drivers.abort_all();
        }
        let wire = connector.connect(progress).await?;
        // The driver owns the stream; who borrows the connection looks at its socket through another descriptor.
        let socket = wire.stream.as_fd().try_clone_to_owned();
        let socket = socket.map_err(|error| Broken::new(FailureKind::ConnectFailed, error))?;
        let (connection, driver) = Connection::new(program.clone(), wire.stream, socket);
        self.drivers.spawn(driver);
        Ok(connection)
    }
}
