//! What is counted where all nodes see it: failures at log-in, quotas, and limits that must be exact.

mod failures;
mod familiar;
mod leases;
mod quotas;

pub use failures::SqlFailures;
pub(crate) use familiar::KNOWN_FOR;
pub use leases::SqlLeases;
pub use quotas::SqlQuotas;
