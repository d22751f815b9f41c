//! What one backend knows while it runs.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::watch;

use super::BackendOptions;
use super::behaviour::{Action, Seen};
use crate::ledger::LedgerWriter;

/// Shared by all connections of one backend.
#[derive(Debug)]
pub(crate) struct BackendState {
    pub(crate) options: BackendOptions,
    pub(crate) ledger: Option<LedgerWriter>,
    /// Set when the backend is to end as if it had crashed.
    pub(crate) dying: watch::Sender<bool>,
    probes: AtomicU64,
    first_request: OnceLock<Instant>,
}

// === impl BackendState ===

impl BackendState {
    pub(crate) fn new(options: BackendOptions) -> io::Result<Self> {
        let ledger = options.data.as_deref().map(LedgerWriter::create).transpose()?;
        Ok(Self {
            options,
            ledger,
            dying: watch::Sender::new(false),
            probes: AtomicU64::new(0),
            first_request: OnceLock::new(),
        })
    }

    /// Books a request and says what to do with it.
    pub(crate) fn action(&self, probe: bool) -> Action {
        let earlier_probes = if probe {
            self.probes.fetch_add(1, Ordering::Relaxed)
        } else {
            self.probes.load(Ordering::Relaxed)
        };
        let first_request = match probe {
            true => self.first_request.get(),
            false => Some(self.first_request.get_or_init(Instant::now)),
        };
        let since_first_request = first_request.map(Instant::elapsed).unwrap_or_default();
        let seen = Seen { probe, earlier_probes, since_first_request };
        self.options.behaviour.action(seen, self.options.hang_after)
    }
}
