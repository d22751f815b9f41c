//! The structural analysis of a URL: text in, findings and a risk score out.
//!
//! Everything here is pure: no socket, file, clock or randomness, so the same text always gets the same answer and a
//! verdict can be reproduced from the URL alone. It guarantees that any text is answered without a panic. It refuses
//! to fetch anything: what a page contains is not known here, and the report says so instead of guessing.

mod engine;
mod finding;
mod host;
mod rules;
mod score;
mod shown;
mod spelling;
mod target;
#[cfg(test)]
mod verdict_tests;

pub use engine::{ANALYZER_NAME, ANALYZER_VERSION, Report, analyse, analyse_text};
pub use finding::{Finding, Rule, Severity, ThreatLevel};
pub use host::{Host, HostName};
pub use rules::{all_rules, threat_list_version};
pub use score::{Assessment, assess};
pub(crate) use shown::reorders;
pub use spelling::Spelling;
pub use target::{Target, TargetError, URL_LENGTH_MAX};
