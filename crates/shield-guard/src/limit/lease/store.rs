//! What a node asks the shared store, and what it is answered.

use std::num::NonZeroU32;

use shield_types::Timestamp;

use crate::{
    StoreError,
    limit::{LimitKey, Rate},
};

/// Tokens that a node wants for a key, in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Which limit; with `key` and `window_start` it names the counter.
    pub limit: &'static str,
    /// Whose tokens.
    pub key: LimitKey,
    /// What the counter may reach within the window.
    pub rate: Rate,
    /// Tokens to be lent.
    pub want: NonZeroU32,
    /// Of these, what the request at hand needs at once.
    pub cost: NonZeroU32,
    /// First moment of the window: a multiple of the period since the Unix epoch.
    pub window_start: Timestamp,
    /// First moment after it; tokens are worth nothing from then on, and the counter may be forgotten.
    pub window_end: Timestamp,
}

/// What a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// Counted and lent. Fewer than wanted means that the window has no more.
    Granted {
        /// At most what was wanted.
        tokens: u32,
    },
    /// The store does not know what it lent in this window: its memory begins after `window_start`, because it was
    /// restarted empty or replaced by a copy that may lack the last counts. It lends nothing until the next window.
    Forgotten,
}

/// The store that all nodes share.
pub trait LeaseStore: Send + Sync {
    /// In one atomic step and one call: lends min(want, count - lent) and adds it to what the window has lent.
    ///
    /// Waits at most 20 ms; what takes longer is an error. An implementation keeps, beside its counters and dying with
    /// them, the moment since when it remembers, and answers [`LeaseAnswer::Forgotten`] for windows that began before.
    fn take(
        &self,
        request: &LeaseRequest,
        now: Timestamp,
    ) -> impl Future<Output = Result<LeaseAnswer, StoreError>> + Send;
}
