//! Listing an account's checks, newest first, by up to five filters. Each listing walks the index of accounts and applies the
//! filters to what it finds, so that nobody's listing takes longer for what others have checked.

use shield_data::Statement;
use shield_guard::AccountId;

use super::{
    error::StoreError,
    model::{CheckStatus, StoredCheck},
    open::Store,
    rows::check,
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
        " FROM checks WHERE account = $6 AND ($1 IS NULL OR normalized_url = $1) AND ($2 IS NULL OR domain = $2) \
         AND ($3 IS NULL OR registrable_domain = $3) AND ($4 IS NULL OR threat_level = $4) \
         AND ($5 IS NULL OR status = $5)"
    };
}

pub(super) const LIST: &str = concat!(
    "SELECT id, original_url, normalized_url, domain, status, threat_level, confidence_score, scan_started_at,
    scan_completed_at, analysis_results, error_message, created_at, account",
    condition!(),
    " ORDER BY sequence DESC LIMIT $7 OFFSET $8"
);
pub(super) const COUNT: &str = concat!("SELECT count(*) AS total", condition!());

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
        let _turn = self.turn_to_list().await.map_err(&during)?;
        // One read transaction: the page and the count see the same rows.
        let mut moment = self.lists.begin_reading().await.map_err(&during)?;
        let page = filtered(LIST, filter, account).with(limit).with(offset);
        let rows = moment.rows(page).await.map_err(&during)?;
        let total = moment.row(filtered(COUNT, filter, account)).await.map_err(&during)?;
        let total: Option<i64> = total.map(|row| row.get("total")).transpose().map_err(&during)?;
        moment.abandon().await.map_err(&during)?;
        Ok(HistoryPage {
            checks: rows.into_iter().map(check).collect::<Result<_, _>>()?,
            total_count: total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default(),
        })
    }
}

fn filtered(text: &'static str, filter: &HistoryFilter, account: AccountId) -> Statement {
    Statement::new(text)
        .with(filter.normalized_url.clone())
        .with(filter.host.clone())
        .with(filter.registrable_domain.clone())
        .with(filter.threat_level.map(ThreatLevel::as_str))
        .with(filter.status.map(CheckStatus::as_str))
        .with(account)
}
