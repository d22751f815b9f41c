//! Listing an account's checks, newest first, by up to five filters. Each listing walks the index of accounts and applies the
//! filters to what it finds, so that nobody's listing takes longer for what others have checked.

use shield_guard::AccountId;

use super::{
    account_rows::id_bytes,
    error::StoreError,
    model::{CheckStatus, StoredCheck},
    open::Store,
    rows::CheckRow,
};
use crate::analysis::ThreatLevel;

/// Which checks to list; every given filter must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Exactly this normalised URL.
    pub normalized_url: Option<String>,
    /// Exactly this host.
    pub host: Option<String>,
    /// Any host under this registrable domain.
    pub registrable_domain: Option<String>,
    /// This level.
    pub threat_level: Option<ThreatLevel>,
    /// This state.
    pub status: Option<CheckStatus>,
}

/// One page of checks and the number of all that match.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// The checks, newest first.
    pub checks: Vec<StoredCheck>,
    /// Matches on all pages.
    pub total_count: u64,
}

/// Bound values: 1 URL, 2 host, 3 registrable domain, 4 level, 5 status, 6 account, 7 limit, 8 offset.
macro_rules! condition {
    () => {
        " FROM checks WHERE account = ?6 AND (?1 IS NULL OR normalized_url = ?1) AND (?2 IS NULL OR domain = ?2) \
         AND (?3 IS NULL OR registrable_domain = ?3) AND (?4 IS NULL OR threat_level = ?4) \
         AND (?5 IS NULL OR status = ?5)"
    };
}

macro_rules! bound {
    ($query:expr, $filter:expr, $account:expr) => {
        $query
            .bind($filter.normalized_url.clone())
            .bind($filter.host.clone())
            .bind($filter.registrable_domain.clone())
            .bind($filter.threat_level.map(ThreatLevel::as_str))
            .bind($filter.status.map(CheckStatus::as_str))
            .bind(id_bytes($account))
    };
}

pub(super) const LIST: &str = concat!(
    "SELECT id, original_url, normalized_url, domain, status, threat_level, confidence_score, scan_started_at,
    scan_completed_at, analysis_results, error_message, created_at, account",
    condition!(),
    " ORDER BY sequence DESC LIMIT ?7 OFFSET ?8"
);
pub(super) const COUNT: &str = concat!("SELECT count(*)", condition!());

// === impl Store ===

impl Store {
    /// Checks of `account` that match `filter`, newest first: `limit` of them after the first `offset`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn history(
        &self,
        account: AccountId,
        filter: &HistoryFilter,
        (limit, offset): (u32, u64),
    ) -> Result<HistoryPage, StoreError> {
        let during = StoreError::during("list history");
        // One read transaction: the page and the count see the same rows.
        let mut transaction = self.lister.begin().await.map_err(&during)?;
        let rows: Vec<CheckRow> = bound!(sqlx::query_as(LIST), filter, account)
            .bind(i64::from(limit))
            .bind(i64::try_from(offset).unwrap_or(i64::MAX))
            .fetch_all(&mut *transaction)
            .await
            .map_err(&during)?;
        let total: i64 = bound!(sqlx::query_scalar(COUNT), filter, account)
            .fetch_one(&mut *transaction)
            .await
            .map_err(&during)?;
        Ok(HistoryPage {
            checks: rows.into_iter().map(StoredCheck::try_from).collect::<Result<_, _>>()?,
            total_count: u64::try_from(total).unwrap_or_default(),
        })
    }
}
