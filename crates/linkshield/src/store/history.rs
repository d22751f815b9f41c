//! Listing checks, newest first, by up to five filters.
//!
//! SQLite plans a statement without its values, so one statement for all filters would scan the table. There is one
//! constant statement per *leading* filter instead, the most selective one given; it walks that filter's index and
//! the other filters are applied to what it finds.

use sqlx::SqliteConnection;

use super::{
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

/// `list` and `count` over the same condition. Bound values: 1 URL, 2 host, 3 registrable
/// domain, 4 level, 5 status, 6 limit, 7 offset.
struct Statements {
    list: &'static str,
    count: &'static str,
}

macro_rules! statements {
    ($condition:literal) => {
        Statements {
            list: concat!(
                "SELECT id, original_url, normalized_url, domain, status, threat_level, confidence_score, ",
                "scan_started_at, scan_completed_at, analysis_results, error_message, created_at FROM checks WHERE ",
                $condition,
                " AND (?1 IS NULL OR normalized_url = ?1) AND (?2 IS NULL OR domain = ?2)",
                " AND (?3 IS NULL OR registrable_domain = ?3) AND (?4 IS NULL OR threat_level = ?4)",
                " AND (?5 IS NULL OR status = ?5)",
                " ORDER BY sequence DESC LIMIT ?6 OFFSET ?7"
            ),
            count: concat!(
                "SELECT count(*) FROM checks WHERE ",
                $condition,
                " AND (?1 IS NULL OR normalized_url = ?1) AND (?2 IS NULL OR domain = ?2)",
                " AND (?3 IS NULL OR registrable_domain = ?3) AND (?4 IS NULL OR threat_level = ?4)",
                " AND (?5 IS NULL OR status = ?5)"
            ),
        }
    };
}

static BY_URL: Statements = statements!("normalized_url = ?1");
static BY_HOST: Statements = statements!("domain = ?2");
static BY_REGISTRABLE_DOMAIN: Statements = statements!("registrable_domain = ?3");
static BY_LEVEL: Statements = statements!("threat_level = ?4");
static BY_STATUS: Statements = statements!("status = ?5");
static ALL: Statements = Statements {
    list: "SELECT id, original_url, normalized_url, domain, status, threat_level, confidence_score,
        scan_started_at, scan_completed_at, analysis_results, error_message, created_at FROM checks
        WHERE ?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL
        ORDER BY sequence DESC LIMIT ?6 OFFSET ?7",
    count: "SELECT count(*) FROM checks WHERE ?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL",
};

// === impl HistoryFilter ===

impl HistoryFilter {
    fn statements(&self) -> &'static Statements {
        if self.normalized_url.is_some() {
            &BY_URL
        } else if self.host.is_some() {
            &BY_HOST
        } else if self.registrable_domain.is_some() {
            &BY_REGISTRABLE_DOMAIN
        } else if self.threat_level.is_some() {
            &BY_LEVEL
        } else if self.status.is_some() {
            &BY_STATUS
        } else {
            &ALL
        }
    }
}

// === impl Store ===

impl Store {
    /// Checks that match `filter`, newest first: `limit` of them after the first `offset`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn history(
        &self,
        filter: &HistoryFilter,
        limit: u32,
        offset: u64,
    ) -> Result<HistoryPage, StoreError> {
        let during = StoreError::during("list history");
        // One read transaction: the page and the count see the same rows.
        let mut transaction = self.lister.begin().await.map_err(&during)?;
        let statements = filter.statements();
        let rows = list(&mut transaction, statements.list, filter, (limit, offset)).await.map_err(&during)?;
        let total = count(&mut transaction, statements.count, filter).await.map_err(&during)?;
        Ok(HistoryPage {
            checks: rows.into_iter().map(StoredCheck::try_from).collect::<Result<_, _>>()?,
            total_count: u64::try_from(total).unwrap_or_default(),
        })
    }
}

async fn list(
    connection: &mut SqliteConnection,
    statement: &'static str,
    filter: &HistoryFilter,
    (limit, offset): (u32, u64),
) -> Result<Vec<CheckRow>, sqlx::Error> {
    sqlx::query_as(statement)
        .bind(filter.normalized_url.clone())
        .bind(filter.host.clone())
        .bind(filter.registrable_domain.clone())
        .bind(filter.threat_level.map(ThreatLevel::as_str))
        .bind(filter.status.map(CheckStatus::as_str))
        .bind(i64::from(limit))
        .bind(i64::try_from(offset).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
}

async fn count(
    connection: &mut SqliteConnection,
    statement: &'static str,
    filter: &HistoryFilter,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(statement)
        .bind(filter.normalized_url.clone())
        .bind(filter.host.clone())
        .bind(filter.registrable_domain.clone())
        .bind(filter.threat_level.map(ThreatLevel::as_str))
        .bind(filter.status.map(CheckStatus::as_str))
        .fetch_one(connection)
        .await
}

#[cfg(test)]
impl HistoryFilter {
    /// One filter per statement, except the one that lists everything, with the index it must walk.
    pub(super) fn samples() -> Vec<(Self, &'static str)> {
        let text = Some("x".to_owned());
        vec![
            (Self { normalized_url: text.clone(), ..Self::default() }, "checks_by_normalized_url"),
            (Self { host: text.clone(), ..Self::default() }, "checks_by_domain"),
            (Self { registrable_domain: text, ..Self::default() }, "checks_by_registrable_domain"),
            (Self { threat_level: Some(ThreatLevel::Low), ..Self::default() }, "checks_by_threat_level"),
            (Self { status: Some(CheckStatus::Failed), ..Self::default() }, "checks_by_status"),
        ]
    }

    pub(super) fn texts(&self) -> [&'static str; 2] {
        [self.statements().list, self.statements().count]
    }
}
