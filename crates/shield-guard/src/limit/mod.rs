//! Rate limits, quotas and the throttling of log-in.
//!
//! | what | where counted | when |
//! |---|---|---|
//! | [`Limit`]s, several per request by [`take_all`] | this process: a [`LimitTable`] each | every request |
//! | [`LeaseTable`] | a shared store, many tokens per call | limits over all nodes |
//! | [`QuotaStore`] | the database | what a tier has per day or month |
//! | [`FailureStore`] | the database | log-in |
//!
//! Time comes in as nanoseconds of a monotonic clock for what one process counts, and as wall-clock time for what nodes
//! share. Whatever cannot be decided is refused, and told apart from a refusal on the merits.

mod admission;
mod bucket;
mod defaults;
mod fixed;
mod gcra;
mod headers;
mod key;
mod lease;
mod login;
#[cfg(test)]
mod login_tests;
mod named;
mod quota;
mod rate;
mod sliding;
mod standing;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod tier;

pub use admission::{Admission, CHARGES_MAX, Charge, Reading, TooManyCharges, take_all};
pub use defaults::{DEFAULT_LIMITS, DefaultLimit};
pub use headers::{LimitField, OlderFields, PolicyField};
pub use key::LimitKey;
pub use lease::{
    Cluster, LeaseAnswer, LeaseDecision, LeaseDemand, LeaseRefusal, LeaseRequest, LeaseSettings, LeaseStore,
    LeaseTable, Sharing, StoreState,
};
pub use login::{
    DeviceDigest, FAILURE_KEYS_MAX, FailureKey, FailureStore, Familiarity, LoginAttempt, LoginDecision,
    LoginName, LoginPolicy, LoginRecord, forgiveness,
};
pub use named::{Limit, LimitError, LimitSettings, TierScaling};
pub use quota::{
    Quota, QuotaCharge, QuotaGrant, QuotaPeriod, QuotaRefusal, QuotaStore, QuotaUse, QuotaWindow,
};
pub use rate::{Multiplier, Rate, RateError};
pub use standing::{Refusal, Standing, Verdict};
pub use state::Algorithm;
pub use table::{LimitTable, TableSettings, TableSizeError};
pub use tier::{ParseTierError, Tier, TierQuotas};
