//! What is counted where all nodes see it: failures at log-in, and quotas.

mod failures;
mod familiar;
mod quotas;

pub use failures::SqlFailures;
pub use quotas::SqlQuotas;
