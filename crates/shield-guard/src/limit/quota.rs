//! Quotas: so much per hour, day or month of the calendar, counted where all nodes see it.
//!
//! A quota is a promise of a price list, so its windows are the calendar's (UTC), not spans from the first use, and its
//! count lives in the database, exact over all nodes and restarts.

use std::time::Duration;

use jiff::{civil::Date, tz::TimeZone};
use shield_types::Timestamp;

use crate::{AccountId, StoreError};

const HOUR_MS: u64 = 3_600_000;

/// How much of something may be used in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// At most so many units; 0 is a feature that the tier does not have.
    Units(u32),
    /// Nothing is counted.
    Unlimited,
}

/// What the calendar repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaPeriod {
    /// From one full hour to the next.
    Hour,
    /// From midnight UTC to midnight UTC.
    Day,
    /// From the first of a month, midnight UTC, to the first of the next.
    Month,
}

/// One hour, day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaWindow {
    /// Its first moment; names the window in a store.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

/// What someone wants to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaUse<'a> {
    /// Whose quota.
    pub account: AccountId,
    /// What is counted, such as `checks`: at most 64 letters of `a-z0-9_`.
    pub feature: &'a str,
    /// What its quota is per.
    pub period: QuotaPeriod,
    /// How many units.
    pub cost: u32,
}

/// What a store counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaCharge<'a> {
    /// Whose quota.
    pub account: AccountId,
    /// What is counted.
    pub feature: &'a str,
    /// In which window.
    pub window: QuotaWindow,
    /// How many units; 0 asks how many were used.
    pub cost: u32,
    /// How many units the window has.
    pub units: u32,
}

/// Why a quota was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaRefusal {
    /// The tier does not have the feature: no wait helps.
    NotIncluded,
    /// It costs more than a whole window has: no wait helps.
    TooCostly,
    /// Used up until the window ends.
    UsedUp {
        /// When the next window begins.
        until: Timestamp,
        /// Whole seconds until then, rounded up, at least 1.
        retry_after_seconds: u64,
        /// Units that are left until then: fewer than were wanted.
        remaining: u32,
    },
}

/// What a quota grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaGrant {
    /// Nothing is counted.
    Unlimited,
    /// Taken; so many units are left in the window.
    Taken {
        /// After this charge.
        remaining: u32,
    },
}

/// Counts of quotas.
pub trait QuotaStore: Send + Sync {
    /// In one atomic step: adds `charge.cost` to what the window has used if the sum is at most `charge.units`. Answers
    /// the sum when added, `None` when not. Counts of windows that ended may be forgotten.
    fn add(&self, charge: QuotaCharge<'_>) -> impl Future<Output = Result<Option<u32>, StoreError>> + Send;
}

// === impl Quota ===

impl Quota {
    /// Whether `cost` units can be had at all; the units of the window to be counted against, `None` when nothing is.
    pub fn units_for(self, cost: u32) -> Result<Option<u32>, QuotaRefusal> {
        match self {
            Self::Unlimited => Ok(None),
            Self::Units(0) => Err(QuotaRefusal::NotIncluded),
            Self::Units(units) if cost > units => Err(QuotaRefusal::TooCostly),
            Self::Units(units) => Ok(Some(units)),
        }
    }

    /// Takes what is wanted at `now`, or says why not.
    ///
    /// # Errors
    /// The store's: then nothing is known, and the request must not go on (ASVS 5.0, 16.5.3).
    pub async fn take(
        self,
        store: &impl QuotaStore,
        wanted: QuotaUse<'_>,
        now: Timestamp,
    ) -> Result<Result<QuotaGrant, QuotaRefusal>, StoreError> {
        let QuotaUse { account, feature, period, cost } = wanted;
        let units = match self.units_for(cost) {
            Ok(Some(units)) => units,
            Ok(None) => return Ok(Ok(QuotaGrant::Unlimited)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let window = QuotaWindow::at(period, now);
        let charge = QuotaCharge { account, feature, window, cost, units };
        if let Some(used) = store.add(charge).await? {
            return Ok(Ok(QuotaGrant::Taken { remaining: units.saturating_sub(used) }));
        }
        let remaining = match cost {
            1 => 0,
            // What costs nothing tells what was used.
            _ => store
                .add(QuotaCharge { cost: 0, ..charge })
                .await?
                .map_or(0, |used| units.saturating_sub(used)),
        };
        let retry_after_seconds = window.seconds_left(now);
        Ok(Err(QuotaRefusal::UsedUp { until: window.end, retry_after_seconds, remaining }))
    }
}

// === impl QuotaWindow ===

impl QuotaWindow {
    /// The window that `now` lies in. Moments that no calendar has (after the year 9999) lie in the last window.
    pub fn at(period: QuotaPeriod, now: Timestamp) -> Self {
        let moment = i64::try_from(now.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let date = TimeZone::UTC.to_datetime(moment.unwrap_or(jiff::Timestamp::MAX)).date();
        let (first, last) = match period {
            // Hours of UTC begin at whole hours of the epoch: it has no leap seconds.
            QuotaPeriod::Hour => {
                let start = now.0 - now.0 % HOUR_MS;
                return Self { start: Timestamp(start), end: Timestamp(start.saturating_add(HOUR_MS)) };
            }
            QuotaPeriod::Day => (date, date),
            QuotaPeriod::Month => (date.first_of_month(), date.last_of_month()),
        };
        Self { start: midnight(first), end: last.tomorrow().map_or(Timestamp(u64::MAX), midnight) }
    }

    /// Whole seconds until it ends, rounded up, at least 1.
    pub fn seconds_left(self, now: Timestamp) -> u64 {
        let left: Duration = self.end.since(now);
        u64::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
    }
}

/// The first moment of a day.
fn midnight(date: Date) -> Timestamp {
    let moment = TimeZone::UTC.to_timestamp(date.into()).map(jiff::Timestamp::as_millisecond);
    Timestamp(moment.ok().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(u64::MAX))
}
