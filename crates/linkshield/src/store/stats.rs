//! What an account's checks of the last days were like, in numbers. Walks the index of accounts, as listing does.

use jiff::Timestamp;
use shield_data::{Row, SqlError, Statement};
use shield_guard::AccountId;

use super::{
    error::StoreError,
    model::{CheckId, CheckStatus},
    open::Store,
    rows::{known, time},
};
use crate::analysis::ThreatLevel;

/// Domains and checks that are named.
const NAMED_MAX: i64 = 10;

// `+` keeps the planner on the index of accounts.
const COUNT: &str = "SELECT status, threat_level, count(*) AS number FROM checks
    WHERE account = $1 AND +created_at >= $2 GROUP BY status, threat_level";
const TOP: &str = "SELECT domain, count(*) AS checks FROM checks WHERE account = $1 AND +created_at >= $2
    GROUP BY domain ORDER BY checks DESC, domain LIMIT $3";
const RECENT: &str = "SELECT id, normalized_url, threat_level, status, created_at FROM checks
    WHERE account = $1 AND +created_at >= $2 ORDER BY sequence DESC LIMIT $3";

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
        let about = |text| Statement::new(text).with(account).with(since.as_millisecond());
        let _turn = self.turn_to_list().await.map_err(&during)?;
        // One read transaction: all three see the same rows.
        let mut moment = self.lists.begin_reading().await.map_err(&during)?;
        let counts = moment.rows(about(COUNT)).await.map_err(&during)?;
        let top = moment.rows(about(TOP).with(NAMED_MAX)).await.map_err(&during)?;
        let recent = moment.rows(about(RECENT).with(NAMED_MAX)).await.map_err(&during)?;
        moment.abandon().await.map_err(&during)?;
        let domain = |row: &Row| Ok((row.get("domain")?, row.get::<i64>("checks")?.unsigned_abs()));
        Ok(CheckStats {
            counts: counts.iter().map(CheckCount::read).collect::<Result<_, _>>()?,
            top_domains: top.iter().map(domain).collect::<Result<_, _>>().map_err(&during)?,
            recent: recent.iter().map(RecentCheck::read).collect::<Result<_, _>>()?,
        })
    }
}

/// A row of [`COUNT`] or [`RECENT`], as texts: state and level.
fn judged(row: &Row) -> Result<(String, Option<String>), SqlError> {
    Ok((row.get("status")?, row.get("threat_level")?))
}

// === impl CheckCount ===

impl CheckCount {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let during = StoreError::during("read count of checks");
        let (status, level) = judged(row).map_err(&during)?;
        let count: i64 = row.get("number").map_err(&during)?;
        Ok(Self { status: state(status)?, threat_level: read_level(level)?, count: count.unsigned_abs() })
    }
}

// === impl RecentCheck ===

impl RecentCheck {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let during = StoreError::during("read recent check");
        let (status, level) = judged(row).map_err(&during)?;
        Ok(Self {
            id: known("id", row.get("id").map_err(&during)?, CheckId::parse)?,
            normalized_url: row.get("normalized_url").map_err(&during)?,
            threat_level: read_level(level)?,
            status: state(status)?,
            created_at: time(row.get("created_at").map_err(&during)?)?,
        })
    }
}

fn state(name: String) -> Result<CheckStatus, StoreError> {
    known("status", name, CheckStatus::from_name)
}

fn read_level(name: Option<String>) -> Result<Option<ThreatLevel>, StoreError> {
    name.map(|name| known("threat_level", name, ThreatLevel::from_name)).transpose()
}
