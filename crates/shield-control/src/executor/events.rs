//! Journaling events, and renewing a journal that can no longer be written.

use shield_edge::protocol::Verdict;
use shield_release::{Event, ReturnReason};

use shield_types::Timestamp;

use super::Executor;
use crate::{
    durable::write_atomically,
    journal::{AppendJournalError, Journal},
};

impl Executor {
    /// Makes `event` durable as of `now`, or says why it is not. After a failure the journal takes nothing until it is
    /// renewed: by the caller, once its state is settled.
    pub(super) fn record(&mut self, now: Timestamp, event: &Event) -> Result<(), AppendJournalError> {
        let Some(journal) = &mut self.journal else {
            return Err(AppendJournalError::Broken { path: self.layout.journal() });
        };
        let result = journal.append(now, event);
        if let Err(error) = &result {
            self.warn(format!("the journal could not be written: {error}"));
        }
        result
    }

    /// Begins a new journal with the present state, in place of one that failed, or has grown long.
    pub(super) fn renew_journal(&mut self) {
        match Journal::begin(&self.layout.journal(), &self.environment) {
            Ok(journal) => {
                tracing::info!("a new journal was begun from the state in memory");
                self.journal = Some(journal);
                self.warnings.retain(|warning| !warning.starts_with("the journal"));
            }
            Err(error) => {
                tracing::error!(%error, "no new journal could be begun; trying again");
                // One that is merely long goes on.
                self.journal = self.journal.take().filter(|journal| !journal.broken());
            }
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) && self.warnings.len() < 16 {
            self.warnings.push(warning);
        }
    }

    /// The snapshot that a lost journal is rebuilt from: history, numbers, and what is live.
    pub(super) fn save_last_good(&mut self) {
        let snapshot = serde_json::to_vec(&self.environment).expect("the state has only text keys");
        if let Err(error) = write_atomically(&self.layout.last_good(), &snapshot) {
            tracing::warn!(%error, "the last good state is not saved");
        }
    }
}

/// What the edge saw, for people.
pub(super) fn describe_verdict(verdict: &Verdict) -> String {
    let seen = match &verdict.reason {
        ReturnReason::ConsecutiveErrors { count } => format!("{count} errors in a row"),
        ReturnReason::ErrorRatio { errors, requests, tolerated, evidence } => format!(
            "{errors} of {requests} requests failed, {:.3} % are tolerated (e-value {evidence:.0})",
            tolerated * 100.0
        ),
        ReturnReason::NoHealthyInstance => "no instance passes its readiness probe".to_owned(),
    };
    match verdict.failed {
        0 => format!("the watch: {seen}; no client saw a failure"),
        1 => format!("the watch: {seen}; clients saw 1 failed request"),
        failed => format!("the watch: {seen}; clients saw {failed} failed requests"),
    }
}
