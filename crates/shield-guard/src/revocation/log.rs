//! The log, as this crate needs it.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::Revocation;
use crate::StoreError;

/// An entry's number: 1 for the first, without holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

/// One life of the log. It rises whenever entries that somebody read may be gone or others may stand in their place: after
/// a promotion, after a restore (PostgreSQL's timeline). Every node then reads from the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogEpoch(pub u64);

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// Which life of the log it is from.
    pub epoch: LogEpoch,
    /// Where it begins: after this entry.
    pub after: Sequence,
    /// Where it ends. All unexpired entries after `after` up to and with this one are in `entries`.
    pub through: Sequence,
    /// The last entry of the log when the page was read.
    pub head: Sequence,
    /// The entries, by number.
    pub entries: Vec<(Sequence, Revocation)>,
}

/// An entry that arrived outside a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushedRevocation {
    /// Which life of the log it is from.
    pub epoch: LogEpoch,
    /// Its number.
    pub sequence: Sequence,
    /// What it says.
    pub entry: Revocation,
}

/// Keeps the log.
///
/// Numbers are given in the order in which entries become visible: who sees entry n sees all before it. A database sequence
/// alone does not do that (a transaction with a lower number may commit later); a counter's row, updated in the same
/// transaction, does.
pub trait RevocationLog: Send + Sync {
    /// Adds an entry. Returns when it would survive the loss of the machine that took it; an error leaves open whether it
    /// was added, and adding it again does no harm.
    fn append(&self, entry: &Revocation) -> impl Future<Output = Result<Sequence, StoreError>> + Send;

    /// Reads on after an entry, at most `limit` entries.
    fn read_after(
        &self,
        after: Sequence,
        limit: usize,
    ) -> impl Future<Output = Result<LogPage, StoreError>> + Send;
}
