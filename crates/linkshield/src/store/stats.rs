//! What an account's checks of the last days were like, in numbers. Walks the index of accounts, as listing does.

use jiff::Timestamp;
use shield_guard::AccountId;

use super::{
    account_rows::id_bytes,
    error::StoreError,
    model::{CheckId, CheckStatus},
    open::Store,
    rows::{known, time},
};
use crate::analysis::ThreatLevel;

/// Domains and checks that are named.
const NAMED_MAX: i64 = 10;

// `+` keeps the planner on the index of accounts.
const COUNT: &str = "SELECT status, threat_level, count(*) FROM checks
    WHERE account = ?1 AND +created_at >= ?2 GROUP BY status, threat_level";
const TOP: &str = "SELECT domain, count(*) AS checks FROM checks WHERE account = ?1 AND +created_at >= ?2
    GROUP BY domain ORDER BY checks DESC, domain LIMIT ?3";
const RECENT: &str = "SELECT id, normalized_url, threat_level, status, created_at FROM checks
    WHERE account = ?1 AND +created_at >= ?2 ORDER BY sequence DESC LIMIT ?3";

/// An account's checks in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckStats {
    /// How many, by state and, where there is a verdict, level.
    pub counts: Vec<CheckCount>,
    /// The hosts that were checked most, most first, at most ten.
    pub top_domains: Vec<(String, u64)>,
    /// The newest ones, newest first, at most ten.
    pub recent: Vec<RecentCheck>,
}

/// Checks that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckCount {
    /// Their state.
    pub status: CheckStatus,
    /// Their level.
    pub threat_level: Option<ThreatLevel>,
    /// How many.
    pub count: u64,
}

/// A check in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentCheck {
    /// Its id.
    pub id: CheckId,
    /// What was checked.
    pub normalized_url: String,
    /// Its level.
    pub threat_level: Option<ThreatLevel>,
    /// Its state.
    pub status: CheckStatus,
    /// When it was made.
    pub created_at: Timestamp,
}

// === impl Store ===

impl Store {
    /// The checks of `account` since `since`, in numbers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn check_stats(&self, account: AccountId, since: Timestamp) -> Result<CheckStats, StoreError> {
        let during = StoreError::during("count checks");
        let (account, since) = (id_bytes(account), since.as_millisecond());
        // One read transaction: all three see the same rows.
        let mut transaction = self.lister.begin().await.map_err(&during)?;
        let counts: Vec<(String, Option<String>, i64)> = sqlx::query_as(COUNT)
            .bind(account.clone())
            .bind(since)
            .fetch_all(&mut *transaction)
            .await
            .map_err(&during)?;
        let top: Vec<(String, i64)> = sqlx::query_as(TOP)
            .bind(account.clone())
            .bind(since)
            .bind(NAMED_MAX)
            .fetch_all(&mut *transaction)
            .await
            .map_err(&during)?;
        let recent: Vec<(String, String, Option<String>, String, i64)> = sqlx::query_as(RECENT)
            .bind(account)
            .bind(since)
            .bind(NAMED_MAX)
            .fetch_all(&mut *transaction)
            .await
            .map_err(&during)?;
        Ok(CheckStats {
            counts: counts.into_iter().map(CheckCount::of).collect::<Result<_, _>>()?,
            top_domains: top.into_iter().map(|(domain, count)| (domain, count.unsigned_abs())).collect(),
            recent: recent.into_iter().map(RecentCheck::of).collect::<Result<_, _>>()?,
        })
    }
}

// === impl CheckCount ===

impl CheckCount {
    fn of((status, level, count): (String, Option<String>, i64)) -> Result<Self, StoreError> {
        Ok(Self { status: state(status)?, threat_level: read_level(level)?, count: count.unsigned_abs() })
    }
}

// === impl RecentCheck ===

impl RecentCheck {
    fn of(
        (id, normalized_url, level, status, created_at): (String, String, Option<String>, String, i64),
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id: known("id", id, CheckId::parse)?,
            normalized_url,
            threat_level: read_level(level)?,
            status: state(status)?,
            created_at: time(created_at)?,
        })
    }
}

fn state(name: String) -> Result<CheckStatus, StoreError> {
    known("status", name, CheckStatus::from_name)
}

fn read_level(name: Option<String>) -> Result<Option<ThreatLevel>, StoreError> {
    name.map(|name| known("threat_level", name, ThreatLevel::from_name)).transpose()
}
