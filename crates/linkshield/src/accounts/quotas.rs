//! What a plan includes per hour and day, counted in the database: exact over all processes and restarts.

use std::time::Duration;

use shield_guard::{
    AccountId,
    limit::{Quota, QuotaGrant, QuotaPeriod, QuotaRefusal, QuotaUse, QuotaWindow, Tier},
};
use thiserror::Error;

use super::{Accounts, failure::Failure};
use crate::clock::now;

/// Requests of an account's API keys for checks per hour, where the plan names no number: the original's. What a key only reads
/// is counted by the key's own limit, in memory: exactness would cost a write for each reading.
const API_REQUESTS: Quota = Quota::Units(100);

/// Somebody uses what their plan includes.
#[derive(Debug, Clone, Copy)]
pub struct PlanUse {
    /// Whose plan.
    pub account: AccountId,
    /// Which one.
    pub plan: Tier,
    /// How they came.
    pub means: Means,
    /// What for.
    pub purpose: Purpose,
}

/// What kind of credential came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Of a log-in.
    Session,
    /// An API key, whose requests for checks are counted too.
    ApiKey,
}

/// What is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A check of one URL.
    Check,
    /// A request for so many at once; each counts as a check.
    Bulk {
        /// How many.
        urls: u32,
    },
}

/// Where an account stands with something that its plan includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStanding {
    /// What: `checks`, `bulk_checks` or `api_requests`.
    pub feature: &'static str,
    /// Units per window.
    pub units: u32,
    /// Length of the window.
    pub window: Duration,
    /// Units left.
    pub remaining: u32,
    /// Whole seconds until there are all of them again.
    pub seconds_left: u64,
}

/// Why something is not used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// The plan does not include it, or never as much at once.
    #[error("use `{feature}`, which the plan does not include")]
    NotIncluded {
        /// What.
        feature: &'static str,
    },
    /// It is used up for this hour or day.
    #[error("use more of `{feature}` before `{retry_after_s}` s have passed")]
    UsedUp {
        /// What.
        feature: &'static str,
        /// Whole seconds, at least 1.
        retry_after_s: u64,
    },
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// One thing that is counted.
#[derive(Clone, Copy)]
struct Wanted {
    feature: &'static str,
    quota: Quota,
    period: QuotaPeriod,
    cost: u32,
}

// === impl Accounts ===

impl Accounts {
    /// Takes what is used off the account's quotas; answers where each of them stands. What a later one refuses was still taken
    /// from those before it: first the hour's requests, then the day's bulk requests, then the day's checks.
    ///
    /// # Errors
    /// See [`QuotaError`]; then nothing may be used.
    pub async fn use_plan(&self, used: PlanUse) -> Result<Vec<QuotaStanding>, QuotaError> {
        let wanted = wanted(&used);
        // What the plan never includes costs nothing elsewhere.
        for Wanted { feature, quota, cost, .. } in &wanted {
            quota.units_for(*cost).map_err(|_never| QuotaError::NotIncluded { feature })?;
        }
        let mut standings = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            standings.extend(self.take(used.account, wanted).await?);
        }
        Ok(standings)
    }

    async fn take(&self, account: AccountId, wanted: Wanted) -> Result<Option<QuotaStanding>, QuotaError> {
        let Wanted { feature, quota, period, cost } = wanted;
        let now = now();
        let taken = quota.take(&self.inner.quotas, QuotaUse { account, feature, period, cost }, now).await;
        let granted = taken.map_err(Failure::from)?.map_err(|refusal| match refusal {
            QuotaRefusal::UsedUp { retry_after_seconds, .. } => {
                QuotaError::UsedUp { feature, retry_after_s: retry_after_seconds }
            }
            QuotaRefusal::NotIncluded | QuotaRefusal::TooCostly => QuotaError::NotIncluded { feature },
        })?;
        let (Quota::Units(units), QuotaGrant::Taken { remaining }) = (quota, granted) else {
            return Ok(None);
        };
        let window = QuotaWindow::at(period, now);
        let (length, seconds_left) = (window.end.since(window.start), window.seconds_left(now));
        Ok(Some(QuotaStanding { feature, units, window: length, remaining, seconds_left }))
    }
}

/// In the order in which they are taken.
fn wanted(used: &PlanUse) -> Vec<Wanted> {
    let quotas = used.plan.quotas();
    let (quota, period) = (quotas.api_requests_per_hour.unwrap_or(API_REQUESTS), QuotaPeriod::Hour);
    let request = Wanted { feature: "api_requests", quota, period, cost: 1 };
    let day = |feature, quota, cost| Wanted { feature, quota, period: QuotaPeriod::Day, cost };
    let (bulk, checks) = match used.purpose {
        Purpose::Check => (None, 1),
        Purpose::Bulk { urls } => (Some(day("bulk_checks", quotas.bulk_requests_per_day, 1)), urls),
    };
    let checks = day("checks", quotas.checks_per_day, checks);
    [(used.means == Means::ApiKey).then_some(request), bulk, Some(checks)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use shield_guard::{AccountId, limit::Tier};
    use shield_types::Timestamp;

    use super::{Means, PlanUse, Purpose, wanted};

    fn features(plan: Tier, means: Means, purpose: Purpose) -> Vec<(&'static str, u32)> {
        let account = AccountId::new(Timestamp(0), [1; 10]);
        let wanted = wanted(&PlanUse { account, plan, means, purpose });
        wanted.into_iter().map(|wanted| (wanted.feature, wanted.cost)).collect()
    }

    #[test]
    fn bulk_counts_each_url() {
        let bulk = Purpose::Bulk { urls: 40 };
        assert_eq!(features(Tier::Creator, Means::Session, bulk), [("bulk_checks", 1), ("checks", 40)]);
        assert_eq!(features(Tier::Creator, Means::ApiKey, bulk)[0], ("api_requests", 1));
        assert_eq!(features(Tier::Free, Means::Session, Purpose::Check), [("checks", 1)]);
    }
}
