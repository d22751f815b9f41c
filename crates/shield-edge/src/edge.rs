//! The parts of the edge, put together.

use std::{os::fd::OwnedFd, sync::Arc, time::Duration};

use rustix::fs::fstat;
use shield_release::RouteTable;
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

use crate::{
    limits::Limits,
    listener::Listening,
    probe,
    protocol::{EdgeStatus, ListenerName, Response},
    router::{Router, Swap},
    settings::Settings,
    upstream::{Instance, RetryBudget},
};

/// Everything that requests and the control plane share.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) limits: Limits,
    pub(crate) router: Router,
    pub(crate) settings: Settings,
    pub(crate) budget: RetryBudget,
    /// Client connections open now.
    pub(crate) connections: Arc<watch::Sender<u64>>,
    listeners: Mutex<Vec<Listening>>,
    /// True from the first order to drain on.
    draining: watch::Sender<bool>,
    /// The earliest deadline that a drain was given.
    drain_deadline: watch::Sender<Option<Instant>>,
}

// === impl Edge ===

impl Edge {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            router: Router::default(),
            settings: Settings::default(),
            budget: RetryBudget::new(),
            connections: Arc::new(watch::Sender::new(0)),
            listeners: Mutex::new(Vec::new()),
            draining: watch::Sender::new(false),
            drain_deadline: watch::Sender::new(None),
        })
    }

    pub(crate) fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }

    /// Nothing listens at the instance: no more requests for it until its probes succeed again.
    pub(crate) fn eject(&self, instance: &Instance) {
        if instance.eject(probe::now()) {
            self.router.instance_ejected(instance);
        }
    }

    /// Puts a table in force and starts to probe what is new in it.
    pub(crate) fn apply(self: &Arc<Self>, table: RouteTable) -> Response {
        if !self.settings.configured() {
            return refused("the edge is not configured yet");
        }
        match self.router.apply(table) {
            Ok(Swap::Applied { generation, claims, arrived }) => {
                for instance in arrived {
                    tokio::spawn(probe::probe_loop(Arc::clone(self), instance));
                }
                Response::Applied { generation, claims }
            }
            Ok(Swap::Stale { generation }) => Response::Stale { generation },
            Err(error) => refused(&error.to_string()),
        }
    }

    /// Starts to accept on handed-over sockets. One that is already held is left as it is; another of the same name is
    /// replaced.
    pub(crate) async fn add_listeners(
        self: &Arc<Self>,
        names: Vec<ListenerName>,
        sockets: Vec<OwnedFd>,
    ) -> Response {
        if !self.settings.configured() {
            return refused("the edge is not configured yet");
        }
        if names.len() != sockets.len() {
            return refused("the number of descriptors is not the number of names");
        }
        if names.contains(&ListenerName::Https) && self.settings.tls().is_none() {
            return refused("a TLS listener needs a certificate first");
        }
        let mut listeners = self.listeners.lock().await;
        if listeners.len() + names.len() > self.limits.listeners_max {
            return refused("too many listening sockets");
        }
        for (name, socket) in names.into_iter().zip(sockets) {
            let held = |held: &Listening| held.name == name && same_socket(&held.socket, &socket);
            if listeners.iter().any(held) {
                continue;
            }
            match Listening::start(self, name, socket) {
                Ok(listening) => {
                    listeners.retain(|held| held.name != name);
                    listeners.push(listening);
                }
                Err(error) => return refused(&format!("listen on `{name:?}`: {error}")),
            }
        }
        Response::Done
    }

    /// Copies of the listening sockets.
    pub(crate) async fn copy_listeners(&self) -> Result<(Vec<ListenerName>, Vec<OwnedFd>), Response> {
        let listeners = self.listeners.lock().await;
        let copies = listeners.iter().map(|held| Ok((held.name, held.socket.try_clone()?)));
        copies
            .collect::<std::io::Result<Vec<_>>>()
            .map(|copies| copies.into_iter().unzip())
            .map_err(|error| refused(&format!("copy a listening socket: {error}")))
    }

    pub(crate) fn status(&self) -> EdgeStatus {
        let (table, pools, verdict) = self.router.snapshot();
        EdgeStatus {
            pid: std::process::id(),
            table,
            pools,
            verdict,
            connections: *self.connections.borrow(),
            draining: *self.draining.borrow(),
        }
    }

    /// Stops accepting and finishes what was begun, until `wait` is over. An earlier deadline stays.
    pub(crate) fn drain(&self, wait: Duration) {
        let deadline = Instant::now() + wait;
        self.drain_deadline.send_modify(|earliest| {
            *earliest = Some(earliest.map_or(deadline, |earliest| earliest.min(deadline)));
        });
        self.draining.send_replace(true);
    }

    /// Ends when a drain was ordered and is over; says how many connections it cut.
    pub(crate) async fn drained(&self) -> u64 {
        let mut deadline = self.drain_deadline.subscribe();
        let mut open = self.connections.subscribe();
        let mut draining = self.draining();
        // The senders live as long as `self`.
        let _ = draining.wait_for(|draining| *draining).await;
        loop {
            let until = deadline.borrow_and_update().unwrap_or_else(Instant::now);
            tokio::select! {
                _ = open.wait_for(|count| *count == 0) => return 0,
                () = tokio::time::sleep_until(until) => return *self.connections.borrow(),
                // An earlier deadline was set.
                _ = deadline.changed() => {}
            }
        }
    }
}

fn same_socket(one: &OwnedFd, other: &OwnedFd) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    }
}

/// A refusal with its reason.
pub(crate) fn refused(reason: &str) -> Response {
    Response::Refused { reason: reason.to_owned() }
}
