//! Subscription tiers: how much more each may, and what each gets per day.
//!
//! The original had three tables that disagreed. This is the one: the six tiers of its specification, the older names as
//! aliases (`basic` is Starter, `pro` and `premium` are Creator: the plans that took their places). Factors on rates are
//! the original's where it had one (1, 1.5, 5, 10); the two tiers it had none for lie between.

use std::{fmt, str::FromStr};

use super::{Multiplier, Quota};

/// What an account has subscribed to, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Who pays nothing, and who has no account.
    #[default]
    Free,
    /// Once `basic`.
    Starter,
    /// Once `pro` or `premium`.
    Creator,
    /// For teams.
    Professional,
    /// For companies.
    Business,
    /// Without quotas.
    Enterprise,
}

/// What a tier may use per calendar day (UTC), and per request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierQuotas {
    /// Checks of one URL.
    pub checks_per_day: Quota,
    /// Deep scans.
    pub deep_scans_per_day: Quota,
    /// Requests for many URLs at once.
    pub bulk_requests_per_day: Quota,
    /// URLs in one of these.
    pub bulk_urls_max: u32,
    /// Requests of API keys per hour; `None` where the tier has no API.
    pub api_requests_per_hour: Option<Quota>,
}

/// Text that is no tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read a tier: expected `free`, `starter`, `creator`, `professional`, `business` or `enterprise` (or the older `basic`, `pro`, `premium`)"
)]
pub struct ParseTierError;

// === impl Tier ===

impl Tier {
    /// All of them, from least to most.
    pub const ALL: [Self; 6] =
        [Self::Free, Self::Starter, Self::Creator, Self::Professional, Self::Business, Self::Enterprise];

    /// The name that settings and answers have.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Starter => "starter",
            Self::Creator => "creator",
            Self::Professional => "professional",
            Self::Business => "business",
            Self::Enterprise => "enterprise",
        }
    }

    /// The factor on every rate that grows with the tier.
    pub const fn multiplier(self) -> Multiplier {
        Multiplier::percent(match self {
            Self::Free => 100,
            Self::Starter => 150,
            Self::Creator => 500,
            Self::Professional => 600,
            Self::Business => 800,
            Self::Enterprise => 1_000,
        })
    }

    /// What it may use per day.
    pub const fn quotas(self) -> TierQuotas {
        let (checks, deep, bulk, urls, api) = match self {
            Self::Free => (30, 3, Quota::Units(0), 0, None),
            Self::Starter => (100, 10, Quota::Units(0), 0, None),
            Self::Creator => (300, 50, Quota::Units(10), 50, Some(Quota::Units(100))),
            Self::Professional => (1_000, 200, Quota::Units(100), 100, Some(Quota::Units(500))),
            Self::Business => (5_000, 1_000, Quota::Unlimited, 500, Some(Quota::Units(2_000))),
            Self::Enterprise => {
                return TierQuotas {
                    checks_per_day: Quota::Unlimited,
                    deep_scans_per_day: Quota::Unlimited,
                    bulk_requests_per_day: Quota::Unlimited,
                    bulk_urls_max: 500,
                    api_requests_per_hour: Some(Quota::Unlimited),
                };
            }
        };
        TierQuotas {
            checks_per_day: Quota::Units(checks),
            deep_scans_per_day: Quota::Units(deep),
            bulk_requests_per_day: bulk,
            bulk_urls_max: urls,
            api_requests_per_hour: api,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = ParseTierError;

    fn from_str(text: &str) -> Result<Self, ParseTierError> {
        match text {
            "free" => Ok(Self::Free),
            "starter" | "basic" => Ok(Self::Starter),
            "creator" | "pro" | "premium" => Ok(Self::Creator),
            "professional" => Ok(Self::Professional),
            "business" => Ok(Self::Business),
            "enterprise" => Ok(Self::Enterprise),
            _ => Err(ParseTierError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ParseTierError, Tier};

    #[test]
    fn reads_names_and_aliases() {
        for tier in Tier::ALL {
            assert_eq!(tier.to_string().parse(), Ok(tier));
        }
        assert_eq!("basic".parse(), Ok(Tier::Starter));
        assert_eq!("pro".parse(), Ok(Tier::Creator));
        assert_eq!("premium".parse(), Ok(Tier::Creator));
        for text in ["", "Free", "gold", "free "] {
            assert_eq!(text.parse::<Tier>(), Err(ParseTierError), "{text}");
        }
    }

    #[test]
    fn dearer_tiers_get_more() {
        for pair in Tier::ALL.windows(2) {
            assert!(pair[0].multiplier() < pair[1].multiplier(), "{pair:?}");
            let (less, more) = (pair[0].quotas(), pair[1].quotas());
            assert!(less.checks_per_day < more.checks_per_day, "{pair:?}");
            assert!(less.deep_scans_per_day < more.deep_scans_per_day, "{pair:?}");
            assert!(less.bulk_requests_per_day <= more.bulk_requests_per_day, "{pair:?}");
            assert!(less.bulk_urls_max <= more.bulk_urls_max, "{pair:?}");
        }
    }
}
