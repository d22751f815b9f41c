//! What is counted where all nodes see it: failures at log-in, and quotas.

mod failures;
mod familiar;
mod quotas;

pub use failures::SqlFailures;
pub(crate) use familiar::KNOWN_FOR;
pub use quotas::SqlQuotas;
